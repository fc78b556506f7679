"""The map from raw to calibrated default probability."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SMALLEST = 1e-6


def log_odds(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """`log(p / (1 - p))`, with p kept away from 0 and 1."""
    inside = np.clip(probability, SMALLEST, 1 - SMALLEST)
    return np.log(inside / (1 - inside))


@dataclass(frozen=True)
class Calibration:
    """A rising map from raw to calibrated default probability, as points between which it is straight.

    Isotonic regression is this exactly; a sigmoid is stored by its two coefficients.

    Attributes
    ----------
    method : str
        "none", "isotonic" or "sigmoid".
    points : tuple of two tuples of float
        Raw and calibrated probabilities, ascending ("isotonic"); empty otherwise.
    slope, intercept : float
        Of the log-odds ("sigmoid").
    """

    method: str = "none"
    points: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
    slope: float = 1.0
    intercept: float = 0.0

    def __call__(self, probability: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrated probability of each raw one; both from 0 to 1."""
        if self.method == "isotonic":
            return np.interp(probability, *self.points)
        if self.method == "sigmoid":
            return 1 / (1 + np.exp(-(self.slope * log_odds(probability) + self.intercept)))
        return probability
