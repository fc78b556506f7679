"""Copy the marts schema into a database of its own, with its documentation."""

import re
from pathlib import Path

import duckdb

from warehouse.core.errors import SnapshotError
from warehouse.core.fingerprint import MARTS_SCHEMA, Mart, read_marts
from warehouse.core.sql import literal, quoted
from warehouse.snapshots.feature_sql import models_of_features, write_feature_sql

ANALYSES_SCHEMA = "analyses"
MEMORY_LIMIT = "2GB"
STORAGE_VERSION = "v1.4.0"  # the DuckDB shell that analysts have is older than the library, and must read it
TARGET = "snapshot_being_written"
ORDER_KEY = "sk_id_curr"
WIDE_MART = "client_features"  # a view of many tables: readers of the copy get its rows side by side
CLIENTS_AT_ONCE = 50_000  # of the wide mart: all at once need more than the memory limit


def copy_marts(source: Path, target: Path, names: frozenset[str]) -> tuple[Mart, ...]:
    """Copy the named marts with all comments, the analyses, and the SQL that the features were built from.

    A view that reads only marts stays a view over the copy's own tables; any other becomes a table, and so does
    `client_features`. Marts of one row per client are ordered by client, others stay in the order that they have.

    Parameters
    ----------
    source : Path
        Warehouse; opened read-only.
    target : Path
        File that does not exist yet.
    names : frozenset of str
        Marts to copy; whatever else lies in the schema stays behind.

    Returns
    -------
    tuple of Mart
        What the copy holds, read back from it.
    """
    spill = target.with_name("spill")
    with duckdb.connect(":memory:", config={"memory_limit": MEMORY_LIMIT, "temp_directory": str(spill)}) as con:
        # Views name the catalog they were made in, which is the file's name: attach the warehouse under it.
        catalog = source.stem
        con.execute(f"attach {literal(source)} as {quoted(catalog)} (read_only)")
        con.execute(f"attach {literal(target)} as {quoted(TARGET)} (storage_version {literal(STORAGE_VERSION)})")
        con.execute(f"use {quoted(TARGET)}; create schema {MARTS_SCHEMA}; create schema {ANALYSES_SCHEMA}")
        views = [(name, sql) for name, sql in _views(con, catalog, MARTS_SCHEMA) if name in names]
        for table in [name for (name,) in _tables(con, catalog) if name in names]:
            _copy_table(con, catalog, table)
        for view, sql in views:
            if not _copy_view(con, catalog, MARTS_SCHEMA, view, sql):
                _copy_table(con, catalog, view)
            elif view == WIDE_MART:
                _write_rows_of_view(con, view)
        _copy_analyses(con, catalog)
        for schema in (MARTS_SCHEMA, ANALYSES_SCHEMA):
            _copy_comments(con, catalog, schema)
        write_feature_sql(con, models_of_features(con, catalog))
        con.execute(f"use memory; checkpoint {quoted(TARGET)}; detach {quoted(TARGET)}")
    if spill.is_dir():
        spill.rmdir()
    with duckdb.connect(str(target), read_only=True) as con:
        return read_marts(con)


def _tables(con: duckdb.DuckDBPyConnection, catalog: str) -> list[tuple[str]]:
    return con.execute(
        "select table_name from duckdb_tables() where database_name = ? and schema_name = ? order by 1",
        [catalog, MARTS_SCHEMA],
    ).fetchall()


def _views(con: duckdb.DuckDBPyConnection, catalog: str, schema: str) -> list[tuple[str, str]]:
    return con.execute(
        "select view_name, sql from duckdb_views() where database_name = ? and schema_name = ? order by 1",
        [catalog, schema],
    ).fetchall()


def _copy_analyses(con: duckdb.DuckDBPyConnection, catalog: str) -> None:
    """Make every analysis a view over the copy's own marts.

    Raises
    ------
    SnapshotError
        An analysis reads something else.
    """
    for name, sql in _views(con, catalog, ANALYSES_SCHEMA):
        if not _copy_view(con, catalog, ANALYSES_SCHEMA, name, sql):
            raise SnapshotError(
                expected=f"analysis {name} to read {MARTS_SCHEMA} alone",
                found="other schemas of the warehouse in it",
                remedy=f"let models/analyses/{name}.sql read marts, and build again",
            )


def _copy_table(con: duckdb.DuckDBPyConnection, catalog: str, name: str) -> None:
    keyed = con.execute(
        "select count(*) from duckdb_columns() "
        "where database_name = ? and schema_name = ? and table_name = ? and column_name = ?",
        [catalog, MARTS_SCHEMA, name, ORDER_KEY],
    ).fetchone()
    first = con.execute(
        "select column_name from duckdb_columns() "
        "where database_name = ? and schema_name = ? and table_name = ? order by column_index limit 1",
        [catalog, MARTS_SCHEMA, name],
    ).fetchone()
    order = f"order by {ORDER_KEY}" if first == (ORDER_KEY,) else "" if keyed[0] else "order by all"
    con.execute(
        f"create table {quoted(MARTS_SCHEMA, name)} as select * from {quoted(catalog, MARTS_SCHEMA, name)} {order}"
    )


def _copy_view(con: duckdb.DuckDBPyConnection, catalog: str, schema: str, name: str, sql: str) -> bool:
    """Make the view over the copy's own tables; False when it needs more than they hold."""
    here = re.sub(
        rf'("{re.escape(catalog)}"|\b{re.escape(catalog)})\s*\.\s*(?="?(?:{MARTS_SCHEMA}|{schema})\b)', "", sql
    )
    if re.search(rf'("{re.escape(catalog)}"|\b{re.escape(catalog)})\s*\.', here):
        return False
    try:
        con.execute(here)
        con.execute(f"select * from {quoted(schema, name)} limit 0")
    except duckdb.Error:
        con.execute(f"drop view if exists {quoted(schema, name)}")
        return False
    return True


def _write_rows_of_view(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """Put a table with its rows, ordered by client, in the place of a view over the copy's own tables."""
    table, view = quoted(MARTS_SCHEMA, name), quoted(MARTS_SCHEMA, f"{name}_as_view")
    con.execute(f"alter view {table} rename to {quoted(f'{name}_as_view')}")
    con.execute(f"create table {table} as from {view} limit 0")
    ends = con.execute(
        f"select max({ORDER_KEY}) from (select {ORDER_KEY}, row_number() over (order by {ORDER_KEY}) as place "
        f"from {view}) group by (place - 1) // {CLIENTS_AT_ONCE} order by 1"
    ).fetchall()
    for first, (last,) in zip([(None,), *ends[:-1]], ends, strict=True):
        beyond = f"{ORDER_KEY} > {first[0]} and " if first[0] is not None else ""
        con.execute(f"insert into {table} from {view} where {beyond}{ORDER_KEY} <= {last} order by {ORDER_KEY}")
    con.execute(f"drop view {view}")


def _copy_comments(con: duckdb.DuckDBPyConnection, catalog: str, schema: str) -> None:
    kinds = con.execute(
        "select table_name, 'table' from duckdb_tables() where database_name = $1 and schema_name = $2 "
        "union all select view_name, 'view' from duckdb_views() where database_name = $1 and schema_name = $2",
        [TARGET, schema],
    ).fetchall()
    kind_of = {str(name): str(kind) for name, kind in kinds}
    tables = con.execute(
        "select table_name, comment from duckdb_tables() where database_name = $1 and schema_name = $2 "
        "union all select view_name, comment from duckdb_views() where database_name = $1 and schema_name = $2",
        [catalog, schema],
    ).fetchall()
    columns = con.execute(
        "select table_name, column_name, comment from duckdb_columns() "
        "where database_name = ? and schema_name = ? and comment is not null",
        [catalog, schema],
    ).fetchall()
    con.execute("begin")
    for table, comment in tables:
        if comment is not None and table in kind_of:
            con.execute(f"comment on {kind_of[table]} {quoted(schema, table)} is {literal(comment)}")
    for table, column, comment in columns:
        if table in kind_of:
            con.execute(f"comment on column {quoted(schema, table, column)} is {literal(comment)}")
    con.execute("commit")
