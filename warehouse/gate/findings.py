"""Running a suite with Great Expectations, and what it found in words."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import great_expectations as gx
from great_expectations.core import ExpectationValidationResult
from great_expectations.expectations.core import UnexpectedRowsExpectation
from great_expectations.expectations.expectation import Expectation

from warehouse.core.sql import quoted
from warehouse.gate.expectations import ERROR, VALUES_SHOWN, Suite

if TYPE_CHECKING:
    from great_expectations.core.batch import Batch
    from great_expectations.datasource.fluent import SQLDatasource

VALUES_FETCHED = 20
LEVELS = {"critical": "error", "warning": "warning"}


@dataclass(frozen=True)
class Finding:
    """One expectation that did not hold, in one column.

    Attributes
    ----------
    level : str
        `error` or `warning`.
    table, column : str
        `column` is empty for an expectation on the whole table.
    expected, observed : str
    count : int or None
        Rows (or keys) that break the expectation, where they can be counted.
    examples : tuple of str
        Up to five of their values.
    """

    level: str
    table: str
    column: str
    expected: str
    observed: str
    count: int | None = None
    examples: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = f"{self.table}.{self.column}" if self.column else self.table
        examples = f", e.g. {', '.join(self.examples)}" if self.examples else ""
        return f"{self.level}: {where}: expected {self.expected}; found {self.observed}{examples}"


@dataclass(frozen=True)
class SuiteOutcome:
    """What a suite found, and the bare result of each of its expectations."""

    suite: str
    checked: int
    findings: tuple[Finding, ...]
    results: tuple[dict[str, Any], ...]

    @property
    def failures(self) -> list[Finding]:
        """Findings that stop the gate."""
        return [finding for finding in self.findings if finding.level == LEVELS[ERROR]]

    @property
    def warnings(self) -> list[Finding]:
        """Findings that are reported only."""
        return [finding for finding in self.findings if finding.level != LEVELS[ERROR]]


def run_suite(source: "SQLDatasource", suite: Suite) -> SuiteOutcome:
    """Validate one table: first only whether each expectation holds, which Great Expectations bundles into a few
    queries; then the counts and examples of those that do not.
    """  # noqa: D205
    # A query, as assets have no schema of their own any more in Great Expectations.
    asset = source.add_query_asset(suite.name, query=f"select * from {quoted(suite.schema, suite.table)}")
    batch = asset.add_batch_definition_whole_table("whole").get_batch()
    numbered = [expectation.copy(update={"meta": {"number": n}}) for n, expectation in enumerate(suite.expectations)]
    validated = batch.validate(
        gx.ExpectationSuite(name=suite.name, expectations=numbered), result_format="BOOLEAN_ONLY"
    ).results
    held = {result.expectation_config.meta["number"]: bool(result.success) for result in validated}
    findings: list[Finding] = []
    for number, expectation in enumerate(suite.expectations):
        if not held[number]:
            findings += _explain(batch, suite, expectation)
    results = tuple(
        {
            "expectation": type(expectation).__name__,
            "column": getattr(expectation, "column", None),
            "expected": expectation.description,
            "level": LEVELS[expectation.severity.value],
            "success": held[number],
        }
        for number, expectation in enumerate(suite.expectations)
    )
    return SuiteOutcome(suite.name, len(held), tuple(findings), results)


def _explain(batch: "Batch", suite: Suite, expectation: Expectation) -> list[Finding]:
    by_rows = isinstance(expectation, UnexpectedRowsExpectation)
    result_format = {
        "result_format": "COMPLETE" if by_rows else "BASIC",
        "partial_unexpected_count": VALUES_FETCHED,
    }
    result = batch.validate(expectation, result_format=result_format)
    level = LEVELS[expectation.severity.value]
    column = getattr(expectation, "column", "") or ", ".join(getattr(expectation, "column_list", ()))
    if not result.result:
        # What could not be checked did not pass, whatever its level.
        return [Finding(LEVELS[ERROR], suite.name, column, expectation.description, _exception(result))]
    if by_rows:
        rows = result.result["details"]["unexpected_rows"]
        return [_from_row(level, suite.name, expectation.description, row) for row in rows]
    if "unexpected_count" in result.result:
        return [_from_values(level, suite.name, column, expectation.description, result.result)]
    return [Finding(level, suite.name, column, expectation.description, _observed(result.result))]


def _from_row(level: str, table: str, expected: str, row: dict[str, Any]) -> Finding:
    examples = tuple(row["examples"].split(", ")) if row["examples"] else ()
    count = int(row["unexpected_count"])
    return Finding(level, table, row["column_name"], expected, f"{count:,} {row['finding']}", count, examples)


def _from_values(level: str, table: str, column: str, expected: str, result: dict[str, Any]) -> Finding:
    count, total = result["unexpected_count"], result["element_count"]
    distinct = dict.fromkeys(str(value) for value in result["partial_unexpected_list"] if value is not None)
    observed = f"{count:,} of {total:,} rows ({count / total:.2%}) that break this"
    return Finding(level, table, column, expected, observed, count, tuple(distinct)[:VALUES_SHOWN])


def _observed(result: dict[str, Any]) -> str:
    mismatched = result.get("details", {}).get("mismatched")
    if mismatched:
        named = {"missing": mismatched.get("missing"), "unknown": mismatched.get("unexpected")}
        return "; ".join(f"{kind} {', '.join(names)}" for kind, names in named.items() if names)
    value = result["observed_value"]
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}" if isinstance(value, float) else str(value)


def _exception(result: ExpectationValidationResult) -> str:
    messages = [
        info["exception_message"]
        for info in (result.exception_info, *result.exception_info.values())
        if isinstance(info, dict) and info.get("exception_message")
    ]
    return f"not checked: {messages[0].splitlines()[0]}" if messages else "not checked, for no reason given"
