"""Generate the eight raw files of the Home Credit release: artificial clients with the distributions of the real ones.

Marginals, correlations, histories and the target follow one small file of statistics
(warehouse/generator/statistics.json); no real row is in it. The same options give the same bytes.
generated.json beside the files says how they were made.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from warehouse.core.cli import EXIT_INTERRUPTED, command
from warehouse.generator.population.clients import TEST_TO_TRAIN
from warehouse.generator.population.drift import DRIFTS
from warehouse.generator.workflow import GeneratorOptions, StoppedError, generate, stop_on_signals
from warehouse.generator.writer import FORMATS


def _epilog() -> str:
    """The truth about drift, for --help."""
    lines = [
        "drift: the clients of application_test are drawn like those of application_train (none), or with the",
        "normal scores of some variables shifted by so many standard deviations. A shift of s gives a population",
        "stability index of about s * s on a continuous column. AMT_CREDIT and AMT_ANNUITY move with AMT_GOODS_PRICE;",
        "COLUMN? is the share of nulls; table.VARIABLE is what a client brings to every row of that history;",
        "OCCUPATION runs from safe to risky.",
        *(f"  {drift.name:7s} {drift.describe()}" for drift in DRIFTS.values()),
    ]
    return "\n".join(lines)


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Generate the files, and say how many rows they have."""
    parser = argparse.ArgumentParser(
        prog="python -m warehouse.generate", description=__doc__, epilog=_epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument(
        "--clients", type=int, required=True, metavar="N",
        help=f"rows of application_train; application_test gets {TEST_TO_TRAIN:.4f} times as many, as in the release "
        "(307511 = full size: 60 million rows, about 2.8 GB as CSV)",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=int, default=1, metavar="S", help="seed of all random numbers (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the files; made if need be")
    parser.add_argument("--format", choices=sorted(FORMATS), default="csv", help="of the files (default: %(default)s)")
    parser.add_argument("--drift", choices=list(DRIFTS), default="none", help="shift application_test, see below")
    parser.add_argument("--force", action="store_true", help="replace the raw files that are in DIR")
    args = parser.parse_args(argv)
    is_stopped = stop_on_signals() if argv is None else lambda: False
    options = GeneratorOptions(args.clients, args.seed, args.out, args.format, args.drift, args.force)
    try:
        rows = generate(options, is_stopped)
    except StoppedError:
        print(f"interrupted: {args.out} is as it was before", file=sys.stderr)
        return EXIT_INTERRUPTED
    clients = f"{rows['application_train']:,} + {rows['application_test']:,} clients"
    print(f"{sum(rows.values()):,} rows of {clients} in {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
