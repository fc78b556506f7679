"""What answers at one time: one model and one snapshot, with all that is prepared for them.

A request takes the generation once and keeps it to its end, so that no answer mixes two models or two snapshots.
"""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from ml.data.catalog import Feature, read_catalog
from ml.data.population import PopulationStats
from ml.explanation.reasons import ReasonRules
from ml.registry.loading import LoadedModel
from ml.serving.live.models import ModelSource
from ml.serving.live.neighbours import Neighbours
from ml.serving.live.prepared import Prepared
from ml.serving.live.row_scorer import RowScorer
from ml.serving.live.rows import MEMORY_LIMIT, ClientRows, SnapshotRows
from warehouse.core.database import connect
from warehouse.core.errors import ModelError, SnapshotError
from warehouse.engines.one_client import OneClientEngine
from warehouse.engines.raw_rows import raw_rows_of
from warehouse.snapshots.raw_rows import raw_database
from warehouse.snapshots.snapshot import Snapshot

GOLDEN_CLIENTS = 20
SAME_ANSWER = 1e-9
SOME_CLIENTS = "select sk_id_curr from marts.client_features order by hash(sk_id_curr) limit ?"


class NotReadyError(Exception):
    """Nothing can be answered yet, or any more; the text says why."""


@dataclass(frozen=True)
class Golden:
    """Clients with the answers that the model gave through its own, slower way."""

    clients: tuple[int, ...]
    probability: tuple[float, ...]


class OpenedOnce:
    """What takes seconds to open and no decision by id needs: the snapshot's SQL and raw rows, similar clients.

    The first that asks opens it, while others wait.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._engine: OneClientEngine | None = None
        self._raw_rows: duckdb.DuckDBPyConnection | None = None
        self._neighbours: Neighbours | None = None

    def engine(self, snapshot: Snapshot) -> OneClientEngine:
        """The snapshot's SQL."""
        with self._lock:
            self._engine = self._engine or OneClientEngine(snapshot)
            return self._engine

    def raw_rows(self, snapshot: Snapshot) -> duckdb.DuckDBPyConnection:
        """The snapshot's raw rows; a connection for one thread."""
        with self._lock:
            if self._raw_rows is None:
                database = raw_database(snapshot)
                if database is None:
                    raise SnapshotError(
                        expected=f"raw rows of clients in snapshot {snapshot.snapshot_id}",
                        found="none: it was published before snapshots stored them",
                        remedy="publish again: python -m warehouse.publish",
                    )
                self._raw_rows = connect(database)
                self._raw_rows.execute(f"set threads = 1; set memory_limit = '{MEMORY_LIMIT}'")
            return self._raw_rows.cursor()

    def neighbours(self, prepared: Prepared) -> Neighbours:
        """Labelled clients by theme."""
        with self._lock:
            if self._neighbours is None:
                if not prepared.has_neighbours:
                    raise NotReadyError("similar clients are being computed for this model and snapshot")
                self._neighbours = prepared.open_neighbours()
            return self._neighbours


@dataclass(frozen=True)
class Generation:
    """One model and one snapshot, ready to answer.

    Attributes
    ----------
    model : LoadedModel
    snapshot : Snapshot
    rows : ClientRows
        The clients of the snapshot.
    scorer : RowScorer
    rules : ReasonRules
        How reasons are chosen; its `stats` say whom clients are compared with.
    catalog : dict of str to Feature
        Every feature of the snapshot.
    golden : Golden
    prepared : Prepared
        Where tables lie that are computed once.
    since : datetime
    opened : OpenedOnce
    """

    model: LoadedModel
    snapshot: Snapshot
    rows: ClientRows
    scorer: RowScorer
    rules: ReasonRules
    catalog: dict[str, Feature]
    golden: Golden
    prepared: Prepared
    since: datetime
    opened: OpenedOnce = field(default_factory=OpenedOnce)

    @property
    def stats(self) -> PopulationStats:
        """Whom clients are compared with."""
        return self.rules.stats

    @property
    def threshold(self) -> float:
        """Default probability from which on applicants are refused."""
        return self.model.threshold

    @property
    def engine(self) -> OneClientEngine:
        """The snapshot's SQL, for applicants who are in no table."""
        return self.opened.engine(self.snapshot)

    @property
    def neighbours(self) -> Neighbours:
        """Labelled clients by theme; `NotReadyError` while they are computed."""
        return self.opened.neighbours(self.prepared)

    def open_the_rest(self) -> None:
        """Open the snapshot's SQL before the first simulation has to wait for it."""
        self.opened.engine(self.snapshot)

    def raw_rows_of(self, client: int) -> dict[str, Any]:
        """Raw rows of a client of the snapshot, as the engine takes them; `SnapshotError` when it stores none."""
        return raw_rows_of(self.opened.raw_rows(self.snapshot), [client], self.engine.raw_tables)[client]

    @cached_property
    def histories(self) -> tuple[Feature, ...]:
        """Flags that say whether a source of history knows a client, the widest first."""
        flags = dict.fromkeys(flag for feature in self.catalog.values() for flag in feature.histories)
        return tuple(self.catalog[flag] for flag in flags if flag in self.rows.layout.number_at)

    def check(self) -> None:
        """Ask for a golden client; `NotReadyError` when the answer is not the golden one."""
        found, features = self.rows.find([self.golden.clients[0]])
        if not found or abs(self.scorer.probability(features)[0] - self.golden.probability[0]) > SAME_ANSWER:
            raise NotReadyError("a known client does not get the known answer")


def load_generation(source: ModelSource, model: LoadedModel, prepared: Prepared) -> Generation:
    """Open everything for one model and one snapshot.

    Raises
    ------
    CreditWarehouseError
        They do not fit each other, the snapshot is damaged, or the fast way answers differently from the model.
    """
    snapshot = prepared.snapshot
    prepared.require_sound()
    rows: ClientRows = prepared.open_rows() if prepared.has_rows else SnapshotRows.open(snapshot)
    missing = [name for name in model.scorer.features if name not in rows.layout.names]
    if missing:
        raise ModelError(
            expected=f"the {len(model.scorer.features)} features of version {model.version} in {snapshot.snapshot_id}",
            found=f"no {missing[0]}" + (f" and {len(missing) - 1} more" if len(missing) > 1 else ""),
            remedy="publish marts of the model's release, or train on these",
        )
    scorer = RowScorer.of(model.scorer)
    with connect(snapshot.database) as con:
        catalog = read_catalog(con)
        ids = [key for (key,) in con.execute(SOME_CLIENTS, [GOLDEN_CLIENTS]).fetchall()]
    golden = _golden(model, scorer, rows, ids)
    rules = ReasonRules(scorer.features, source.logged_population(model) or prepared.population(model))
    return Generation(model, snapshot, rows, scorer, rules, catalog, golden, prepared, datetime.now(UTC))


def _golden(model: LoadedModel, scorer: RowScorer, rows: ClientRows, ids: list[int]) -> Golden:
    """Some clients, answered by the model's own way and found equal by the fast one."""
    found, features = rows.find(ids)
    columns = {name: features.column(name) for name in model.scorer.features}
    kinds = {name: "float64" if name in features.layout.number_at else "str" for name in columns}
    expected = model.scorer.probability(pd.DataFrame(columns).astype(kinds))
    difference = float(np.abs(expected - scorer.probability(features)).max())
    if not difference <= SAME_ANSWER:
        raise ModelError(
            expected=f"the same scores for single clients as for many, within {SAME_ANSWER:.0e}",
            found=f"a difference of {difference:.1e} among {len(found)} clients",
            remedy="train again: python -m ml.train",
        )
    return Golden(tuple(found), tuple(expected.tolist()))
