"""Clients of a snapshot by their id: from a file of rows where there is one, else from the snapshot itself.

The marts are stored by column: one client's 500 features cost a query of 10 to 20 ms. The file of rows holds the same
values row after row, is made once per snapshot, and is mapped into memory by all processes together.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml.data.training_set import CATEGORICAL_TYPES, KEY, SCHEMA
from ml.serving.live.features import Features, Layout
from warehouse.core.database import connect
from warehouse.core.errors import SnapshotError
from warehouse.core.files import replace_folder
from warehouse.core.sql import quoted
from warehouse.snapshots.snapshot import Snapshot

TABLE = "client_features"
LABELS = "application_labels"
NOT_FEATURES = frozenset({KEY, "population"})
ROWS_AT_ONCE = 16_384
MEMORY_LIMIT = "1GB"
ABOUT, KEYS, NUMBERS, TEXTS, TARGETS = "rows.json", "keys.npy", "numbers.npy", "texts.npy", "targets.npy"
NO_TEXT = -1


class ClientRows(Protocol):
    """Where clients are looked up."""

    @property
    def layout(self) -> Layout:
        """Which features there are."""

    def find(self, clients: list[int]) -> tuple[list[int], Features]:
        """Those of the clients that are there, in the order given, and their features."""


@dataclass(frozen=True)
class SnapshotRows:
    """Clients looked up in the snapshot: slow, and ready at once."""

    snapshot: Snapshot
    layout: Layout

    @classmethod
    def open(cls, snapshot: Snapshot) -> "SnapshotRows":
        """Take the names of the features."""
        with connect(snapshot.database) as con:
            return cls(snapshot, read_layout(con))

    def find(self, clients: list[int]) -> tuple[list[int], Features]:
        """See `ClientRows`."""
        with connect(self.snapshot.database) as con:
            con.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
            relation = con.sql(
                f"select {_selected(self.layout)} from {SCHEMA}.{TABLE} where {KEY} in (select unnest($ids))",
                params={"ids": clients},
            )
            table = relation.to_arrow_table()
        at = {key: place for place, key in enumerate(table[KEY].to_pylist())}
        found = [client for client in clients if client in at]
        taken = table.take(pa.array([at[client] for client in found], pa.int64()))
        return found, Features.from_arrow(taken, self.layout)


@dataclass(frozen=True)
class RowFile:
    """Clients of a snapshot, row after row in files that are mapped into memory.

    Attributes
    ----------
    layout : Layout
    keys : ndarray of int64 of shape (n_clients,)
        Ascending.
    values : ndarray of float64 of shape (n_clients, n_numeric)
    codes : ndarray of int32 of shape (n_clients, n_texts)
        Positions in `words`; -1 for null.
    words : tuple of tuple of str
        By text feature.
    targets : ndarray of float32 of shape (n_clients,)
        1 for a default, 0 for none, NaN without a label.
    """

    layout: Layout
    keys: NDArray[np.int64]
    values: NDArray[np.float64]
    codes: NDArray[np.int32]
    words: tuple[tuple[str, ...], ...]
    targets: NDArray[np.float32]

    @classmethod
    def open(cls, folder: Path) -> "RowFile":
        """Map what `write_rows` wrote."""
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        layout = Layout(tuple(about["numeric"]), tuple(about["texts"]))
        arrays = [np.load(folder / name, mmap_mode="r") for name in (KEYS, NUMBERS, TEXTS, TARGETS)]
        keys, values, codes, targets = arrays
        return cls(layout, np.array(keys), values, codes, tuple(map(tuple, about["words"])), np.array(targets))

    def find(self, clients: list[int]) -> tuple[list[int], Features]:
        """See `ClientRows`."""
        wanted = np.array(clients, dtype=np.int64)
        places = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        there = self.keys[places] == wanted
        return wanted[there].tolist(), self.at(places[there])

    def at(self, places: NDArray[np.intp]) -> Features:
        """Features of the clients at some places."""
        texts = tuple(
            tuple(words[code] if code >= 0 else None for words, code in zip(self.words, row, strict=True))
            for row in self.codes[places].tolist()
        )
        return Features(self.layout, np.asarray(self.values[places]), texts)

    @cached_property
    def labelled(self) -> NDArray[np.intp]:
        """Places of the clients whose outcome is known."""
        return np.flatnonzero(~np.isnan(self.targets))


def read_layout(con: duckdb.DuckDBPyConnection) -> Layout:
    """Features of the wide mart, numbers and texts apart.

    Raises
    ------
    SnapshotError
        The snapshot has no such mart.
    """
    try:
        described = con.execute(f"describe {SCHEMA}.{TABLE}").fetchall()
    except duckdb.CatalogException as error:
        raise SnapshotError(
            expected=f"{SCHEMA}.{TABLE} in the snapshot", found="no such table", remedy="publish a complete build"
        ) from error
    kinds = {name: str(kind).split("(", maxsplit=1)[0].upper() for name, kind, *_ in described}
    names = [name for name in kinds if name not in NOT_FEATURES]
    texts = tuple(name for name in names if kinds[name] in CATEGORICAL_TYPES)
    return Layout(tuple(name for name in names if name not in texts), texts)


def write_rows(snapshot: Snapshot, folder: Path) -> None:
    """Write the rows of a snapshot into a folder, whole or not at all."""

    def fill(unfinished: Path) -> None:
        """Write all files."""
        with connect(snapshot.database) as con:
            con.execute(f"set memory_limit = '{MEMORY_LIMIT}'; set threads = 1")
            layout = read_layout(con)
            words = _fill_arrays(con, layout, unfinished)
        about = asdict(layout) | {"words": words}
        about = {name: about[name] for name in ("numeric", "texts", "words")}
        (unfinished / ABOUT).write_text(json.dumps(about), encoding="utf-8")

    replace_folder(folder, fill)


def _fill_arrays(con: duckdb.DuckDBPyConnection, layout: Layout, folder: Path) -> list[list[str]]:
    """Write the arrays; the words of each text."""
    rows = con.execute(f"select count(*) from {SCHEMA}.{TABLE}").fetchall()[0][0]
    shapes = {
        KEYS: (np.int64, (rows,)),
        NUMBERS: (np.float64, (rows, len(layout.numeric))),
        TEXTS: (np.int32, (rows, len(layout.texts))),
        TARGETS: (np.float32, (rows,)),
    }
    arrays = {
        name: np.lib.format.open_memmap(folder / name, mode="w+", dtype=kind, shape=shape)
        for name, (kind, shape) in shapes.items()
    }
    words: list[dict[str, int]] = [{} for _ in layout.texts]
    start = 0
    for batch in _batches(con, layout):
        rows_of_batch = slice(start, start + batch.num_rows)
        arrays[KEYS][rows_of_batch] = batch.column(KEY).to_numpy()
        arrays[TARGETS][rows_of_batch] = batch.column("target").to_numpy(zero_copy_only=False)
        block = np.empty((batch.num_rows, len(layout.numeric)))
        for at, name in enumerate(layout.numeric):
            block[:, at] = batch.column(name).to_numpy(zero_copy_only=False)
        arrays[NUMBERS][rows_of_batch] = block
        for at, (name, known) in enumerate(zip(layout.texts, words, strict=True)):
            texts = batch.column(name).dictionary_encode()
            codes = [known.setdefault(text, len(known)) for text in texts.dictionary.to_pylist()]
            taken = texts.indices.fill_null(NO_TEXT).to_numpy(zero_copy_only=False)
            arrays[TEXTS][rows_of_batch, at] = np.array([*codes, NO_TEXT], dtype=np.int32)[taken]
        start += batch.num_rows
    for array in arrays.values():
        array.flush()
    return [list(known) for known in words]


def _batches(con: duckdb.DuckDBPyConnection, layout: Layout) -> Iterator[pa.RecordBatch]:
    query = (
        f"select {_selected(layout)}, cast(target as float) as target from {SCHEMA}.{TABLE} as clients "
        f"left join (select {KEY}, target from {SCHEMA}.{LABELS}) as labels using ({KEY}) order by {KEY}"
    )
    return iter(con.sql(query).to_arrow_reader(ROWS_AT_ONCE))


def _selected(layout: Layout) -> str:
    columns = [f"cast({quoted(KEY)} as bigint) as {quoted(KEY)}"]
    columns += [f"cast({quoted(name)} as double) as {quoted(name)}" for name in layout.numeric]
    columns += [f"cast({quoted(name)} as varchar) as {quoted(name)}" for name in layout.texts]
    return ", ".join(columns)
