"""Drift report of two populations: every column on every row in SQL, and the columns that matter drawn by Evidently."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from monitoring.options import COLUMNS_SHOWN, FILES, Options
from monitoring.psi import ColumnDrift
from warehouse.core.cli import command
from warehouse.core.settings import PROJECT_ROOT, Settings

DEFAULT_OUT = PROJECT_ROOT / "monitoring" / "reports" / "drift"
EXIT_DRIFTED = 3


def _print_table(drifts: Sequence[ColumnDrift]) -> None:
    width = max(24, *(len(drift.column) + 2 for drift in drifts[:COLUMNS_SHOWN]))
    print(
        f"\n{'column':{width}s}{'PSI':>8s}  {'level':10s}{'missing before':>15s}{'now':>8s}{'information value':>19s}"
    )
    for drift in drifts[:COLUMNS_SHOWN]:
        value = "" if drift.information_value is None else f"{drift.information_value:.3f}"
        print(
            f"{drift.column:{width}s}{drift.psi:8.4f}  {drift.level:10s}{drift.reference_null_share:15.1%}"
            f"{drift.current_null_share:8.1%}{value:>19s}"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m monitoring.report",
        description="Compare two populations. PSI of every column on every row goes to drift.html and "
        "drift.json; evidently.html holds Evidently's charts of the columns that matter: the most drifted, and those "
        "with the highest information value. Exit code 0 when the report was written, 3 with --fail-on-drift and too "
        "much drift, 1 when it could not be written.",
        epilog="R and C: `current`, a snapshot's id or folder, or a DuckDB file, each with or without `:table`, such "
        "as warehouse/home_credit.duckdb:marts.scoring_set. Default: training against scoring population of the "
        "current snapshot, or of what --snapshot or --database names.",
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--snapshot",
        metavar="ID",
        help="published snapshot to read: an id, a folder or current (default: the current one)",
    )
    source.add_argument(
        "--database", metavar="FILE", help="warehouse file in work to read instead of a published snapshot"
    )
    parser.add_argument("--reference", metavar="R", help="what to compare with (table: marts.training_set)")
    parser.add_argument("--current", metavar="C", help="what to look at (table: marts.scoring_set)")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, metavar="DIR", help="folder to write (%(default)s)")
    parser.add_argument(
        "--rows", type=int, metavar="N", default=Options.rows, help="rows per side for the charts (%(default)s)"
    )
    parser.add_argument(
        "--columns", type=int, metavar="N", default=Options.columns, help="columns in the charts (%(default)s)"
    )
    parser.add_argument("--seed", type=int, metavar="S", default=Options.seed, help="seed of the sample (%(default)s)")
    parser.add_argument("--fail-on-drift", action="store_true", help="exit code 3 when too many columns drift strongly")
    parser.add_argument(
        "--max-share",
        type=float,
        metavar="SHARE",
        default=Options.max_share,
        help="share of strongly drifted columns that --fail-on-drift allows (%(default)s)",
    )
    return parser


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Write the report, print its summary, and compare the share of strong drift with the limit."""
    options = _parser().parse_args(argv)
    from monitoring.populations import find_place, open_population
    from monitoring.workflow import write_report

    settings = Settings.from_environment()
    source = options.database or options.snapshot
    drawn = Options(options.rows, options.columns, options.seed, options.max_share)
    places = [
        find_place(options.reference or source, "reference", settings),
        find_place(options.current or source, "current", settings),
    ]
    with open_population(places[0]) as reference, open_population(places[1]) as current:
        drifts, summary = write_report(reference, current, options.out, drawn)
    print("\n".join(summary))
    _print_table(drifts)
    print("\nreport: " + ", ".join(str(options.out / name) for name in FILES))
    strong = sum(drift.level == "strong" for drift in drifts) / len(drifts)
    if not options.fail_on_drift or strong <= options.max_share:
        return 0
    print(
        f"drift: expected at most {options.max_share:.1%} strongly drifted columns; found {strong:.1%}; "
        f"see {options.out / FILES[0]}",
        file=sys.stderr,
    )
    return EXIT_DRIFTED


if __name__ == "__main__":
    sys.exit(main())
