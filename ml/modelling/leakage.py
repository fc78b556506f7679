"""Probes for features that know the outcome: each column alone, measured on training rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.data.training_set import TrainingData
from warehouse.core.errors import TrainingDataError

FEW_APPLICANTS = 2_000
AUC_LIMIT, AUC_LIMIT_ON_FEW = 0.85, 0.95
SMALLEST_GROUP = 20
PURE = 0.9
NAMES_SHOWN = 5

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Suspect:
    """A feature that knows too much, and how that was seen."""

    feature: str
    evidence: str

    def __str__(self) -> str:
        return f"{self.feature} ({self.evidence})"


def find_leaks(data: TrainingData) -> list[Suspect]:
    r"""Features that separate defaulters from good payers on their own.

    Two probes, both blind to the scale of a feature and to the sign of its relation:

    * its AUC (nulls below, or above, all numbers; a text by the default rate of its categories on the other half of
      the rows) exceeds 0.85, 0.95 on fewer than 2,000 applicants; the best feature of the real release has 0.73;
    * of the applicants who do not have its most frequent value (null is a value), 20 or more, nine in ten defaulted:
      a column that is nearly constant cannot reach a high AUC.

    Parameters
    ----------
    data : TrainingData
        Training rows; never those of a hold-out.

    Returns
    -------
    list of Suspect
        In the order of the features.
    """
    suspects = []
    limit = AUC_LIMIT if data.applicants >= FEW_APPLICANTS else AUC_LIMIT_ON_FEW
    for position, name in enumerate(data.features):
        column = data.matrix[:, position]
        groups = _Groups.of(_rates(column, data.target) if name in data.categories else column, data.target)
        share, away = (groups if name not in data.categories else _Groups.of(column, data.target)).off_mode()
        if groups.strongest_auc() > limit:
            suspects.append(Suspect(name, f"AUC {groups.strongest_auc():.4f} alone, above {limit}"))
        elif away >= SMALLEST_GROUP and share > PURE:
            suspects.append(Suspect(name, f"{share:.1%} of {away:,} off its most frequent value defaulted"))
    return suspects


def require_no_leaks(data: TrainingData) -> None:
    """Raise `TrainingDataError` that names the features of `find_leaks`, if any."""
    suspects = find_leaks(data)
    if suspects:
        more = f" and {len(suspects) - NAMES_SHOWN} more" if len(suspects) > NAMES_SHOWN else ""
        raise TrainingDataError(
            expected="no feature of marts.training_set that knows the outcome on its own",
            found=", ".join(map(str, suspects[:NAMES_SHOWN])) + more,
            remedy="take it out of the mart, or pass --override-guard",
        )


@dataclass(frozen=True)
class _Groups:
    """Defaulters and good payers by value of one column, ascending; nulls are the last group if there are any."""

    defaulters: FloatArray
    repaid: FloatArray
    has_nulls: bool

    @classmethod
    def of(cls, values: FloatArray, target: NDArray[np.int8]) -> "_Groups":
        """Count the applicants of each distinct value."""
        distinct, group, counts = np.unique(values, return_inverse=True, return_counts=True)
        defaulters = np.bincount(group, target, minlength=distinct.size).astype(np.float64)
        return cls(defaulters, counts - defaulters, bool(np.isnan(distinct[-1])))

    def strongest_auc(self) -> float:
        """AUC or its mirror image, whichever is greater, nulls at the upper or at the lower end; 0.5 to 1."""
        areas = [_auc(self.defaulters, self.repaid)]
        if self.has_nulls:
            areas.append(_auc(np.roll(self.defaulters, 1), np.roll(self.repaid, 1)))
        return max(max(area, 1 - area) for area in areas)

    def off_mode(self) -> tuple[float, int]:
        """Default rate of the rows without the most frequent value, and their number."""
        away = np.arange(self.defaulters.size) != (self.defaulters + self.repaid).argmax()
        defaulted, repaid = self.defaulters[away].sum(), self.repaid[away].sum()
        return float(defaulted / max(defaulted + repaid, 1)), int(defaulted + repaid)


def _auc(defaulters: FloatArray, repaid: FloatArray) -> float:
    below = np.cumsum(repaid) - repaid / 2
    return float(defaulters @ below / (defaulters.sum() * repaid.sum()))


def _rates(codes: FloatArray, target: NDArray[np.int8]) -> FloatArray:
    """Default rate of each row's category among the rows of the other parity: a unique name carries no information."""
    groups = np.nan_to_num(codes, nan=-1).astype(int) + 1
    odd = np.arange(len(codes)) % 2 == 1
    rates = np.empty(len(codes))
    for half in (odd, ~odd):
        size = groups.max() + 1
        counts = np.bincount(groups[~half], minlength=size)
        defaulted = np.bincount(groups[~half], target[~half], minlength=size)
        rates[half] = ((defaulted + target.mean()) / (counts + 1))[groups[half]]
    return rates
