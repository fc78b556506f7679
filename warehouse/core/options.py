"""Options that several commands of the warehouse share."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


class _Renamed(argparse.Action):
    """An option under its former name: it works, and says what it is called now."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Keep the value under the present name."""
        print(f"note: {option_string} is now called --{self.dest}", file=sys.stderr)
        setattr(namespace, self.dest, values)


def add_database_argument(parser: argparse.ArgumentParser, default: Path) -> None:
    """Add `--database`, the warehouse file to work on, and its former name `--warehouse`.

    Examples
    --------
    >>> parser = argparse.ArgumentParser()
    >>> add_database_argument(parser, Path("home_credit.duckdb"))
    >>> parser.parse_args(["--warehouse", "other.duckdb"]).database.name
    'other.duckdb'
    """
    parser.add_argument(
        "--database", type=Path, metavar="FILE", default=default, help="warehouse file (default: CREDIT_DUCKDB)"
    )
    parser.add_argument("--warehouse", type=Path, action=_Renamed, dest="database", help=argparse.SUPPRESS)


def add_published_argument(parser: argparse.ArgumentParser, default: Path) -> None:
    """Add `--published`, the folder of the snapshots.

    Examples
    --------
    >>> parser = argparse.ArgumentParser()
    >>> add_published_argument(parser, Path("published"))
    >>> parser.parse_args([]).published.name
    'published'
    """
    parser.add_argument(
        "--published",
        type=Path,
        metavar="DIR",
        default=default,
        help="folder of the snapshots (default: CREDIT_PUBLISHED_DIR)",
    )
