"""Marginal distributions as functions of a standard normal score, with their form in the statistics file."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from warehouse.generator.population import normal

MAX_DISCRETE = 100
NULL_CODE = -1
_TAIL = (2.75, 2.9, 3.1, 3.4)


def _grid(steps: int) -> np.ndarray:
    return np.concatenate([-np.array(_TAIL[::-1]), np.linspace(-2.6, 2.6, steps), np.array(_TAIL)])


FINE_GRID, COARSE_GRID = _grid(105), _grid(33)
_GRIDS = {len(grid): grid for grid in (FINE_GRID, COARSE_GRID)}
_STEP = 1e-6


@dataclass(frozen=True)
class Marginal:
    """One variable's distribution.

    Attributes
    ----------
    values : numpy.ndarray
        Values at the scores `grid`, or the distinct values (text as codes of a `Texts`, null as -1).
    grid : numpy.ndarray or None
        Scores of a continuous variable, which is linear between them; None = discrete.
    thresholds : numpy.ndarray or None
        Scores at which a discrete variable changes its value; None = continuous.
    """

    values: np.ndarray
    grid: np.ndarray | None = None
    thresholds: np.ndarray | None = None

    def at(self, z: np.ndarray) -> np.ndarray:
        """Value that belongs to a score; monotone in the order of `values`."""
        if self.grid is not None:
            return np.interp(z, self.grid, self.values)
        return self.values[self._position(z)]

    def score(self, z: np.ndarray) -> np.ndarray:
        """What the value tells about its score: E[z | value], the score itself if continuous."""
        return z if self.grid is not None else self._means[self._position(z)]

    def scaled(self, z: np.ndarray) -> np.ndarray:
        """`score` by its variance: two of these have the correlation of the underlying scores as covariance."""
        return z if self.grid is not None else self.score(z) / self._variance

    @cached_property
    def _shares(self) -> np.ndarray:
        return np.diff(np.append(normal.cdf(self._steps), 1.0), prepend=0.0)

    @property
    def _steps(self) -> np.ndarray:
        if self.thresholds is None:
            raise TypeError("a continuous variable has no thresholds")
        return self.thresholds

    def _position(self, z: np.ndarray) -> np.ndarray:
        return np.searchsorted(self._steps, z)

    @cached_property
    def _means(self) -> np.ndarray:
        return normal.interval_means(np.cumsum(self._shares))

    @cached_property
    def _variance(self) -> float:
        return max(float(np.sum(self._shares * self._means**2)), 1e-9)


class Texts:
    """All text values of the statistics, so that columns are carried as small integers.

    >>> texts = Texts(["b", "a"])
    >>> texts.code("b"), texts.values[texts.code("b")]
    (1, 'b')
    """

    def __init__(self, values: list[str]) -> None:
        self.values = sorted(set(values))
        self._codes = {value: code for code, value in enumerate(self.values)}

    def code(self, value: str | None) -> int:
        """Code of a value; null has -1."""
        return NULL_CODE if value is None else self._codes[value]

    def mask(self, *values: str) -> np.ndarray:
        """Lookup table, by code, of membership in `values` (its last entry serves the null code)."""
        table = np.zeros(len(self.values) + 1, bool)
        table[[self._codes[value] for value in values]] = True
        return table


def discrete(labels: list[Any], frequencies: np.ndarray, texts: Texts | None = None) -> Marginal:
    """Marginal of ordered values with their frequencies; null has the code -1."""
    values = [texts.code(label) if texts and isinstance(label, str) else label for label in labels]
    cumulated = np.cumsum(frequencies) / np.sum(frequencies)
    return Marginal(
        np.array([NULL_CODE if value is None else value for value in values], dtype=float),
        thresholds=normal.quantile(cumulated[:-1]),
    )


def from_json(entry: dict[str, Any], texts: Texts) -> Marginal:
    """Read one marginal of the statistics file."""
    if "quantiles" in entry:
        values = np.array(entry["quantiles"], dtype=float)
        grid = _GRIDS[len(values)]
        return _with_atom(grid, values, *entry["atom"]) if "atom" in entry else Marginal(values, grid)
    return discrete(entry["values"], np.array(entry["shares"], dtype=float), texts)


def _with_atom(
    grid: np.ndarray, values: np.ndarray, low: float, high: float, left: float, atom: float, right: float
) -> Marginal:
    """Continuous marginal with one value of its own weight between two scores, and a step on either side of it."""
    below, above = grid < low - _STEP, grid > high + _STEP
    knots = np.concatenate([grid[below], [low - _STEP, low, high, high + _STEP], grid[above]])
    return Marginal(np.concatenate([values[below], [left, atom, atom, right], values[above]]), knots)


def labels_in(entry: object) -> list[str]:
    """Collect every text value of a part of the statistics file."""
    if isinstance(entry, dict):
        own = [value for value in entry.get("values", ()) if isinstance(value, str)]
        return own + [label for part in entry.values() for label in labels_in(part)]
    return [label for part in entry for label in labels_in(part)] if isinstance(entry, list) else []
