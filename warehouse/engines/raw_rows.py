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
    applicants: dict[int, dict[str, Any]] = {}
    with connect(warehouse) as con:
        for table in contract.values():
            require_table(con, "raw", table.name)
            for client, row in _rows(con, table, list(clients)):
                if table.name.startswith(APPLICATION):
                    applicants[client] = {APPLICATION: row} | applicants.get(client, {})
                else:
                    applicants.setdefault(client, {}).setdefault(table.name, []).append(row)
    missing = [client for client in clients if APPLICATION not in applicants.get(client, {})]
    if missing:
        raise RawDataError(
            expected=f"an application with {CLIENT} {', '.join(map(str, missing[:5]))} in {warehouse}",
            found="none",
            remedy="choose a client of marts.client_features, or give the rows with --application FILE.json",
        )
    return [applicants[client] for client in clients]


def _rows(con: duckdb.DuckDBPyConnection, table: Table, clients: list[int]) -> list[tuple[int, dict[str, Any]]]:
    """Pairs of client and row."""
    names = [name for name in table.column_names if name != LABEL]
    columns = ", ".join(f"rows.{quoted(name)}" for name in names)
    rows = f"raw.{quoted(table.name)} as rows"
    if CLIENT in table.column_names:
        owner, source = f"rows.{CLIENT}", rows
    else:
        parent, key = quoted(table.parent_table or ""), quoted(table.parent_key or "")
        owner, source = f"parent.{CLIENT}", f"{rows} inner join raw.{parent} as parent using ({key})"
    found = con.execute(
        f"select {owner}, {columns} from {source} where {owner} in (select unnest(?::bigint[]))", [clients]
    ).fetchall()
    return [(client, dict(zip(names, values, strict=True))) for client, *values in found]
