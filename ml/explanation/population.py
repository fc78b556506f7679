"""Who a client is compared with: the applicants to be scored, and those of them whom the model grants credit.

Distributions are kept as quantiles, so that a served explanation needs neither the warehouse nor a client's row.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.data.catalog import Feature
from ml.data.population import ACCEPTED, ALL, GRID, PopulationStats
from ml.served.scorer import GRANT, CreditScorer

BATCH_ROWS = 10_000


def measure_population(scorer: CreditScorer, frame: pd.DataFrame, catalog: dict[str, Feature]) -> PopulationStats:
    """Distributions of the features and scores of some applicants.

    Parameters
    ----------
    scorer : CreditScorer
        The model; says who is accepted.
    frame : DataFrame of shape (n_applicants, n_features)
        The applicants to compare with.
    catalog : dict of str to Feature
        Of every feature of the model.

    Returns
    -------
    PopulationStats
    """
    decided = pd.concat(
        [scorer.decide(frame[start : start + BATCH_ROWS]) for start in range(0, len(frame), BATCH_ROWS)],
        ignore_index=True,
    )
    members = {ALL: np.full(len(frame), True), ACCEPTED: (decided["decision"] == GRANT).to_numpy()}
    texts = [name for name, feature in catalog.items() if feature.kind == "category"]
    numeric = tuple(name for name in catalog if name not in texts)
    matrix = frame[list(numeric)].to_numpy(dtype=np.float64)
    probability = decided["probability"].to_numpy()
    return PopulationStats(
        catalog,
        {group: int(rows.sum()) for group, rows in members.items()},
        numeric,
        {group: np.array([_quantiles(column) for column in matrix[rows].T]) for group, rows in members.items()},
        {group: _share_known(matrix[rows]) for group, rows in members.items()},
        {
            group: {name: frame.loc[rows, name].value_counts(normalize=True).to_dict() for name in texts}
            for group, rows in members.items()
        },
        {group: _quantiles(probability[rows]) for group, rows in members.items()},
    )


def _quantiles(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Observed values at equal steps of rank."""
    known = np.sort(values[~np.isnan(values)])
    if not known.size:
        return np.full(GRID, np.nan)
    return known[np.round(np.linspace(0, known.size - 1, GRID)).astype(int)]


def _share_known(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 - np.isnan(matrix).mean(axis=0) if len(matrix) else np.zeros(matrix.shape[1])
