"""Decisions weighed by the money behind them, beside the plain 10 to 1."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.data.training_set import TrainingData

CREDIT, ANNUITY = "amt_credit", "amt_annuity"


@dataclass(frozen=True)
class Amounts:
    """What each applicant asked for; NaN = null.

    Attributes
    ----------
    credit : ndarray of shape (n_applicants,)
        Amount of the credit, in the release's currency.
    annuity : ndarray of shape (n_applicants,)
        One instalment of it.
    """

    credit: NDArray[np.float64]
    annuity: NDArray[np.float64]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Applicants of whom both amounts are known; the others are left out."""
        return ~np.isnan(self.credit + self.annuity)

    def losses(self, target: NDArray[np.int8], refused: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Money lost by each decision: the credit of a defaulter granted, one annuity of a good client refused."""
        granted_defaulter, refused_payer = (target == 1) & ~refused, (target == 0) & refused
        return np.where(granted_defaulter, self.credit, 0.0) + np.where(refused_payer, self.annuity, 0.0)


def read_amounts(data: TrainingData) -> Amounts | None:
    """Amounts of the applicants; None when the training set has not both columns."""
    credit, annuity = data.column(CREDIT), data.column(ANNUITY)
    return None if credit is None or annuity is None else Amounts(credit, annuity)


def why_without_amounts(data: TrainingData) -> str | None:
    """Why the amount-weighted cost is not measured; None when it is."""
    absent = [name for name in (CREDIT, ANNUITY) if data.column(name) is None]
    return f"not measured: no {' and '.join(absent)} in the training set" if absent else None


def amount_weighted_cost(target: NDArray[np.int8], refused: NDArray[np.bool_], amounts: Amounts) -> float:
    r"""Money lost by decisions, as a share of all credit asked for.

    .. math:: \frac{\sum_{\text{defaulters granted}} \text{credit} + \sum_{\text{good clients refused}} \text{annuity}}
        {\sum \text{credit}}

    A defaulter is taken to lose the whole credit, and a good client who is refused one annuity: interest itself cannot
    be computed, for the term of the present credit is not in the data.

    Returns
    -------
    float
        0 (no wrong decision) upwards; applicants without both amounts are left out.

    Examples
    --------
    >>> amounts = Amounts(np.array([100.0, 100.0, 200.0]), np.array([5.0, 5.0, 10.0]))
    >>> amount_weighted_cost(np.array([1, 0, 0]), np.array([False, False, True]), amounts)
    0.275
    """
    known = amounts.known
    return float(amounts.losses(target, refused)[known].sum() / amounts.credit[known].sum())
