"""What the rows of a client have in common: their correlation split into the client's part and their own."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from warehouse.generator.calibration import measure

MIN_INTRACLASS = 0.03
MAX_INTRACLASS = 0.95
ONE_ROW_SHARED = 0.9
MIN_OWN = 0.02
Array = np.ndarray


@dataclass(frozen=True)
class Effects:
    """The clients' effects on the rows of a block.

    Attributes
    ----------
    entry : dict
        Their part of the statistics file.
    names : list of str
        Variables to which clients contribute.
    correlation : numpy.ndarray, shape (n_names, n_names)
    scaled : numpy.ndarray, shape (n_clients, n_names)
        Mean scaled score of the client's rows by the loading: unbiased, for correlations; NaN without rows.
    scores : numpy.ndarray, shape (n_clients, n_names)
        Best guess of the effect, which leans towards 0 the fewer rows there are; NaN without rows.
    """

    entry: dict[str, Any]
    names: list[str]
    correlation: Array
    scaled: Array
    scores: Array


def measure_effects(
    columns: dict[str, Array], client: Array, client_weights: Array, *, one_per_client: bool
) -> Effects:
    """Split the correlation of scaled scores.

    Parameters
    ----------
    columns : dict of numpy.ndarray, each (n_rows,)
        Scaled scores, NaN where null.
    client : numpy.ndarray, shape (n_rows,)
        Index of each row's client.
    client_weights : numpy.ndarray, shape (n_clients,)
    one_per_client : bool
        Clients seldom have a second row, so that what rows share cannot be seen: take it for nearly everything.
    """
    names, scaled, weights = list(columns), np.column_stack(list(columns.values())), client_weights[client]
    total = measure.total_correlation(scaled, weights)
    seen = measure.between_correlation(scaled, client, weights)
    between = ONE_ROW_SHARED * total if one_per_client else seen
    intraclass = np.diag(between)
    kept = np.flatnonzero(intraclass > MIN_INTRACLASS)
    loading = np.sqrt(np.minimum(intraclass[kept], MAX_INTRACLASS))
    outer = np.outer(loading, loading)
    correlation = measure.nearest_correlation(_unit_diagonal(between[np.ix_(kept, kept)] / outer))
    shared = np.zeros_like(total)
    shared[np.ix_(kept, kept)] = correlation * outer
    own = _positive(total - shared, 1 - np.diag(shared))
    means, counts = measure.client_means(scaled[:, kept], client, len(client_weights))
    noise = np.nanmean(scaled[:, kept] ** 2, axis=0) - loading**2
    with np.errstate(divide="ignore"):
        scores = means * loading / (loading**2 + noise / counts)
    effects = [names[k] for k in kept]
    entry = {
        "names": names,
        "effects": effects,
        "loading": [round(float(value), 3) for value in loading],
        "noise": [round(float(value), 3) for value in noise],
        "own": [[round(float(value), 3) for value in row[: i + 1]] for i, row in enumerate(own)],
    }
    return Effects(entry, effects, correlation, means / loading, scores)


def _unit_diagonal(matrix: Array) -> Array:
    result = np.clip(matrix, -MAX_INTRACLASS, MAX_INTRACLASS)
    np.fill_diagonal(result, 1.0)
    return result


def _positive(matrix: Array, diagonal: Array) -> Array:
    """Covariance next to `matrix` that is positive definite and has the given diagonal."""
    scale = np.sqrt(np.maximum(diagonal, MIN_OWN))
    outer = np.outer(scale, scale)
    return measure.nearest_correlation(_unit_diagonal(matrix / outer)) * outer
