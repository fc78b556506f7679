"""Check that a snapshot still holds what its manifest says."""

from collections.abc import Callable

import duckdb

from warehouse.core.errors import CreditWarehouseError, first_line
from warehouse.core.files import file_sha256
from warehouse.core.fingerprint import Mart, marts_fingerprint, read_marts
from warehouse.snapshots.raw_rows import ENTRY, raw_faults
from warehouse.snapshots.snapshot import Snapshot


def find_faults(snapshot: Snapshot, report: Callable[[str], None] | None = None) -> list[str]:
    """Compare a snapshot with its manifest.

    Parameters
    ----------
    snapshot : Snapshot
    report : callable, optional
        Takes one line for the file and one for each mart.

    Returns
    -------
    list of str
        What differs; empty for a sound snapshot.

    Raises
    ------
    SnapshotError
        The manifest is missing or damaged.
    """
    tell = report or (lambda line: None)
    faults = file_faults(snapshot)
    tell(_line(snapshot.database.name, f"{snapshot.manifest['file']['bytes']:,} bytes, sha256", faults))
    try:
        marts, added = _read_marts(snapshot)
    except (duckdb.Error, CreditWarehouseError) as error:
        return [*faults, f"{snapshot.database.name} cannot be read: {first_line(error)}"]
    listed = snapshot.manifest["marts"] + snapshot.manifest.get("made_at_publication", [])
    expected = {mart["name"]: mart for mart in listed}
    found = {mart.name: mart for mart in marts + added}
    same_hash = snapshot.manifest["versions"].get("duckdb") == duckdb.__version__
    for name in sorted(expected | found):
        mart_faults = _mart_faults(name, expected.get(name), found.get(name), same_hash)
        rows = found[name].rows if name in found else 0
        compared = "fingerprint" if same_hash else f"fingerprint not compared (DuckDB {duckdb.__version__})"
        tell(_line(name, f"{rows:,} rows, {compared}", mart_faults))
        faults += mart_faults
    raw_file = snapshot.manifest.get(ENTRY)
    if raw_file:
        raw = raw_faults(snapshot)
        tell(_line(raw_file["name"], f"{raw_file['bytes']:,} bytes, sha256", raw))
        faults += raw
    if same_hash and not faults and marts_fingerprint(marts) != snapshot.manifest["marts_fingerprint"]:
        faults.append("the fingerprint of all marts is not that of the manifest")
    return faults


def file_faults(snapshot: Snapshot) -> list[str]:
    """What differs between the file and its manifest in size and SHA-256; empty for a sound file."""
    path, expected = snapshot.database, snapshot.manifest["file"]
    if not path.is_file():
        return [f"{path.name} is missing"]
    if path.stat().st_size != expected["bytes"]:
        return [f"{path.name} has {path.stat().st_size:,} bytes instead of {expected['bytes']:,}"]
    if file_sha256(path) != expected["sha256"]:
        return [f"{path.name} has another sha256"]
    return []


def _read_marts(snapshot: Snapshot) -> tuple[tuple[Mart, ...], tuple[Mart, ...]]:
    """Marts as they were built, and those that the publication added."""
    with duckdb.connect(str(snapshot.database), read_only=True) as con:
        return read_marts(con), read_marts(con, made_at_publication=True)


def _mart_faults(name: str, expected: dict | None, found: Mart | None, same_hash: bool) -> list[str]:
    if expected is None:
        return [f"{name} is not in the manifest"]
    if found is None:
        return [f"{name} is missing"]
    if found.rows != expected["rows"]:
        return [f"{name} has {found.rows:,} rows instead of {expected['rows']:,}"]
    if len(found.columns) != expected["columns"]:
        return [f"{name} has {len(found.columns):,} columns instead of {expected['columns']:,}"]
    if same_hash and found.fingerprint != expected["fingerprint"]:
        return [f"{name} has other content"]
    return []


def _line(name: str, checked: str, faults: list[str]) -> str:
    return f"{'DIFFERS' if faults else 'ok':8s} {name:34s} {faults[0] if faults else checked}"
