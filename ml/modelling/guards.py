"""Guards against promotion whatever the cost: an AUC too good to be true, and overfitting."""

from collections.abc import Sequence

import numpy as np

from ml.modelling.cross_validation import CrossValidation
from ml.modelling.recipe import TrainingConfig

REAL_SIZE = 50_000
REAL_SIZE_AUC_LIMIT = 0.82
ANY_SIZE_AUC_LIMIT = 0.95
REAL_SIZE_GAP_LIMIT = 0.10
ANY_SIZE_GAP_LIMIT = 0.30


def suspicion(auc: float, applicants: int) -> str | None:
    """Why an AUC is too good to be true; None when it is not.

    Published models reach 0.80 on the real release. An AUC above 0.82 on 50,000 applicants or more, or above 0.95 on
    any number, says that a feature knows the outcome.

    Examples
    --------
    >>> suspicion(0.80, 307_511) is None, suspicion(0.90, 5_000) is None
    (True, True)
    >>> suspicion(0.83, 307_511)
    'suspected leakage: AUC 0.8300 above 0.82 on 307,511 applicants'
    """
    limit = REAL_SIZE_AUC_LIMIT if applicants >= REAL_SIZE else ANY_SIZE_AUC_LIMIT
    return f"suspected leakage: AUC {auc:.4f} above {limit} on {applicants:,} applicants" if auc > limit else None


def overfitting(gap: float, applicants: int, limit: float | None = None) -> str | None:
    """Why a model counts as overfitted; None when it does not.

    Parameters
    ----------
    gap : float
        AUC on training rows minus AUC out of fold.
    applicants : int
        Number of labelled applicants: few are always learned better than many.
    limit : float, optional
        Greatest gap; 0.10 on 50,000 applicants or more and 0.30 on fewer when omitted.

    Examples
    --------
    >>> overfitting(0.06, 307_511) is None
    True
    >>> overfitting(0.25, 307_511)
    'overfitting: AUC on training rows 0.250 above the AUC out of fold, more than 0.10 on 307,511 applicants'
    """
    greatest = limit or (REAL_SIZE_GAP_LIMIT if applicants >= REAL_SIZE else ANY_SIZE_GAP_LIMIT)
    if gap <= greatest:
        return None
    return (
        f"overfitting: AUC on training rows {gap:.3f} above the AUC out of fold, more than {greatest:.2f} on "
        f"{applicants:,} applicants"
    )


def auc_gap(validations: Sequence[CrossValidation]) -> float:
    """Mean over all folds of AUC on training rows minus AUC on the rows held out."""
    return float(np.mean([fold.training_auc - fold.auc for one in validations for fold in one.results]))


def objections(auc: float, gap: float, applicants: int, config: TrainingConfig) -> list[str]:
    """Reasons against promoting a model; empty when there is none."""
    found = (suspicion(auc, applicants), overfitting(gap, applicants, config.max_auc_gap))
    return [reason for reason in found if reason]
