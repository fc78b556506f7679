"""The gate between the marts and their readers: Great Expectations, computed in the database.

Failures of level `error` stop the gate, warnings are reported. The outcome is written to `meta.quality_runs` with the
fingerprint of the marts that were checked, and `warehouse.publish` refuses any others.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from warehouse.core.cli import command
from warehouse.core.errors import QualityGateError
from warehouse.core.options import add_database_argument
from warehouse.core.settings import PROJECT_ROOT, Settings

DEFAULT_REPORT = PROJECT_ROOT / "monitoring" / "reports" / "quality.json"


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the gate, write its report, and fail when an expectation does."""
    settings = Settings.from_environment()
    parser = argparse.ArgumentParser(
        prog="python -m warehouse.quality",
        description="Check the raw tables and the marts of the built warehouse with Great Expectations, in SQL. "
        "Exit code 0 only when no expectation of level error failed; the outcome is recorded in meta.quality_runs, "
        "and only marts that have passed can be published.",
    )
    add_database_argument(parser, settings.duckdb_path)
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        default=DEFAULT_REPORT,
        help="JSON file of all results; an HTML page is written beside it (%(default)s)",
    )
    args = parser.parse_args(argv)

    from warehouse.core.files import write_text
    from warehouse.gate.page import render_quality
    from warehouse.gate.run import check_quality, write_report
    from warehouse.loading.contract import load_contract

    run, outcomes = check_quality(args.database, load_contract())
    write_report(args.report, args.database, run, outcomes)
    page = args.report.with_suffix(".html")
    write_text(page, render_quality(args.database, run, outcomes), remedy="choose another file with --report")
    for finding in [finding for outcome in outcomes for finding in outcome.warnings]:
        print(finding)
    for finding in [finding for outcome in outcomes for finding in outcome.failures]:
        print(finding)
    counts = f"{run.expectations:,} expectations, {run.failures} failed, {run.warnings} warnings"
    if not run.passed:
        raise QualityGateError(
            expected="every expectation of level error to hold",
            found=counts,
            remedy=f"fix what is named above (all results: {args.report}), build and run the gate again",
        )
    print(f"passed: {counts}; marts {run.marts_fingerprint[:8]}; page {page}")


if __name__ == "__main__":
    sys.exit(main())
