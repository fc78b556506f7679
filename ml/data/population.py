"""How the values of a population are distributed."""

import json
import zipfile
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.data.catalog import Feature
from warehouse.core.errors import ModelError, first_line

GRID = 501
ALL, ACCEPTED = "applicants", "accepted"
GROUPS = (ALL, ACCEPTED)
DERIVED = {
    "neighbours_default_rate": Feature(
        "neighbours_default_rate",
        "number",
        "share 0..1",
        "Default rate of the training clients with the most similar external scores and term.",
    )
}


@dataclass(frozen=True)
class Place:
    """Where a value lies in a group: shares (0 to 1) of those with a record who have less, the same, and more.

    A text is neither less nor more than another: `below` and `above` are None.
    """

    below: float | None
    same: float
    above: float | None


@dataclass(frozen=True)
class PopulationStats:
    """Distributions of features and scores among all applicants and among accepted ones.

    Attributes
    ----------
    catalog : dict of str to Feature
        By name, of every feature of the model.
    clients : dict of str to int
        Number of clients of each group.
    quantiles : dict of str to ndarray of shape (n_numeric_features, GRID)
        By group; observed values, NaN throughout when nobody has one.
    numeric : tuple of str
        Rows of `quantiles`.
    known : dict of str to ndarray of shape (n_numeric_features,)
        By group, the share of clients with a value.
    categories : dict of str to dict of str to dict of str to float
        By group and feature, the share of clients with each text.
    scores : dict of str to ndarray of shape (GRID,)
        By group, quantiles of the default probability.
    """

    catalog: dict[str, Feature]
    clients: dict[str, int]
    numeric: tuple[str, ...]
    quantiles: dict[str, NDArray[np.float64]]
    known: dict[str, NDArray[np.float64]]
    categories: dict[str, dict[str, dict[str, float]]]
    scores: dict[str, NDArray[np.float64]]

    def feature(self, name: str) -> Feature:
        """What the catalogue says about a feature; of one that the model makes itself, what is said here."""
        return self.catalog.get(name) or DERIVED[name]

    def place(self, group: str, feature: str, value: float) -> Place | None:
        """Where a value lies among those of a group; None when nobody there has one or the feature is no number."""
        row = self.row_of(feature)
        return None if row is None else _place(self.quantiles[group][row], value)

    def score_place(self, group: str, probability: float) -> Place | None:
        """Where a default probability lies among those of a group; None when nobody is in it."""
        return _place(self.scores[group], probability)

    def row_of(self, feature: str) -> int | None:
        """Row of a numeric feature in `quantiles`."""
        return self._row_by_name.get(feature)

    @cached_property
    def _row_by_name(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.numeric)}

    def save(self, path: Path) -> None:
        """Write one file of arrays and JSON, without pickle."""
        words = {
            "catalog": [asdict(feature) for feature in self.catalog.values()],
            "clients": self.clients,
            "numeric": self.numeric,
            "categories": self.categories,
        }
        arrays = {
            f"{name}_{group}": getattr(self, name)[group]
            for name in ("quantiles", "known", "scores")
            for group in GROUPS
        }
        with path.open("wb") as file:
            np.savez_compressed(file, words=np.array(json.dumps(words)), **arrays)

    @classmethod
    def load(cls, path: Path) -> "PopulationStats":
        """Read what `save` wrote.

        Raises
        ------
        ModelError
            The file is missing or is not one of these.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                words = json.loads(str(file["words"]))
                arrays = {
                    name: {group: file[f"{name}_{group}"] for group in GROUPS}
                    for name in ("quantiles", "known", "scores")
                }
            catalog = {entry["name"]: Feature(**entry) for entry in words["catalog"]}
            return cls(catalog, words["clients"], tuple(words["numeric"]), categories=words["categories"], **arrays)
        except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
            raise ModelError(
                expected=f"the population to compare with in {path}",
                found=first_line(error),
                remedy="run: python -m ml.explain",
            ) from error


def _place(quantiles: NDArray[np.float64], value: float) -> Place | None:
    if np.isnan(value) or np.isnan(quantiles[0]):
        return None
    below = float(np.searchsorted(quantiles, value, side="left")) / quantiles.size
    not_above = float(np.searchsorted(quantiles, value, side="right")) / quantiles.size
    return Place(below, not_above - below, 1 - not_above)
