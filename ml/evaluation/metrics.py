"""What decisions cost, and how well a score ranks: pure functions on labels, decisions and probabilities.

An applicant is refused when the default probability reaches the threshold. A false negative (a defaulter granted
credit) costs ten times a false positive (a good payer refused).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import roc_auc_score

FALSE_NEGATIVE_COST = 10
FALSE_POSITIVE_COST = 1
THEORETICAL_THRESHOLD = FALSE_POSITIVE_COST / (FALSE_POSITIVE_COST + FALSE_NEGATIVE_COST)

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Confusion:
    """Decisions counted against what happened; "positive" is a default, "predicted positive" a refusal.

    Attributes
    ----------
    true_negatives, false_positives, false_negatives, true_positives : int
        Good payers granted, good payers refused, defaulters granted, defaulters refused.

    Examples
    --------
    >>> decisions = Confusion.of([0, 0, 0, 1, 1], [False, False, True, False, True])
    >>> decisions.cost, decisions.cost_per_1000
    (11, 2200.0)
    >>> decisions.recall, decisions.precision, decisions.accuracy
    (0.5, 0.5, 0.6)
    >>> decisions.normalised_score
    0.2
    """

    true_negatives: int
    false_positives: int
    false_negatives: int
    true_positives: int

    @classmethod
    def of(cls, target: ArrayLike, refused: ArrayLike) -> "Confusion":
        """Count refusals (bool per applicant) against `target` (1 = default)."""
        default = np.asarray(target) == 1
        refusal = np.asarray(refused, dtype=bool)
        return cls(
            true_negatives=int(np.sum(~default & ~refusal)),
            false_positives=int(np.sum(~default & refusal)),
            false_negatives=int(np.sum(default & ~refusal)),
            true_positives=int(np.sum(default & refusal)),
        )

    @property
    def applicants(self) -> int:
        """Number of decisions."""
        return self.true_negatives + self.false_positives + self.false_negatives + self.true_positives

    @property
    def cost(self) -> int:
        """`10 * FN + FP`; >= 0, in units of one good payer refused."""
        return FALSE_NEGATIVE_COST * self.false_negatives + FALSE_POSITIVE_COST * self.false_positives

    @property
    def cost_per_1000(self) -> float:
        """Cost per 1,000 applications, so that runs on different sizes compare; 0 to 10,000."""
        return 1000 * self.cost / self.applicants

    @property
    def normalised_score(self) -> float:
        """`(10*TP + TN - 10*FN - FP) / N`; -10 to 10, higher is better."""
        gain = FALSE_NEGATIVE_COST * self.true_positives + FALSE_POSITIVE_COST * self.true_negatives
        return (gain - self.cost) / self.applicants

    @property
    def accuracy(self) -> float:
        """`(TP + TN) / N`; 0 to 1."""
        return (self.true_positives + self.true_negatives) / self.applicants

    @property
    def recall(self) -> float:
        """`TP / (TP + FN)`, the share of defaulters refused; 0 to 1, NaN without defaulters."""
        return _ratio(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def precision(self) -> float:
        """`TP / (TP + FP)`, the share of refusals that were right; 0 to 1, NaN without refusals."""
        return _ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def f1(self) -> float:
        """Harmonic mean of recall and precision, `2*TP / (2*TP + FN + FP)`; 0 to 1."""
        return _ratio(2 * self.true_positives, 2 * self.true_positives + self.false_negatives + self.false_positives)

    @property
    def f2(self) -> float:
        """F score that weighs recall twice as much as precision, `5*TP / (5*TP + 4*FN + FP)`; 0 to 1.

        References
        ----------
        .. [1] C. J. van Rijsbergen, "Information Retrieval", 2nd ed., Butterworths, 1979.
        """
        return _ratio(
            5 * self.true_positives, 5 * self.true_positives + 4 * self.false_negatives + self.false_positives
        )


def decision_costs(target: ArrayLike, refused: ArrayLike) -> FloatArray:
    """Cost of each decision: 10 for a defaulter granted credit, 1 for a good payer refused, else 0.

    Examples
    --------
    >>> decision_costs([1, 0, 0], [False, True, False]).tolist()
    [10.0, 1.0, 0.0]
    """
    refusal = np.asarray(refused, dtype=bool)
    lost = np.where(np.asarray(target) == 1, FALSE_NEGATIVE_COST * ~refusal, FALSE_POSITIVE_COST * refusal)
    return lost.astype(np.float64)


def auc(target: ArrayLike, probability: ArrayLike) -> float:
    """Area under the ROC curve: the chance that a defaulter scores above a good payer; 0 to 1, 0.5 knows nothing.

    References
    ----------
    .. [1] J. A. Hanley and B. J. McNeil, "The meaning and use of the area under a receiver operating
       characteristic (ROC) curve", Radiology 143, 1982.

    Examples
    --------
    >>> auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    return float(roc_auc_score(np.asarray(target), np.asarray(probability, dtype=float)))


def gini(target: ArrayLike, probability: ArrayLike) -> float:
    """Gini coefficient (Somers' D) `2 * AUC - 1`; -1 to 1, 0 knows nothing.

    References
    ----------
    .. [1] R. H. Somers, "A new asymmetric measure of association for ordinal variables", American Sociological
       Review 27, 1962.

    Examples
    --------
    >>> gini([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.5
    """
    return 2 * auc(target, probability) - 1


def kolmogorov_smirnov(target: ArrayLike, probability: ArrayLike) -> float:
    """Greatest distance between the score distributions of defaulters and good payers; 0 to 1.

    References
    ----------
    .. [1] N. Smirnov, "Table for estimating the goodness of fit of empirical distributions", Annals of Mathematical
       Statistics 19, 1948.

    Examples
    --------
    >>> kolmogorov_smirnov([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.5
    """
    default, probability = labels_and_probabilities(target, probability)
    _, defaulters, repaid = counts_by_score(default, probability)
    distance = np.cumsum(repaid) / repaid.sum() - np.cumsum(defaulters) / defaulters.sum()
    return float(np.abs(distance).max())


def brier_score(target: ArrayLike, probability: ArrayLike) -> float:
    """Mean squared distance between probability and outcome; 0 to 1, lower is better.

    References
    ----------
    .. [1] G. W. Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78, 1950.

    Examples
    --------
    >>> brier_score([0, 1], [0.0, 0.5])
    0.125
    """
    default, probability = labels_and_probabilities(target, probability)
    return float(np.mean((probability - default) ** 2))


def labels_and_probabilities(target: ArrayLike, probability: ArrayLike) -> tuple[NDArray[np.int64], FloatArray]:
    """Both as arrays of the same length; `ValueError` when they are not labels and probabilities of the same rows."""
    default = np.asarray(target).astype(np.int64)
    values = np.asarray(probability, dtype=np.float64)
    if default.shape != values.shape or default.ndim != 1 or default.size == 0:
        raise ValueError(f"labels of shape {default.shape} and probabilities of shape {values.shape} do not match")
    if not np.all((values >= 0) & (values <= 1)):
        raise ValueError("a probability lies outside 0 to 1")
    return default, values


def counts_by_score(default: NDArray[np.int64], probability: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Distinct scores, ascending, with the defaulters and the good payers at each."""
    scores, position = np.unique(probability, return_inverse=True)
    defaulters, repaid = (
        np.bincount(position, weights=counted, minlength=scores.size).astype(np.float64)
        for counted in (default, 1 - default)
    )
    return scores, defaulters, repaid


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
