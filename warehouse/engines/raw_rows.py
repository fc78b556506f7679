"""The raw rows of clients of the warehouse, as an applicant's rows would come."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from warehouse.core.database import connect, require_table
from warehouse.core.errors import RawDataError
from warehouse.core.sql import quoted
from warehouse.engines.rows import APPLICATION, CLIENT
from warehouse.loading.contract import Table

LABEL = "TARGET"


def read_raw_rows(warehouse: Path, clients: Sequence[int], contract: Mapping[str, Table]) -> list[dict[str, Any]]:
    """Raw rows of clients, from the raw tables of a warehouse: the files themselves would have to be read to their end.

    Parameters
    ----------
    warehouse : Path
    clients : sequence of int
    contract : mapping of str to Table
        Raw tables and columns to read: `OneClientEngine.raw_tables`, which are the snapshot's own.

    Returns
    -------
    list of dict
        One per client in the order given: `application` and lists of rows by table, as `OneClientEngine.features` takes
        them; the label is left out.

    Raises
    ------
    RawDataError
        A client has no application.
    """
    with connect(warehouse) as con:
        for name in contract:
            require_table(con, "raw", name)
        found = raw_rows_of(con, clients, contract)
    missing = [client for client in clients if client not in found]
    if missing:
        raise RawDataError(
            expected=f"an application with {CLIENT} {', '.join(map(str, missing[:5]))} in {warehouse}",
            found="none",
            remedy="choose a client of marts.client_features, or give the rows with --application FILE.json",
        )
    return [found[client] for client in clients]


def raw_rows_of(
    con: duckdb.DuckDBPyConnection, clients: Sequence[int], contract: Mapping[str, Table]
) -> dict[int, dict[str, Any]]:
    """Raw rows by client, as `read_raw_rows` gives them, from a warehouse that is open; who has none is left out."""
    applicants: dict[int, dict[str, Any]] = {}
    owners = {CLIENT: {client: client for client in clients}}  # the client by each key that rows belong by
    for table in contract.values():
        key = CLIENT if CLIENT in table.column_names else table.parent_key or CLIENT
        keys_of_children = {child.parent_key for child in contract.values() if _has_children(table, child)}
        for row in _rows(con, table, key, list(owners.get(key, ()))):
            client = owners[key][row[key]]
            for other in filter(None, keys_of_children):
                owners.setdefault(other, {})[row[other]] = client
            if table.name.startswith(APPLICATION):
                applicants[client] = {APPLICATION: row} | applicants.get(client, {})
            else:
                applicants.setdefault(client, {}).setdefault(table.name, []).append(row)
    return {client: rows for client, rows in applicants.items() if APPLICATION in rows}


def _has_children(table: Table, child: Table) -> bool:
    """Whether rows of another table name the client only by way of this one."""
    return child.parent_table == table.name and CLIENT not in child.column_names


def _rows(con: duckdb.DuckDBPyConnection, table: Table, key: str, values: list[int]) -> list[dict[str, Any]]:
    """Rows with one of the values of a key; by their range DuckDB skips most of a table that is sorted by the key."""
    if not values:
        return []
    names = [name for name in table.column_names if name != LABEL]
    found = con.execute(
        f"select {', '.join(map(quoted, names))} from raw.{quoted(table.name)} "
        f"where {quoted(key)} between ? and ? and {quoted(key)} in (select unnest(?::bigint[]))",
        [min(values), max(values), values],
    ).fetchall()
    return [dict(zip(names, row, strict=True)) for row in found]
