"""The decision threshold, chosen by cost and steadied by what theory says."""

import numpy as np
from numpy.typing import NDArray

from ml.metrics import FALSE_NEGATIVE_COST, FALSE_POSITIVE_COST, THEORETICAL_THRESHOLD, cost_curve


def steady_threshold(target: NDArray[np.int8], probability: NDArray[np.float64], repeats: int = 1) -> float:
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
        0 to just above 1; 1/11 itself when no cut between two predictions separates it from the choice.

    References
    ----------
    .. [1] L. Breiman, J. Friedman, R. Olshen and C. Stone, "Classification and Regression Trees", 1984, section 3.4.3:
       the one-standard-error rule.

    Examples
    --------
    >>> float(round(steady_threshold(np.array([0, 0, 1]), np.array([0.01, 0.02, 0.5])), 4))
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
