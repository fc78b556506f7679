"""The hold-out, judged once."""

from dataclasses import dataclass

from ml.data.training_set import TrainingData
from ml.evaluation.amounts import read_amounts
from ml.evaluation.bootstrap import Interval
from ml.evaluation.judged import Judged
from ml.served.scorer import CreditScorer


@dataclass(frozen=True)
class HoldoutReport:
    """What a model fitted on the development rows is worth on the hold-out.

    Attributes
    ----------
    applicants, defaulters : int
        Of the hold-out.
    measures : dict of str to Interval
        By name: AUC, Gini, KS, Brier score, cost per 1,000, normalised score and, where amounts are known, the
        amount-weighted cost; with 95 % bootstrap intervals.
    """

    applicants: int
    defaulters: int
    measures: dict[str, Interval]

    @property
    def metrics(self) -> dict[str, float]:
        """Estimates and ends of the intervals by name, as they are logged."""
        return {
            f"holdout_{name}{end}": value
            for name, interval in self.measures.items()
            for end, value in (("", interval.estimate), ("_low", interval.low), ("_high", interval.high))
        }


def judge_holdout(scorer: CreditScorer, holdout: TrainingData, seed: int) -> HoldoutReport:
    """Measure a finished model, its threshold included, on applicants that had no part in it."""
    probability = scorer.probability(holdout.frame())
    judged = Judged.by_threshold(holdout.target, probability, scorer.threshold, read_amounts(holdout))
    return HoldoutReport(holdout.applicants, int(holdout.target.sum()), judged.intervals(seed))
