"""Stratified folds."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from ml.data.training_set import TrainingData
from ml.modelling.recipe import TrainingConfig
from warehouse.core.errors import TrainingDataError


@dataclass(frozen=True)
class Folds:
    """A split of the applicants.

    Attributes
    ----------
    fold_of : ndarray of int of shape (n_applicants,)
        Fold in which each applicant is predicted, from 0.
    fingerprint : str
        Hash of keys and folds: equal when two runs judged the same applicants in the same folds.
    """

    fold_of: NDArray[np.signedinteger]
    fingerprint: str

    @property
    def count(self) -> int:
        """Number of folds."""
        return int(self.fold_of.max()) + 1


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
    fold_of = np.empty(data.applicants, dtype=np.min_scalar_type(-folds))  # one byte up to 128 folds
    splitter = StratifiedKFold(n_splits=folds, shuffle=True, random_state=seed)
    for fold, (_, held_out) in enumerate(splitter.split(data.target, data.target)):
        fold_of[held_out] = fold
    return Folds(fold_of, hashlib.sha256(data.keys.tobytes() + fold_of.tobytes()).hexdigest())


def repeated_folds(data: TrainingData, config: TrainingConfig) -> tuple[Folds, ...]:
    """One split per repeat; the seed of the first is that of the run, and each next one is higher by 1."""
    return tuple(assign_folds(data, config.folds, config.seed + repeat) for repeat in range(config.repeats))


def folds_fingerprint(splits: tuple[Folds, ...]) -> str:
    """Hash of all splits: equal when two runs judged the same applicants in the same folds, repeat by repeat."""
    return hashlib.sha256("".join(folds.fingerprint for folds in splits).encode()).hexdigest()
