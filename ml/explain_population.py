"""Who a client is compared with: the applicants to be scored, and those of them whom the model grants credit.

Distributions are kept as quantiles, so that a served explanation needs neither the warehouse nor a client's row.
"""

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.data import KEY, SCHEMA
from ml.explain_shap import member_features
from ml.scorer import GRANT, CreditScorer
from warehouse.database import connect, first_line, require_table
from warehouse.errors import ModelError, TrainingDataError, WarehouseMissingError

CATALOG = "feature_catalog"
SCORING_TABLE = "scoring_set"
TRAINING_TABLE = "training_set"
GRID = 501
BATCH_ROWS = 10_000
ALL, ACCEPTED = "applicants", "accepted"
GROUPS = (ALL, ACCEPTED)


@dataclass(frozen=True)
class Feature:
    """What `marts.feature_catalog` says about a feature; `auc` above 0.5: larger values are riskier."""

    name: str
    kind: str
    unit: str
    description: str
    auc: float | None = None


@dataclass(frozen=True)
class Place:
    """Where a value lies in a group: shares (0 to 1) of those with a record who have less, the same, and more."""

    below: float
    same: float
    above: float


@dataclass(frozen=True)
class PopulationStats:
    """Distributions of features and scores among all applicants and among accepted ones.

    Attributes
    ----------
    catalog : dict of str to Feature
        By name, of every feature of the model.
    clients : dict of str to int
        Number of clients of each group.
    quantiles : dict of str to ndarray of shape (n_numeric_features, GRID)
        By group; observed values, NaN throughout when nobody has one.
    numeric : tuple of str
        Rows of `quantiles`.
    known : dict of str to ndarray of shape (n_numeric_features,)
        By group, the share of clients with a value.
    categories : dict of str to dict of str to dict of str to float
        By group and feature, the share of clients with each text.
    scores : dict of str to ndarray of shape (GRID,)
        By group, quantiles of the default probability.
    """

    catalog: dict[str, Feature]
    clients: dict[str, int]
    numeric: tuple[str, ...]
    quantiles: dict[str, NDArray[np.float64]]
    known: dict[str, NDArray[np.float64]]
    categories: dict[str, dict[str, dict[str, float]]]
    scores: dict[str, NDArray[np.float64]]

    def place(self, group: str, feature: str, value: float) -> Place | None:
        """Where a value lies among those of a group; None when nobody there has one or the feature is no number."""
        row = self.row_of(feature)
        return None if row is None else _place(self.quantiles[group][row], value)

    def score_place(self, group: str, probability: float) -> Place | None:
        """Where a default probability lies among those of a group; None when nobody is in it."""
        return _place(self.scores[group], probability)

    def row_of(self, feature: str) -> int | None:
        """Row of a numeric feature in `quantiles`."""
        return self._rows().get(feature)

    def _rows(self) -> dict[str, int]:
        rows = self.__dict__.get("_row_by_name")
        if rows is None:
            rows = {name: row for row, name in enumerate(self.numeric)}
            object.__setattr__(self, "_row_by_name", rows)
        return rows

    def save(self, path: Path) -> None:
        """Write one file of arrays and JSON, without pickle."""
        words = {
            "catalog": [asdict(feature) for feature in self.catalog.values()],
            "clients": self.clients,
            "numeric": self.numeric,
            "categories": self.categories,
        }
        arrays = {
            f"{name}_{group}": getattr(self, name)[group]
            for name in ("quantiles", "known", "scores")
            for group in GROUPS
        }
        with path.open("wb") as file:
            np.savez_compressed(file, words=np.array(json.dumps(words)), **arrays)

    @classmethod
    def load(cls, path: Path) -> "PopulationStats":
        """Read what `save` wrote.

        Raises
        ------
        ModelError
            The file is missing or is not one of these.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                words = json.loads(str(file["words"]))
                arrays = {
                    name: {group: file[f"{name}_{group}"] for group in GROUPS}
                    for name in ("quantiles", "known", "scores")
                }
            catalog = {entry["name"]: Feature(**entry) for entry in words["catalog"]}
            return cls(catalog, words["clients"], tuple(words["numeric"]), categories=words["categories"], **arrays)
        except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
            raise ModelError(
                expected=f"the population to compare with in {path}",
                found=first_line(error),
                remedy="run: python -m ml.explain",
            ) from error


def read_catalog(con: duckdb.DuckDBPyConnection, features: Sequence[str]) -> dict[str, Feature]:
    """What the catalogue says about the features of a model.

    Raises
    ------
    WarehouseMissingError
        There is no catalogue.
    TrainingDataError
        A feature is not in it.
    """
    require_table(con, SCHEMA, CATALOG)
    rows = con.execute(f"select feature, kind, unit, description, auc from {SCHEMA}.{CATALOG}").fetchall()
    catalog = {name: Feature(name, kind, unit, description, auc) for name, kind, unit, description, auc in rows}
    _require_all(features, catalog, f"{SCHEMA}.{CATALOG}")
    return {name: catalog[name] for name in features}


def read_clients(
    con: duckdb.DuckDBPyConnection, table: str, catalog: Mapping[str, Feature], client: int | None = None
) -> tuple[NDArray[np.int64], pd.DataFrame]:
    """Keys and raw features of a mart's clients, sorted by key: doubles and strings, as the model receives them.

    Parameters
    ----------
    con : DuckDBPyConnection
        The warehouse.
    table : str
        `scoring_set` or `training_set`.
    catalog : mapping of str to Feature
        The features to read.
    client : int, optional
        Only this client.

    Raises
    ------
    WarehouseMissingError
        There is no such mart.
    TrainingDataError
        The mart lacks a feature.
    """
    require_table(con, SCHEMA, table)
    present = {name for name, *_ in con.execute(f"describe {SCHEMA}.{table}").fetchall()}
    _require_all(catalog, present, f"{SCHEMA}.{table}")
    texts = {name for name, feature in catalog.items() if feature.kind == "category"}
    columns = [f'cast("{name}" as {"varchar" if name in texts else "double"}) as "{name}"' for name in catalog]
    where = f"where {KEY} = {int(client)}" if client is not None else ""
    relation = con.sql(f"select cast({KEY} as bigint), {', '.join(columns)} from {SCHEMA}.{table} {where} order by 1")
    arrow = relation.to_arrow_table()
    values = {
        name: pd.Series(column.to_pandas(), dtype="str") if name in texts else column.to_numpy()
        for name, column in zip(catalog, arrow.columns[1:], strict=True)
    }
    return arrow.column(0).to_numpy(), pd.DataFrame(values)


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


def read_population(database: Path, scorer: CreditScorer) -> tuple[PopulationStats, pd.DataFrame]:
    """The applicants to be scored, by key, and their distributions.

    Raises
    ------
    WarehouseMissingError
        There is no warehouse, no catalogue, no scoring set, or nobody in it.
    TrainingDataError
        The warehouse lacks a feature of the model.
    """
    with connect(database) as con:
        catalog = read_catalog(con, member_features(scorer))
        _, frame = read_clients(con, SCORING_TABLE, catalog)
    if frame.empty:
        raise WarehouseMissingError(
            expected=f"applicants in {SCHEMA}.{SCORING_TABLE} to compare with",
            found="no rows",
            remedy="load raw files with application_test.csv and build the marts again",
        )
    return measure_population(scorer, frame, catalog), frame


def find_client(database: Path, catalog: dict[str, Feature], client: int) -> tuple[str, pd.DataFrame]:
    """The mart that knows a client, and the client's row.

    Raises
    ------
    TrainingDataError
        No mart knows the client.
    """
    with connect(database) as con:
        for table in (SCORING_TABLE, TRAINING_TABLE):
            _, frame = read_clients(con, table, catalog, client)
            if len(frame):
                return f"{SCHEMA}.{table}", frame
    raise TrainingDataError(
        expected=f"client {client} in {SCHEMA}.{SCORING_TABLE} or {SCHEMA}.{TRAINING_TABLE} of {database}",
        found="no such client in either",
        remedy=f"pass a {KEY} that is in one of them",
    )


def _require_all(wanted: Sequence[str] | Mapping[str, Feature], present: object, where: str) -> None:
    missing = sorted(set(wanted) - set(present))
    if missing:
        raise TrainingDataError(
            expected=f"the {len(wanted)} features of the model in {where}",
            found=f"no {missing[0]}" + (f" and {len(missing) - 1} more" if len(missing) > 1 else ""),
            remedy="build the marts of the same version, or explain another version with --version",
        )


def _quantiles(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Observed values at equal steps of rank."""
    known = np.sort(values[~np.isnan(values)])
    if not known.size:
        return np.full(GRID, np.nan)
    return known[np.round(np.linspace(0, known.size - 1, GRID)).astype(int)]


def _share_known(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 - np.isnan(matrix).mean(axis=0) if len(matrix) else np.zeros(matrix.shape[1])


def _place(quantiles: NDArray[np.float64], value: float) -> Place | None:
    if np.isnan(value) or np.isnan(quantiles[0]):
        return None
    below = float(np.searchsorted(quantiles, value, side="left")) / quantiles.size
    not_above = float(np.searchsorted(quantiles, value, side="right")) / quantiles.size
    return Place(below, not_above - below, 1 - not_above)
