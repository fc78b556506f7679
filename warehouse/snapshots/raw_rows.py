"""The raw rows that a snapshot's features were made of, in a file beside the marts.

A client's application can so be computed again with other values, by the snapshot's own SQL, without the warehouse.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb

from warehouse.core.files import file_sha256
from warehouse.core.sql import literal, quoted
from warehouse.loading.contract import Table, load_contract
from warehouse.snapshots.copy import MEMORY_LIMIT, STORAGE_VERSION
from warehouse.snapshots.snapshot import Snapshot

RAW_FILE = "credit_raw.duckdb"
CLIENT = "SK_ID_CURR"
SOURCE, TARGET = "warehouse_read", "raw_written"
ENTRY = "raw_rows"  # of the manifest


def copy_raw_rows(warehouse: Path, target: Path) -> dict[str, Any] | None:
    """Copy the raw tables of a warehouse, the rows of a client side by side.

    Returns
    -------
    dict or None
        What the manifest says about the file; None when the warehouse holds no raw tables.
    """
    spill = target.with_name("spill")
    rows: dict[str, int] = {}
    with duckdb.connect(":memory:", config={"memory_limit": MEMORY_LIMIT, "temp_directory": str(spill)}) as con:
        con.execute(f"attach {literal(warehouse)} as {SOURCE} (read_only)")
        present = {
            name
            for (name,) in con.execute(
                "select table_name from duckdb_tables() where database_name = ? and schema_name = 'raw'", [SOURCE]
            ).fetchall()
        }
        tables = [table for name, table in load_contract().tables.items() if name in present]
        if not tables:
            return None
        con.execute(f"attach {literal(target)} as {TARGET} (storage_version {literal(STORAGE_VERSION)})")
        con.execute(f"create schema {TARGET}.raw")
        for table in tables:
            name = quoted("raw", table.name)
            con.execute(f"create table {TARGET}.{name} as from {SOURCE}.{name} order by {_order(table)}")
            rows[table.name] = int(con.execute(f"select count(*) from {TARGET}.{name}").fetchall()[0][0])
        con.execute(f"checkpoint {TARGET}; detach {TARGET}")
    if spill.is_dir():
        spill.rmdir()
    return {"name": target.name, "bytes": target.stat().st_size, "sha256": file_sha256(target), "rows": rows}


def share_raw_rows(
    earlier: Iterable[Snapshot], raw_fingerprints: Mapping[str, str], target: Path
) -> dict[str, Any] | None:
    """Link the file of an earlier snapshot of the same raw files: it is stored once, however often marts are published.

    Returns
    -------
    dict or None
        What the manifest says about the file; None when no sound file of these raw files can be linked.
    """
    for snapshot in earlier:
        known = snapshot.manifest
        if ENTRY in known and known["build"]["raw_fingerprints"] == raw_fingerprints and not raw_faults(snapshot):
            entry: dict[str, Any] = known[ENTRY]
            try:
                os.link(snapshot.folder / entry["name"], target)
            except OSError:  # another disk, or one that cannot link
                return None
            return entry
    return None


def raw_database(snapshot: Snapshot) -> Path | None:
    """The file of a snapshot's raw rows; None for a snapshot that was published without them."""
    path = snapshot.folder / RAW_FILE
    return path if ENTRY in snapshot.manifest and path.is_file() else None


def raw_faults(snapshot: Snapshot) -> list[str]:
    """What differs between the file of raw rows and the manifest; empty when both agree or there is none."""
    expected = snapshot.manifest.get(ENTRY)
    if expected is None:
        return []
    path = snapshot.folder / expected["name"]
    if not path.is_file():
        return [f"{path.name} is missing"]
    return [] if file_sha256(path) == expected["sha256"] else [f"{path.name} is not the file that was published"]


def _order(table: Table) -> str:
    return quoted(CLIENT if CLIENT in table.column_names else table.parent_key or table.column_names[0])
