"""Profile of the data as one HTML page for people: every figure counted in the database, on every row."""

import argparse
import sys
import time
from pathlib import Path

from warehouse.core.cli import run_command
from warehouse.core.settings import PROJECT_ROOT, Settings
from warehouse.loading.contract import load_contract
from warehouse.profiling.page import render
from warehouse.profiling.workflow import measure_profile, write_page

DEFAULT_OUT = PROJECT_ROOT / "monitoring" / "reports" / "profile.html"


def main(argv: list[str] | None = None) -> int:
    """Command line of the data profile."""
    settings = Settings.from_environment()
    parser = argparse.ArgumentParser(
        prog="python -m warehouse.profile",
        description="Write one self-contained HTML page about the raw tables of the built warehouse: rows, missing "
        "values, default rates, outliers and sentinels, and what single columns say about default.",
    )
    parser.add_argument(
        "--database", type=Path, metavar="FILE", default=settings.duckdb_path, help="DuckDB file (CREDIT_DUCKDB)"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", default=DEFAULT_OUT, help="page to write (%(default)s)")
    args = parser.parse_args(argv)

    def command() -> None:
        """Measure, write the page, and say where."""
        started = time.perf_counter()
        profile = measure_profile(args.database, load_contract())
        write_page(args.out, render(profile))
        rows = sum(table.rows for table in profile.tables)
        print(f"profiled {rows:,} rows in {time.perf_counter() - started:.1f} s: {args.out}")

    return run_command(command)


if __name__ == "__main__":
    sys.exit(main())
