"""Raw layer against plain loading: how long typed, checked and tested staging takes, and what an unchanged build costs.

Run on full-size files made by `../shared/bench/scale_up.py`:

    python tests/benchmarks/bench_raw_layer.py /tmp/full

Asked: first build <= 1.3 x plain loading, unchanged build <= 0.1 x the first, peak memory <= 3 GB at a limit of 2 GB.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from measuring import PROJECT_ROOT, SHARED_BENCH, measure, require_shared_bench


def main() -> None:
    """Measure plain loading, the first and the unchanged build in one run, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("raw_dir", type=Path)
    parser.add_argument("--memory-limit", default="2GB")
    arguments = parser.parse_args()
    require_shared_bench()
    raw_dir = arguments.raw_dir.resolve()
    plain = measure(
        "plain loading (raw_load.py)",
        [sys.executable, SHARED_BENCH / "raw_load.py", raw_dir, "--memory-limit", arguments.memory_limit],
    )
    with tempfile.TemporaryDirectory() as folder:
        env = {
            "CREDIT_RAW_DIR": str(raw_dir),
            "CREDIT_DUCKDB": f"{folder}/home_credit.duckdb",
            "CREDIT_MEMORY_LIMIT": arguments.memory_limit,
            "DBT_TARGET_PATH": f"{folder}/target",
            "DBT_LOG_PATH": f"{folder}/logs",
        }
        build = [str(Path(sys.executable).parent / "dbt"), "--quiet", "build", "--indirect-selection", "cautious"]
        build += ["--select", "staging", "int_applications_unioned"]
        first = measure("raw layer, first build", build, cwd=PROJECT_ROOT / "dbt_project", env=env)
        second = measure("raw layer, unchanged", build, cwd=PROJECT_ROOT / "dbt_project", env=env)
    print(f"first build / plain loading: {first.seconds / plain.seconds:.2f} (asked <= 1.30)")
    print(f"unchanged / first build:     {second.seconds / first.seconds:.2f} (asked <= 0.10)")
    print(f"peak memory:                 {first.peak_gigabytes:.2f} GB (asked <= 3.00)")


if __name__ == "__main__":
    main()
