"""Opening the warehouse file, with errors that say what to do."""

from pathlib import Path

import duckdb

from warehouse.core.errors import SettingsError, WarehouseLockedError, WarehouseMissingError, first_line

LOCK_CONFLICT = "Could not set lock on file"
SCHEMAS = frozenset({"raw", "staging", "intermediate", "marts", "meta"})


def connect(path: Path, *, read_only: bool = True) -> duckdb.DuckDBPyConnection:
    """Open the warehouse file.

    Raises
    ------
    WarehouseMissingError
        `read_only` and the file does not exist, or it is not a DuckDB file.
    WarehouseLockedError
        Another process holds it.
    SettingsError
        The file is named like a schema, which makes every `marts.client_features` ambiguous.
    """
    if path.stem.lower() in SCHEMAS:
        raise SettingsError(
            expected="a warehouse file that is not named like one of its schemas",
            found=path.name,
            remedy="name it home_credit.duckdb, say (environment CREDIT_DUCKDB)",
        )
    if read_only and not path.is_file():
        raise WarehouseMissingError(
            expected=f"a warehouse at {path}", found="no such file", remedy="run: cd dbt_project && dbt build"
        )
    try:
        return duckdb.connect(str(path), read_only=read_only)
    except duckdb.IOException as error:
        if LOCK_CONFLICT in str(error):
            raise locked(path, error) from error
        raise WarehouseMissingError(
            expected=f"a DuckDB warehouse at {path}",
            found=first_line(error),
            remedy="remove the file, then run: cd dbt_project && dbt build",
        ) from error


def locked(path: Path, error: Exception) -> WarehouseLockedError:
    """Error for a warehouse file that another process holds; DuckDB's message names the process."""
    return WarehouseLockedError(
        expected=f"to open {path} alone",
        found=first_line(error),
        remedy="close the other program (an open DuckDB shell?), or read a published snapshot instead",
    )


def has_table(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    """Whether `schema.table` exists."""
    found = con.execute(
        "select count(*) from information_schema.tables where table_schema = ? and table_name = ?", [schema, table]
    ).fetchall()
    return bool(found[0][0])


def require_table(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> None:
    """Raise `WarehouseMissingError` unless `schema.table` exists."""
    if not has_table(con, schema, table):
        raise WarehouseMissingError(
            expected=f"{schema}.{table} in the warehouse",
            found="no such table",
            remedy="run: cd dbt_project && dbt build",
        )
