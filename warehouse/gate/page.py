"""The HTML page of a run of the quality gate."""

from collections.abc import Sequence
from pathlib import Path

from warehouse.core.page import Head, Verdict, render
from warehouse.gate.findings import Finding, SuiteOutcome
from warehouse.gate.record import QualityRun

TEMPLATE = Path(__file__).resolve().parent / "templates" / "quality.html.j2"
LEVELS = {"error": "bad", "warning": "warning"}


def render_quality(warehouse: Path, run: QualityRun, outcomes: Sequence[SuiteOutcome]) -> str:
    """The run as a page that opens without a network: what did not hold first, then every expectation by table."""
    return render(
        TEMPLATE,
        Head(
            title="Quality gate",
            provenance=f"{warehouse.name}, marts {run.marts_fingerprint[:12]}, checked on "
            f"{run.run_at:%Y-%m-%d at %H:%M} UTC",
            verdict=_verdict(run),
        ),
        key_figures=[
            (f"{run.expectations:,}", "expectations"),
            (f"{run.failures:,}", "failed"),
            (f"{run.warnings:,}", "warnings"),
            (f"{len(outcomes):,}", "tables"),
        ],
        findings=sorted((_row(one) for outcome in outcomes for one in outcome.findings), key=lambda row: row[1]),
        levels=LEVELS,
        tables=[
            (one.suite, f"{one.checked:,}", f"{len(one.failures):,}", f"{len(one.warnings):,}") for one in outcomes
        ],
        expectations=[(one.suite, [_expectation(result) for result in one.results]) for one in outcomes],
    )


def _verdict(run: QualityRun) -> Verdict:
    if not run.passed:
        return Verdict(f"Not passed: {run.failures:,} of {run.expectations:,} expectations failed", "bad")
    warnings = f" with {run.warnings:,} warnings" if run.warnings else ""
    return Verdict(f"Passed{warnings}", "warning" if run.warnings else "good")


def _row(finding: Finding) -> tuple[str, ...]:
    where = f"{finding.table}.{finding.column}" if finding.column else finding.table
    return where, finding.level, finding.expected, finding.observed, ", ".join(finding.examples)


def _expectation(result: dict[str, object]) -> tuple[str, str, str, bool]:
    return (
        str(result["column"] or "whole table"),
        str(result["expected"]),
        str(result["level"]),
        bool(result["success"]),
    )
