"""`marts.feature_lineage`: every feature with the raw columns that it is computed from."""

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from warehouse.core.sql import literal
from warehouse.lineage.features import FeatureLineage

GRAIN = "One row per feature and raw column that it is computed from, read out of the SQL that built it."
COMMENTS = {
    "feature": "Column of client_features.",
    "mart": "Feature mart that makes it.",
    "raw_table": "File of the release.",
    "raw_column": "Column of that file; of a number of rows, the one that groups them.",
    "raw_description": "What the release says of that column.",
    "expression": "SQL that computes the feature in its mart, on the columns of the step before.",
    "through": "Models between the raw file and the mart, apart by commas.",
}
TRACED = pa.schema([(name, pa.string()) for name in COMMENTS if name != "raw_description"])


def write_lineage(con: duckdb.DuckDBPyConnection, features: Sequence[FeatureLineage], catalog: str) -> None:
    """Make `marts.feature_lineage` in the current database; staging models of `catalog` describe the raw columns."""
    rows = [
        (one.feature, one.mart, *raw, one.expression, ", ".join(one.through))
        for one in features
        for raw in one.raw_columns
    ]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(TRACED)
    con.register("traced", pa.Table.from_arrays([pa.array(column, pa.string()) for column in columns], schema=TRACED))
    con.execute(
        f"""
        create table marts.feature_lineage as
        select feature, mart, raw_table, raw_column, described.comment as raw_description, expression, through
        from traced
        left join duckdb_columns() as described
            on described.database_name = {literal(catalog)} and described.schema_name = 'staging'
            and described.table_name = 'stg_home_credit__' || lower(raw_table)
            and described.column_name = lower(raw_column)
        order by feature, raw_table, raw_column
        """
    )
    con.unregister("traced")
