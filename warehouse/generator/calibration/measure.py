"""Weighted measures that calibration takes from real rows: marginals, scores, correlation of rows and clients."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from warehouse.generator.population import normal
from warehouse.generator.population.marginals import COARSE_GRID, MAX_DISCRETE

Array = np.ndarray
MIN_ATOM = 0.05
MAX_CORRELATION = 0.97
PROJECTIONS = 100


@dataclass(frozen=True)
class Scored:
    """A variable in normal scores: `scores` = E[z | value], `scaled` = scores / their variance, both NaN where null.

    The covariance of two scaled scores estimates the correlation of the underlying normals (exact for small ones).
    """

    entry: dict[str, Any]
    scores: Array
    scaled: Array


def plain(values: np.ma.MaskedArray | Array) -> Array:
    """Numbers as floats with NaN, text as objects with None, out of the masked arrays that DuckDB gives."""
    array = np.ma.asarray(values)
    if array.dtype.kind not in "OUT":
        return np.ma.filled(array.astype(float), np.nan)
    masked = np.ma.getmaskarray(array)
    return np.array([None if m or v is None else str(v) for v, m in zip(array.data, masked, strict=True)], dtype=object)


def is_null(values: Array) -> Array:
    """Null mask of numbers or text."""
    return np.array([v is None for v in values]) if values.dtype == object else np.isnan(values)


def score(values: Array, weights: Array, order: list[Any] | None = None, grid: Array = COARSE_GRID) -> Scored:
    """Describe one variable.

    Parameters
    ----------
    values : numpy.ndarray, shape (n_rows,)
        Numbers with NaN, or text with None.
    weights : numpy.ndarray, shape (n_rows,)
        How much of the population each row stands for.
    order : list, optional
        Order of text values along the score; without it, alphabetical.
    grid : numpy.ndarray
        Scores at which quantiles of a continuous variable are kept.
    """
    known = ~is_null(values)
    labels, codes = np.unique(values[known], return_inverse=True)
    if order is not None:
        rank = np.array([order.index(label) for label in labels])
        labels, codes = labels[np.argsort(rank)], np.argsort(np.argsort(rank))[codes]
    shares = np.bincount(codes, weights[known], len(labels))
    shares = shares / shares.sum()
    means = _mean_scores(shares)
    variance = max(float(np.sum(shares * means**2)), 1e-9)
    scores = np.full(len(values), np.nan)
    scores[known] = means[codes]
    if len(labels) > MAX_DISCRETE:
        entry: dict[str, Any] = {
            "quantiles": [_short(q) for q in quantiles(labels, shares, normal.cdf(grid))],
            **_atom(labels, shares),
        }
    else:
        entry = {"values": [_plain(label) for label in labels], "shares": [round(float(s), 5) for s in shares]}
    return Scored(entry, scores, scores / variance)


def _mean_scores(shares: Array) -> Array:
    """E[z | value] of ordered values; the middle of its interval where a value has next to no share."""
    upper = np.cumsum(shares)
    middles = normal.quantile(np.clip(upper - shares / 2, 0, 1))
    return np.where(shares > 1e-7, normal.interval_means(upper / upper[-1]), middles)


def quantiles(ordered: Array, shares: Array, at: Array) -> Array:
    """Weighted quantiles of distinct ordered values, linear between the midpoints of their shares."""
    middles = np.cumsum(shares) - shares / 2
    interpolated = np.interp(at, middles, ordered)
    index = np.minimum(np.searchsorted(np.cumsum(shares), at), len(ordered) - 1)
    heavy = shares[index] > 0.004
    return np.where(heavy, ordered[index], interpolated)


def _atom(ordered: Array, shares: Array) -> dict[str, list[float]]:
    """The heaviest value of a continuous variable, if heavy enough: its two scores, and it between its neighbours."""
    k = int(np.argmax(shares))
    if shares[k] < MIN_ATOM:
        return {}
    upper = float(np.cumsum(shares)[k])
    scores = np.clip(normal.quantile(np.array([upper - shares[k], upper])), -4, 4)
    around = ordered[[max(k - 1, 0), k, min(k + 1, len(ordered) - 1)]]
    return {"atom": [round(float(z), 4) for z in scores] + [_short(value) for value in around]}


def text_order(values: Array, target: Array, prior: float = 100.0) -> list[Any]:
    """Text values from the safest to the riskiest, by target rate shrunk towards the overall one."""
    known = ~is_null(values)
    labelled = known & ~np.isnan(target)
    overall = target[labelled].mean() if labelled.any() else 0.0
    labels = sorted(set(values[known]))
    rates = {}
    for label in labels:
        rows = labelled & (values == label)
        rates[label] = (target[rows].sum() + prior * overall) / (rows.sum() + prior)
    return sorted(labels, key=lambda label: (rates[label], label))


def total_correlation(scaled: Array, weights: Array) -> Array:
    """Correlation of the normals behind scaled scores (n_rows, n_variables), pairwise complete.

    Covariances are taken relative to how much each variable varies where the other is known, and shrunk by the noise
    that few rows or rare values bring: r * max(0, 1 - (standard error / r)^2).
    """
    weights = weights / weights.sum()
    seen = (~np.isnan(scaled)).astype(float)
    x = np.nan_to_num(scaled)
    pairs = np.maximum((seen * weights[:, None]).T @ seen, 1e-12)
    means = (x * weights[:, None]).T @ seen / pairs
    squares = (x**2 * weights[:, None]).T @ seen / pairs
    covariance = (x * weights[:, None]).T @ x / pairs - means * means.T
    overall = np.diag(squares)
    spread = np.maximum((squares - means**2) / overall[:, None], 0.05)
    result = np.clip(covariance / np.sqrt(spread * spread.T), -MAX_CORRELATION, MAX_CORRELATION)
    error = np.outer(overall, overall) * np.sum(weights**2) / pairs
    result *= np.maximum(1 - error / np.maximum(result**2, 1e-12), 0)
    np.fill_diagonal(result, 1.0)
    return result


def between_correlation(scaled: Array, client: Array, weights: Array) -> Array:
    """Mean product of scaled scores of two different rows of the same client: what rows of a client share.

    Its diagonal is the intraclass correlation of each variable.
    """
    seen = (~np.isnan(scaled)).astype(float)
    filled = np.nan_to_num(scaled)
    rows = np.bincount(client)
    per_row = weights / np.maximum(rows[client] - 1, 1)
    sums, counts = _sum_by(client, filled), _sum_by(client, seen)
    client_weight = _sum_by(client, per_row[:, None])[:, 0] / np.maximum(rows, 1)
    products = (sums * client_weight[:, None]).T @ sums - (filled * client_weight[client][:, None]).T @ filled
    pairs = (counts * client_weight[:, None]).T @ counts - (seen * client_weight[client][:, None]).T @ seen
    return np.clip(products / np.maximum(pairs, 1e-9), -0.95, 0.95)


def client_means(scaled: Array, client: Array, n_clients: int) -> tuple[Array, Array]:
    """Mean scaled score per client (NaN without rows) and the number of rows behind it."""
    seen = (~np.isnan(scaled)).astype(float)
    sums = np.zeros((n_clients, scaled.shape[1]))
    counts = np.zeros_like(sums)
    np.add.at(sums, client, np.nan_to_num(scaled))
    np.add.at(counts, client, seen)
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums / counts, counts


def nearest_correlation(matrix: Array, trust: Array | None = None, floor: float = 0.005) -> Array:
    """Positive definite correlation next to `matrix`.

    Parameters
    ----------
    matrix : numpy.ndarray, shape (n, n)
    trust : numpy.ndarray, shape (n,), optional
        Between 0 and 1: entries of trusted variables give way less (alternating projections). Without it, negative
        eigenvalues are cut once.
    floor : float
        Smallest eigenvalue.
    """
    result = (matrix + matrix.T) / 2
    if trust is not None:
        pull = np.clip(np.outer(trust, trust), 0, 0.98)
        for _ in range(PROJECTIONS):
            projected = _lifted(result, floor)
            result = projected + pull * (matrix - projected)
            np.fill_diagonal(result, 1.0)
    projected = _lifted(result, floor)
    scale = np.sqrt(np.diag(projected))
    return projected / np.outer(scale, scale)


def _lifted(matrix: Array, floor: float) -> Array:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.maximum(values, floor)) @ vectors.T


def _sum_by(index: Array, values: Array) -> Array:
    result = np.zeros((index.max() + 1, values.shape[1]))
    np.add.at(result, index, values)
    return result


def _plain(label: str | float) -> str | float:
    return str(label) if isinstance(label, str) else _short(label, digits=17)


def _short(number: float, digits: int = 6) -> float | int:
    rounded = float(f"{float(number):.{digits}g}")
    return int(rounded) if rounded.is_integer() else rounded
