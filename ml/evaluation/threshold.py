"""The decision threshold: chosen by cost on the other folds, and kept near the theoretical optimum."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml.evaluation.metrics import (
    FALSE_NEGATIVE_COST,
    FALSE_POSITIVE_COST,
    THEORETICAL_THRESHOLD,
    counts_by_score,
    labels_and_probabilities,
)

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class CostCurve:
    """Cost of every threshold that decides differently.

    Attributes
    ----------
    thresholds : ndarray of shape (n_scores + 1,)
        Ascending: 0 refuses everyone, the last accepts everyone, the others lie halfway between neighbouring scores.
    costs_per_1000 : ndarray of shape (n_scores + 1,)
        `10 * FN + FP` per 1,000 applications.
    """

    thresholds: FloatArray
    costs_per_1000: FloatArray

    @property
    def best_threshold(self) -> float:
        """Threshold of least cost; of equals, the one that refuses fewest."""
        return float(self.thresholds[np.flatnonzero(self.costs_per_1000 == self.costs_per_1000.min())[-1]])


def cost_curve(target: ArrayLike, probability: ArrayLike) -> CostCurve:
    """Cost against threshold, exact: every cut between two different scores.

    Parameters
    ----------
    target : array-like of shape (n_applicants,)
        1 = default, 0 = repaid.
    probability : array-like of shape (n_applicants,)
        Default probabilities, 0 to 1.

    Returns
    -------
    CostCurve

    Raises
    ------
    ValueError
        The shapes differ, there are no rows, or a probability is not in [0, 1].

    Examples
    --------
    >>> curve = cost_curve([0, 0, 1], [0.1, 0.3, 0.5])
    >>> curve.thresholds.tolist()
    [0.0, 0.2, 0.4, 0.75]
    >>> (curve.costs_per_1000 * 3 / 1000).round(6).tolist()
    [2.0, 1.0, 0.0, 10.0]
    """
    default, probability = labels_and_probabilities(target, probability)
    scores, defaulters, repaid = counts_by_score(default, probability)
    accepted_defaulters = np.concatenate(([0], np.cumsum(defaulters)))
    refused_repaid = repaid.sum() - np.concatenate(([0], np.cumsum(repaid)))
    costs = FALSE_NEGATIVE_COST * accepted_defaulters + FALSE_POSITIVE_COST * refused_repaid
    return CostCurve(_cuts(scores), 1000 * costs / default.size)


def choose_threshold(target: ArrayLike, probability: ArrayLike) -> float:
    """Threshold of least cost, 0 to just above 1.

    See Also
    --------
    cost_curve, one_standard_error_threshold
    """
    return cost_curve(target, probability).best_threshold


def nested_thresholds(target: ArrayLike, probability: ArrayLike, folds: ArrayLike) -> dict[int, float]:
    """Threshold for each fold, chosen on the other folds only.

    Parameters
    ----------
    target, probability : array-like of shape (n_applicants,)
        Labels and out-of-fold default probabilities.
    folds : array-like of int of shape (n_applicants,)
        Fold of each applicant; at least two different ones.

    Returns
    -------
    dict of int to float
        Threshold by fold.

    Raises
    ------
    ValueError
        There is only one fold.

    Examples
    --------
    >>> nested_thresholds([0, 1, 0, 1], [0.1, 0.3, 0.5, 0.7], [0, 0, 1, 1])
    {0: 0.6, 1: 0.2}
    """
    default, probability = labels_and_probabilities(target, probability)
    fold_of = np.asarray(folds)
    names = np.unique(fold_of)
    if names.size < 2:
        raise ValueError("a threshold chosen on the other folds needs two folds or more")
    return {int(fold): choose_threshold(default[fold_of != fold], probability[fold_of != fold]) for fold in names}


def nested_refusals(probability: ArrayLike, folds: ArrayLike, thresholds: dict[int, float]) -> NDArray[np.bool_]:
    """Refusals when each applicant is judged by the threshold of the own fold.

    Examples
    --------
    >>> nested_refusals([0.3, 0.3], [0, 1], {0: 0.6, 1: 0.2}).tolist()
    [False, True]
    """
    own = np.array([thresholds[int(fold)] for fold in np.asarray(folds)])
    return np.asarray(probability, dtype=float) >= own


def one_standard_error_threshold(target: NDArray[np.int8], probability: NDArray[np.float64], repeats: int = 1) -> float:
    r"""Of the thresholds that cost no more than one standard error above the least, the one nearest to 1/11.

    The exact minimum of an empirical cost curve jumps about from sample to sample. Moving the threshold changes only
    the decisions between the old and the new one, by 10 for each defaulter and by 1 for each good payer, so that its
    gain has the standard error

    .. math:: \sqrt{100 \cdot \text{defaulters between} + \text{good payers between}}.

    The more applicants, the closer the choice comes to the minimum; the better the calibration, the closer 1/11 does.

    Parameters
    ----------
    target, probability : ndarray of shape (n,)
        Labels and calibrated default probabilities.
    repeats : int
        How often each applicant is among them, with different predictions; repeats are no further evidence.

    Returns
    -------
    float
        0 to just above 1; 1/11 itself, the optimum for exact probabilities [2]_, when no cut between two predictions
        separates it from the choice.

    References
    ----------
    .. [1] L. Breiman, J. Friedman, R. Olshen and C. Stone, "Classification and Regression Trees", 1984, section 3.4.3:
       the one-standard-error rule.
    .. [2] C. Elkan, "The foundations of cost-sensitive learning", IJCAI, 2001.

    Examples
    --------
    >>> round(one_standard_error_threshold(np.array([0, 0, 1]), np.array([0.01, 0.02, 0.5])), 4)
    0.0909
    """
    curve = cost_curve(target, probability)
    costs = curve.costs_per_1000 * len(target) / 1000
    best = int(np.flatnonzero(curve.thresholds == curve.best_threshold)[0])
    order = np.argsort(probability, kind="stable")
    squared = np.where(target[order] == 1, FALSE_NEGATIVE_COST**2, FALSE_POSITIVE_COST**2)
    below = np.concatenate(([0], np.cumsum(squared)))[np.searchsorted(probability[order], curve.thresholds)]
    error = np.sqrt(np.abs(below - below[best]) * repeats)
    good = np.flatnonzero(costs - costs[best] <= error)
    if np.searchsorted(probability[order], THEORETICAL_THRESHOLD) in np.searchsorted(
        probability[order], curve.thresholds[good]
    ):
        return THEORETICAL_THRESHOLD
    return float(curve.thresholds[good[np.abs(curve.thresholds[good] - THEORETICAL_THRESHOLD).argmin()]])


def _cuts(scores: FloatArray) -> FloatArray:
    """Thresholds below, between and above distinct ascending scores."""
    between = scores[:-1] + np.diff(scores) / 2
    between = np.where(between > scores[:-1], between, scores[1:])
    above = (scores[-1] + 1) / 2 if scores[-1] < 1 else 0.0
    above = above if above > scores[-1] else np.nextafter(scores[-1], 2)
    return np.concatenate(([0.0], between, [above]))
