"""Drift report of two populations: every column on every row in SQL, and the columns that matter drawn by Evidently."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from monitoring.populations import find_place, open_population
from monitoring.psi import ColumnDrift
from monitoring.workflow import COLUMNS_SHOWN, FILES, Options, write_report
from warehouse.core.cli import run_command
from warehouse.core.settings import PROJECT_ROOT, Settings

DEFAULT_OUT = PROJECT_ROOT / "monitoring" / "reports" / "drift"
EXIT_DRIFTED = 2


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
        description="Compare two populations. PSI of every column on every row goes to drift.json and on top of "
        "drift.html, below it Evidently's charts of the columns that matter: the most drifted, and those with the "
        "highest information value. Exit code 0 when the report was written, 2 with --fail-on-drift and much drift.",
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
    parser.add_argument("--fail-on-drift", action="store_true", help="exit code 2 when too many columns drift strongly")
    parser.add_argument(
        "--max-share",
        type=float,
        metavar="SHARE",
        default=Options.max_share,
        help="share of strongly drifted columns that --fail-on-drift allows (%(default)s)",
    )
    return parser


def main(argv: list[str] | None = None) -> int:
    """Command line of the drift report."""
    args = _parser().parse_args(argv)
    settings = Settings.from_environment()
    strong_share = 0.0

    def command() -> None:
        """Write the report, print its summary, and note the share of strong drift."""
        nonlocal strong_share
        source = args.database or args.snapshot
        options = Options(args.rows, args.columns, args.seed, args.max_share)
        places = [
            find_place(args.reference or source, "reference", settings),
            find_place(args.current or source, "current", settings),
        ]
        with ExitStack() as stack:
            reference, current = (stack.enter_context(open_population(place)) for place in places)
            drifts, summary = write_report(reference, current, args.out, options)
        print("\n".join(summary))
        _print_table(drifts)
        print("\nreport: " + ", ".join(str(args.out / name) for name in FILES))
        strong_share = sum(drift.level == "strong" for drift in drifts) / len(drifts)

    code = run_command(command)
    if code == 0 and args.fail_on_drift and strong_share > args.max_share:
        print(
            f"drift: expected at most {args.max_share:.1%} strongly drifted columns; found {strong_share:.1%}",
            file=sys.stderr,
        )
        return EXIT_DRIFTED
    return code


if __name__ == "__main__":
    sys.exit(main())
