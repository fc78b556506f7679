"""What the marts hold, as one number: row counts and order-independent hashes, computed in the database."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from warehouse.core.builds import built_relations
from warehouse.core.errors import WarehouseMissingError
from warehouse.core.sql import quoted

MARTS_SCHEMA = "marts"
MADE_AT_PUBLICATION = frozenset({"build_info", "feature_bins", "feature_lineage"})


@dataclass(frozen=True)
class Mart:
    """One table or view of the marts schema.

    Attributes
    ----------
    name : str
    kind : str
        `table` or `view`.
    rows : int
    columns : tuple of str
        Names in their order.
    fingerprint : str
        32 hexadecimal digits over columns, types, comments and rows.
    """

    name: str
    kind: str
    rows: int
    columns: tuple[str, ...]
    fingerprint: str


def read_marts(
    con: duckdb.DuckDBPyConnection, catalog: str | None = None, *, made_at_publication: bool = False
) -> tuple[Mart, ...]:
    r"""Describe every mart of a database; in a warehouse only what dbt has built, whatever else lies in the schema.

    Per mart the rows are summed as :math:`\sum_i h(x_i)`, where `h` is DuckDB's 64-bit hash of all columns of row `i`:
    the order of rows does not matter, and unlike with exclusive-or a row that stands twice is counted twice. The hash
    is stable within one version of DuckDB only.

    Parameters
    ----------
    con : duckdb.DuckDBPyConnection
    catalog : str, optional
        Attached database to read; the current one by default.
    made_at_publication : bool
        Read those that a publication has added to a snapshot, and only those; there may be none.

    Returns
    -------
    tuple of Mart
        Sorted by name.

    Raises
    ------
    WarehouseMissingError
        There is no mart.
    """
    database = catalog or con.execute("select current_database()").fetchone()[0]
    relations = con.execute(
        "select table_name, 'table', comment from duckdb_tables() where database_name = $1 and schema_name = $2 "
        "union all select view_name, 'view', comment from duckdb_views() where database_name = $1 and schema_name = $2 "
        "order by 1",
        [database, MARTS_SCHEMA],
    ).fetchall()
    relations = [relation for relation in relations if (relation[0] in MADE_AT_PUBLICATION) == made_at_publication]
    built = None if catalog else built_relations(con, MARTS_SCHEMA)
    if built is not None:
        relations = [relation for relation in relations if relation[0] in built]
    if not relations and not made_at_publication:
        raise WarehouseMissingError(
            expected=f"tables in the schema {MARTS_SCHEMA}", found="none", remedy="run: cd dbt_project && dbt build"
        )
    return tuple(_read_mart(con, database, *relation) for relation in relations)


def marts_fingerprint(marts: tuple[Mart, ...]) -> str:
    """One digest over all marts (64 hexadecimal digits); equal for equal content, whatever the order of rows.

    Examples
    --------
    >>> mart = Mart("client_features", "table", 2, ("sk_id_curr",), "00ff")
    >>> marts_fingerprint((mart,)) == marts_fingerprint((mart,))
    True
    """
    return _digest(sorted((mart.name, mart.rows, mart.fingerprint) for mart in marts))


def _read_mart(con: duckdb.DuckDBPyConnection, database: str, name: str, kind: str, comment: str | None) -> Mart:
    columns = con.execute(
        "select column_name, data_type, comment from duckdb_columns() "
        "where database_name = ? and schema_name = ? and table_name = ? order by column_index",
        [database, MARTS_SCHEMA, name],
    ).fetchall()
    # Named one by one: the hash of the whole row as a struct is six times slower.
    listed = ", ".join(quoted(column) for column, _, _ in columns)
    rows, total = con.execute(
        f"select count(*), sum(hash({listed})) from {quoted(database, MARTS_SCHEMA, name)}"
    ).fetchone()
    return Mart(
        name=name,
        kind=kind,
        rows=rows,
        columns=tuple(column for column, _, _ in columns),
        fingerprint=_digest([name, comment, columns, rows, str(total or 0)])[:32],
    )


def _digest(content: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
