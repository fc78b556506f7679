"""Clients to be scored: which file they are read from, whether it fits the model, and their features as Arrow."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from ml.data.catalog import Feature, _require_all
from ml.data.training_set import CATEGORICAL_TYPES, KEY, NUMERIC_TYPES, SCHEMA, TRAINING_TABLE
from ml.scoring.batch import BatchScorer
from warehouse.core.database import connect, require_table
from warehouse.core.errors import SnapshotError, TrainingDataError
from warehouse.core.sql import quoted
from warehouse.snapshots.snapshot import DATABASE_FILE, MANIFEST_FILE, Snapshot, resolve_snapshot
from warehouse.snapshots.verification import file_faults

TABLE = "client_features"
POPULATIONS = ("scoring", "training", "all")
BATCH_ROWS = 16_384
MEMORY_LIMIT = "1GB"  # of DuckDB, that would otherwise keep the whole file in memory
MEMORY_LIMIT_OF_A_VIEW = "4GB"  # in the warehouse the features are joined as they are read
NAMES_SHOWN = 5


@dataclass(frozen=True)
class Source:
    """A DuckDB file with marts, and the id under which its scores are kept.

    Attributes
    ----------
    database : Path
    snapshot_id : str
        Of the published snapshot; "unpublished-" and the time of its last change (UTC) for another file.
    """

    database: Path
    snapshot_id: str


def published_source(reference: str, published_dir: Path) -> Source:
    """A published snapshot whose file is, byte for byte, the one that was published.

    Parameters
    ----------
    reference : str
        "current", an id or a folder.
    published_dir : Path

    Raises
    ------
    SnapshotError
        There is none, or it is damaged.
    """
    snapshot = resolve_snapshot(reference, published_dir)
    faults = file_faults(snapshot)
    if faults:
        raise SnapshotError(
            expected=f"snapshot {snapshot.snapshot_id} as its manifest says",
            found="; ".join(faults),
            remedy="do not read it: publish again, or name another one with --snapshot",
        )
    return Source(snapshot.database, snapshot.snapshot_id)


def file_source(database: Path) -> Source:
    """A warehouse file, or the file inside a published snapshot."""
    if database.name == DATABASE_FILE and (database.parent / MANIFEST_FILE).is_file():
        return Source(database, Snapshot(database.resolve().parent).snapshot_id)
    if not database.is_file():
        return Source(database, "unpublished")  # opening it says what is wrong
    changed = datetime.fromtimestamp(database.stat().st_mtime, UTC)
    return Source(database, f"unpublished-{changed:%Y%m%dT%H%M%SZ}")


@dataclass(frozen=True)
class ClientReader:
    """Clients of one population, with the features of one model."""

    clients: int
    batches: Iterator[pa.RecordBatch]


@contextmanager
def open_clients(source: Source, scorer: BatchScorer, population: str) -> Iterator[ClientReader]:
    """Read keys and features of a population, batch after batch; the next one is read while one is scored.

    Parameters
    ----------
    source : Source
    scorer : BatchScorer
        Says which features.
    population : str
        One of `POPULATIONS`.

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
    with connect(source.database) as con:
        require_table(con, SCHEMA, TABLE)
        con.execute(f"set memory_limit = '{_memory_limit(con)}'")
        _require_features(con, scorer)
        where = "" if population == "all" else f"where population = '{population}'"
        clients = _checked_clients(con, where, population)
        columns = [f"cast({KEY} as bigint) as {quoted(KEY)}"]
        columns += [f"cast({quoted(name)} as double) as {quoted(name)}" for name in scorer.numeric]
        columns += [f"cast({quoted(name)} as varchar) as {quoted(name)}" for name in scorer.categories]
        query = f"select {', '.join(columns)} from {SCHEMA}.{TABLE} {where}"
        yield ClientReader(clients, _ahead(con.sql(query).to_arrow_reader(BATCH_ROWS)))


def _memory_limit(con: duckdb.DuckDBPyConnection) -> str:
    views = con.execute(
        "select count(*) from duckdb_views() where database_name = current_database() "
        "and schema_name = ? and view_name = ?",
        [SCHEMA, TABLE],
    ).fetchone()
    return MEMORY_LIMIT_OF_A_VIEW if views[0] else MEMORY_LIMIT


def _require_features(con: duckdb.DuckDBPyConnection, scorer: BatchScorer) -> None:
    described = con.execute(f"describe {SCHEMA}.{TABLE}").fetchall()
    kinds = {name: str(kind).split("(", maxsplit=1)[0].upper() for name, kind, *_ in described}
    needed = {KEY: NUMERIC_TYPES, "population": CATEGORICAL_TYPES}
    needed |= dict.fromkeys(scorer.numeric, NUMERIC_TYPES) | dict.fromkeys(scorer.categories, CATEGORICAL_TYPES)
    missing = [name for name in needed if name not in kinds]
    other = [
        f"{name} {kinds[name]} ({'number' if needed[name] is NUMERIC_TYPES else 'text'} expected)"
        for name in needed
        if name in kinds and kinds[name] not in needed[name]
    ]
    found = ([f"no {_some(missing)}"] if missing else []) + ([_some(other)] if other else [])
    if found:
        raise TrainingDataError(
            expected=f"the {len(scorer.features):,} features of the model in {SCHEMA}.{TABLE}",
            found="; ".join(found),
            remedy="build the marts of the model's release, or train on these",
        )


def _checked_clients(con: duckdb.DuckDBPyConnection, where: str, population: str) -> int:
    clients, distinct = con.execute(f"select count(*), count(distinct {KEY}) from {SCHEMA}.{TABLE} {where}").fetchall()[
        0
    ]
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
            remedy="mend the mart",
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


SCORING_TABLE = "scoring_set"


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
