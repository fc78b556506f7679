"""What it costs to leave out every feature made of gender, age or family: both recipes on the same folds."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.data.catalog import protected_features, read_catalog
from ml.data.training_set import TrainingData
from ml.evaluation.amounts import read_amounts
from ml.evaluation.assessment import assess
from ml.evaluation.bootstrap import Difference, PairedBootstrap, compare, paired_mean_difference
from ml.evaluation.metrics import auc
from ml.modelling.cross_validation import cross_validate_repeatedly
from ml.modelling.folds import Folds, folds_fingerprint, repeated_folds
from ml.modelling.holdout import split_holdout
from ml.modelling.recipe import TrainingConfig
from ml.registry.registry import RegisteredModel, Registry
from warehouse.core.database import connect
from warehouse.core.errors import TrainingDataError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Judgement:
    """A recipe out of fold.

    Attributes
    ----------
    probability, costs : ndarray of shape (n_applicants,)
        Calibrated probability and cost of the decision on each applicant, means over the repeats.
    """

    probability: FloatArray
    costs: FloatArray


@dataclass(frozen=True)
class Price:
    """The recipe without protected features against the recipe with them; intervals of 95 %.

    Attributes
    ----------
    dropped : tuple of str
        Protected features.
    features : int
        Number of features with them.
    applicants : int
    auc_with, auc_without : float
        Of calibrated out-of-fold probabilities.
    cost_with, cost_without : float
        Cost per 1,000 applications, each fold judged by what the other folds chose.
    auc_difference, cost_difference : Difference
        Without minus with, on the same applicants.
    """

    dropped: tuple[str, ...]
    features: int
    applicants: int
    auc_with: float
    auc_without: float
    cost_with: float
    cost_without: float
    auc_difference: Difference
    cost_difference: Difference

    @property
    def metrics(self) -> dict[str, float]:
        """As they are logged."""
        named = (("auc", self.auc_difference), ("cost_per_1000", self.cost_difference))
        return {
            f"fairness_price_{name}{end}": value
            for name, interval in named
            for end, value in (("", interval.estimate), ("_low", interval.low), ("_high", interval.high))
        }

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self) | {"dropped": list(self.dropped)}

    def __str__(self) -> str:
        area, cost = self.auc_difference, self.cost_difference
        return "\n".join(
            [
                f"without {len(self.dropped)} of {self.features} features (gender, age, family and what is made of "
                f"them), {self.applicants:,} applicants, the same folds:",
                f"  AUC             {self.auc_with:.4f} with, {self.auc_without:.4f} without: "
                f"{area.estimate:+.4f} (95 % interval {area.low:+.4f} to {area.high:+.4f})",
                f"  cost per 1,000  {self.cost_with:.1f} with, {self.cost_without:.1f} without: "
                f"{cost.estimate:+.1f} (95 % interval {cost.low:+.1f} to {cost.high:+.1f})",
            ]
        )


def price_without_protected(
    registry: Registry,
    model: RegisteredModel,
    data: TrainingData,
    database: Path,
    say: Callable[[object], None] = lambda line: None,
) -> Price:
    """Cross-validate a version's recipe without protected features, and compare it with the recipe as it is.

    Parameters
    ----------
    registry : Registry
        Knows the recipe; its out-of-fold decisions are taken when data and folds are the same.
    model : RegisteredModel
        The version.
    data : TrainingData
        The training set.
    database : Path
        Where it was read from: gives the feature catalogue.
    say : callable, optional
        Called with lines of progress.

    Returns
    -------
    Price

    Raises
    ------
    TrainingDataError
        Nothing, or everything, is protected; the training set lacks features of the version.
    WarehouseMissingError
        There is no feature catalogue.
    """
    manifest = registry.manifest(model)
    config = TrainingConfig.from_dict(manifest["config"])
    wanted = [*manifest["features"]["numeric"], *manifest["features"]["categorical"]]
    dropped = _protected(database, wanted)
    rows = split_holdout(data.select(wanted), config.holdout, config.seed).development
    splits = repeated_folds(rows, config)
    logged = manifest["data"]
    if (logged["fingerprint"], logged["folds_fingerprint"]) == (data.fingerprint, folds_fingerprint(splits)):
        predictions = registry.out_of_fold(model)
        full = Judgement(predictions["default_probability"].to_numpy(), predictions["cost"].to_numpy())
    else:
        say(f"cross-validating with all {len(wanted)} features: other data or folds than the version's run")
        full = _judge(rows, config, splits, say)
    say(f"cross-validating without {len(dropped)} features")
    kept = [name for name in wanted if name not in set(dropped)]
    blind = _judge(rows.select(kept), config, splits, say)
    return _price(rows, full, blind, dropped, config.seed)


def _protected(database: Path, features: Sequence[str]) -> tuple[str, ...]:
    """Those of the features that are protected: some, but not all."""
    with connect(database) as con:
        dropped = protected_features(read_catalog(con, features))
    if not 0 < len(dropped) < len(features):
        raise TrainingDataError(
            expected="some features made of gender, age or family, and some that are not",
            found=f"{len(dropped)} of {len(features)}",
            remedy="build the marts with their feature catalogue, or leave out --without-protected",
        )
    return dropped


def _price(rows: TrainingData, full: Judgement, blind: Judgement, dropped: tuple[str, ...], seed: int) -> Price:
    """What the blind recipe loses against the full one, on the same rows."""
    bootstrap = PairedBootstrap(rows.target, seed=seed)
    return Price(
        dropped=dropped,
        features=len(rows.features),
        applicants=rows.applicants,
        auc_with=auc(rows.target, full.probability),
        auc_without=auc(rows.target, blind.probability),
        cost_with=float(1000 * full.costs.mean()),
        cost_without=float(1000 * blind.costs.mean()),
        auc_difference=compare(bootstrap.auc(blind.probability), bootstrap.auc(full.probability)),
        cost_difference=paired_mean_difference(1000 * blind.costs, 1000 * full.costs, seed),
    )


def _judge(
    data: TrainingData, config: TrainingConfig, splits: tuple[Folds, ...], say: Callable[[object], None]
) -> Judgement:
    validations = cross_validate_repeatedly(data, config, splits, say)
    predictions = [(one.probability, folds.fold_of) for one, folds in zip(validations, splits, strict=True)]
    assessment = assess(data.target, predictions, read_amounts(data))
    return Judgement(assessment.probability, assessment.costs(data.target))
