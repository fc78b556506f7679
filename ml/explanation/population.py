"""Who a client is compared with: the applicants to be scored, and those of them whom the model grants credit.

Distributions are kept as quantiles, so that a served explanation needs neither the warehouse nor a client's row.
"""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.data.catalog import Feature, read_catalog
from ml.data.clients import SCORING_TABLE, read_clients
from ml.data.population import ACCEPTED, ALL, GRID, PopulationStats
from ml.data.source import Source
from ml.data.training_set import SCHEMA
from ml.registry.registry import Registry
from ml.registry.versions import RegisteredModel
from ml.served.scorer import GRANT, CreditScorer
from warehouse.core.errors import WarehouseMissingError

BATCH_ROWS = 10_000
LOGGED_UNDER = "explain"  # of the files of a version's run
POPULATION_FILE = "population.npz"


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


def logged_population(registry: Registry, model: RegisteredModel) -> PopulationStats | None:
    """The population that `explain_globally` has logged to a version's run; None when it has not.

    Raises
    ------
    ModelError
        The run cannot be read, or the file is damaged.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = registry.fetch(model, f"{LOGGED_UNDER}/{POPULATION_FILE}", Path(folder))
        return None if path is None else PopulationStats.load(path)


def population_of(
    registry: Registry | None, model: RegisteredModel | None, scorer: CreditScorer, source: Source
) -> PopulationStats:
    """Whom clients of a model are compared with: as the version's run has logged it, or else measured on these marts.

    Parameters
    ----------
    registry, model
        The version; None for an exported model, which has no run.
    scorer : CreditScorer
        The same model, loaded.
    source : Source
        Marts to measure on.

    Raises
    ------
    ModelError
        The run cannot be read, or the file is damaged.
    WarehouseMissingError, TrainingDataError
        Nothing is logged, and there is nobody to compare with, or the marts lack a feature of the model.
    """
    if registry and model:
        logged = logged_population(registry, model)
        if logged is not None:
            return logged
        print(
            f"version {model.version} has no logged population: measured now on {source}; "
            f"python -m ml.explain --version {model.version} logs it"
        )
    return read_population(source, scorer)[0]


def read_population(source: Source, scorer: CreditScorer) -> tuple[PopulationStats, pd.DataFrame]:
    """The applicants to be scored, by key, and their distributions.

    Raises
    ------
    WarehouseMissingError
        There is no warehouse, no catalogue, no scoring set, or nobody in it.
    TrainingDataError
        The warehouse lacks a feature of the model.
    """
    with source.connect() as con:
        catalog = read_catalog(con, scorer.features)
        _, frame = read_clients(con, SCORING_TABLE, catalog)
    if frame.empty:
        raise WarehouseMissingError(
            expected=f"applicants in {SCHEMA}.{SCORING_TABLE} to compare with",
            found="no rows",
            remedy="load raw files with application_test.csv and build the marts again",
        )
    return measure_population(scorer, frame, catalog), frame


def _quantiles(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Observed values at equal steps of rank."""
    known = np.sort(values[~np.isnan(values)])
    if not known.size:
        return np.full(GRID, np.nan)
    return known[np.round(np.linspace(0, known.size - 1, GRID)).astype(int)]


def _share_known(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 - np.isnan(matrix).mean(axis=0) if len(matrix) else np.zeros(matrix.shape[1])
