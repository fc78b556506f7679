"""The standard normal distribution, as far as the generator needs it.

The committed statistics were calibrated by simulation with this table: exact functions (scipy.special.ndtr, ndtri) move
the coefficients of rare flags by more than their tolerance, so that a change here means calibrating again.
"""

from statistics import NormalDist

import numpy as np

_NORMAL = NormalDist()
_Z = np.linspace(-8.0, 8.0, 16_001)
_P = np.array([_NORMAL.cdf(z) for z in _Z])


def cdf(z: np.ndarray) -> np.ndarray:
    """Probability of a value below `z`, to about 1e-8."""
    return np.interp(z, _Z, _P)


def quantile(p: np.ndarray) -> np.ndarray:
    """Value below which the share `p` lies; 0 and 1 give -8 and 8.

    >>> float(quantile(np.array([0.5]))[0])
    0.0
    """
    return np.interp(p, _P, _Z)


def density(z: np.ndarray) -> np.ndarray:
    """Height of the bell curve at `z`."""
    return np.exp(-0.5 * np.square(z)) / np.sqrt(2.0 * np.pi)


def interval_means(upper: np.ndarray) -> np.ndarray:
    """Mean of a standard normal within consecutive intervals.

    Parameters
    ----------
    upper : numpy.ndarray, shape (n_intervals,)
        Cumulated probabilities at the upper ends, ascending; the last one is 1.

    Returns
    -------
    numpy.ndarray, shape (n_intervals,)
        E[z | interval] = (density(lower) - density(upper)) / probability.

    >>> interval_means(np.array([0.5, 1.0])).round(3).tolist()
    [-0.798, 0.798]
    """
    edges = np.concatenate([[0.0], upper])
    heights = density(quantile(edges))
    heights[0] = heights[-1] = 0.0
    return -np.diff(heights) / np.maximum(np.diff(edges), 1e-12)
