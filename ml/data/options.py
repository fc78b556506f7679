"""The options that say which marts a command reads; `ml.data.source.find_source` takes them."""

import argparse
from pathlib import Path

POPULATIONS = ("scoring", "training", "all")
CURRENT_SNAPSHOT = "the current one"
SNAPSHOT_OF_THE_VERSION = "the one that the version was trained on"


def add_source_arguments(parser: argparse.ArgumentParser, default: str = CURRENT_SNAPSHOT) -> None:
    """Add `--snapshot` and `--database`, of which only one may be given.

    Parameters
    ----------
    parser : ArgumentParser
    default : str
        Which snapshot is read without either; completes "(default: ...)".
    """
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--snapshot", metavar="ID", help=f"published snapshot to read: an id, a folder or current (default: {default})"
    )
    source.add_argument(
        "--database", type=Path, metavar="FILE", help="warehouse file in work to read instead of a published snapshot"
    )
