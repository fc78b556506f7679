"""The whole `dbt build` against plain loading: every model and every test, from the raw files, and again unchanged.

Run on full-size files made by `../shared/bench/scale_up.py`:

    python tests/benchmarks/bench_full_build.py /tmp/full

Asked: first build <= 2.6 x plain loading (aim: 2.0), second build with nothing changed <= 0.12 x the first, peak
memory <= 3.6 GB at a limit of 4 GB. The ten slowest models and tests of the first build are listed.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from measuring import PROJECT_ROOT, SHARED_BENCH, measure, require_shared_bench

SHOWN = 10


def slowest(target: Path) -> list[tuple[float, str]]:
    """Seconds and name of the slowest models and tests of the last build."""
    results = json.loads((target / "run_results.json").read_text())["results"]
    timed = sorted(((result["execution_time"], result["unique_id"]) for result in results), reverse=True)
    return [(seconds, ".".join(name.split(".")[::2][:2])) for seconds, name in timed[:SHOWN]]


def main() -> None:
    """Measure plain loading, the first and the unchanged build in one run, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("raw_dir", type=Path)
    parser.add_argument("--memory-limit", default="4GB")
    arguments = parser.parse_args()
    require_shared_bench()
    raw_dir = arguments.raw_dir.resolve()
    limit = arguments.memory_limit
    plain = measure(
        "plain loading (raw_load.py)", [sys.executable, SHARED_BENCH / "raw_load.py", raw_dir, "--memory-limit", limit]
    )
    with tempfile.TemporaryDirectory() as folder:
        env = {
            "CREDIT_RAW_DIR": str(raw_dir),
            "CREDIT_DUCKDB": f"{folder}/home_credit.duckdb",
            "CREDIT_MEMORY_LIMIT": limit,
            "DBT_TARGET_PATH": f"{folder}/target",
            "DBT_LOG_PATH": f"{folder}/logs",
        }
        build = [str(Path(sys.executable).parent / "dbt"), "--quiet", "build"]
        first = measure("dbt build, first", build, cwd=PROJECT_ROOT / "dbt_project", env=env)
        for seconds, name in slowest(Path(folder, "target")):
            print(f"    {seconds:6.1f} s  {name}")
        second = measure("dbt build, unchanged", build, cwd=PROJECT_ROOT / "dbt_project", env=env)
    print(f"first build / plain loading: {first.seconds / plain.seconds:.2f} (asked <= 2.60, aim 2.00)")
    print(f"unchanged / first build:     {second.seconds / first.seconds:.2f} (asked <= 0.12)")
    print(f"peak memory:                 {first.peak_gigabytes:.2f} GB (asked <= 3.60)")


if __name__ == "__main__":
    main()
