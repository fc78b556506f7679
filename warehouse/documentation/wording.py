"""What features may say of themselves: the themes, units and null meanings that the seeds of the dbt project list."""

import csv
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

SEEDS = "seeds"
THEMES, UNITS, HISTORIES = "feature_themes", "feature_units", "feature_histories"


@dataclass(frozen=True)
class Wording:
    """The seeds `feature_*.csv` of a dbt project.

    Attributes
    ----------
    project : Path
        Folder of the dbt project.
    """

    project: Path

    @cached_property
    def themes(self) -> dict[str, bool]:
        """Whether a theme is protected, by its code."""
        return {row["theme"]: row["is_protected"] == "true" for row in self._rows(THEMES)}

    @cached_property
    def units(self) -> frozenset[str]:
        """The units that a feature may have."""
        return frozenset(row["unit"] for row in self._rows(UNITS))

    def null_meaning(self, mart: str, *, nothing_is_zero: bool) -> str:
        """When a feature of a mart is null: without a row, or, where that is 0, when nothing is known of the client."""
        return self._by_mart[mart]["null_without_history" if nothing_is_zero else "null_when_none"]

    @cached_property
    def _by_mart(self) -> dict[str, dict[str, str]]:
        return {row["mart"]: row for row in self._rows(HISTORIES)}

    def _rows(self, seed: str) -> list[dict[str, str]]:
        with (self.project / SEEDS / f"{seed}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
