"""Decisions of one model on applicants: its measures, with bootstrap intervals."""

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.amounts import Amounts
from ml.evaluation.bootstrap import LEVEL, RESAMPLES, Interval, basic_interval, drawn_counts, percentile_interval
from ml.evaluation.metrics import FALSE_NEGATIVE_COST, FALSE_POSITIVE_COST, decision_costs
from ml.evaluation.ranking import RankedScores, areas, distances

FloatArray = NDArray[np.float64]


class Judged:
    """Decisions on applicants, ready to be measured on many resamples.

    Parameters
    ----------
    target : ndarray of shape (n_applicants,)
        1 = default.
    probability : ndarray of shape (n_applicants,)
        Default probabilities, 0 to 1.
    costs : ndarray of shape (n_applicants,)
        Cost of the decision on each applicant, 0 to 10; see `decision_costs`.
    money : tuple of two ndarray of shape (n_applicants,), optional
        Money lost by the decision and credit asked for, for the amount-weighted cost.
    """

    def __init__(
        self,
        target: NDArray[np.int8],
        probability: FloatArray,
        costs: FloatArray,
        money: tuple[FloatArray, FloatArray] | None = None,
    ) -> None:
        default = target == 1
        stake = np.where(default, FALSE_NEGATIVE_COST, FALSE_POSITIVE_COST)
        self._ranked = RankedScores(default, probability)
        self._means = np.column_stack([(probability - default) ** 2, 1000 * costs, stake - 2 * costs])
        self._money = money

    @classmethod
    def by_threshold(
        cls, target: NDArray[np.int8], probability: FloatArray, threshold: float, amounts: Amounts | None = None
    ) -> "Judged":
        """Applicants are refused from a default probability on; without `amounts` there is no amount-weighted cost."""
        refused = probability >= threshold
        money = None
        if amounts is not None:
            known = amounts.known
            money = np.where(known, amounts.losses(target, refused), 0.0), np.where(known, amounts.credit, 0.0)
        return cls(target, probability, decision_costs(target, refused), money)

    def measures(self, weights: FloatArray) -> dict[str, FloatArray]:
        """AUC, Gini, KS, Brier score, cost per 1,000, normalised score and, where known, amount-weighted cost.

        Parameters
        ----------
        weights : ndarray of shape (n_weightings, n_applicants)
            How often each applicant counts.

        Returns
        -------
        dict of str to ndarray of shape (n_weightings,)
        """
        classes = self._ranked.by_score(weights)
        area = areas(*classes)
        brier, cost, score = (weights @ self._means / weights.sum(axis=1, keepdims=True)).T
        measured = {
            "auc": area,
            "gini": 2 * area - 1,
            "ks": distances(*classes),
            "brier_score": brier,
            "cost_per_1000": cost,
            "normalised_score": score,
        }
        if self._money is not None:
            lost, credit = self._money
            measured["amount_weighted_cost"] = (weights @ lost) / (weights @ credit)
        return measured

    def intervals(self, seed: int, resamples: int = RESAMPLES, level: float = LEVEL) -> dict[str, Interval]:
        """Bootstrap intervals of all measures.

        KS is a maximum, which resampling raises: its interval is the basic one, the others are percentile intervals.

        See Also
        --------
        ml.evaluation.bootstrap.percentile_interval, ml.evaluation.bootstrap.basic_interval
        """
        blocks = [self.measures(weights) for weights in drawn_counts(len(self._means), resamples, seed)]
        found = {}
        for name in blocks[0]:
            estimate, *resampled = np.concatenate([block[name] for block in blocks])
            interval = basic_interval if name == "ks" else percentile_interval
            found[name] = interval(estimate, np.array(resampled), level)
        return found
