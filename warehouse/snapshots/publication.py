"""Publish marts that passed the gate as an immutable snapshot."""

import fcntl
import importlib.metadata
import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from warehouse.core.builds import Build, require_whole_build
from warehouse.core.database import connect
from warehouse.core.errors import QualityGateError, SnapshotError, first_line
from warehouse.core.fingerprint import Mart, marts_fingerprint, read_marts
from warehouse.core.settings import PROJECT_ROOT
from warehouse.gate.record import QualityRun, latest_run
from warehouse.snapshots.copy import copy_marts
from warehouse.snapshots.feature_sql import digest, models_of_features
from warehouse.snapshots.raw_rows import ENTRY, RAW_FILE, copy_raw_rows
from warehouse.snapshots.snapshot import CURRENT, DATABASE_FILE, MANIFEST_FILE, Snapshot, list_snapshots
from warehouse.snapshots.verification import file_sha256, find_faults

UNFINISHED = ".publishing-"


GATE = "python -m warehouse.quality"


@dataclass(frozen=True)
class Approved:
    """Marts that have passed the quality gate, and what is known of their origin.

    `feature_sql` is the digest of the SQL that the features were built from, None when the warehouse does not say.
    """

    marts: tuple[Mart, ...]
    fingerprint: str
    run: QualityRun
    raw_files: list[dict[str, Any]]
    build: Build
    feature_sql: str | None


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


def approved_marts(warehouse: Path) -> Approved:
    """Read the marts and make sure that the latest run of the gate passed, and passed on these.

    Raises
    ------
    QualityGateError
        It never ran, or failed, or the marts have been built again since; or the last build was not whole.
    """
    expected = f"marts in {warehouse} that passed the quality gate"
    with connect(warehouse) as con:
        build = require_whole_build(con)
        marts = read_marts(con)
        run = latest_run(con)
        if run is None:
            raise QualityGateError(expected=expected, found="the gate never ran on them", remedy=f"run: {GATE}")
        when = f"{run.run_at:%Y-%m-%d %H:%M:%S} UTC"
        if not run.passed:
            raise QualityGateError(
                expected=expected,
                found=f"{run.failures} failed expectations on {when}",
                remedy=f"fix them, build, and run: {GATE}",
            )
        fingerprint = marts_fingerprint(marts)
        if run.marts_fingerprint != fingerprint:
            raise QualityGateError(
                expected=expected, found=f"marts that changed since the gate of {when}", remedy=f"run: {GATE}"
            )
        sql = digest(models_of_features(con, warehouse.stem))
        return Approved(marts, fingerprint, run, _raw_files(con), build, sql)


def _raw_files(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Rows of `meta.raw_files`: what was loaded, and when (empty when the warehouse does not say)."""
    try:
        result = con.execute(
            "select * replace (cast(loaded_at as varchar) as loaded_at) from ("
            "select columns(lambda name: name not in ('file_identity', 'checked_at', 'content')) from meta.raw_files) "
            "order by 1"
        )
    except duckdb.CatalogException:
        return []
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


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
    """Newest sound snapshot of these very marts, made by the same SQL."""
    wanted = approved.fingerprint, approved.feature_sql
    for snapshot in reversed(list_snapshots(published_dir)):
        try:
            found = snapshot.manifest["marts_fingerprint"], snapshot.manifest.get("feature_sql")
            whole = ENTRY in snapshot.manifest or not approved.raw_files  # older snapshots have no raw rows
            if found == wanted and whole and not find_faults(snapshot):
                return snapshot
        except SnapshotError:
            continue
    return None


def _write_snapshot(warehouse: Path, published_dir: Path, approved: Approved) -> Snapshot:
    unfinished = published_dir / f"{UNFINISHED}{uuid.uuid4().hex}"
    unfinished.mkdir()
    database = unfinished / DATABASE_FILE
    copied = copy_marts(warehouse, database, frozenset(mart.name for mart in approved.marts))
    if marts_fingerprint(copied) != approved.fingerprint:
        raise QualityGateError(
            expected="the marts that passed the quality gate",
            found="others: they changed while they were copied",
            remedy=f"run: {GATE}",
        )
    folder, created_at = _free_folder(published_dir, approved.fingerprint)
    manifest = _manifest(folder.name, created_at, approved, copied, database)
    if raw_rows := copy_raw_rows(warehouse, unfinished / RAW_FILE):
        manifest[ENTRY] = raw_rows
    (unfinished / MANIFEST_FILE).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    _seal(unfinished)
    unfinished.rename(folder)
    _flush(published_dir)
    return Snapshot(folder.resolve())


def _free_folder(published_dir: Path, fingerprint: str) -> tuple[Path, datetime]:
    created_at = datetime.now(UTC).replace(microsecond=0)
    while True:
        folder = published_dir / f"{created_at:%Y%m%dT%H%M%SZ}-{fingerprint[:8]}"
        if not folder.exists():
            return folder, created_at
        created_at += timedelta(seconds=1)


def _manifest(
    snapshot_id: str, created_at: datetime, approved: Approved, marts: tuple[Mart, ...], database: Path
) -> dict[str, Any]:
    return {
        "snapshot_id": snapshot_id,
        "created_at": created_at.isoformat(),
        "marts_fingerprint": approved.fingerprint,
        "marts": [{**asdict(mart), "columns": len(mart.columns)} for mart in marts],
        "file": {"name": database.name, "bytes": database.stat().st_size, "sha256": file_sha256(database)},
        "quality_run": {**asdict(approved.run), "run_at": approved.run.run_at.isoformat()},
        "build": asdict(approved.build),
        "raw_files": approved.raw_files,
        "feature_sql": approved.feature_sql,
        "git_revision": _git_revision(),
        "versions": {name: importlib.metadata.version(name) for name in ("duckdb", "dbt-core", "dbt-duckdb")},
    }


def _git_revision() -> str | None:
    """Revision of the working copy, with `-dirty` when it has changes; None outside version control."""
    command = ["git", "-C", str(PROJECT_ROOT), "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


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
