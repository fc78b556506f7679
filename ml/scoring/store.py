"""Scores on disk: one Parquet file per scoring, and one table of all of them."""

import uuid
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.core.errors import WarehouseLockedError, first_line
from warehouse.core.files import replaced_file
from warehouse.core.sql import literal
from warehouse.snapshots.copy import STORAGE_VERSION
from warehouse.snapshots.scores import COLUMNS

DATABASE_FILE = "credit_scores.duckdb"
TABLE = "scores"
REASONS = tuple(name for name in COLUMNS if name.startswith("reason_"))
SCHEMA = pa.schema(
    [
        ("sk_id_curr", pa.int64()),
        ("probability", pa.float64()),
        ("decision", pa.string()),
        ("threshold", pa.float64()),
        ("model_version", pa.int32()),
        ("snapshot_id", pa.string()),
        ("scored_at", pa.timestamp("us", tz="UTC")),
        *((name, pa.string()) for name in REASONS),
    ]
)


@dataclass(frozen=True)
class WrittenScores:
    """Where scores went, and how many older rows of the same clients, version and snapshot they replaced."""

    parquet: Path
    database: Path
    replaced: int


def write_scores(scores: pa.Table, folder: Path, name: str) -> WrittenScores:
    """Write scores as `<name>.parquet` and into the table `scores` of `credit_scores.duckdb`; both or neither.

    Rows of the same client, model version and snapshot are replaced in one transaction; all others stay.

    Parameters
    ----------
    scores : pyarrow.Table
        Of the schema `SCHEMA`.
    folder : Path
        Made when it is missing.
    name : str
        Of the Parquet file.

    Returns
    -------
    WrittenScores

    Raises
    ------
    WarehouseLockedError
        Another process holds the database, or the folder cannot be written to.
    """
    database, parquet = folder / DATABASE_FILE, folder / f"{name}.parquet"
    unfinished = folder / f".{name}-{uuid.uuid4().hex}.parquet"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(scores, unfinished, compression="zstd")
        _keep_readable(database)
        with duckdb.connect(str(database), config={"storage_compatibility_version": STORAGE_VERSION}) as con:
            replaced = _replace(con, scores)
            unfinished.replace(parquet)
            con.execute("commit")
    except (OSError, duckdb.Error) as error:
        raise WarehouseLockedError(
            expected=f"to write {database.name} and {parquet.name} into {folder}",
            found=first_line(error),
            remedy="close the other program (an open DuckDB shell?), or name another folder with --out",
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return WrittenScores(parquet, database, replaced)


def _keep_readable(database: Path) -> None:
    """Rewrite a file of a storage version that the DuckDB shell of this project is too old for."""
    if not database.is_file():
        return
    with duckdb.connect() as con:
        con.execute(f"attach {literal(str(database))} as found (read_only)")
        ((version,),) = con.execute(
            "select tags['storage_version'] from duckdb_databases() where database_name = 'found'"
        ).fetchall()
        if _numbers(version) <= _numbers(STORAGE_VERSION):
            return
        with replaced_file(database) as unfinished:
            con.execute(f"attach {literal(str(unfinished))} as written (storage_version {literal(STORAGE_VERSION)})")
            con.execute("copy from database found to written; detach written; detach found")


def _numbers(version: str) -> list[int]:
    """Numbers of a version such as "v1.4.0+"."""
    return [int(part) for part in version.strip("v+").split(".")]


def _replace(con: duckdb.DuckDBPyConnection, scores: pa.Table) -> int:
    """Replace rows in a transaction that stays open; how many."""
    listed = ", ".join(f"{name} {kind}" for name, (kind, _) in COLUMNS.items())
    con.execute("begin")
    con.execute(f"create table if not exists {TABLE} ({listed})")
    for name in REASONS:  # a table of before there were any
        con.execute(f"alter table {TABLE} add column if not exists {name} varchar")
    for name, (_, meaning) in COLUMNS.items():
        con.execute(f"comment on column {TABLE}.{name} is '{meaning}'")
    con.register("incoming", scores)
    replaced = con.execute(
        f"delete from {TABLE} as old using incoming as new where old.model_version = new.model_version "
        "and old.snapshot_id = new.snapshot_id and old.sk_id_curr = new.sk_id_curr"
    ).fetchall()[0][0]
    con.execute(f"insert into {TABLE} by name select {', '.join(COLUMNS)} from incoming")
    return int(replaced)
