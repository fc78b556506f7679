"""Seconds and memory of the generator against copying the real sample to the same size, in one run.

Needs scale_up.py and the sample beside the repository (../shared); run `python -m tests.benchmarks.bench_generate`.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.measuring import SHARED_BENCH, measure, require_shared_bench

SAMPLE = SHARED_BENCH.parent / "home-credit-sample"
RELEASED_CLIENTS = 307_511
AIM_RATIO, AIM_GIGABYTES = 3.0, 4.0


def main() -> None:
    """Time both, print the ratio beside what it should be at most."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=0.1, help="1.0 is the full release (default: %(default)s)")
    parser.add_argument("--work", type=Path, help="folder for the files, removed afterwards (default: the system's)")
    args = parser.parse_args()
    require_shared_bench()
    clients = round(RELEASED_CLIENTS * args.scale)
    with tempfile.TemporaryDirectory(dir=args.work) as folder:
        copied = measure(
            "scale_up.py",
            [
                sys.executable,
                str(SHARED_BENCH / "scale_up.py"),
                str(SAMPLE),
                f"{folder}/copied",
                "--scale",
                str(args.scale),
            ],
        )
        generated = measure(
            f"warehouse.generate --clients {clients}",
            [sys.executable, "-m", "warehouse.generate", "--clients", str(clients), "--out", f"{folder}/generated"],
        )
        sizes = [sum(path.stat().st_size for path in Path(folder, name).iterdir()) for name in ("copied", "generated")]
    print(f"CSV: {sizes[0] / 1e9:.2f} GB copied, {sizes[1] / 1e9:.2f} GB generated")
    print(
        f"time: {generated.seconds / copied.seconds:.2f} times that of copying (aim at full size: {AIM_RATIO} at most)"
    )
    print(f"memory: {generated.peak_gigabytes:.2f} GB (aim: {AIM_GIGABYTES} at most)")


if __name__ == "__main__":
    main()
