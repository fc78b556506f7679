"""Publish marts that passed the gate as an immutable snapshot."""

import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from warehouse.analyst.additions import add_to_snapshot
from warehouse.core.database import connect
from warehouse.core.errors import QualityGateError, SnapshotError, first_line
from warehouse.core.fingerprint import marts_fingerprint
from warehouse.lineage.features import FeatureLineage, Lineage, Model, columns_of_relations
from warehouse.snapshots.approval import GATE, Approved, approved_marts
from warehouse.snapshots.copy import copy_marts
from warehouse.snapshots.feature_sql import all_models
from warehouse.snapshots.manifest import additions_digest, build_facts, manifest
from warehouse.snapshots.raw_rows import ENTRY, RAW_FILE, copy_raw_rows, share_raw_rows
from warehouse.snapshots.scores import scores_dir, write_score_views
from warehouse.snapshots.snapshot import CURRENT, DATABASE_FILE, MANIFEST_FILE, Snapshot, list_snapshots
from warehouse.snapshots.verification import find_faults

UNFINISHED = ".publishing-"
FEATURE_MART = "marts.feat_"


def publish(warehouse: Path, published_dir: Path) -> tuple[Snapshot, bool]:
    """Publish the marts of a warehouse that has passed its quality gate.

    Returns
    -------
    Snapshot
        The one that `current` points at now.
    bool
        False when these marts had been published before and the snapshot was there already.

    Raises
    ------
    QualityGateError
        The present marts have not passed the gate.
    SnapshotError
        Another publish is running, or the copy cannot be written.
    """
    approved = approved_marts(warehouse)
    try:
        published_dir.mkdir(parents=True, exist_ok=True)
        with _alone(published_dir):
            _sweep(published_dir)
            snapshot = _published_before(published_dir, approved)
            is_new = snapshot is None
            if snapshot is None:
                snapshot = _write_snapshot(warehouse, published_dir, approved)
            _point_at(published_dir, snapshot)
    except (OSError, duckdb.Error) as error:
        raise SnapshotError(
            expected=f"to write a snapshot into {published_dir}",
            found=first_line(error),
            remedy="fix that and publish again; the last snapshot still serves",
        ) from error
    return snapshot, is_new


@contextmanager
def _alone(published_dir: Path) -> Iterator[None]:
    """Hold the folder against a second publish; the lock goes with the process, however it ends."""
    with (published_dir / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SnapshotError(
                expected=f"to publish into {published_dir} alone",
                found="another publish is running",
                remedy="wait for it to end",
            ) from error
        yield


def _sweep(published_dir: Path) -> None:
    """Remove what a publish that was stopped has left."""
    for leftover in published_dir.glob(f"{UNFINISHED}*"):
        if leftover.is_symlink() or leftover.is_file():
            leftover.unlink()
        else:
            shutil.rmtree(leftover)


def _published_before(published_dir: Path, approved: Approved) -> Snapshot | None:
    """Newest sound snapshot of these very marts, made by the same SQL, with the same additions."""
    wanted = approved.fingerprint, approved.feature_sql, additions_digest(approved)
    for snapshot in reversed(list_snapshots(published_dir)):
        try:
            known = snapshot.manifest
            found = known["marts_fingerprint"], known.get("feature_sql"), known.get("additions")
            whole = ENTRY in known or not approved.raw_files  # older snapshots have no raw rows
            if found == wanted and whole and not find_faults(snapshot):
                return snapshot
        except SnapshotError:
            continue
    return None


def _write_snapshot(warehouse: Path, published_dir: Path, approved: Approved) -> Snapshot:
    unfinished = published_dir / f"{UNFINISHED}{uuid.uuid4().hex}"
    unfinished.mkdir()
    database = unfinished / DATABASE_FILE
    folder, created_at = _free_folder(published_dir, approved.fingerprint)
    with ThreadPoolExecutor(1) as beside:
        # tracing columns is Python's work, copying rows is DuckDB's
        features = beside.submit(_tracer(warehouse))
        copied = copy_marts(warehouse, database, frozenset(mart.name for mart in approved.marts))
    if marts_fingerprint(copied) != approved.fingerprint:
        raise QualityGateError(
            expected="the marts that passed the quality gate",
            found="others: they changed while they were copied",
            remedy=f"run: {GATE}",
        )
    facts = build_facts(folder.name, created_at, approved)
    added = add_to_snapshot(database, warehouse, features.result(), facts)
    with duckdb.connect(str(database)) as con:
        write_score_views(con, scores_dir(published_dir))
    content = manifest(facts, approved, copied, added, database)
    raw_file = unfinished / RAW_FILE
    earlier = reversed(list_snapshots(published_dir))
    raw_rows = share_raw_rows(earlier, approved.build.raw_fingerprints, raw_file) or copy_raw_rows(warehouse, raw_file)
    if raw_rows:
        content[ENTRY] = raw_rows
    (unfinished / MANIFEST_FILE).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    _seal(unfinished)
    unfinished.rename(folder)
    _flush(published_dir)
    return Snapshot(folder.resolve())


def _tracer(warehouse: Path) -> Callable[[], tuple[FeatureLineage, ...]]:
    """Read what the lineage of the features needs; what is returned traces them, without a database."""
    with connect(warehouse) as con:
        models = [Model(model.relation, model.sql) for model in all_models(con, warehouse.stem)]
        lineage = Lineage(models, columns_of_relations(con, warehouse.stem))
    marts = [model.relation for model in models if model.relation.startswith(FEATURE_MART)]
    return lambda: tuple(feature for mart in marts for feature in lineage.of_mart(mart))


def _free_folder(published_dir: Path, fingerprint: str) -> tuple[Path, datetime]:
    created_at = datetime.now(UTC).replace(microsecond=0)
    while True:
        folder = published_dir / f"{created_at:%Y%m%dT%H%M%SZ}-{fingerprint[:8]}"
        if not folder.exists():
            return folder, created_at
        created_at += timedelta(seconds=1)


def _seal(folder: Path) -> None:
    """Write everything through to the disk and take the right to write."""
    for path in folder.iterdir():
        _flush(path)
        path.chmod(0o444)
    _flush(folder)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _point_at(published_dir: Path, snapshot: Snapshot) -> None:
    """Switch `current` in one step."""
    pointer = published_dir / f"{UNFINISHED}{uuid.uuid4().hex}"
    pointer.symlink_to(snapshot.snapshot_id)
    pointer.replace(published_dir / CURRENT)
    _flush(published_dir)
