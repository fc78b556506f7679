"""Profile of the data as one HTML page for people: every figure counted in the database, on every row."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from warehouse.core.cli import command
from warehouse.core.settings import PROJECT_ROOT, Settings

DEFAULT_OUT = PROJECT_ROOT / "monitoring" / "reports" / "profile.html"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m warehouse.profile",
        description="Write one self-contained HTML page about the raw tables of the built warehouse: rows, missing "
        "values, default rates, outliers and sentinels, and what single columns say about default.",
    )
    parser.add_argument("--database", type=Path, metavar="FILE", help="DuckDB file (default: CREDIT_DUCKDB)")
    parser.add_argument("--out", type=Path, metavar="FILE", default=DEFAULT_OUT, help="page to write (%(default)s)")
    return parser


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Measure, write the page, and say where."""
    options = _parser().parse_args(argv)
    from warehouse.core.files import write_text
    from warehouse.loading.contract import load_contract
    from warehouse.profiling.page import render
    from warehouse.profiling.workflow import measure_profile

    started = time.perf_counter()
    profile = measure_profile(options.database or Settings.from_environment().duckdb_path, load_contract())
    write_text(options.out, render(profile), remedy="choose another file with --out")
    rows = sum(table.rows for table in profile.tables)
    print(f"profiled {rows:,} rows in {time.perf_counter() - started:.1f} s: {options.out}")


if __name__ == "__main__":
    sys.exit(main())
