"""What a publication adds to the copied marts: lineage and bins of the features, and where the snapshot comes from."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from warehouse.analyst import bins, lineage, start
from warehouse.core.fingerprint import Mart, read_marts
from warehouse.core.sql import literal, quoted
from warehouse.lineage.features import FeatureLineage

WAREHOUSE = "warehouse_of_the_snapshot"
BUILD_INFO = "One row per fact about this snapshot: publication, build, quality gate, raw files, programs."

BUILD_INFO_COMMENTS = {"fact": "What is said.", "value": "As text."}


def add_to_snapshot(
    database: Path, warehouse: Path, features: Sequence[FeatureLineage], facts: Mapping[str, str]
) -> tuple[Mart, ...]:
    """Add `feature_lineage`, `feature_bins`, `build_info` and what makes the file ready to use.

    Parameters
    ----------
    database : Path
        A copy of the marts that nobody else has open.
    warehouse : Path
        Opened read-only, for the descriptions of the raw columns.
    features : sequence of FeatureLineage
    facts : mapping
        Rows of `build_info`, in their order.

    Returns
    -------
    tuple of Mart
        The three marts, as `read_marts` describes them.
    """
    with duckdb.connect(str(database)) as con:
        con.execute(f"attach {literal(warehouse)} as {quoted(WAREHOUSE)} (read_only)")
        con.execute("begin")
        lineage.write_lineage(con, features, WAREHOUSE)
        bins.write_bins(con)
        _write_build_info(con, facts)
        _comment(con, "feature_lineage", lineage.GRAIN, lineage.COMMENTS)
        _comment(con, "feature_bins", bins.GRAIN, bins.COMMENTS)
        _comment(con, "build_info", BUILD_INFO, BUILD_INFO_COMMENTS)
        start.write_start(con)
        con.execute("commit")
        con.execute(f"checkpoint; detach {quoted(WAREHOUSE)}")
        return read_marts(con, made_at_publication=True)


def _write_build_info(con: duckdb.DuckDBPyConnection, facts: Mapping[str, str]) -> None:
    con.execute("create table marts.build_info (fact varchar, value varchar)")
    con.executemany("insert into marts.build_info values (?, ?)", [list(fact) for fact in facts.items()])


def _comment(con: duckdb.DuckDBPyConnection, table: str, grain: str, columns: Mapping[str, str]) -> None:
    con.execute(f"comment on table marts.{table} is {literal(grain)}")
    for column, text in columns.items():
        con.execute(f"comment on column marts.{table}.{column} is {literal(text)}")
