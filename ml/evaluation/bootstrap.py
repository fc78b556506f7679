"""Is a difference between two models real? Applicants drawn again, the same ones for both models."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml.evaluation.intervals import LEVEL, RESAMPLES, Interval

FloatArray = NDArray[np.float64]
MEAN_RESAMPLES = 10_000  # a resample of a mean costs next to nothing
CELLS_AT_ONCE = 4_000_000  # counts held at once: 32 MB


@dataclass(frozen=True)
class Difference(Interval):
    """First model minus second model on the same applicants, and where the resampled differences lie.

    Attributes
    ----------
    probability_greater : float
        Share of the resamples in which the first model has the greater value, draws counted half; 0 to 1.
    """

    probability_greater: float

    @property
    def is_real(self) -> bool:
        """Whether the interval excludes no difference at all."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        return f"{self.estimate:+.4g} [{self.low:+.4g}, {self.high:+.4g}]"


class PairedBootstrap:
    """AUC on resamples of one set of applicants, for any number of models that judged it.

    Every model is measured on the same resamples, so that what is luck of the draw cancels in a difference. Models are
    not fitted again: the intervals speak of other applicants, not of other training sets.

    Parameters
    ----------
    target : array-like of shape (n_applicants,)
        1 = default, 0 = repaid.
    resamples : int
        Number of resamples.
    seed : int
        Seed of the draws.

    Raises
    ------
    ValueError
        There are no applicants of one class, or no resamples.

    References
    ----------
    .. [1] B. Efron and R. J. Tibshirani, "An introduction to the bootstrap", Chapman & Hall, 1993, chapter 16.

    Examples
    --------
    >>> bootstrap = PairedBootstrap([0, 0, 1, 1] * 50, resamples=200)
    >>> same = compare(bootstrap.auc([0.1, 0.4, 0.35, 0.8] * 50), bootstrap.auc([0.1, 0.4, 0.35, 0.8] * 50))
    >>> same.estimate, same.low, same.high, same.probability_greater
    (0.0, 0.0, 0.0, 0.5)
    """

    def __init__(self, target: ArrayLike, *, resamples: int = RESAMPLES, seed: int = 0) -> None:
        self._default = np.asarray(target) == 1
        if resamples < 1 or self._default.all() or not self._default.any():
            raise ValueError("a bootstrap needs applicants of both classes and one resample or more")
        self._resamples = resamples
        self._seed = seed

    def auc(self, probability: ArrayLike) -> FloatArray:
        """AUC on the applicants as they are, then on each resample; shape (resamples + 1,), 0 to 1."""
        scores = self._checked(probability)
        order = np.argsort(scores, kind="stable")
        starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))
        default = self._default[order]
        return np.concatenate([_areas(counts[:, order], default, starts) for counts in self._counts()])

    def _counts(self) -> Iterator[FloatArray]:
        """How often each applicant is in a resample, some resamples at a time; first of all the applicants as is."""
        size = self._default.size
        yield np.ones((1, size))
        random = np.random.default_rng(self._seed)
        at_once = max(1, CELLS_AT_ONCE // size)
        for start in range(0, self._resamples, at_once):
            rows = min(at_once, self._resamples - start)
            drawn = random.integers(0, size, (rows, size)) + size * np.arange(rows)[:, None]
            yield np.bincount(drawn.ravel(), minlength=rows * size).reshape(rows, size).astype(np.float64)

    def _checked(self, values: ArrayLike) -> FloatArray:
        array = np.asarray(values, dtype=np.float64)
        if array.shape != self._default.shape or not np.isfinite(array).all():
            raise ValueError(f"expected one finite value for each of {self._default.size} applicants")
        return array


def compare(first: FloatArray, second: FloatArray, level: float = LEVEL) -> Difference:
    """Difference of what one `PairedBootstrap` measured of two models.

    Parameters
    ----------
    first, second : ndarray of shape (resamples + 1,)
        From the same `PairedBootstrap`; resamples without both classes (NaN) are left out.
    level : float
        Share of the resampled differences inside the interval.

    Returns
    -------
    Difference
    """
    differences = (first - second)[1:]
    differences = differences[np.isfinite(differences)]
    if not differences.size:
        raise ValueError("no resample holds applicants of both classes")
    return _difference(float(first[0] - second[0]), differences, level)


def paired_mean_difference(
    first: FloatArray, second: FloatArray, seed: int, resamples: int = MEAN_RESAMPLES, level: float = LEVEL
) -> Difference:
    """Mean of `first - second` over the same applicants, such as the costs of two models' decisions.

    Few different differences occur, so a resample is one multinomial draw over them: the same distribution as drawing
    applicants, at any number of them.

    Examples
    --------
    >>> costs = np.array([0.0, 1.0, 10.0, 0.0])
    >>> paired_mean_difference(costs, costs, seed=1)
    Difference(estimate=0.0, low=0.0, high=0.0, probability_greater=0.5)
    """
    values, counts = np.unique(first - second, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(counts.sum(), counts / counts.sum(), size=resamples) @ values
    return _difference(float(np.mean(first - second)), drawn / counts.sum(), level)


def _difference(estimate: float, resampled: FloatArray, level: float) -> Difference:
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    greater = np.mean((resampled > 0) + 0.5 * (resampled == 0))
    return Difference(estimate, float(low), float(high), float(greater))


def _areas(counts: FloatArray, default: NDArray[np.bool_], starts: NDArray[np.int64]) -> FloatArray:
    """AUC of each row of counts; columns ascend by score, `starts` opens each distinct score."""
    defaulters = np.add.reduceat(counts * default, starts, axis=1)
    repaid = np.add.reduceat(counts * ~default, starts, axis=1)
    below = np.cumsum(repaid, axis=1) - repaid / 2
    with np.errstate(invalid="ignore"):  # a resample of one class has no AUC
        return (defaulters * below).sum(axis=1) / (defaulters.sum(axis=1) * repaid.sum(axis=1))
