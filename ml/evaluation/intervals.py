"""Bootstrap intervals of the measures of one model, by weights instead of copies of rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.amounts import Amounts
from ml.evaluation.metrics import FALSE_NEGATIVE_COST, FALSE_POSITIVE_COST, decision_costs

RESAMPLES = 1_000
LEVEL = 0.95

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A measure, and where its resamples lie."""

    estimate: float
    low: float
    high: float

    def __str__(self) -> str:
        digits = 1 if abs(self.estimate) >= 10 else 4
        return f"{self.estimate:.{digits}f} ({self.low:.{digits}f} to {self.high:.{digits}f})"


class Judged:
    """Decisions on applicants, prepared so that a resample costs one pass without sorting.

    Parameters
    ----------
    target : ndarray of shape (n_applicants,)
        1 = default.
    probability : ndarray of shape (n_applicants,)
        Default probabilities.
    threshold : float
        Refused from here on.
    amounts : Amounts, optional
        For the amount-weighted cost.
    """

    def __init__(
        self, target: NDArray[np.int8], probability: FloatArray, threshold: float, amounts: Amounts | None = None
    ) -> None:
        order = np.argsort(probability, kind="stable")
        default = target[order].astype(np.float64)
        ascending = probability[order]
        refused = ascending >= threshold
        wrong = decision_costs(default, refused)
        stake = np.where(default == 1, FALSE_NEGATIVE_COST, FALSE_POSITIVE_COST)
        self._default = default
        self._group = np.cumsum(np.concatenate(([0], np.diff(ascending) > 0)))
        self._sums = np.column_stack([(ascending - default) ** 2, wrong, stake - 2 * wrong])
        self._money = None
        if amounts is not None:
            known = amounts.known[order]
            lost = Amounts(amounts.credit[order], amounts.annuity[order]).losses(default, refused)
            self._money = np.where(known, lost, 0.0), np.where(known, amounts.credit[order], 0.0)

    def measure(self, weights: FloatArray | None = None) -> dict[str, float]:
        """Measures when each applicant counts `weights` times, in the order of probability; once when omitted."""
        counts = np.ones(self._default.size) if weights is None else weights
        total = counts.sum()
        defaulters = np.bincount(self._group, counts * self._default)
        repaid = np.bincount(self._group, counts * (1 - self._default))
        below = np.cumsum(repaid) - repaid
        area = float(defaulters @ (below + repaid / 2) / (defaulters.sum() * repaid.sum()))
        distance = np.cumsum(repaid) / repaid.sum() - np.cumsum(defaulters) / defaulters.sum()
        brier, cost, score = counts @ self._sums / total
        measures = {
            "auc": area,
            "gini": 2 * area - 1,
            "ks": float(np.abs(distance).max()),
            "brier_score": float(brier),
            "cost_per_1000": float(1000 * cost),
            "normalised_score": float(score),
        }
        if self._money is not None:
            lost, credit = self._money
            measures["amount_weighted_cost"] = float(counts @ lost / (counts @ credit))
        return measures

    def intervals(self, seed: int, resamples: int = RESAMPLES, level: float = LEVEL) -> dict[str, Interval]:
        """Percentile intervals of all measures.

        Defaulters and good payers are drawn separately, as they were when the hold-out was set aside.

        References
        ----------
        .. [1] B. Efron and R. Tibshirani, "An Introduction to the Bootstrap", Chapman & Hall, 1993, chapter 13.
        """
        random = np.random.default_rng(seed)
        classes = [np.flatnonzero(self._default == label) for label in (0, 1)]
        drawn: dict[str, list[float]] = {name: [] for name in self.measure()}
        for _ in range(resamples):
            weights = np.empty(self._default.size)
            for members in classes:
                picks = random.integers(members.size, size=members.size)
                weights[members] = np.bincount(picks, minlength=members.size)
            for name, value in self.measure(weights).items():
                drawn[name].append(value)
        tails = [(1 - level) / 2, (1 + level) / 2]
        return {name: Interval(value, *np.quantile(drawn[name], tails)) for name, value in self.measure().items()}
