"""Which version of the model a command is about: a number, the newest one, or the champion."""

import argparse
from typing import Final, Literal

NEWEST: Final = "newest"
VersionChoice = int | Literal["newest"] | None  # None: the champion; see `Registry.resolve`


def add_version_argument(options: argparse._ActionsContainer, purpose: str) -> None:
    """Add `--version` to a parser or a group of it; `purpose` completes "version to ..."."""
    options.add_argument(
        "--version",
        type=_version_choice,
        metavar=f"N|{NEWEST}",
        help=f"version to {purpose}: its number, or {NEWEST} for the highest one (default: the champion)",
    )


def _version_choice(text: str) -> VersionChoice:
    if text == NEWEST:
        return NEWEST
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected a number or {NEWEST}; found {text!r}") from error
