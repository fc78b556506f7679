"""Cross-validation: folds that depend on keys and seed only, and out-of-fold predictions."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.data.training_set import TrainingData
from ml.evaluation.metrics import auc
from ml.modelling.folds import Folds
from ml.modelling.pipeline import (
    PlannedMember,
    binned_dataset,
    encoded,
    fit_on_rows,
    fit_pipeline,
    planned_members,
    predict_encoded,
    shares_bins,
)
from ml.modelling.recipe import LIGHTGBM, TrainingConfig
from ml.modelling.selection import select_features

TRAINING_ROWS_JUDGED = 10_000
PREDICTED_AT_ONCE = 5_000

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class FoldResult:
    """One fold: its number from 0, the AUC on its applicants and on those it was trained on, features, and seconds."""

    fold: int
    auc: float
    training_auc: float
    features: int
    seconds: float

    def __str__(self) -> str:
        return f"  fold {self.fold + 1}: AUC {self.auc:.4f} ({self.training_auc:.4f} in training), {self.seconds:.1f} s"


@dataclass(frozen=True)
class CrossValidation:
    """Out-of-fold predictions of one recipe.

    Attributes
    ----------
    probability : ndarray of float64 of shape (n_applicants,)
        Default probability of each applicant by the model that did not see the applicant; 0 to 1, not calibrated.
    results : tuple of FoldResult
        One per fold.
    """

    probability: FloatArray
    results: tuple[FoldResult, ...]


class Trainer:
    """Trains a recipe on some of the applicants and predicts others; what the folds share is made once.

    Parameters
    ----------
    data : TrainingData
        Applicants, features and labels.
    config : TrainingConfig
        The recipe.
    """

    def __init__(self, data: TrainingData, config: TrainingConfig) -> None:
        self.data = data
        self.config = config

    @cached_property
    def _dataset(self) -> lgb.Dataset:
        return binned_dataset(self.data, self.config)

    def fit_predict(self, rows: NDArray[np.int64], *others: NDArray[np.int64]) -> tuple[list[FloatArray], int]:
        """Blended default probabilities by models that are trained on `rows` only.

        Parameters
        ----------
        rows : ndarray of int64
            Positions of the applicants to train on, ascending.
        *others : ndarray of int64
            Positions of applicants to predict.

        Returns
        -------
        list of ndarray
            Probabilities of each of `others`, before calibration.
        int
            Number of features that the models were given.
        """
        data = self.data
        if self.config.select != "none":
            data = data.select(select_features(data.take(rows), self.config))
        training = None if shares_bins(self.config) and _all_trees(self.config) else data.take(rows)
        blended = [np.zeros(len(asked)) for asked in others]
        for member in planned_members(self.config):
            predict = self._fit(rows, training, member)
            for total, asked in zip(blended, others, strict=True):
                for start in range(0, len(asked), PREDICTED_AT_ONCE):
                    part = slice(start, start + PREDICTED_AT_ONCE)
                    total[part] += member.weight * predict(encoded(data, asked[part]))
        return blended, len(data.features)

    def _fit(
        self, rows: NDArray[np.int64], training: TrainingData | None, member: PlannedMember
    ) -> Callable[[pd.DataFrame], FloatArray]:
        if training is None or (shares_bins(self.config) and member.spec.family == LIGHTGBM):
            booster = fit_on_rows(self._dataset, rows, self.config, member)
            return lambda frame: booster.predict(frame.to_numpy())
        pipeline = fit_pipeline(training, self.config, member)
        return lambda frame: predict_encoded(pipeline, frame)


def _all_trees(config: TrainingConfig) -> bool:
    return all(member.family == LIGHTGBM for member in config.members)


def cross_validate(
    data: TrainingData,
    config: TrainingConfig,
    folds: Folds,
    report: Callable[[FoldResult], None] = lambda result: None,
    trainer: Trainer | None = None,
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
    trainer : Trainer, optional
        Of the same data and recipe, to share what repeats have in common.

    Returns
    -------
    CrossValidation
    """
    trainer = trainer or Trainer(data, config)
    probability = np.empty(data.applicants, dtype=np.float64)
    results = []
    for fold in range(folds.count):
        started = time.perf_counter()
        held_out = np.flatnonzero(folds.fold_of == fold)
        rows = np.flatnonzero(folds.fold_of != fold)
        judged = rows[:: max(1, len(rows) // TRAINING_ROWS_JUDGED)]
        (probability[held_out], in_training), features = trainer.fit_predict(rows, held_out, judged)
        area = auc(data.target[held_out], probability[held_out])
        training_area = auc(data.target[judged], in_training)
        results.append(FoldResult(fold, area, training_area, features, time.perf_counter() - started))
        report(results[-1])
    return CrossValidation(probability, tuple(results))


def cross_validate_repeatedly(
    data: TrainingData,
    config: TrainingConfig,
    splits: tuple[Folds, ...],
    report: Callable[[object], None] = lambda line: None,
) -> tuple[CrossValidation, ...]:
    """One cross-validation per split; see `cross_validate`."""
    trainer = Trainer(data, config)
    validations = []
    for repeat, folds in enumerate(splits):
        if len(splits) > 1:
            report(f"repeat {repeat + 1} of {len(splits)}")
        validations.append(cross_validate(data, config, folds, report, trainer))
    return tuple(validations)
