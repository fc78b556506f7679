"""Who a client is compared with: the applicants to be scored, and those of them whom the model grants credit.

Distributions are kept as quantiles, so that a served explanation needs neither the warehouse nor a client's row.
"""

import json
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.served.scorer import GRANT, CreditScorer
from warehouse.core.errors import ModelError, first_line

GRID = 501
BATCH_ROWS = 10_000
ALL, ACCEPTED = "applicants", "accepted"
GROUPS = (ALL, ACCEPTED)


@dataclass(frozen=True)
class Feature:
    """What `marts.feature_catalog` says about a feature; `auc` above 0.5: larger values are riskier."""

    name: str
    kind: str
    unit: str
    description: str
    auc: float | None = None


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
        return self._rows().get(feature)

    def _rows(self) -> dict[str, int]:
        rows = self.__dict__.get("_row_by_name")
        if rows is None:
            rows = {name: row for row, name in enumerate(self.numeric)}
            object.__setattr__(self, "_row_by_name", rows)
        return rows

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


def measure_population(scorer: CreditScorer, frame: pd.DataFrame, catalog: dict[str, Feature]) -> PopulationStats:
    """Distributions of the features and scores of some applicants.

    Parameters
    ----------
    scorer : CreditScorer
        The model; says who is accepted.
    frame : DataFrame of shape (n_applicants, n_features)
        The applicants to compare with.
    catalog : dict of str to Feature
        Of every feature of the model.

    Returns
    -------
    PopulationStats
    """
    decided = pd.concat(
        [scorer.decide(frame[start : start + BATCH_ROWS]) for start in range(0, len(frame), BATCH_ROWS)],
        ignore_index=True,
    )
    members = {ALL: np.full(len(frame), True), ACCEPTED: (decided["decision"] == GRANT).to_numpy()}
    texts = [name for name, feature in catalog.items() if feature.kind == "category"]
    numeric = tuple(name for name in catalog if name not in texts)
    matrix = frame[list(numeric)].to_numpy(dtype=np.float64)
    probability = decided["probability"].to_numpy()
    return PopulationStats(
        catalog,
        {group: int(rows.sum()) for group, rows in members.items()},
        numeric,
        {group: np.array([_quantiles(column) for column in matrix[rows].T]) for group, rows in members.items()},
        {group: _share_known(matrix[rows]) for group, rows in members.items()},
        {
            group: {name: frame.loc[rows, name].value_counts(normalize=True).to_dict() for name in texts}
            for group, rows in members.items()
        },
        {group: _quantiles(probability[rows]) for group, rows in members.items()},
    )


def _quantiles(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Observed values at equal steps of rank."""
    known = np.sort(values[~np.isnan(values)])
    if not known.size:
        return np.full(GRID, np.nan)
    return known[np.round(np.linspace(0, known.size - 1, GRID)).astype(int)]


def _share_known(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 - np.isnan(matrix).mean(axis=0) if len(matrix) else np.zeros(matrix.shape[1])


def _place(quantiles: NDArray[np.float64], value: float) -> Place | None:
    if np.isnan(value) or np.isnan(quantiles[0]):
        return None
    below = float(np.searchsorted(quantiles, value, side="left")) / quantiles.size
    not_above = float(np.searchsorted(quantiles, value, side="right")) / quantiles.size
    return Place(below, not_above - below, 1 - not_above)
