"""Versions of the model: their names and tags, and which one a command is about."""

import argparse
from dataclasses import dataclass
from typing import Final, Literal

MODEL_NAME = "credit_scoring_model"
CHAMPION = "champion"
CHALLENGER = "challenger"
VERDICT_TAG = "verdict"
GUARD_TAG = "guard"
CHECKSUMS_TAG = "sha256"
PASSED, REFUSED = "passed", "refused"
NEWEST: Final = "newest"

VersionChoice = int | Literal["newest"] | None  # None: the champion; see `Registry.resolve`


@dataclass(frozen=True)
class RegisteredModel:
    """A version of `credit_scoring_model` and what its run measured."""

    version: int
    run_id: str
    metrics: dict[str, float]
    tags: dict[str, str]

    def __str__(self) -> str:
        return f"{MODEL_NAME} version {self.version}"


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
