"""How close are generated raw files to real ones? Every column and the strength of single features, worst first.

Read straight from the raw files with the contract's types. Rows of both folders are weighted to the release's numbers
of labelled and unlabelled clients, of which a sample may hold other shares.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.core.cli import command
from warehouse.core.files import write_text

if TYPE_CHECKING:
    from warehouse.generator.fidelity.measures import Entry

SHOWN = 40


def readable(entries: "list[Entry]", shown: int) -> str:
    """Text table of the widest gaps, with a summary by kind of measure."""
    head = f"{'gap':>6s}  {'measure':16s} {'table':22s} {'column':44s} {'real':>14s} {'generated':>14s}"
    lines = [head, "-" * len(head)]
    lines += [
        f"{entry.gap:6.3f}  {entry.measure:16s} {entry.table:22s} {entry.column[:44]:44s} "
        f"{entry.real:>14.6g} {entry.generated:>14.6g}"
        for entry in entries[:shown]
    ]
    lines += ["", f"{'measure':16s} {'entries':>8s} {'median gap':>11s} {'90 %':>7s} {'worst':>7s}   what the gap is"]
    for measure, meaning in MEANINGS.items():
        gaps = sorted(entry.gap for entry in entries if entry.measure == measure)
        if gaps:
            middle, high = gaps[len(gaps) // 2], gaps[int(0.9 * (len(gaps) - 1))]
            lines.append(f"{measure:16s} {len(gaps):8d} {middle:11.3f} {high:7.3f} {gaps[-1]:7.3f}   {meaning}")
    return "\n".join(lines)


MEANINGS = {
    "rows_per_client": "1 - smaller / larger; real = the release's counts",
    "null_rate": "difference of the shares of nulls",
    "sentinel_rate": "difference of the shares of 365243",
    "distribution": "largest difference of the distribution functions (medians shown)",
    "frequencies": "total variation of the values' shares (share of the most frequent value shown)",
    "correlation": "half the difference of the rank correlations",
    "auc": "difference of the feature's ROC AUC on application_train",
}


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Compare, print, and write the whole list if wanted."""
    parser = argparse.ArgumentParser(prog="python -m warehouse.fidelity", description=__doc__)
    parser.add_argument("--real", type=Path, required=True, metavar="DIR", help="folder of the real files")
    parser.add_argument("--generated", type=Path, required=True, metavar="DIR", help="folder of the generated files")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every entry there")
    parser.add_argument("--worst", type=int, default=SHOWN, metavar="N", help="entries to print (default: %(default)s)")
    args = parser.parse_args(argv)
    from warehouse.generator.fidelity.workflow import compare

    entries = compare(args.real, args.generated)
    print(readable(entries, args.worst))
    if args.json is not None:
        write_text(args.json, json.dumps([asdict(entry) for entry in entries], indent=1))


if __name__ == "__main__":
    sys.exit(main())
