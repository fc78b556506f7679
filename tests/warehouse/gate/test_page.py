"""The page of the quality gate."""

from datetime import UTC, datetime
from pathlib import Path

from warehouse.gate.findings import Finding, SuiteOutcome
from warehouse.gate.page import render_quality
from warehouse.gate.record import QualityRun

SCRIPT = "<script>alert(1)</script>"


def run(failures: int, warnings: int) -> QualityRun:
    return QualityRun(datetime(2026, 11, 24, tzinfo=UTC), failures == 0, 2, failures, warnings, "0123456789abcdef")


def outcome(*findings: Finding) -> SuiteOutcome:
    results = tuple(
        {"expectation": "E", "column": column, "expected": "a value", "level": "error", "success": not findings}
        for column in ("age", None)
    )
    return SuiteOutcome("marts.training_set", 2, findings, results)


def test_errors_come_first_and_values_are_escaped():
    warning = Finding("warning", "marts.a", "", "rows", "none")
    error = Finding("error", "marts.z", "sex", "one of a, b", "3 rows", 3, (SCRIPT,))
    page = render_quality(Path("w.duckdb"), run(1, 1), [outcome(warning, error)])
    assert "Not passed: 1 of 2 expectations failed" in page
    assert page.index("marts.z.sex") < page.index(">marts.a<")
    assert SCRIPT not in page and "&lt;script&gt;" in page


def test_a_run_without_findings_says_so():
    page = render_quality(Path("w.duckdb"), run(0, 0), [outcome()])
    assert "Every expectation held." in page
    assert '<meta name="verdict" content="Passed" data-level="good">' in page
    assert "whole table" in page
