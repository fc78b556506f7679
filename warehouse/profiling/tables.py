"""Rows, columns and missing values of the eight raw tables, counted on every row."""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from warehouse.core.database import require_table
from warehouse.core.errors import WarehouseMissingError
from warehouse.core.sql import quoted
from warehouse.loading.contract import Contract, Table

RAW_SCHEMA = "raw"
COLUMNS = (
    "select column_name, lower(data_type), coalesce(comment, '') from duckdb_columns() "
    "where database_name = current_database() and schema_name = ? and table_name = ? order by column_index"
)
VIEWS = "select 1 from duckdb_views() where database_name = current_database() and schema_name = ? and view_name = ?"


@dataclass(frozen=True)
class TableProfile:
    """One raw table.

    Attributes
    ----------
    name, description : str
    rows, released_rows : int
        Here, and in the real release.
    missing : Mapping
        Missing values by column, in the order of the release.
    """

    name: str
    description: str
    rows: int
    released_rows: int
    missing: Mapping[str, int]

    @property
    def mean_missing_share(self) -> float | None:
        """Mean of the columns' shares of missing values, between 0 and 1; None without rows."""
        return sum(self.missing.values()) / (self.rows * len(self.missing)) if self.rows else None

    @property
    def most_missing(self) -> list[tuple[str, int]]:
        """Columns that have missing values with their numbers, the emptiest first."""
        found = [(column, count) for column, count in self.missing.items() if count]
        return sorted(found, key=lambda item: (-item[1], item[0]))


def require_raw_tables(con: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Check that the raw tables are those of the contract.

    Raises
    ------
    WarehouseMissingError
        A table or a column is missing, or has another type.
    """
    for table in contract.tables.values():
        require_table(con, RAW_SCHEMA, table.name)
        types = read_columns(con, RAW_SCHEMA, table.name)
        for column in table.columns:
            found = types.get(column.name, ("no such column", ""))[0]
            if found != column.data_type:
                raise WarehouseMissingError(
                    expected=f"{RAW_SCHEMA}.{table.name}.{column.name} as {column.data_type}",
                    found=found,
                    remedy="load the raw files again: cd dbt_project && dbt build",
                )


def read_columns(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> dict[str, tuple[str, str]]:
    """Type (lower case) and comment of each column in order; empty when there is no such table or view.

    Raises
    ------
    duckdb.Error
        It is a view that does not work any more.
    """
    if con.execute(VIEWS, [schema, table]).fetchone():
        # A view tells its columns only once it has been bound in this connection.
        con.execute(f"select * from {quoted(schema, table)} limit 0")
    return {name: (kind, comment) for name, kind, comment in con.execute(COLUMNS, [schema, table]).fetchall()}


def measure_table(con: duckdb.DuckDBPyConnection, table: Table) -> TableProfile:
    """Count the rows and missing values of one raw table in one scan."""
    counts = ", ".join(f"count({known_number(column.name, column.data_type)})" for column in table.columns)
    rows, *known = con.execute(f"select count(*), {counts} from {quoted(RAW_SCHEMA, table.name)}").fetchone()
    missing = {name: rows - count for name, count in zip(table.column_names, known, strict=True)}
    return TableProfile(table.name, table.description, rows, table.released_rows, missing)


def known_number(column: str, data_type: str) -> str:
    """SQL of a column in which what is no number (nan, infinity) is missing."""
    name = quoted(column)
    return f"case when isfinite({name}) then {name} end" if data_type in ("double", "float") else name
