"""Marts of a warehouse that passed the quality gate, and what is known of their origin."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from warehouse.core.builds import Build, require_whole_build
from warehouse.core.database import connect
from warehouse.core.errors import QualityGateError
from warehouse.core.fingerprint import Mart, marts_fingerprint, read_marts
from warehouse.gate.record import QualityRun, latest_run
from warehouse.snapshots.feature_sql import all_models, digest, models_of_features

GATE = "python -m warehouse.quality"
ANALYSES = "analyses."


@dataclass(frozen=True)
class Approved:
    """Marts that have passed the quality gate, and what is known of their origin.

    `feature_sql` is the digest of the SQL that the features were built from, `analyses` that of the analyses; None when
    the warehouse does not say.
    """

    marts: tuple[Mart, ...]
    fingerprint: str
    run: QualityRun
    raw_files: list[dict[str, Any]]
    build: Build
    feature_sql: str | None
    analyses: str | None


def approved_marts(warehouse: Path) -> Approved:
    """Read the marts and make sure that the latest run of the gate passed, and passed on these.

    Raises
    ------
    QualityGateError
        It never ran, or failed, or the marts have been built again since; or the last build was not whole.
    """
    expected = f"marts in {warehouse} that passed the quality gate"
    with connect(warehouse) as con:
        build = require_whole_build(con)
        marts = read_marts(con)
        run = latest_run(con)
        if run is None:
            raise QualityGateError(expected=expected, found="the gate never ran on them", remedy=f"run: {GATE}")
        when = f"{run.run_at:%Y-%m-%d %H:%M:%S} UTC"
        if not run.passed:
            raise QualityGateError(
                expected=expected,
                found=f"{run.failures} failed expectations on {when}",
                remedy=f"fix them, build, and run: {GATE}",
            )
        fingerprint = marts_fingerprint(marts)
        if run.marts_fingerprint != fingerprint:
            raise QualityGateError(
                expected=expected, found=f"marts that changed since the gate of {when}", remedy=f"run: {GATE}"
            )
        sql = digest(models_of_features(con, warehouse.stem))
        analyses = tuple(model for model in all_models(con, warehouse.stem) if model.relation.startswith(ANALYSES))
        return Approved(marts, fingerprint, run, _raw_files(con), build, sql, digest(analyses))


def _raw_files(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Rows of `meta.raw_files`: what was loaded, and when (empty when the warehouse does not say)."""
    try:
        result = con.execute(
            "select * replace (cast(loaded_at as varchar) as loaded_at) from ("
            "select columns(lambda name: name not in ('file_identity', 'checked_at', 'content')) from meta.raw_files) "
            "order by 1"
        )
    except duckdb.CatalogException:
        return []
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
