"""What a training run is told: one frozen, validated object."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from warehouse.errors import SettingsError

SMALL_SAMPLE = 5_000
SMALL_SAMPLE_ROUNDS = 300


@dataclass(frozen=True)
class TrainingConfig:
    """Parameters of a training run: the split into folds and the boosted trees.

    Attributes
    ----------
    seed : int
        Seed of the split into folds and of the trees' row and column samples; >= 0.
    folds : int
        Number of cross-validation folds; >= 2.
    rounds : int
        Number of trees, fixed (no early stopping); >= 1.
    learning_rate, num_leaves, max_depth, subsample, subsample_freq, colsample_bytree, min_child_samples, reg_lambda
        As in `lightgbm.LGBMClassifier`.

    Raises
    ------
    SettingsError
        A value lies outside its range.
    """

    seed: int = 42
    folds: int = 5
    rounds: int = SMALL_SAMPLE_ROUNDS
    learning_rate: float = 0.03
    num_leaves: int = 8
    max_depth: int = 4
    subsample: float = 0.8
    subsample_freq: int = 1
    colsample_bytree: float = 0.2
    min_child_samples: int = 30
    reg_lambda: float = 20.0

    def __post_init__(self) -> None:
        self._require("seed", 0 <= self.seed < 2**31, "an integer from 0 to 2147483647")
        self._require("folds", self.folds >= 2, "2 folds or more")
        self._require("rounds", self.rounds >= 1, "1 round or more")
        self._require("learning_rate", 0 < self.learning_rate <= 1, "a number in (0, 1]")
        self._require("num_leaves", self.num_leaves >= 2, "2 leaves or more")
        self._require("max_depth", self.max_depth == -1 or self.max_depth >= 1, "1 or more, or -1 for no limit")
        self._require("subsample", 0 < self.subsample <= 1, "a share in (0, 1]")
        self._require("subsample_freq", self.subsample_freq >= 0, "0 or more")
        self._require("colsample_bytree", 0 < self.colsample_bytree <= 1, "a share in (0, 1]")
        self._require("min_child_samples", self.min_child_samples >= 1, "1 applicant or more")
        self._require("reg_lambda", self.reg_lambda >= 0, "0 or more")

    def _require(self, name: str, valid: bool, expected: str) -> None:
        if not valid:
            raise SettingsError(expected=f"{expected} for {name}", found=str(getattr(self, name)), remedy="change it")

    def lightgbm_parameters(self) -> dict[str, Any]:
        """Parameters by the names of `lightgbm.LGBMClassifier`; the same rows and seed give the same trees."""
        tree = {name: value for name, value in asdict(self).items() if name not in {"seed", "folds", "rounds"}}
        return tree | {
            "n_estimators": self.rounds,
            "random_state": self.seed,
            "objective": "binary",
            "deterministic": True,
            "force_row_wise": True,
            "feature_pre_filter": False,
            "verbosity": -1,
        }

    def to_dict(self) -> dict[str, int | float]:
        """All parameters by name."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TrainingConfig":
        """Build from what `to_dict` gave; names that are not known here are an error.

        Raises
        ------
        SettingsError
            A name is unknown or a value lies outside its range.
        """
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise SettingsError(
                expected="parameters of the LightGBM recipe", found=", ".join(unknown), remedy="train the model again"
            )
        return cls(**values)


def rounds_for(applicants: int) -> int:
    r"""Number of trees that suits a number of applicants.

    .. math:: 300 \cdot \sqrt{\max(n, 5000) / 5000}, \text{ rounded to hundreds}

    More applicants carry more trees of the same small size before they learn noise by heart.

    Parameters
    ----------
    applicants : int
        Rows of the training set.

    Returns
    -------
    int
        300 for 5,000 applicants or fewer.

    Examples
    --------
    >>> [rounds_for(n) for n in (300, 5_000, 50_000, 307_511)]
    [300, 300, 900, 2400]
    """
    scale = math.sqrt(max(applicants, SMALL_SAMPLE) / SMALL_SAMPLE)
    return 100 * round(SMALL_SAMPLE_ROUNDS * scale / 100)
