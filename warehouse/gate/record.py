"""Runs of the quality gate as `meta.quality_runs` keeps them."""

from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

REQUIRED_MARTS = ("application_labels", "client_features", "training_set", "scoring_set")


PREPARE = """
create schema if not exists meta;
create table if not exists meta.quality_runs (
    run_at timestamp with time zone, passed boolean, expectations integer, failures integer, warnings integer,
    marts_fingerprint varchar
);
comment on table meta.quality_runs is 'One row per run of the quality gate, with the fingerprint of its marts.';
"""


@dataclass(frozen=True)
class QualityRun:
    """Outcome of one run of the gate: one row of `meta.quality_runs`."""

    run_at: datetime
    passed: bool
    expectations: int
    failures: int
    warnings: int
    marts_fingerprint: str


def latest_run(con: duckdb.DuckDBPyConnection) -> QualityRun | None:
    """Last recorded run of the gate, or None when it never ran."""
    recorded = con.execute(
        "select count(*) from duckdb_tables() where database_name = current_database() "
        "and schema_name = 'meta' and table_name = 'quality_runs'"
    ).fetchone()
    if not recorded[0]:
        return None
    row = con.execute(
        "select epoch_us(run_at), passed, expectations, failures, warnings, marts_fingerprint "
        "from meta.quality_runs order by run_at desc limit 1"
    ).fetchone()
    return row and QualityRun(datetime.fromtimestamp(row[0] / 1e6, UTC), *row[1:])
