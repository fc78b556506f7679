"""Raw layer against plain loading: how long typed, checked and tested staging takes, and what an unchanged build costs.

Run on full-size files made by `../shared/bench/scale_up.py`, and on three times as many (`--scale 3`) for growth:

    python tests/benchmarks/bench_raw_layer.py /tmp/full [--threefold /tmp/threefold]

Asked: first build <= 1.3 x plain loading, unchanged build <= 0.1 x the first, three times the data <= 3.3 x the time,
peak memory <= 3 GB at a limit of 2 GB. An unchanged build is measured as a new process, of which the start of Python
and dbt is the larger part, and as a second build of one process (`dbtRunner`), which is the raw layer's own part.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from measuring import PROJECT_ROOT, SHARED_BENCH, Measurement, measure, require_shared_bench

SELECTION = ["--quiet", "build", "--indirect-selection", "cautious", "--select", "staging", "int_applications_unioned"]
SECOND_IN_PROCESS = """
import sys, time
from dbt.cli.main import dbtRunner
for _ in range(2):
    started = time.perf_counter()
    assert dbtRunner().invoke(sys.argv[1:]).success
    print(f"seconds: {time.perf_counter() - started:.3f}")
"""


def build(name: str, raw_dir: Path, folder: str, memory_limit: str) -> Measurement:
    """Run dbt on the raw layer in a process of its own."""
    dbt = str(Path(sys.executable).parent / "dbt")
    return measure(
        name, [dbt, *SELECTION], cwd=PROJECT_ROOT / "dbt_project", env=environment(raw_dir, folder, memory_limit)
    )


def environment(raw_dir: Path, folder: str, memory_limit: str) -> dict[str, str]:
    """Where dbt finds the files and puts what it makes."""
    return {
        "CREDIT_RAW_DIR": str(raw_dir),
        "CREDIT_DUCKDB": f"{folder}/home_credit.duckdb",
        "CREDIT_MEMORY_LIMIT": memory_limit,
        "DBT_TARGET_PATH": f"{folder}/target",
        "DBT_LOG_PATH": f"{folder}/logs",
    }


def second_build_of_one_process(raw_dir: Path, folder: str, memory_limit: str) -> float:
    """Seconds of an unchanged build when Python and dbt have started already."""
    output = subprocess.run(
        [sys.executable, "-c", SECOND_IN_PROCESS, *SELECTION],
        cwd=PROJECT_ROOT / "dbt_project",
        env={**os.environ, **environment(raw_dir, folder, memory_limit)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return float(re.findall(r"seconds: ([\d.]+)", output)[-1])


def main() -> None:
    """Measure plain loading, the first and the unchanged build in one run, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("raw_dir", type=Path)
    parser.add_argument("--memory-limit", default="2GB")
    parser.add_argument("--threefold", type=Path, metavar="DIR", help="three times the data")
    arguments = parser.parse_args()
    require_shared_bench()
    raw_dir = arguments.raw_dir.resolve()
    limit = arguments.memory_limit
    plain = measure(
        "plain loading (raw_load.py)", [sys.executable, SHARED_BENCH / "raw_load.py", raw_dir, "--memory-limit", limit]
    )
    with tempfile.TemporaryDirectory() as folder:
        first = build("raw layer, first build", raw_dir, folder, limit)
        second = build("raw layer, unchanged", raw_dir, folder, limit)
        within = second_build_of_one_process(raw_dir, folder, limit)
    print(f"first build / plain loading: {first.seconds / plain.seconds:.2f} (asked <= 1.30)")
    print(f"unchanged / first build:     {second.seconds / first.seconds:.2f} as a new process (asked <= 0.10)")
    print(f"                             {within / first.seconds:.2f} within one process")
    print(f"peak memory:                 {first.peak_gigabytes:.2f} GB (asked <= 3.00)")
    if arguments.threefold:
        with tempfile.TemporaryDirectory() as folder:
            threefold = build("raw layer, three times the data", arguments.threefold.resolve(), folder, limit)
        print(f"three times the data:        {threefold.seconds / first.seconds:.2f} x the time (asked <= 3.30)")
        print(f"peak memory:                 {threefold.peak_gigabytes:.2f} GB (asked <= 3.00)")


if __name__ == "__main__":
    main()
