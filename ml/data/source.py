"""Which marts a command reads: a published snapshot, or a warehouse file in work, and what the quality gate said."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from warehouse.core.database import connect
from warehouse.core.errors import QualityGateError, SnapshotError, TrainingDataError
from warehouse.core.fingerprint import marts_fingerprint, read_marts
from warehouse.core.settings import Settings
from warehouse.snapshots.approval import approved_marts
from warehouse.snapshots.snapshot import (
    CURRENT,
    DATABASE_FILE,
    MANIFEST_FILE,
    PUBLISH,
    Snapshot,
    current_snapshot,
    list_snapshots,
    resolve_snapshot,
)
from warehouse.snapshots.verification import file_faults


@dataclass(frozen=True)
class Origin:
    """Where rows were read from, as manifest, parameters and tags of a run keep it.

    Attributes
    ----------
    source : str
        "published snapshot", or "warehouse file" and its name.
    snapshot : str
        See `Source.snapshot_id`.
    marts_fingerprint : str
        Of all marts, 64 hexadecimal digits; equal for equal content.
    quality_gate : str
        "passed", when and with how many warnings; or why the marts are not approved.
    approved : bool
        Whether these very marts passed the gate.
    """

    source: str
    snapshot: str
    marts_fingerprint: str
    quality_gate: str
    approved: bool

    def to_dict(self) -> dict[str, str]:
        """What JSON and MLflow hold; without `approved`, which `quality_gate` says in words."""
        return {name: value for name, value in asdict(self).items() if name != "approved"}

    @property
    def tags(self) -> dict[str, str]:
        """Tags of a run, by which runs can be searched."""
        return {"source": self.source, "snapshot": self.snapshot, "quality_gate": self.quality_gate}


@dataclass(frozen=True)
class Source:
    """A DuckDB file with marts.

    Attributes
    ----------
    database : Path
        The file, to be opened read-only.
    snapshot : Snapshot or None
        The published snapshot that it belongs to; None for a warehouse file in work.
    """

    database: Path
    snapshot: Snapshot | None = None

    def __str__(self) -> str:
        return f"snapshot {self.snapshot_id}" if self.snapshot else f"warehouse file {self.database.name}"

    @cached_property
    def snapshot_id(self) -> str:
        """Id of the snapshot; "unpublished-" and the time of the last change (UTC) for a warehouse file."""
        if self.snapshot:
            return self.snapshot.snapshot_id
        if not self.database.is_file():
            return "unpublished"  # opening it says what is wrong
        changed = datetime.fromtimestamp(self.database.stat().st_mtime, UTC)
        return f"unpublished-{changed:%Y%m%dT%H%M%SZ}"

    @cached_property
    def origin(self) -> Origin:
        """What a run keeps of it; reads every mart of a warehouse file, and only the manifest of a snapshot.

        Raises
        ------
        WarehouseMissingError, WarehouseLockedError, SnapshotError
            The file, its marts or the manifest cannot be read.
        """
        if self.snapshot:
            manifest = self.snapshot.manifest
            gate = _gate_words(manifest.get("quality_run", {}))
            return Origin("published snapshot", self.snapshot_id, manifest["marts_fingerprint"], gate, True)
        source = f"warehouse file {self.database.name}"
        try:
            approved = approved_marts(self.database)
        except QualityGateError as error:
            with self.connect() as con:
                fingerprint = marts_fingerprint(read_marts(con))
            return Origin(source, self.snapshot_id, fingerprint, f"not approved: {error.found}", False)
        gate = _gate_words(asdict(approved.run))
        return Origin(source, self.snapshot_id, approved.fingerprint, gate, True)

    def require_approved(self) -> None:
        """Make sure that these very marts have passed the quality gate.

        Raises
        ------
        QualityGateError
            They have not.
        """
        if not self.origin.approved:
            raise QualityGateError(
                expected=f"marts in {self.database} that passed the quality gate",
                found=self.origin.quality_gate.removeprefix("not approved: "),
                remedy="run: python -m warehouse.quality, or leave out --database to read the published snapshot",
            )

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Open the file read-only; to be closed by `with`.

        Raises
        ------
        WarehouseMissingError, WarehouseLockedError
            There is no such file, or another process holds it.
        """
        return connect(self.database)


def find_source(
    settings: Settings, *, snapshot: str | None = None, database: Path | None = None, verify: bool = True
) -> Source:
    """The marts that the options of a command name: the current published snapshot unless one of them says otherwise.

    Parameters
    ----------
    settings : Settings
        Says where the snapshots are.
    snapshot : str, optional
        "current", an id or a folder.
    database : Path, optional
        A warehouse file, or the file of a snapshot.
    verify : bool
        Compare the file of a snapshot, byte by byte, with its manifest.

    Raises
    ------
    SnapshotError
        There is no such snapshot, or it is damaged.
    """
    if database is not None:
        return file_source(database.expanduser().resolve(), verify=verify)
    return published_source(snapshot or CURRENT, settings.published_dir, verify=verify)


def published_source(reference: str, published_dir: Path, *, verify: bool = True) -> Source:
    """A published snapshot; parameters as in `find_source`."""
    if reference == CURRENT and current_snapshot(published_dir) is None:
        raise SnapshotError(
            expected=f"a published snapshot in {published_dir}",
            found="none",
            remedy=f"{PUBLISH}, or name a warehouse file with --database",
        )
    return _snapshot_source(resolve_snapshot(reference, published_dir), verify=verify)


def file_source(database: Path, *, verify: bool = True) -> Source:
    """A warehouse file, or the snapshot that the file belongs to."""
    if database.name == DATABASE_FILE and (database.parent / MANIFEST_FILE).is_file():
        return _snapshot_source(Snapshot(database.resolve().parent), verify=verify)
    return Source(database)


def training_source(trained_on: Mapping[str, Any], settings: Settings) -> Source:
    """The marts that a version was trained on.

    Parameters
    ----------
    trained_on : mapping
        `data` of the manifest of the version's run; holds what `Origin.to_dict` gave.
    settings : Settings
        Says where snapshots and warehouse are.

    Returns
    -------
    Source
        The snapshot; for a version that was trained on a warehouse file, a snapshot of the same marts, or the
        warehouse as long as its marts are the same.

    Raises
    ------
    SnapshotError
        None of them is there any more.
    """
    fingerprint = trained_on.get("marts_fingerprint")
    if fingerprint is not None:  # a version of before runs kept their origin has none
        for snapshot in reversed(list_snapshots(settings.published_dir)):
            if snapshot.snapshot_id == trained_on["snapshot"] or _fingerprint(snapshot) == fingerprint:
                return _snapshot_source(snapshot, verify=True)
        warehouse = Source(settings.duckdb_path)
        if settings.duckdb_path.is_file() and warehouse.origin.marts_fingerprint == fingerprint:
            return warehouse
    raise SnapshotError(
        expected=f"the marts that the version was trained on ({trained_on.get('snapshot', 'unknown')})",
        found=f"neither a snapshot of them in {settings.published_dir} nor the same marts in {settings.duckdb_path}",
        remedy="bring them back, or name them with --snapshot or --database",
    )


def version_source(
    trained_on: Mapping[str, Any], settings: Settings, *, snapshot: str | None = None, database: Path | None = None
) -> Source:
    """The marts for what is logged to a version's run: those that the options name, else `training_source`."""
    if snapshot is None and database is None:
        return training_source(trained_on, settings)
    return find_source(settings, snapshot=snapshot, database=database)


def require_trained_on(source: Source, trained_on: Mapping[str, Any], version: int) -> None:
    """Make sure that marts are those that a version was trained on; parameters as in `training_source`.

    Raises
    ------
    TrainingDataError
        They are others.
    """
    if source.origin.marts_fingerprint != trained_on.get("marts_fingerprint"):
        raise TrainingDataError(
            expected=f"the marts that version {version} was trained on ({trained_on.get('snapshot', 'unknown')})",
            found=f"others in {source}",
            remedy="leave out --snapshot and --database, or train a version on these marts",
        )


def _snapshot_source(snapshot: Snapshot, *, verify: bool) -> Source:
    faults = file_faults(snapshot) if verify else []
    if faults:
        raise SnapshotError(
            expected=f"snapshot {snapshot.snapshot_id} as its manifest says",
            found="; ".join(faults),
            remedy="do not read it: publish again, or name another one with --snapshot",
        )
    return Source(snapshot.database, snapshot)


def _fingerprint(snapshot: Snapshot) -> str | None:
    """Fingerprint of the marts; None for a snapshot whose manifest cannot be read."""
    try:
        return str(snapshot.manifest["marts_fingerprint"])
    except SnapshotError:
        return None


def _gate_words(run: Mapping[str, Any]) -> str:
    """`passed 2026-11-24 18:35:02 UTC, 2 warnings`."""
    when = str(run.get("run_at", "at an unknown time"))[:19].replace("T", " ")
    warnings = int(run.get("warnings", 0))
    return f"passed {when} UTC, {warnings} warning{'' if warnings == 1 else 's'}"
