"""The record of the last build, as `dbt build` leaves it in the schema meta."""

from dataclasses import dataclass

import duckdb

from warehouse.core.database import has_table
from warehouse.core.errors import QualityGateError

BUILD = "run: cd dbt_project && dbt build"
PREPARE = """
create schema if not exists meta;
create table if not exists meta.builds (
    build_number bigint, invocation_id varchar, command varchar, started_at timestamp with time zone,
    ended_at timestamp with time zone, passed boolean, node_count bigint, failed_count bigint, missing_count bigint
);
comment on table meta.builds is 'One row per dbt build: how it ended; without `passed` it did not end.';
create table if not exists meta.build_nodes (
    build_number bigint, unique_id varchar, status varchar, state varchar, schema_name varchar, relation_name varchar
);
comment on table meta.build_nodes is
    'One row per raw table, model and test of the last build: how it ended, and the state that it was built in.';
"""


@dataclass(frozen=True)
class Build:
    """One complete build that passed.

    Attributes
    ----------
    build_number : int
    invocation_id : str
        As dbt's own logs and artefacts name it.
    nodes : int
        Models and tests that were done, or found unchanged.
    raw_fingerprints : dict
        Raw table to the fingerprint of the file that it was loaded from.
    """

    build_number: int
    invocation_id: str
    nodes: int
    raw_fingerprints: dict[str, str]


def require_whole_build(con: duckdb.DuckDBPyConnection) -> Build:
    """The last build of a warehouse, when it did everything, nothing failed, and the raw tables are still its own.

    Raises
    ------
    QualityGateError
        There is no such record: the marts may be of several builds, or of none that passed.
    """
    if not (has_table(con, "meta", "builds") and has_table(con, "meta", "build_nodes")):
        raise _refusal("no record of a build")
    last = con.execute(
        "select build_number, invocation_id, command, passed, node_count, failed_count, missing_count "
        "from meta.builds order by build_number desc limit 1"
    ).fetchone()
    if last is None:
        raise _refusal("no record of a build")
    number, invocation, command, passed, nodes, failed, missing = last
    if passed is None:
        raise _refusal("a last build that did not end")
    if not passed:
        raise _refusal(f"a last build in which {failed:,} models or tests failed or were skipped")
    if missing:
        raise _refusal(f"a last `dbt {command}` that left out {missing:,} models or tests")
    built = dict(
        con.execute(
            "select substr(unique_id, 5), state from meta.build_nodes "
            "where build_number = ? and unique_id like 'raw.%'",
            [number],
        ).fetchall()
    )
    loaded = dict(con.execute("select table_name, fingerprint from meta.raw_files").fetchall())
    if built != loaded:
        changed = sorted(name for name in built.keys() | loaded.keys() if built.get(name) != loaded.get(name))
        raise _refusal(f"raw files that were loaded after it: {', '.join(changed)}")
    return Build(number, invocation, nodes, built)


def built_relations(con: duckdb.DuckDBPyConnection, schema: str) -> frozenset[str] | None:
    """Names of the tables and views that dbt made in a schema; None when there is no record of a build."""
    if not has_table(con, "meta", "build_nodes"):
        return None
    rows = con.execute("select relation_name from meta.build_nodes where schema_name = ?", [schema]).fetchall()
    return frozenset(name for (name,) in rows) or None


def _refusal(found: str) -> QualityGateError:
    return QualityGateError(expected="marts of one complete build that passed", found=found, remedy=BUILD)
