"""Clients of the marts: whether the marts fit a model, and the clients' features, in batches or one by one."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from ml.data.catalog import Feature, _require_all
from ml.data.source import Source
from ml.data.training_set import CATEGORICAL_TYPES, KEY, NUMERIC_TYPES, SCHEMA, TRAINING_TABLE
from warehouse.core.database import require_table
from warehouse.core.errors import TrainingDataError
from warehouse.core.sql import quoted

TABLE = "client_features"
SCORING_TABLE = "scoring_set"
BATCH_ROWS = 16_384
MEMORY_LIMIT = "1GB"  # of DuckDB, that would otherwise keep the whole file in memory
MEMORY_LIMIT_OF_A_VIEW = "4GB"  # in the warehouse the features are joined as they are read
NAMES_SHOWN = 5


class ModelInputs(Protocol):
    """What reading clients needs to know of a model."""

    @property
    def numeric(self) -> tuple[str, ...]:
        """Names of its numbers."""

    @property
    def categories(self) -> Mapping[str, tuple[str, ...]]:
        """Its texts, with their known values."""


@dataclass(frozen=True)
class ClientReader:
    """Clients of one population, with the features of one model."""

    clients: int
    batches: Iterator[pa.RecordBatch]


@contextmanager
def open_clients(source: Source, model: ModelInputs, population: str) -> Iterator[ClientReader]:
    """Read keys and features of a population, batch after batch; the next one is read while one is scored.

    Parameters
    ----------
    source : Source
    model : ModelInputs
        Says which features.
    population : str
        One of `ml.data.options.POPULATIONS`.

    Yields
    ------
    ClientReader

    Raises
    ------
    WarehouseMissingError, WarehouseLockedError
        The file or its marts cannot be read.
    TrainingDataError
        A feature is missing or has another type, a key is null or repeated, or there is no such client.
    """
    with source.connect() as con:
        require_table(con, SCHEMA, TABLE)
        con.execute(f"set memory_limit = '{_memory_limit(con)}'")
        _require_features(con, model)
        where = "" if population == "all" else f"where population = '{population}'"
        clients = _checked_clients(con, where, population)
        columns = [f"cast({KEY} as bigint) as {quoted(KEY)}"]
        columns += [f"cast({quoted(name)} as double) as {quoted(name)}" for name in model.numeric]
        columns += [f"cast({quoted(name)} as varchar) as {quoted(name)}" for name in model.categories]
        query = f"select {', '.join(columns)} from {SCHEMA}.{TABLE} {where}"
        yield ClientReader(clients, _ahead(con.sql(query).to_arrow_reader(BATCH_ROWS)))


def _memory_limit(con: duckdb.DuckDBPyConnection) -> str:
    view = con.execute(
        "select 1 from duckdb_views() where database_name = current_database() and schema_name = ? and view_name = ?",
        [SCHEMA, TABLE],
    ).fetchone()
    return MEMORY_LIMIT_OF_A_VIEW if view else MEMORY_LIMIT


def _require_features(con: duckdb.DuckDBPyConnection, model: ModelInputs) -> None:
    described = con.execute(f"describe {SCHEMA}.{TABLE}").fetchall()
    kinds = {name: str(kind).split("(", maxsplit=1)[0].upper() for name, kind, *_ in described}
    needed = {KEY: NUMERIC_TYPES, "population": CATEGORICAL_TYPES}
    needed |= dict.fromkeys(model.numeric, NUMERIC_TYPES) | dict.fromkeys(model.categories, CATEGORICAL_TYPES)
    missing = [name for name in needed if name not in kinds]
    other = [
        f"{name} {kinds[name]} ({'number' if needed[name] is NUMERIC_TYPES else 'text'} expected)"
        for name in needed
        if name in kinds and kinds[name] not in needed[name]
    ]
    found = ([f"no {_some(missing)}"] if missing else []) + ([_some(other)] if other else [])
    if found:
        raise TrainingDataError(
            expected=f"the {len(model.numeric) + len(model.categories):,} features of the model in {SCHEMA}.{TABLE}",
            found="; ".join(found),
            remedy="build the marts of the model's release, or train on these",
        )


def _checked_clients(con: duckdb.DuckDBPyConnection, where: str, population: str) -> int:
    counted = con.execute(f"select count(*), count(distinct {KEY}) from {SCHEMA}.{TABLE} {where}").fetchall()
    clients, distinct = (int(count) for count in counted[0])
    if not clients:
        raise TrainingDataError(
            expected=f"clients of the population {population} in {SCHEMA}.{TABLE}",
            found="none",
            remedy="choose another --population",
        )
    if clients != distinct:
        raise TrainingDataError(
            expected=f"one row per {KEY} in {SCHEMA}.{TABLE}",
            found=f"{clients - distinct:,} rows with a key that is null or repeated",
            remedy="fix the mart",
        )
    return clients


def _ahead(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The batches, each read while the one before is in use."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = pool.submit(next, batches, None)
            yield batch


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more


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
    kinds = {name: "varchar" if name in texts else "double" for name in catalog}
    columns = [f"cast({quoted(name)} as {kind}) as {quoted(name)}" for name, kind in kinds.items()]
    where = f"where {KEY} = {int(client)}" if client is not None else ""
    relation = con.sql(f"select cast({KEY} as bigint), {', '.join(columns)} from {SCHEMA}.{table} {where} order by 1")
    arrow = relation.to_arrow_table()
    values = {
        name: pd.Series(column.to_pandas(), dtype="str") if name in texts else column.to_numpy()
        for name, column in zip(catalog, arrow.columns[1:], strict=True)
    }
    return arrow.column(0).to_numpy(), pd.DataFrame(values)


def find_client(source: Source, catalog: Mapping[str, Feature], client: int) -> tuple[str, pd.DataFrame]:
    """The mart that holds a client, and the client's row; nothing else of the marts is read.

    Raises
    ------
    TrainingDataError
        No mart holds the client.
    """
    with source.connect() as con:
        for table in (SCORING_TABLE, TRAINING_TABLE):
            _, frame = read_clients(con, table, catalog, client)
            if len(frame):
                return f"{SCHEMA}.{table}", frame
    raise TrainingDataError(
        expected=f"client {client} in {SCHEMA}.{SCORING_TABLE} or {SCHEMA}.{TRAINING_TABLE} of {source}",
        found="no such client in either",
        remedy=f"pass a {KEY} that is in one of them",
    )
