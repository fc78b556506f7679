"""The record of decisions: what was answered, in its very words, and what people did with it.

A decision is on the disk before it is answered.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    Engine,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    Text,
    create_engine,
    delete,
    event,
    func,
    insert,
    select,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from ml.registry.store import without_password
from warehouse.core.errors import SettingsError, first_line

ROWS_AT_ONCE = 500
BUSY_MILLISECONDS = 10_000
METADATA = MetaData()
DECISIONS = Table(
    "decisions",
    METADATA,
    Column("decision_id", String(32), primary_key=True),
    Column("decided_at", DateTime(timezone=True), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("client_id", BigInteger),
    Column("decision", String(8), nullable=False),
    Column("probability", Float, nullable=False),
    Column("threshold", Float, nullable=False),
    Column("model_version", Integer, nullable=False),
    Column("snapshot_id", String(64), nullable=False),
    Column("decided_by", String(80), nullable=False),
    Column("answer", Text, nullable=False),
    Column("given", Text),
    Index("decisions_by_client", "client_id", "decided_at"),
    Index("decisions_by_time", "decided_at"),
)
EVENTS = Table(
    "decision_events",
    METADATA,
    Column("event_id", Integer, primary_key=True, autoincrement=True),
    Column("decision_id", ForeignKey("decisions.decision_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("happened_at", DateTime(timezone=True), nullable=False),
    Column("action", String(32), nullable=False),
    Column("final_decision", String(8)),
    Column("ground", String(80)),
    Column("note", Text),
    Column("done_by", String(80), nullable=False),
)
SIMULATIONS = Table(
    "simulations",
    METADATA,
    Column("simulation_id", String(32), primary_key=True),
    Column("simulated_at", DateTime(timezone=True), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("client_id", BigInteger, index=True),
    Column("decision_id", String(32), index=True),
    Column("model_version", Integer, nullable=False),
    Column("snapshot_id", String(64), nullable=False),
    Column("simulated_by", String(80), nullable=False),
    Column("answer", Text, nullable=False),
)
Row = dict[str, Any]
# Completes an event from the decision and its trail so far, or raises what the caller is to be told.
EventRule = Callable[[Row, Sequence[Row], Row], Row]


@dataclass(frozen=True)
class RecordedDecision:
    """A decision as it was answered, what was given for it, and what happened since, oldest first."""

    row: Row
    events: tuple[Row, ...]


class RecordError(Exception):
    """The record could not be written or read: nothing may be answered."""


class Records:
    """The record behind an address.

    Parameters
    ----------
    url : str
        SQLAlchemy's address: SQLite or PostgreSQL.

    Raises
    ------
    SettingsError
        The store cannot be opened.
    """

    def __init__(self, url: str) -> None:
        self._writing = threading.Lock()  # threads that queue here need not poll SQLite for its lock
        try:
            self._engine = _engine(url)
            METADATA.create_all(self._engine)
        except (SQLAlchemyError, ImportError, OSError) as error:
            raise SettingsError(
                expected=f"a store of decisions at {without_password(url)}",
                found=without_password(first_line(error)),
                remedy="set CREDIT_DECISIONS to sqlite:///<absolute file> or to the address of a PostgreSQL database",
            ) from error

    def close(self) -> None:
        """Let go of the store."""
        self._engine.dispose()

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        """Write rows, all or none; when this returns they are on the disk.

        Raises
        ------
        RecordError
            They are not.
        """
        try:
            with self._writing, self._engine.begin() as con:
                con.execute(insert(table), list(rows))
        except SQLAlchemyError as error:
            raise RecordError(type(error).__name__) from error

    def check(self) -> None:
        """Make sure that the store answers; `RecordError` when it does not."""
        self._read(select(func.count()).select_from(select(DECISIONS.c.decision_id).limit(1).subquery()))

    def decision(self, decision_id: str) -> RecordedDecision | None:
        """A decision and its trail; None when there is none of this id."""
        rows = self._read(select(DECISIONS).where(DECISIONS.c.decision_id == decision_id))
        if not rows:
            return None
        trail = select(EVENTS).where(EVENTS.c.decision_id == decision_id).order_by(EVENTS.c.event_id)
        return RecordedDecision(rows[0], tuple(self._read(trail)))

    def add_event(self, event_row: Row, rule: EventRule) -> Row:
        """Add to the trail of a decision, unless the rule refuses it after what has happened so far.

        The trail is read and written in one transaction, so that two people cannot both have the last word.

        Raises
        ------
        RecordError
            It could not be written.
        """
        try:
            with self._engine.begin() as con:
                mine = DECISIONS.c.decision_id == event_row["decision_id"]
                decided = con.execute(select(DECISIONS).where(mine).with_for_update()).mappings().one()
                trail = select(EVENTS).where(EVENTS.c.decision_id == event_row["decision_id"])
                so_far = [dict(row) for row in con.execute(trail.order_by(EVENTS.c.event_id)).mappings()]
                complete = rule(dict(decided), so_far, event_row)
                con.execute(insert(EVENTS), [complete])
                return complete
        except SQLAlchemyError as error:
            raise RecordError(type(error).__name__) from error

    def recent(self, limit: int, *, overridden: bool = False, client_id: int | None = None) -> list[Row]:
        """The latest decisions, newest first; only those that a person has overridden when asked."""
        query = select(DECISIONS).order_by(DECISIONS.c.decided_at.desc()).limit(limit)
        if client_id is not None:
            query = query.where(DECISIONS.c.client_id == client_id)
        if overridden:
            ids = select(EVENTS.c.decision_id).where(EVENTS.c.action == "override")
            query = query.where(DECISIONS.c.decision_id.in_(ids))
        return self._read(query)

    def latest_simulation(self, decision_id: str, kind: str) -> Row | None:
        """The newest simulation of a kind that was made for a decision; None when there is none."""
        mine = (SIMULATIONS.c.decision_id == decision_id) & (SIMULATIONS.c.kind == kind)
        rows = self._read(select(SIMULATIONS).where(mine).order_by(SIMULATIONS.c.simulated_at.desc()).limit(1))
        return rows[0] if rows else None

    def export(self, since: datetime | None = None) -> Iterator[RecordedDecision]:
        """Every decision with its trail, oldest first."""
        query = select(DECISIONS).order_by(DECISIONS.c.decided_at, DECISIONS.c.decision_id)
        if since is not None:
            query = query.where(DECISIONS.c.decided_at >= since)
        with self._reader() as con:
            for row in con.execution_options(yield_per=ROWS_AT_ONCE).execute(query).mappings():
                trail = select(EVENTS).where(EVENTS.c.decision_id == row["decision_id"]).order_by(EVENTS.c.event_id)
                yield RecordedDecision(dict(row), tuple(self._read(trail)))

    def forget(self, before: datetime) -> tuple[int, int]:
        """Delete decisions with their trails, and simulations, of before a time; how many of each."""
        with self._engine.begin() as con:
            old = select(DECISIONS.c.decision_id).where(DECISIONS.c.decided_at < before)
            con.execute(delete(EVENTS).where(EVENTS.c.decision_id.in_(old)))
            decisions = con.execute(delete(DECISIONS).where(DECISIONS.c.decided_at < before)).rowcount
            simulations = con.execute(delete(SIMULATIONS).where(SIMULATIONS.c.simulated_at < before)).rowcount
            return decisions, simulations

    def _reader(self) -> Connection:
        return self._engine.connect().execution_options(reads=True)

    def _read(self, query: Select) -> list[Row]:
        try:
            with self._reader() as con:
                return [dict(row) for row in con.execute(query).mappings()]
        except SQLAlchemyError as error:
            raise RecordError(type(error).__name__) from error


def _engine(url: str) -> Engine:
    address = make_url(url)
    if address.get_backend_name() != "sqlite":
        return create_engine(address, pool_pre_ping=True)
    if address.database:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(address, connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _durable(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # transactions begin below, not when the driver thinks fit
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            f"busy_timeout={BUSY_MILLISECONDS}",
            "foreign_keys=ON",
        ):
            connection.execute(f"pragma {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # a writer takes its lock at once: one that has to grow can be refused
        connection.exec_driver_sql("begin" if connection.get_execution_options().get("reads") else "begin immediate")

    return engine
