"""Families of models and treatments of the imbalance, judged on the same folds."""

import itertools
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning

from ml.comparison.families import CLASSIFY, FAMILIES, PREPARATIONS, Columns, build_pipeline, preparation_of
from ml.comparison.imbalance import NONE, SMOTE_NAME, SMOTE_NEIGHBOURS, sample_weight
from ml.data.training_set import TrainingData
from ml.evaluation.bootstrap import Difference, PairedBootstrap, compare, paired_mean_difference
from ml.evaluation.metrics import Confusion, auc, brier_score, decision_costs, kolmogorov_smirnov
from ml.evaluation.threshold import nested_refusals, nested_thresholds
from ml.modelling.folds import Folds
from warehouse.core.errors import TrainingDataError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Candidate:
    """A family with a treatment of the imbalance; both by name."""

    family: str
    treatment: str

    def __str__(self) -> str:
        return f"{self.family} / {self.treatment}"


@dataclass(frozen=True)
class Judged:
    """What a candidate did out of fold.

    Attributes
    ----------
    candidate : Candidate
        Which it is.
    probability : ndarray of float64 of shape (n_applicants,)
        By the model that did not see the applicant; 0 to 1. Treatments other than "none" shift it upwards.
    refused : ndarray of bool of shape (n_applicants,)
        Decisions by the threshold of least cost on the other folds.
    by_fold : pandas.DataFrame
        One row per fold; columns as in `MEASURES`.
    """

    candidate: Candidate
    probability: FloatArray
    refused: NDArray[np.bool_]
    by_fold: pd.DataFrame


@dataclass(frozen=True)
class AgainstBest:
    """A candidate minus the best one, on the same resampled applicants."""

    cost_per_1000: Difference
    auc: Difference


MEASURES = (
    "auc",
    "gini",
    "ks",
    "f1",
    "f2",
    "recall",
    "precision",
    "brier_score",
    "cost_per_1000",
    "auc_gap",
    "fit_seconds",
)


def candidates_of(families: Sequence[str], treatments: Sequence[str]) -> list[Candidate]:
    """Every family with every treatment; once only, untreated, where a treatment cannot change the ranking."""
    return [
        Candidate(family, treatment)
        for family in families
        for treatment in (treatments if FAMILIES[family].treatable else [NONE])
    ]


def judge_candidates(
    data: TrainingData,
    columns: Columns,
    folds: Folds,
    candidates: Sequence[Candidate],
    *,
    seed: int,
    quick: bool = False,
    report: Callable[[str], None] = lambda line: None,
) -> list[Judged]:
    """Predict each applicant by every candidate, trained on the other folds.

    A preparation is fitted once per fold, on the training rows alone, and shared by the candidates that begin with it.

    Parameters
    ----------
    data : TrainingData
        Applicants, features and labels.
    columns : Columns
        How the features are to be prepared.
    folds : Folds
        The split, the same for all.
    candidates : sequence of Candidate
        At least one.
    seed : int
        Of the models and the resampling.
    quick : bool
        Smaller models.
    report : callable, optional
        Called with a line for each fold and family as soon as it is done.

    Returns
    -------
    list of Judged
        In the order of `candidates`.

    Raises
    ------
    TrainingDataError
        A training fold has too few defaulters for SMOTE.
    """
    _require_neighbours(data, folds, candidates)
    probability = {candidate: np.empty(data.applicants) for candidate in candidates}
    fitted: dict[Candidate, list[tuple[float, float]]] = {candidate: [] for candidate in candidates}
    for fold in range(folds.count):
        held_out = folds.fold_of == fold
        prepared = _PreparedFold(data, columns, held_out)
        for family, of_family in itertools.groupby(candidates, key=lambda candidate: candidate.family):
            areas = []
            for candidate in of_family:
                answer = _fit(prepared, candidate, columns, seed=seed, quick=quick)
                probability[candidate][held_out] = answer.probability
                fitted[candidate].append((answer.train_auc, answer.seconds))
                areas.append(f"{candidate.treatment} {auc(data.target[held_out], answer.probability):.3f}")
            report(f"  fold {fold + 1} of {folds.count}: {family:<14} AUC {', '.join(areas)}")
    return [_judged(data, folds, candidate, probability[candidate], fitted[candidate]) for candidate in candidates]


def best_of(judged: Sequence[Judged]) -> int:
    """Position of the candidate of least mean cost; the higher AUC decides a draw."""
    means = [one.by_fold.mean() for one in judged]
    return min(range(len(judged)), key=lambda position: (means[position].cost_per_1000, -means[position].auc))


def against_best(data: TrainingData, judged: Sequence[Judged], best: int, seed: int) -> list[AgainstBest]:
    """Difference of every candidate to the best one, with intervals."""
    bootstrap = PairedBootstrap(data.target, seed=seed)
    areas = [bootstrap.auc(one.probability) for one in judged]
    costs = [1000 * decision_costs(data.target, one.refused) for one in judged]
    return [
        AgainstBest(paired_mean_difference(cost, costs[best], seed), compare(area, areas[best]))
        for cost, area in zip(costs, areas, strict=True)
    ]


class _PreparedFold:
    """One fold before and after each preparation, which is fitted when it is first asked for."""

    def __init__(self, data: TrainingData, columns: Columns, held_out: NDArray[np.bool_]) -> None:
        self._train, self._held_out = data.matrix[~held_out], data.matrix[held_out]
        self._columns = columns
        self._done: dict[str, tuple[FloatArray, FloatArray, float]] = {}
        self.target = data.target[~held_out].astype(np.int64)

    def __getitem__(self, name: str) -> tuple[FloatArray, FloatArray, float]:
        """Training rows, held-out rows, and the seconds that fitting took."""
        if name not in self._done:
            started = time.perf_counter()
            preparation = PREPARATIONS[name](self._columns)
            train = preparation.fit_transform(self._train)
            seconds = time.perf_counter() - started
            self._done[name] = (train, preparation.transform(self._held_out), seconds)
        return self._done[name]


@dataclass(frozen=True)
class _Answer:
    probability: FloatArray
    train_auc: float
    seconds: float


def _fit(prepared: _PreparedFold, candidate: Candidate, columns: Columns, *, seed: int, quick: bool) -> _Answer:
    """Fit what follows the preparation of one pipeline and predict the held-out rows."""
    train, held_out, seconds = prepared[preparation_of(candidate.family, candidate.treatment)]
    model = build_pipeline(candidate.family, candidate.treatment, columns, seed=seed, quick=quick)[1:]
    weight = sample_weight(candidate.treatment, prepared.target)
    extra = {} if weight is None else {f"{CLASSIFY}__sample_weight": weight}
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a fixed number of epochs, on purpose
        model.fit(train, prepared.target, **extra)
    seconds += time.perf_counter() - started
    if isinstance(model[-1], RandomForestClassifier):
        model[-1].set_params(n_jobs=1)  # threads add up the trees in any order: the last digit would vary
    train_auc = auc(prepared.target, model.predict_proba(train)[:, 1])
    return _Answer(model.predict_proba(held_out)[:, 1].astype(np.float64), train_auc, seconds)


def _judged(
    data: TrainingData,
    folds: Folds,
    candidate: Candidate,
    probability: FloatArray,
    fitted: Sequence[tuple[float, float]],
) -> Judged:
    thresholds = nested_thresholds(data.target, probability, folds.fold_of)
    refused = nested_refusals(probability, folds.fold_of, thresholds)
    rows = []
    for fold, (train_auc, seconds) in enumerate(fitted):
        rows_of = folds.fold_of == fold
        target, scores = data.target[rows_of], probability[rows_of]
        decisions = Confusion.of(target, refused[rows_of])
        area = auc(target, scores)
        values = (
            area,
            2 * area - 1,
            kolmogorov_smirnov(target, scores),
            decisions.f1,
            decisions.f2,
            decisions.recall,
            decisions.precision,
            brier_score(target, scores),
            decisions.cost_per_1000,
            train_auc - area,
            seconds,
        )
        rows.append(dict(zip(MEASURES, values, strict=True)))
    return Judged(candidate, probability, refused, pd.DataFrame(rows))


def _require_neighbours(data: TrainingData, folds: Folds, candidates: Sequence[Candidate]) -> None:
    if all(candidate.treatment != SMOTE_NAME for candidate in candidates):
        return
    defaulters = data.target == 1
    fewest = min(int(defaulters[folds.fold_of != fold].sum()) for fold in range(folds.count))
    if fewest <= SMOTE_NEIGHBOURS:
        raise TrainingDataError(
            expected=f"more than {SMOTE_NEIGHBOURS} defaulters in each training fold, for SMOTE's neighbours",
            found=str(fewest),
            remedy="load more applicants, or leave smote out of --imbalance",
        )
