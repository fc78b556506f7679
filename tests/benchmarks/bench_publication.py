"""What analysts' tables add to a publication, and how long the analyses take on what was published.

Run on a warehouse that passed the quality gate, built of full-size files made by `../shared/bench/scale_up.py`:

    python tests/benchmarks/bench_publication.py /tmp/full/home_credit.duckdb

Asked: lineage, bins, build_info and the first page together <= 4 s beside the copy of the marts; every analysis, the
command included, <= 2 s. On a busy machine wall-clock time says little: seconds of processor time stand beside it, of
which two cores do two in a second.
"""

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import duckdb
from measuring import PROJECT_ROOT, measure

sys.path.insert(0, str(PROJECT_ROOT))

from warehouse.analyst import additions, bins, lineage, start
from warehouse.snapshots import copy, publication
from warehouse.snapshots.analyses import list_analyses

ADDED, ANALYSIS = 4.0, 2.0
seconds: dict[str, float] = defaultdict(float)
processor: dict[str, float] = defaultdict(float)


def timed(name: str, step: Callable) -> Callable:
    """The same step, its seconds added up under a name."""

    def run(*arguments: object, **options: object) -> object:
        started, busy = time.perf_counter(), time.process_time()
        try:
            return step(*arguments, **options)
        finally:
            seconds[name] += time.perf_counter() - started
            processor[name] += time.process_time() - busy

    return run


def main() -> None:
    """Publish into a temporary folder, then run every analysis as a command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("warehouse", type=Path)
    arguments = parser.parse_args()
    for module, name in (
        (publication, "approved_marts"),
        (copy, "_copy_table"),
        (copy, "_write_rows_of_view"),
        (copy, "_copy_comments"),
        (publication, "copy_marts"),
        (publication, "add_to_snapshot"),
        (publication, "write_score_views"),
        (lineage, "write_lineage"),
        (bins, "write_bins"),
        (start, "write_start"),
        (additions, "read_marts"),
    ):
        setattr(module, name, timed(name, getattr(module, name)))
    with tempfile.TemporaryDirectory(dir=arguments.warehouse.parent) as folder:
        snapshot, _ = timed("publish", publication.publish)(arguments.warehouse.resolve(), Path(folder, "published"))
        for name, spent in seconds.items():
            print(f"    {spent:6.1f} s {processor[name]:8.1f} s of processor  {name}")
        # tracing runs beside the copy; what it takes longer than that is not hidden
        rest = seconds["publish"] - seconds["approved_marts"] - seconds["copy_marts"]
        added, busy = (spent["add_to_snapshot"] + spent["write_score_views"] for spent in (seconds, processor))
        print(f"added to publication: {added:.1f} s, {busy:.1f} s of processor (asked <= {ADDED} s)")
        print(f"all but gate and copy: {rest:.1f} s")
        with duckdb.connect(str(snapshot.database), read_only=True) as con:
            names = [analysis.name for analysis in list_analyses(con)]
        command = [sys.executable, "-m", "warehouse.analyse", "--published", str(Path(folder, "published"))]
        slowest = max(measure(name, [*command, name]).seconds for name in names)
        print(f"slowest analysis: {slowest:.1f} s (asked <= {ANALYSIS})")


if __name__ == "__main__":
    main()
