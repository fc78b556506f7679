"""The quality gate of a built warehouse, and its record in `meta.quality_runs`."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from warehouse.core.builds import built_relations, require_whole_build
from warehouse.core.database import connect, require_table
from warehouse.core.errors import SettingsError
from warehouse.core.fingerprint import MARTS_SCHEMA, marts_fingerprint, read_marts
from warehouse.core.sql import quoted
from warehouse.gate.expectations import Facts, mart_suites, raw_suite
from warehouse.gate.findings import SuiteOutcome, run_suite
from warehouse.gate.gx_duckdb import duckdb_source
from warehouse.gate.record import PREPARE, REQUIRED_MARTS, QualityRun
from warehouse.loading.contract import Contract


def check_quality(
    warehouse: Path, contract: Contract, *, report: Callable[[str], None] = print
) -> tuple[QualityRun, list[SuiteOutcome]]:
    """Run every suite on the warehouse and record the outcome in it.

    Parameters
    ----------
    warehouse : Path
        The file that dbt has built.
    contract : Contract
        Contract of the raw files.
    report : callable
        Takes one line of progress.

    Returns
    -------
    QualityRun
        Whether the gate was passed, and the counts.
    list of SuiteOutcome
        One per table.

    Raises
    ------
    WarehouseMissingError
        The warehouse, a raw table or a mart is missing.
    WarehouseLockedError
        Another process holds the file.
    QualityGateError
        The last build was not whole.
    """
    connect(warehouse).close()  # a missing file is an error here: the next line would create it
    with connect(warehouse, read_only=False) as con:
        con.execute(PREPARE)
    with connect(warehouse) as con:
        facts = _read_facts(con, contract)
        require_whole_build(con)
        fingerprint = marts_fingerprint(read_marts(con))
    run_at = datetime.now(UTC)
    outcomes = _run_suites(warehouse, contract, facts, report)
    failures = sum(len(outcome.failures) for outcome in outcomes)
    run = QualityRun(
        run_at=run_at,
        passed=failures == 0,
        expectations=sum(outcome.checked for outcome in outcomes),
        failures=failures,
        warnings=sum(len(outcome.warnings) for outcome in outcomes),
        marts_fingerprint=fingerprint,
    )
    with connect(warehouse, read_only=False) as con:
        con.execute("insert into meta.quality_runs values (?, ?, ?, ?, ?, ?)", list(asdict(run).values()))
    return run, outcomes


def write_report(path: Path, warehouse: Path, run: QualityRun, outcomes: list[SuiteOutcome]) -> None:
    """Write the run with every expectation's result as JSON; the file appears whole or not at all.

    Raises
    ------
    SettingsError
        The file cannot be written.
    """
    content = {
        "warehouse": str(warehouse),
        **asdict(run),
        "suites": [asdict(outcome) for outcome in outcomes],
    }
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise SettingsError(
            expected=f"to write the report {path}", found=str(error), remedy="choose another file with --report"
        ) from error


def _read_facts(con: duckdb.DuckDBPyConnection, contract: Contract) -> Facts:
    for table in contract.tables:
        require_table(con, "raw", table)
    for mart in REQUIRED_MARTS:
        require_table(con, MARTS_SCHEMA, mart)
    columns = con.execute(
        "select table_name, column_name, data_type from duckdb_columns() "
        "where database_name = current_database() and schema_name = ? order by table_name, column_index",
        [MARTS_SCHEMA],
    ).fetchall()
    mart_types: dict[str, dict[str, str]] = {}
    built = built_relations(con, MARTS_SCHEMA)
    for mart, column, data_type in columns:
        if built is None or mart in built:
            mart_types.setdefault(mart, {})[column] = data_type
    raw_rows = {
        table: con.execute(f"select count(*) from {quoted('raw', table)}").fetchone()[0] for table in contract.tables
    }
    return Facts(raw_rows=raw_rows, mart_types=mart_types)


def _run_suites(warehouse: Path, contract: Contract, facts: Facts, report: Callable[[str], None]) -> list[SuiteOutcome]:
    suites = [raw_suite(table, contract) for table in contract.tables.values()] + mart_suites(facts)
    report(_row("suite", "checked", "failed", "warnings", "seconds"))
    outcomes = []
    with duckdb_source(warehouse) as source:
        for suite in suites:
            started = time.perf_counter()
            outcome = run_suite(source, suite)
            seconds = f"{time.perf_counter() - started:.1f}"
            report(_row(outcome.suite, outcome.checked, len(outcome.failures), len(outcome.warnings), seconds))
            outcomes.append(outcome)
    return outcomes


def _row(suite: str, *cells: object) -> str:
    return f"{suite:34s}" + "".join(f"{cell!s:>10}" for cell in cells)
