"""The training set as a matrix: read from the warehouse by Arrow, sorted by key, with a fingerprint."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml.data.source import Origin, Source
from warehouse.core.database import require_table
from warehouse.core.errors import TrainingDataError
from warehouse.core.sql import quoted

SCHEMA = "marts"
TRAINING_TABLE = "training_set"
KEY = "sk_id_curr"
TARGET = "target"
INTEGER_TYPES = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"})
NUMERIC_TYPES = INTEGER_TYPES | {f"U{name}" for name in INTEGER_TYPES} | {"BOOLEAN", "FLOAT", "DOUBLE", "DECIMAL"}
CATEGORICAL_TYPES = frozenset({"VARCHAR", "ENUM"})
VALUES_AT_ONCE = 20_000_000  # DuckDB holds a whole result, which with all columns is as large as the matrix
READING_MEMORY = "1GB"
NAMES_SHOWN = 5

Block = Iterable[tuple[int, str, pa.ChunkedArray]]


@dataclass(frozen=True)
class TrainingData:
    """Labelled applicants, sorted by key.

    Attributes
    ----------
    keys : ndarray of int64 of shape (n_applicants,)
        `sk_id_curr`, ascending.
    target : ndarray of int8 of shape (n_applicants,)
        1 = default, 0 = repaid.
    matrix : ndarray of float64 of shape (n_applicants, n_features)
        Numeric features first, then categories as their position in `categories`; NaN = null.
    numeric : tuple of str
        Names of the numeric features, in the mart's order.
    categories : dict of str to tuple of str
        Values of each text feature, sorted.
    duckdb_version : str
        The engine that read them.
    origin : Origin or None
        Where they were read from; None for data that were made in memory.
    """

    keys: NDArray[np.int64]
    target: NDArray[np.int8]
    matrix: NDArray[np.float64]
    numeric: tuple[str, ...]
    categories: dict[str, tuple[str, ...]]
    duckdb_version: str = field(default=duckdb.__version__)
    origin: Origin | None = None

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of names, keys, labels and values; does not depend on the order of rows in the file."""
        digest = hashlib.sha256(json.dumps([self.numeric, list(self.categories.items())]).encode())
        digest.update(self.keys.tobytes())
        digest.update(self.target.tobytes())
        for position in range(self.matrix.shape[1]):
            digest.update(np.ascontiguousarray(self.matrix[:, position]).data)
        return digest.hexdigest()

    @property
    def applicants(self) -> int:
        """Number of rows."""
        return len(self.keys)

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the columns of `matrix`."""
        return self.numeric + tuple(self.categories)

    @property
    def categorical_positions(self) -> list[int]:
        """Columns of `matrix` that hold categories."""
        return list(range(len(self.numeric), len(self.features)))

    def frame(self, rows: slice | NDArray[np.int64] = slice(None)) -> pd.DataFrame:
        """Raw features of some rows, as a served model receives them: doubles and strings."""
        values = self.matrix[rows]
        frame = pd.DataFrame(values[:, : len(self.numeric)], columns=list(self.numeric))
        for position, (name, categories) in zip(self.categorical_positions, self.categories.items(), strict=True):
            codes = np.nan_to_num(values[:, position], nan=len(categories)).astype(int)
            frame[name] = pd.Series(np.array([*categories, None], dtype=object)[codes], dtype="str")
        return frame

    def select(self, features: Sequence[str]) -> "TrainingData":
        """The same applicants with fewer features.

        Raises
        ------
        TrainingDataError
            A feature is not in the training set.
        """
        missing = sorted(set(features) - set(self.features))
        if missing:
            raise TrainingDataError(
                expected=f"{len(features)} features in {SCHEMA}.{TRAINING_TABLE}",
                found=f"no {_some(missing)}",
                remedy="build the marts of the same version, or train anew",
            )
        wanted = set(features)
        kept = [position for position, name in enumerate(self.features) if name in wanted]
        if len(kept) == len(self.features):
            return self
        numeric = tuple(name for name in self.numeric if name in wanted)
        categories = {name: values for name, values in self.categories.items() if name in wanted}
        return replace(self, matrix=self.matrix[:, kept], numeric=numeric, categories=categories)

    def take(self, rows: NDArray[np.int64]) -> "TrainingData":
        """Some of the applicants, by ascending positions; all features and categories."""
        matrix = np.empty((len(rows), self.matrix.shape[1]), dtype=np.float64, order="F")
        for position in range(self.matrix.shape[1]):
            matrix[:, position] = self.matrix[rows, position]
        return replace(self, keys=self.keys[rows], target=self.target[rows], matrix=matrix)

    def column(self, name: str) -> NDArray[np.float64] | None:
        """Values of one numeric feature, shape (n_applicants,), NaN = null; None when there is none of that name."""
        return self.matrix[:, self.numeric.index(name)] if name in self.numeric else None


def read_training_data(source: Source | Path, *, approved: bool = False) -> TrainingData:
    """Read `marts.training_set`.

    Parameters
    ----------
    source : Source or Path
        A published snapshot or a warehouse file.
    approved : bool
        Refuse marts that have not passed the quality gate. They cannot change between the check and the reading:
        whoever reads the file keeps every writer out.

    Returns
    -------
    TrainingData

    Raises
    ------
    WarehouseMissingError
        There is no warehouse file, or no training set in it.
    WarehouseLockedError
        Another process holds the file.
    QualityGateError
        `approved`, and the marts have not passed the gate.
    TrainingDataError
        The training set cannot be learned from: no rows, a key twice, a label that is not 0 or 1, labels of one class
        only, a feature of a type that is neither number nor text, NaN or infinity.
    """
    source = Source(source) if isinstance(source, Path) else source
    with source.connect() as con:
        require_table(con, SCHEMA, TRAINING_TABLE)
        origin = source.origin
        if approved:
            source.require_approved()
        con.execute(f"set memory_limit = '{READING_MEMORY}'")
        numeric, categorical = _feature_names(con)
        rows = _checked_rows(con)
        return replace(_read(con, rows, numeric, categorical), origin=origin)


def _feature_names(con: duckdb.DuckDBPyConnection) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the numeric and of the text features."""
    columns = con.execute(f"describe {SCHEMA}.{TRAINING_TABLE}").fetchall()
    kinds = {name: str(kind).split("(", maxsplit=1)[0].upper() for name, kind, *_ in columns}
    absent = [name for name in (KEY, TARGET) if name not in kinds]
    if absent:
        raise _unusable(f"the columns {KEY} and {TARGET}", f"no {_some(absent)}", "build the marts again")
    features = {name: kind for name, kind in kinds.items() if name not in {KEY, TARGET}}
    strange = [f"{name} {kind}" for name, kind in features.items() if kind not in NUMERIC_TYPES | CATEGORICAL_TYPES]
    if strange:
        raise _unusable("features that are numbers or text", _some(strange), "cast them in the mart")
    if not features:
        raise _unusable("at least one feature", "none", "build the marts again")
    numeric = tuple(name for name, kind in features.items() if kind in NUMERIC_TYPES)
    return numeric, tuple(name for name in features if name not in numeric)


def _checked_rows(con: duckdb.DuckDBPyConnection) -> int:
    """Number of rows, after keys and labels have been checked."""
    counts = con.execute(
        f"""
        select
            count(*),
            count(*) - count(distinct {KEY}),
            count(*) filter (where {TARGET} is null or {TARGET} not in (0, 1)),
            count(distinct {TARGET})
        from {SCHEMA}.{TRAINING_TABLE}
        """
    ).fetchall()
    rows, repeated, unlabelled, classes = counts[0]
    if not rows:
        raise _unusable("labelled applicants", "no rows", "load raw files and build the marts again")
    if repeated:
        raise _unusable(f"one row per {KEY}", f"{repeated:,} rows with a key that is null or repeated", "fix the mart")
    if unlabelled:
        raise _unusable(f"{TARGET} 0 or 1 in every row", f"{unlabelled:,} rows with something else", "fix the mart")
    if classes < 2:
        raise _unusable("applicants who repaid and who defaulted", "one class only", "load raw files with both")
    return int(rows)


def _read(
    con: duckdb.DuckDBPyConnection, rows: int, numeric: tuple[str, ...], categorical: tuple[str, ...]
) -> TrainingData:
    """Read some columns at a time: DuckDB holds a whole result, which with all columns is as large as the matrix."""
    keys, ((_, _, target),) = next(_blocks(con, rows, (TARGET,), "tinyint"))
    matrix = np.empty((rows, len(numeric) + len(categorical)), dtype=np.float64, order="F")
    not_numbers: dict[str, int] = {}
    for _, block in _blocks(con, rows, numeric, "double"):
        for position, name, column in block:
            matrix[:, position] = column.to_numpy()
            not_numbers[name] = int(np.sum(~np.isfinite(matrix[:, position]))) - column.null_count
    _require_finite(not_numbers)
    categories: dict[str, tuple[str, ...]] = {}
    for _, block in _blocks(con, rows, categorical, "varchar"):
        for position, name, column in block:
            matrix[:, len(numeric) + position], categories[name] = _codes(column)
    return TrainingData(keys, target.to_numpy(), matrix, numeric, categories)


def _blocks(
    con: duckdb.DuckDBPyConnection, rows: int, names: Sequence[str], kind: str
) -> Iterator[tuple[NDArray[np.int64], Block]]:
    """Some columns at a time, all rows sorted by key: the keys, and position, name and values of each column."""
    width = max(1, VALUES_AT_ONCE // rows)
    for start in range(0, len(names), width):
        block = names[start : start + width]
        selected = ", ".join(f"cast({quoted(name)} as {kind})" for name in block)
        table = con.sql(f"select cast({KEY} as bigint), {selected} from {SCHEMA}.{TRAINING_TABLE}").to_arrow_table()
        keys = table.column(0).to_numpy()
        if (keys[1:] < keys[:-1]).any():  # sorting copies every column
            table = table.take(pa.array(np.argsort(keys)))
        columns = ((start + place, name, table.column(place + 1)) for place, name in enumerate(block))
        yield table.column(0).to_numpy(), columns


def _codes(column: pa.ChunkedArray) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Position of each text among the sorted distinct texts; NaN for null."""
    categories = sorted(pc.unique(column.drop_null()).to_pylist())
    codes = pc.index_in(column, value_set=pa.array(categories, type=pa.string()))
    return codes.cast(pa.float64()).to_numpy(), tuple(categories)


def _require_finite(not_numbers: dict[str, int]) -> None:
    found = [f"{count:,} in {name}" for name, count in not_numbers.items() if count]
    if found:
        raise _unusable(
            "every feature finite or null",
            f"NaN or infinity: {_some(found)}",
            "divide through the safe-ratio macro in the mart",
        )


def _unusable(expected: str, found: str, remedy: str) -> TrainingDataError:
    return TrainingDataError(expected=f"{expected} in {SCHEMA}.{TRAINING_TABLE}", found=found, remedy=remedy)


def _some(names: Sequence[str]) -> str:
    """A few of many names."""
    more = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
