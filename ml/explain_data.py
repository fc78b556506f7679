"""Clients, and what the catalogue says about their features, read from the warehouse for an explanation."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.data import KEY, SCHEMA, TRAINING_TABLE
from ml.explain_population import Feature, PopulationStats, measure_population
from ml.served.scorer import CreditScorer
from warehouse.core.database import connect, require_table
from warehouse.core.errors import TrainingDataError, WarehouseMissingError

CATALOG = "feature_catalog"
SCORING_TABLE = "scoring_set"


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


def read_warehouse_catalog(database: Path, scorer: CreditScorer) -> dict[str, Feature]:
    """`read_catalog` of a warehouse file, for the features of a model."""
    with connect(database) as con:
        return read_catalog(con, scorer.features)


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
        catalog = read_catalog(con, scorer.features)
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
