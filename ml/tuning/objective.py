"""What a trial is worth: out-of-fold cost or AUC of the whole blend, reported after each fold."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray

from ml.data.training_set import TrainingData
from ml.evaluation.assessment import assess
from ml.evaluation.metrics import auc
from ml.evaluation.threshold import cost_curve
from ml.modelling.cross_validation import Trainer
from ml.modelling.folds import Folds
from ml.modelling.recipe import LIGHTGBM, MemberSpec, TrainingConfig
from ml.tuning.config import AUC, COST, Kind
from ml.tuning.space import suggest, with_values

METRICS: dict[Kind, str] = {COST: "cost_per_1000", AUC: "auc"}

FloatArray = NDArray[np.float64]
Members = tuple[MemberSpec, ...]


class Objective:
    """Value of a trial on fixed folds.

    Parameters
    ----------
    data : TrainingData
        The development rows; the hold-out is not among them.
    base : TrainingConfig
        The recipe whose trees are tuned.
    folds : Folds
        The split, the same for every trial.
    kind : str
        "cost": per 1,000 applications, each fold judged by calibration and threshold chosen on the others; "auc": out
        of fold.
    """

    def __init__(self, data: TrainingData, base: TrainingConfig, folds: Folds, kind: Kind) -> None:
        self._data, self._base, self._folds, self._kind = data, base, folds, kind
        self._others: dict[int, FloatArray] = {}
        self._repaid_per_defaulter = float(np.sum(data.target == 0) / np.sum(data.target == 1))

    def __call__(self, trial: optuna.Trial) -> float:
        """Cross-validate one set of parameters; stops early when the trial falls behind the others."""
        values = suggest(trial, self._base, self._repaid_per_defaulter)

        def report(fold: int, probability: FloatArray) -> None:
            """Tell the study how it stands after a fold; stop when the trial falls behind."""
            trial.report(self._so_far(fold, probability), fold + 1)
            if fold + 1 < self._folds.count and trial.should_prune():
                raise optuna.TrialPruned

        probability = self.probability(values, report)
        return assess(self._data.target, [(probability, self._folds.fold_of)]).metrics[METRICS[self._kind]]

    def probability(
        self, values: Mapping[str, Any], report: Callable[[int, FloatArray], None] = lambda fold, probability: None
    ) -> FloatArray:
        """Out-of-fold probabilities of the blend, shape (n_applicants,), with the values of a trial for its trees.

        The members that are not trees are fitted once for all trials.
        """
        weights = [sum(member.weight for member in part) for part in self._parts()]
        trees = self._trainer(self._parts()[0], values)
        probability = np.full(self._data.applicants, np.nan)
        for fold in range(self._folds.count):
            rows, held_out = self._rows(fold)
            (of_trees,), _ = trees.fit_predict(rows, held_out)
            probability[held_out] = np.average([of_trees, self._of_others(fold)], axis=0, weights=weights)
            report(fold, probability)
        return probability

    def _parts(self) -> tuple[Members, Members]:
        members = self._base.members
        return (
            tuple(member for member in members if member.family == LIGHTGBM),
            tuple(member for member in members if member.family != LIGHTGBM),
        )

    def _trainer(self, members: Members, values: Mapping[str, Any]) -> Trainer:
        return Trainer(self._data, with_values(replace(self._base, members=members), values))

    def _rows(self, fold: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return np.flatnonzero(self._folds.fold_of != fold), np.flatnonzero(self._folds.fold_of == fold)

    def _of_others(self, fold: int) -> FloatArray:
        if fold not in self._others:
            rows, held_out = self._rows(fold)
            others = self._parts()[1]
            zeros = [np.zeros(len(held_out))]
            self._others[fold] = (self._trainer(others, {}).fit_predict(rows, held_out)[0] if others else zeros)[0]
        return self._others[fold]

    def _so_far(self, fold: int, probability: FloatArray) -> float:
        """Measure of the folds that are done, to compare trials at the same fold."""
        done = self._folds.fold_of <= fold
        target, scores = self._data.target[done], probability[done]
        return auc(target, scores) if self._kind == AUC else float(cost_curve(target, scores).costs_per_1000.min())
