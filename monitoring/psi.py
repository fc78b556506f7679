"""The population stability index, and how it is read."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

# The usual reading of a PSI: above 0.10 look into it, above 0.25 the population is another one.
THRESHOLDS = {"strong": 0.25, "moderate": 0.10}
SHARE_FLOOR = 1e-4


@dataclass(frozen=True)
class Bin:
    """One bin: its label, and how many rows of each population fall into it."""

    label: str
    reference: int
    current: int


@dataclass(frozen=True)
class ColumnDrift:
    """How one column moved.

    Attributes
    ----------
    column : str
    kind : str
        `numeric` or `text`.
    psi : float
        Population stability index, at least 0.
    level : str
        `strong`, `moderate` or `none`.
    reference_null_share, current_null_share : float
        Between 0 and 1.
    reference_mean, current_mean : float or None
        Of numeric columns.
    information_value : float or None
        How far the column tells defaulters from others in the reference; None where it has no label.
    bins : tuple of Bin
    """

    column: str
    kind: str
    psi: float
    level: str
    reference_null_share: float
    current_null_share: float
    reference_mean: float | None
    current_mean: float | None
    information_value: float | None
    bins: tuple[Bin, ...]

    @property
    def null_share_change(self) -> float:
        """Share of missing values now, less that of the reference."""
        return self.current_null_share - self.reference_null_share


def population_stability_index(reference: Sequence[int], current: Sequence[int]) -> float:
    r"""Compare two distributions over the same bins.

    .. math:: PSI = \sum_b (c_b - r_b) \ln \frac{c_b}{r_b}

    with `r_b` and `c_b` the shares of bin `b`, an empty bin counting as 0.0001. Between the bins of defaulters and of
    the others, the same sum is the information value of a column.

    Parameters
    ----------
    reference, current : sequence of int
        Rows by bin.

    Returns
    -------
    float
        At least 0; 0 for equal shares; the same when the two change places.

    References
    ----------
    Siddiqi, N. (2006). Credit Risk Scorecards. Wiley. Chapters 6 and 9.
    Yurdakul, B. (2018). Statistical Properties of Population Stability Index. Western Michigan University.

    Examples
    --------
    >>> population_stability_index([50, 50], [500, 500])
    0.0
    >>> round(population_stability_index([50, 50], [80, 20]), 3)
    0.416
    """
    reference_rows, current_rows = sum(reference), sum(current)
    if not reference_rows or not current_rows:
        return 0.0
    index = 0.0
    for reference_count, current_count in zip(reference, current, strict=True):
        r = max(reference_count / reference_rows, SHARE_FLOOR)
        c = max(current_count / current_rows, SHARE_FLOOR)
        index += (c - r) * math.log(c / r)
    return index


def drift_level(psi: float) -> str:
    """Reading of a PSI.

    Examples
    --------
    >>> drift_level(0.3), drift_level(0.25), drift_level(0.1)
    ('strong', 'moderate', 'none')
    """
    return next((level for level, threshold in THRESHOLDS.items() if psi > threshold), "none")
