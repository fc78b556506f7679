"""Cross-validation: folds that depend on keys and seed only, and out-of-fold predictions."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from ml.config import TrainingConfig
from ml.data import TrainingData
from ml.estimator import binned_dataset, fit_on_rows
from ml.metrics import auc
from warehouse.errors import TrainingDataError


@dataclass(frozen=True)
class Folds:
    """A split of the applicants.

    Attributes
    ----------
    fold_of : ndarray of int8 of shape (n_applicants,)
        Fold in which each applicant is predicted, from 0.
    fingerprint : str
        Hash of keys and folds: equal when two runs judged the same applicants in the same folds.
    """

    fold_of: NDArray[np.int8]
    fingerprint: str

    @property
    def count(self) -> int:
        """Number of folds."""
        return int(self.fold_of.max()) + 1


@dataclass(frozen=True)
class FoldResult:
    """One fold: its number from 0, the AUC on its applicants (0 to 1) and the seconds it took."""

    fold: int
    auc: float
    seconds: float

    def __str__(self) -> str:
        return f"  fold {self.fold + 1}: AUC {self.auc:.4f}, {self.seconds:.1f} s"


@dataclass(frozen=True)
class CrossValidation:
    """Out-of-fold predictions of one recipe.

    Attributes
    ----------
    probability : ndarray of float64 of shape (n_applicants,)
        Default probability of each applicant by the model that did not see the applicant; 0 to 1.
    results : tuple of FoldResult
        One per fold.
    """

    probability: NDArray[np.float64]
    results: tuple[FoldResult, ...]


def assign_folds(data: TrainingData, folds: int, seed: int) -> Folds:
    """Split the applicants, sorted by key, into folds with the same share of defaulters.

    Parameters
    ----------
    data : TrainingData
        Keys and labels.
    folds : int
        Number of folds; >= 2.
    seed : int
        Seed of the shuffle.

    Returns
    -------
    Folds

    Raises
    ------
    TrainingDataError
        A class has fewer applicants than there are folds.
    """
    fewest = int(min(np.sum(data.target == 0), np.sum(data.target == 1)))
    if fewest < folds:
        raise TrainingDataError(
            expected=f"at least {folds} applicants who repaid and {folds} who defaulted, for {folds} folds",
            found=f"{fewest} of one class among {data.applicants:,}",
            remedy="load more applicants, or pass fewer --folds",
        )
    fold_of = np.empty(data.applicants, dtype=np.int8)
    splitter = StratifiedKFold(n_splits=folds, shuffle=True, random_state=seed)
    for fold, (_, held_out) in enumerate(splitter.split(data.target, data.target)):
        fold_of[held_out] = fold
    return Folds(fold_of, hashlib.sha256(data.keys.tobytes() + fold_of.tobytes()).hexdigest())


def cross_validate(
    data: TrainingData,
    config: TrainingConfig,
    folds: Folds,
    report: Callable[[FoldResult], None] = lambda result: None,
) -> CrossValidation:
    """Predict each applicant by a model trained on the other folds.

    Parameters
    ----------
    data : TrainingData
        Applicants, features and labels.
    config : TrainingConfig
        The recipe.
    folds : Folds
        The split; its number of folds counts, not the one in `config`.
    report : callable, optional
        Called with each fold's result as soon as it is there.

    Returns
    -------
    CrossValidation
    """
    dataset = binned_dataset(data, config)
    probability = np.empty(data.applicants, dtype=np.float64)
    results = []
    for fold in range(folds.count):
        started = time.perf_counter()
        held_out = folds.fold_of == fold
        booster = fit_on_rows(dataset, np.flatnonzero(~held_out), config)
        probability[held_out] = booster.predict(data.matrix[held_out])
        area = auc(data.target[held_out], probability[held_out])
        results.append(FoldResult(fold, area, time.perf_counter() - started))
        report(results[-1])
    return CrossValidation(probability, tuple(results))
