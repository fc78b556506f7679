"""Drift report of two populations: every column on every row in SQL, and the columns that matter drawn by Evidently."""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from monitoring.drift import measure_drift
from monitoring.evidently_report import add_summary, choose_columns, sample_rows, write_evidently
from monitoring.populations import Population, find_place, open_population
from monitoring.psi import THRESHOLDS, ColumnDrift
from warehouse.core.cli import run_command
from warehouse.core.errors import SettingsError
from warehouse.core.settings import PROJECT_ROOT, Settings

DEFAULT_OUT = PROJECT_ROOT / "monitoring" / "reports" / "drift"
EXIT_DRIFTED = 2
FILES = ("drift.html", "drift.json", "evidently.json")
COLUMNS_SHOWN = 10


@dataclass(frozen=True)
class Options:
    """How the report is drawn.

    Attributes
    ----------
    rows : int
        Rows of each population that Evidently sees.
    columns : int
        Columns that Evidently sees.
    seed : int
        Of the sample.
    max_share : float
        Share of strongly drifted columns that is allowed.
    """

    rows: int = 5000
    columns: int = 30
    seed: int = 42
    max_share: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.max_share <= 1:
            raise SettingsError(
                expected="--max-share between 0 and 1",
                found=str(self.max_share),
                remedy="0.1 allows 10 % of the columns",
            )
        for name, least in (("rows", 100), ("columns", 1)):
            if getattr(self, name) < least:
                raise SettingsError(
                    expected=f"--{name} of at least {least}", found=str(getattr(self, name)), remedy="choose more"
                )


def write_report(
    reference: Population, current: Population, out: Path, options: Options
) -> tuple[tuple[ColumnDrift, ...], list[str]]:
    """Measure the drift and write `drift.json`, `drift.html` and `evidently.json`.

    All three are made beside the folder first: a report that fails leaves the previous one as it was.

    Returns
    -------
    tuple of ColumnDrift
        All columns, the most drifted first.
    list of str
        The summary in words.

    Raises
    ------
    SettingsError
        A population is empty, they share no column, or the folder cannot be written.
    """
    drifts = measure_drift(reference, current)
    summary = summarize(reference, current, drifts)
    chosen = choose_columns(drifts, options.columns)
    samples = [sample_rows(side, chosen, options.rows, options.seed) for side in (reference, current)]
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=out) as folder:
            html, figures, evidently = (Path(folder) / name for name in FILES)
            content = _content(reference, current, drifts)
            figures.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
            write_evidently(*samples, chosen, html, evidently)
            add_summary(html, summary, drifts, f"{len(chosen)} columns, up to {options.rows:,} clients of each side")
            for file in (figures, evidently, html):
                file.replace(out / file.name)
    except OSError as error:
        raise SettingsError(
            expected=f"to write the report into {out}", found=str(error), remedy="choose another folder with --out"
        ) from error
    return drifts, summary


def summarize(reference: Population, current: Population, drifts: Sequence[ColumnDrift]) -> list[str]:
    """What was compared, and how many columns drifted, in words."""
    levels = Counter(drift.level for drift in drifts)
    counted = ", ".join(
        f"{levels[level]:,} {level} (PSI > {threshold:g}; {levels[level] / len(drifts):.1%})"
        for level, threshold in THRESHOLDS.items()
    )
    lines = [
        f"reference: {reference.name}, {reference.rows:,} rows",
        f"current: {current.name}, {current.rows:,} rows",
        f"{len(drifts):,} columns measured on every row: {counted}, {levels['none']:,} none",
    ]
    lines += [
        f"only in {mine.name}, not measured: {', '.join(sorted(extra))}"
        for mine, other in ((reference, current), (current, reference))
        if (extra := set(mine.types) - set(other.types) - {"target"})
    ]
    return lines


def _content(reference: Population, current: Population, drifts: Sequence[ColumnDrift]) -> dict:
    levels = Counter(drift.level for drift in drifts)
    return {
        "created_at": datetime.now(UTC).replace(microsecond=0).isoformat(),
        "reference": {"name": reference.name, "rows": reference.rows},
        "current": {"name": current.name, "rows": current.rows},
        "thresholds": THRESHOLDS,
        "columns_measured": len(drifts),
        "columns_by_level": {level: levels[level] for level in (*THRESHOLDS, "none")},
        "columns": [{**asdict(drift), "null_share_change": drift.null_share_change} for drift in drifts],
    }


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
        "current snapshot, or of the warehouse file when none is published.",
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
        options = Options(args.rows, args.columns, args.seed, args.max_share)
        places = [find_place(args.reference, "reference", settings), find_place(args.current, "current", settings)]
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
