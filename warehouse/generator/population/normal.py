"""The standard normal distribution, as far as the generator needs it."""

import numpy as np
from scipy.special import ndtr, ndtri

FARTHEST = 8.0


def cdf(z: np.ndarray) -> np.ndarray:
    """Probability of a value below `z`, shape of `z`."""
    return ndtr(z)


def quantile(p: np.ndarray) -> np.ndarray:
    """Value below which the share `p` lies; 0 and 1 give -8 and 8.

    >>> quantile(np.array([0.0, 0.5, 1.0])).tolist()
    [-8.0, 0.0, 8.0]
    """
    return np.clip(ndtri(p), -FARTHEST, FARTHEST)


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
