"""The two sides of a drift report: which table of which snapshot or warehouse file."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.core.database import connect, require_table
from warehouse.core.errors import SnapshotError
from warehouse.core.fingerprint import MARTS_SCHEMA
from warehouse.core.settings import Settings
from warehouse.core.sql import quoted
from warehouse.snapshots.snapshot import CURRENT, PUBLISH, current_snapshot, resolve_snapshot

TABLE_SUFFIX = re.compile(r"(?P<place>.+):(?:(?P<schema>\w+)\.)?(?P<table>[A-Za-z_]\w*)")
# Not `describe`: of a view it tells the spelling of the columns underneath.
COLUMNS = (
    "select column_name, data_type from duckdb_columns() where database_name = current_database() "
    "and schema_name = ? and table_name = ? order by column_index"
)
DEFAULT_TABLES = {"reference": "training_set", "current": "scoring_set"}


@dataclass(frozen=True)
class Place:
    """A table in a DuckDB file, and what to call it."""

    database: Path
    schema: str
    table: str
    origin: str


@dataclass(frozen=True)
class Population:
    """An open table to measure.

    Attributes
    ----------
    name : str
        For people: `marts.training_set of snapshot 20261120T101530Z-1a2b3c4d`.
    con : duckdb.DuckDBPyConnection
        Read-only.
    relation : str
        Quoted name of the table.
    types : dict
        Columns with their types, in order.
    rows : int
    """

    name: str
    con: duckdb.DuckDBPyConnection
    relation: str
    types: dict[str, str]
    rows: int


def find_place(reference: str | None, role: str, settings: Settings) -> Place:
    """Find what `--reference` or `--current` names.

    Parameters
    ----------
    reference : str or None
        `current`, a snapshot's id or folder, or a DuckDB file, each with or without `:table`; None for the current
        snapshot.
    role : {'reference', 'current'}
        Decides the table that is meant when none is named: the training or the scoring population.
    settings : Settings

    Raises
    ------
    SnapshotError
        There is no such snapshot.
    """
    schema, table = MARTS_SCHEMA, DEFAULT_TABLES[role]
    place = reference or CURRENT
    if reference is not None and not Path(reference).exists():
        named = TABLE_SUFFIX.fullmatch(reference)
        if named:
            place, schema, table = named["place"], named["schema"] or schema, named["table"]
    if place == CURRENT and current_snapshot(settings.published_dir) is None:
        raise SnapshotError(
            expected=f"a published snapshot in {settings.published_dir}",
            found="none",
            remedy=f"{PUBLISH}, or name a warehouse file with --database",
        )
    if Path(place).is_file() or Path(place).suffix == ".duckdb":
        return Place(Path(place).resolve(), schema, table, f"file {Path(place).name}")
    snapshot = resolve_snapshot(place, settings.published_dir)
    return Place(snapshot.database, schema, table, f"snapshot {snapshot.snapshot_id}")


@contextmanager
def open_population(place: Place) -> Iterator[Population]:
    """Open a table read-only.

    Raises
    ------
    WarehouseMissingError
        The file or the table does not exist.
    WarehouseLockedError
        Another process is writing to the file.
    """
    with connect(place.database) as con:
        require_table(con, place.schema, place.table)
        relation = quoted(place.schema, place.table)
        types = dict(con.execute(COLUMNS, [place.schema, place.table]).fetchall())
        rows = con.execute(f"select count(*) from {relation}").fetchone()[0]
        yield Population(f"{place.schema}.{place.table} of {place.origin}", con, relation, types, rows)
