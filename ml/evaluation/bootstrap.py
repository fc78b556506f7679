"""The bootstrap of the project: applicants drawn again, intervals of a measure, differences between two models."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml.evaluation.ranking import RankedScores, areas

RESAMPLES = 1_000
MEAN_RESAMPLES = 10_000  # a resample of a mean costs next to nothing
LEVEL = 0.95
CELLS_AT_ONCE = 1_000_000  # counts held at once: 8 MB, and a few times that while they are summed

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A measure and its bootstrap interval."""

    estimate: float
    low: float
    high: float

    def __str__(self) -> str:
        digits = 1 if abs(self.estimate) >= 10 else 4
        return f"{self.estimate:.{digits}f} ({self.low:.{digits}f} to {self.high:.{digits}f})"

    def around(self, estimate: float) -> "Interval":
        """The interval moved to another estimate of the same measure.

        Examples
        --------
        >>> Interval(2.0, 1.0, 4.0).around(3.0)
        Interval(estimate=3.0, low=2.0, high=5.0)
        """
        shift = estimate - self.estimate
        return Interval(estimate, self.low + shift, self.high + shift)


@dataclass(frozen=True)
class Difference(Interval):
    """First model minus second model on the same applicants, with its bootstrap interval.

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
    """AUC on resamples of one set of applicants, for any number of models.

    Every model is measured on the same resamples, so that the luck of the draw cancels in a difference. Models are not
    fitted again: the intervals cover the choice of applicants to judge, not the choice of a training set.

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
        ranked = RankedScores(self._default, self._checked(probability))
        drawn = drawn_counts(self._default.size, self._resamples, self._seed)
        return np.concatenate([areas(*ranked.by_score(counts)) for counts in drawn])

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

    Raises
    ------
    ValueError
        No resample holds applicants of both classes.
    """
    differences = (first - second)[1:]
    if not np.isfinite(differences).any():
        raise ValueError("no resample holds applicants of both classes")
    return _difference(float(first[0] - second[0]), differences, level)


def paired_mean_difference(
    first: FloatArray, second: FloatArray, seed: int, resamples: int = MEAN_RESAMPLES, level: float = LEVEL
) -> Difference:
    """Mean of `first - second` over the same applicants, such as the costs of two models' decisions.

    Examples
    --------
    >>> costs = np.array([0.0, 1.0, 10.0, 0.0])
    >>> paired_mean_difference(costs, costs, seed=1)
    Difference(estimate=0.0, low=0.0, high=0.0, probability_greater=0.5)
    """
    values, counts = np.unique(first - second, return_counts=True)
    drawn = drawn_cells(counts, resamples, np.random.default_rng(seed)) @ values
    return _difference(float(np.mean(first - second)), drawn / counts.sum(), level)


def drawn_counts(applicants: int, resamples: int, seed: int) -> Iterator[FloatArray]:
    """How often each applicant is in each resample: all applicants, of both classes, drawn together with replacement.

    Yields
    ------
    ndarray of shape (n, applicants)
        First the applicants as they are, each once; then the resamples, some at a time.
    """
    yield np.ones((1, applicants))
    random = np.random.default_rng(seed)
    at_once = max(1, CELLS_AT_ONCE // applicants)
    for start in range(0, resamples, at_once):
        rows = min(at_once, resamples - start)
        drawn = random.integers(0, applicants, (rows, applicants)) + applicants * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * applicants).reshape(rows, applicants).astype(np.float64)


def drawn_cells(counts: NDArray[np.int64], resamples: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Resampled numbers of applicants in a few cells, shape (resamples, n_cells).

    One multinomial draw over the cells has the distribution of drawing the applicants, however many they are.
    """
    return random.multinomial(counts.sum(), counts / counts.sum(), size=resamples)


def percentile_interval(estimate: float, resampled: FloatArray, level: float = LEVEL) -> Interval:
    """Interval that holds the middle of the resampled values [1]_.

    Parameters
    ----------
    estimate : float
        On the applicants as they are.
    resampled : ndarray of shape (n_resamples,)
        Values that are not finite are left out; both ends are NaN when none remains.
    level : float
        Share of the resampled values inside, 0 to 1.

    References
    ----------
    .. [1] B. Efron and R. J. Tibshirani, "An introduction to the bootstrap", Chapman & Hall, 1993, chapter 13.

    Examples
    --------
    >>> percentile_interval(2.0, np.arange(5.0), level=0.5)
    Interval(estimate=2.0, low=1.0, high=3.0)
    """
    known = resampled[np.isfinite(resampled)]
    if not known.size:
        return Interval(float(estimate), np.nan, np.nan)
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(estimate), float(low), float(high))


def basic_interval(estimate: float, resampled: FloatArray, level: float = LEVEL) -> Interval:
    """The percentile interval mirrored at the estimate [1]_: for a measure that resampling pushes to one side.

    References
    ----------
    .. [1] A. C. Davison and D. V. Hinkley, "Bootstrap methods and their application", Cambridge, 1997, section 5.2.

    Examples
    --------
    >>> basic_interval(2.0, np.arange(5.0) + 0.5, level=0.5)
    Interval(estimate=2.0, low=0.5, high=2.5)
    """
    inside = percentile_interval(estimate, resampled, level)
    return Interval(inside.estimate, 2 * inside.estimate - inside.high, 2 * inside.estimate - inside.low)


def _difference(estimate: float, resampled: FloatArray, level: float) -> Difference:
    inside = percentile_interval(estimate, resampled, level)
    known = resampled[np.isfinite(resampled)]
    greater = np.mean((known > 0) + 0.5 * (known == 0))
    return Difference(inside.estimate, inside.low, inside.high, float(greater))
