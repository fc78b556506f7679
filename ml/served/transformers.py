"""Features fitted on labels and inputs of linear models: the steps of a pipeline that scikit-learn does not have.

This module travels with every exported model, so it imports nothing of this project. All of it works on what the first
step gives: numbers, then texts as positions among their sorted categories, NaN for null.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import KDTree
from scipy.special import ndtri
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import QuantileTransformer, TargetEncoder

ROWS_AT_ONCE = 5_000  # rows whose neighbours are held at once: 500 of each take 60 MB
QUANTILES = 200
FEW_ROWS = 20  # up to here all columns of a row are done at once, beyond it all rows of a column
FARTHEST = 3.0
NARROWEST = 0.1

FloatArray = NDArray[np.float64]


class TargetEncodings(TransformerMixin, BaseEstimator):
    """Append the smoothed default rate of each category of each text.

    A training row gets the rate among the other training rows (scikit-learn's `TargetEncoder` [1]_ cross-fits), a new
    row the rate among all of them.

    Parameters
    ----------
    positions : sequence of int
        Columns that hold texts.
    seed : int
        Of the split by which training rows are cross-fitted.

    References
    ----------
    .. [1] D. Micci-Barreca, "A preprocessing scheme for high-cardinality categorical attributes in classification and
       prediction problems", SIGKDD Explorations 3, 2001.
    """

    def __init__(self, positions: Sequence[int] = (), seed: int = 0) -> None:
        self.positions = positions
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: ArrayLike) -> "TargetEncodings":
        """Learn the rates."""
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: pd.DataFrame, y: ArrayLike) -> pd.DataFrame:
        """Learn the rates and append the cross-fitted ones."""
        folds = StratifiedKFold(5, shuffle=True, random_state=self.seed)
        self.encoder_ = TargetEncoder(target_type="binary", cv=folds)
        rates = self.encoder_.fit_transform(self._texts(X), np.asarray(y))
        self.encoder_.set_params(cv=5)  # the split is of no more use, and skops would have to be told to trust it
        return self._appended(X, rates)

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Append the rates."""
        return self._appended(X, self.rates(X.to_numpy(dtype=np.float64)))

    def rates(self, values: FloatArray) -> FloatArray:
        """What `transform` appends, for rows without a frame."""
        rates: FloatArray = self.encoder_.transform(values[:, list(self.positions)])
        return rates

    def _texts(self, X: pd.DataFrame) -> FloatArray:
        return X.iloc[:, list(self.positions)].to_numpy()

    def _appended(self, X: pd.DataFrame, rates: FloatArray) -> pd.DataFrame:
        names = [f"{X.columns[position]}_default_rate" for position in self.positions]
        return _beside(X, pd.DataFrame(rates, columns=names, index=X.index))


class NeighbourRate(TransformerMixin, BaseEstimator):
    """Append the default rate of the training applicants that are nearest in a few columns.

    A training row does not count among its own neighbours. The price in privacy: the model holds these columns and the
    label of every training applicant, so whoever has the model has them.

    Parameters
    ----------
    positions : sequence of int
        Columns that measure the distance, each scaled to unit standard deviation; null counts as the median.
    neighbours : int
        How many; fewer training rows mean all but one.
    """

    def __init__(self, positions: Sequence[int] = (), neighbours: int = 500) -> None:
        self.positions = positions
        self.neighbours = neighbours

    def fit(self, X: pd.DataFrame, y: ArrayLike) -> "NeighbourRate":
        """Keep the training applicants."""
        values = X.iloc[:, list(self.positions)].to_numpy(dtype=np.float64)
        self.middle_ = np.array([_median(column) for column in values.T])
        deviation = np.std(self._filled(values), axis=0)
        self.scale_ = np.where(deviation > 0, deviation, 1.0)
        self.points_ = self._filled(values) / self.scale_
        self.labels_ = np.asarray(y, dtype=np.float64)
        return self

    def fit_transform(self, X: pd.DataFrame, y: ArrayLike) -> pd.DataFrame:
        """Keep the training applicants and append the rate among the neighbours of each, itself excluded."""
        self.fit(X, y)
        tree, count = KDTree(self.points_), self._count()
        rates = np.empty(len(self.points_))
        for rows in _blocks(len(rates)):
            _, nearest = tree.query(self.points_[rows], k=count + 1)
            itself = nearest == np.arange(rows.start, rows.stop)[:, None]
            itself[~itself.any(axis=1), -1] = True  # hidden behind more twins than were asked for
            rates[rows] = (self.labels_[nearest] * ~itself).sum(axis=1) / count
        return self._appended(X, rates)

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Append the rate among the nearest training applicants."""
        return self._appended(X, self.rates(X.to_numpy(dtype=np.float64))[:, 0])

    def rates(self, values: FloatArray) -> FloatArray:
        """What `transform` appends, for rows without a frame; shape (n_applicants, 1)."""
        points = self._filled(values[:, list(self.positions)]) / self.scale_
        ranks = [*range(1, self._count() + 1)]
        rates = np.empty(len(points))
        for rows in _blocks(len(rates)):
            _, nearest = self._tree().query(points[rows], k=ranks)
            rates[rows] = self.labels_[nearest].mean(axis=1)
        return rates[:, None]

    def __getstate__(self) -> dict[str, Any]:
        """Without the search tree, which is made again from the points."""
        return {name: value for name, value in super().__getstate__().items() if name != "tree"}

    def _count(self) -> int:
        return min(self.neighbours, len(self.labels_) - 1)

    def _tree(self) -> KDTree:
        if "tree" not in self.__dict__:
            self.tree = KDTree(self.points_)
        return self.tree

    def _filled(self, values: FloatArray) -> FloatArray:
        return np.where(np.isnan(values), self.middle_, values)

    def _appended(self, X: pd.DataFrame, rate: FloatArray) -> pd.DataFrame:
        return _beside(X, pd.DataFrame({"neighbours_default_rate": rate}, index=X.index))


class LinearInputs(TransformerMixin, BaseEstimator):
    """Inputs of a linear model: numbers by rank as normal scores, categories as zeros and ones; centred and scaled.

    A null number becomes 0, the middle; a null text belongs to no category.

    Parameters
    ----------
    texts : sequence of int
        Columns that hold categories; the others are numbers.
    rarest : int
        Least number of training rows of a category.
    """

    def __init__(self, texts: Sequence[int] = (), rarest: int = 20) -> None:
        self.texts = texts
        self.rarest = rarest

    def fit(self, X: pd.DataFrame, y: ArrayLike | None = None) -> "LinearInputs":
        """Learn ranks, categories and scales."""
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: pd.DataFrame, y: ArrayLike | None = None) -> NDArray[np.float32]:
        """Learn from the training rows and transform them."""
        values = X.to_numpy(dtype=np.float64)
        self.numbers_ = np.setdiff1d(np.arange(values.shape[1]), np.asarray(self.texts, dtype=int))
        numbers = values[:, self.numbers_]
        ranks = QuantileTransformer(n_quantiles=min(QUANTILES, len(values)), subsample=100_000, random_state=0)
        self.quantiles_ = np.asfortranarray(ranks.fit(numbers).quantiles_)
        self.categories_ = np.array(
            [
                (position, category)
                for position in self.texts
                for category, count in zip(*np.unique(values[:, position], return_counts=True), strict=True)
                if count >= self.rarest and not np.isnan(category)
            ]
        ).reshape(-1, 2)
        raw = self._raw(values)
        self.centre_ = raw.mean(axis=0, dtype=np.float64).astype(np.float32)
        self.scale_ = np.maximum(raw.std(axis=0, dtype=np.float64), NARROWEST).astype(np.float32)
        return self._scaled(raw)

    def transform(self, X: pd.DataFrame) -> NDArray[np.float32]:
        """Transform new rows."""
        return self.scaled(X.to_numpy(dtype=np.float64))

    def scaled(self, values: FloatArray) -> NDArray[np.float32]:
        """What `transform` gives, for rows without a frame."""
        return self._scaled(self._raw(values))

    def _scaled(self, raw: NDArray[np.float32]) -> NDArray[np.float32]:
        scaled: NDArray[np.float32] = (raw - self.centre_) / self.scale_
        return scaled

    def _raw(self, values: FloatArray) -> NDArray[np.float32]:
        numbers = len(self.numbers_)
        raw = np.empty((len(values), numbers + len(self.categories_)), dtype=np.float32, order="F")
        if len(values) <= FEW_ROWS:
            for row, given in zip(raw, values, strict=True):
                row[:numbers] = _normal_scores_of_row(given[self.numbers_], self.quantiles_)
                row[numbers:] = given[self.categories_[:, 0].astype(np.intp)] == self.categories_[:, 1]
            return raw
        for place, position in enumerate(self.numbers_):
            raw[:, place] = _normal_scores(values[:, position], self.quantiles_[:, place])
        for place, (position, category) in enumerate(self.categories_, start=numbers):
            raw[:, place] = values[:, int(position)] == category
        return raw


def _normal_scores(values: FloatArray, quantiles: FloatArray) -> FloatArray:
    """Normal quantile of the rank of each value, within plus or minus 3; 0 for null."""
    # what scikit-learn's QuantileTransformer gives, without its checks of the input: they dominate a single applicant
    steps = np.linspace(0, 1, len(quantiles))
    below = np.interp(values, quantiles, steps)
    above = np.interp(-values, -quantiles[::-1], -steps[::-1])
    ranks = (below - above) / 2  # in the middle of values that are equal
    ranks[values >= quantiles[-1]] = 1
    ranks[values <= quantiles[0]] = 0
    scores: FloatArray = np.nan_to_num(np.clip(ndtri(ranks), -FARTHEST, FARTHEST))
    return scores


def _normal_scores_of_row(values: FloatArray, quantiles: FloatArray) -> FloatArray:
    """`_normal_scores` of one applicant, all columns at once: the same in every bit."""
    # numpy.interp column by column costs 5 ms for 500 columns; its arithmetic is repeated here
    steps = np.linspace(0, 1, len(quantiles))
    last, columns = len(quantiles) - 1, np.arange(len(values))
    with np.errstate(invalid="ignore", divide="ignore"):
        at = np.clip(_count_below(quantiles, values, np.less_equal) - 1, 0, last)
        following = np.minimum(at + 1, last)
        left, right = quantiles[at, columns], quantiles[following, columns]
        slope = (steps[following] - steps[at]) / (right - left)
        below = np.where((left == values) | (at == last), steps[at], slope * (values - left) + steps[at])
        at = np.clip(_count_below(quantiles, values, np.less), 0, last)
        before = np.maximum(at - 1, 0)
        right, left = quantiles[at, columns], quantiles[before, columns]
        slope = (steps[at] - steps[before]) / (right - left)
        above = np.where((right == values) | (at == 0), -steps[at], slope * (right - values) - steps[at])
    ranks = (below - above) / 2
    ranks[values >= quantiles[-1]] = 1
    ranks[values <= quantiles[0]] = 0
    ranks[np.isnan(values) | np.isnan(quantiles[0])] = np.nan
    scores: FloatArray = np.nan_to_num(np.clip(ndtri(ranks), -FARTHEST, FARTHEST))
    return scores


def _count_below(quantiles: FloatArray, values: FloatArray, compare: np.ufunc) -> NDArray[np.intp]:
    """How many quantiles of each column compare with its value; 0 for null. Columns rise: all are halved at once."""
    flat, size = quantiles.T.ravel(), len(quantiles)  # a view: columns lie one after the other
    start = np.arange(len(values)) * size
    count = np.zeros(len(values), dtype=np.intp)
    step = 1 << (size.bit_length() - 1)
    while step:
        further = np.minimum(count + step, size)
        count = np.where(compare(flat[start + further - 1], values), further, count)
        step >>= 1
    return count


def _blocks(rows: int) -> Iterator[slice]:
    for start in range(0, rows, ROWS_AT_ONCE):
        yield slice(start, min(start + ROWS_AT_ONCE, rows))


def _median(column: FloatArray) -> float:
    known = column[~np.isnan(column)]
    return float(np.median(known)) if known.size else 0.0


def _beside(X: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    """One frame with one block, as LightGBM takes it without copying again."""
    values = np.empty((len(X), X.shape[1] + more.shape[1]), dtype=np.float64, order="F")
    values[:, : X.shape[1]] = X.to_numpy()
    values[:, X.shape[1] :] = more.to_numpy()
    return pd.DataFrame(values, columns=[*X.columns, *more.columns], index=X.index, copy=False)
