"""Measures of ranking on many weightings of the same applicants, without sorting them again."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class RankedScores:
    """Applicants in ascending order of score.

    Parameters
    ----------
    default : ndarray of bool of shape (n_applicants,)
        Whether each applicant defaulted.
    scores : ndarray of shape (n_applicants,)
        Equal ones share a rank.

    Examples
    --------
    >>> ranked = RankedScores(np.array([False, False, True, True]), np.array([0.1, 0.4, 0.35, 0.8]))
    >>> classes = ranked.by_score(np.array([[1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 1.0, 2.0]]))
    >>> areas(*classes).tolist(), distances(*classes).tolist()
    ([0.75, 1.0], [0.5, 1.0])
    """

    def __init__(self, default: NDArray[np.bool_], scores: FloatArray) -> None:
        self._order = np.argsort(scores, kind="stable")
        self._default = default[self._order]
        self._starts = np.flatnonzero(np.diff(scores[self._order], prepend=-np.inf))

    def by_score(self, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Defaulters and good payers at each distinct score, ascending.

        Parameters
        ----------
        weights : ndarray of shape (n_weightings, n_applicants)
            How much each applicant counts, such as how often a resample holds the applicant.

        Returns
        -------
        tuple of ndarray of shape (n_weightings, n_scores)
        """
        everyone = weights[:, self._order]
        defaulters = everyone * self._default
        if self._starts.size < self._order.size:  # equal scores are added up
            everyone, defaulters = (np.add.reduceat(some, self._starts, axis=1) for some in (everyone, defaulters))
        return defaulters, everyone - defaulters


def areas(defaulters: FloatArray, repaid: FloatArray) -> FloatArray:
    """Area under the ROC curve from the classes by score, shape (n_weightings,); NaN where a class is absent."""
    below = np.cumsum(repaid, axis=1) - repaid / 2
    with np.errstate(invalid="ignore"):
        return (defaulters * below).sum(axis=1) / (defaulters.sum(axis=1) * repaid.sum(axis=1))


def distances(defaulters: FloatArray, repaid: FloatArray) -> FloatArray:
    """Kolmogorov-Smirnov distance from the classes by score, shape (n_weightings,); NaN where a class is absent."""
    with np.errstate(invalid="ignore"):
        below = [np.cumsum(counts, axis=1) / counts.sum(axis=1, keepdims=True) for counts in (defaulters, repaid)]
    return np.abs(below[0] - below[1]).max(axis=1)
