"""Features of a few applicants from their raw rows, by the SQL that made a snapshot's marts.

    with OneClientEngine(current) as engine:
        engine.features([{"application": {...}, "bureau": [...], ...}])
        engine.variants({"application": {...}, ...}, [{"AMT_CREDIT": 300_000}, {"AMT_CREDIT": 250_000}])

Planning of the wide SQL is the cost, not the rows: the whole SQL is one prepared statement (`statement`), planned when
the engine is opened. It reads the rows of a call from memory and writes no table, so that nothing of an applicant stays
behind.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa

from warehouse.core.database import connect
from warehouse.core.errors import RawDataError, SnapshotError, first_line
from warehouse.core.sql import literal, quoted
from warehouse.engines.rows import (
    APPLICATION,
    ARROW_TYPES,
    CLIENT,
    STORED_AS,
    RawRows,
    Row,
    checked_table,
    checked_tables,
)
from warehouse.engines.statement import OWNER, OWNERS, VARIANT, one_statement, source_name
from warehouse.engines.steps import steps_of
from warehouse.loading.contract import Table
from warehouse.snapshots.feature_sql import FEATURES, FeatureModel, read_feature_sql
from warehouse.snapshots.snapshot import Snapshot

KEY = CLIENT.lower()
NOT_A_FEATURE = "population"  # whose mart a client is in: not known of an applicant
MOST_VARIANTS = 200
SNAPSHOT, ANSWER = "snapshot", "answer"
IDLE_OPTIMIZERS = ("common_subplan", "join_order", "statistics_propagation")  # nothing is known of rows to come


class OneClientEngine:
    """A snapshot's SQL, ready to run: open it once, use it for every request.

    Calls from several threads are answered one after the other; for more at once, open one engine per thread.

    Parameters
    ----------
    snapshot : Snapshot
    threads : int
        Of DuckDB; more than one gains nothing on so few rows.
    optimised : bool
        For many calls: opening takes three times as long, and a call half the time.

    Raises
    ------
    SnapshotError
        The snapshot stores no SQL, or lacks a table of the reference population.
    """

    def __init__(self, snapshot: Snapshot, *, threads: int = 1, optimised: bool = True) -> None:
        self.snapshot = snapshot
        self._optimised = optimised
        self._lock = threading.Lock()
        self._con = duckdb.connect(":memory:", config={"threads": threads})
        try:
            with self._own_sql():
                self._open()
        except BaseException:
            self._con.close()
            raise

    def __enter__(self) -> "OneClientEngine":
        """Give the engine itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the engine."""
        self.close()

    def close(self) -> None:
        """Let go of the memory; calls after it fail."""
        self._con.close()

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the features in the order of the mart, the client's key first."""
        return self._schema

    @property
    def raw_tables(self) -> Mapping[str, Table]:
        """Contract of the raw rows by table."""
        return self._raw_tables

    def features(self, applicants: Sequence[RawRows]) -> pa.Table:
        """Features of 1 to 1,000 applicants.

        Parameters
        ----------
        applicants : sequence of mapping
            See `warehouse.engines.rows.checked_tables`.

        Returns
        -------
        pyarrow.Table
            One row per applicant in the order given, with the columns and types of `client_features`.

        Raises
        ------
        RawDataError
            The rows are not what the contract says.
        """
        tables = checked_tables(applicants, self._raw_tables)
        keys = tables[STORED_AS][CLIENT].to_pylist()
        return self._run(tables, keys, keys)

    def variants(self, applicant: RawRows, replacements: Sequence[Row]) -> pa.Table:
        """Features of one applicant as they would be if the application said something else.

        What depends on the history alone is computed once.

        Parameters
        ----------
        applicant : mapping
            See `features`.
        replacements : sequence of mapping
            1 to 200; each gives new values for some columns of the application.

        Returns
        -------
        pyarrow.Table
            One row per variant in the order given; all have the applicant's key.

        Raises
        ------
        RawDataError
            The rows or the new values are not what the contract says.
        """
        if not 1 <= len(replacements) <= MOST_VARIANTS:
            raise RawDataError(
                expected=f"1 to {MOST_VARIANTS} variants", found=f"{len(replacements):,}", remedy="ask in parts"
            )
        tables = checked_tables([applicant], self._raw_tables)
        client = tables[STORED_AS][CLIENT][0].as_py()
        keys = list(range(client, client + len(replacements)))
        applications = [
            _replaced(applicant[APPLICATION], replacement, key)
            for key, replacement in zip(keys, replacements, strict=True)
        ]
        tables[STORED_AS] = checked_table(applications, self._raw_tables[STORED_AS])
        found = self._run(tables, [client] * len(keys), keys)
        return found.set_column(0, found.schema.field(0), pa.array([client] * len(keys), found.schema.field(0).type))

    def _open(self) -> None:
        """Name the sources, and plan the statement."""
        con = self._con
        connect(self.snapshot.database).close()  # reports a missing or damaged file in one line
        con.execute(f"attach {literal(self.snapshot.database)} as {SNAPSHOT} (read_only)")
        stored = read_feature_sql(self.snapshot, con, SNAPSHOT)
        self._raw_tables = stored.raw_tables
        self._sources = {name: Source(_no_rows(table)) for name, table in stored.raw_tables.items()}
        self._owners = Source(_owners([], []))
        con.register(OWNERS, self._owners)
        for name, source in self._sources.items():
            con.register(source_name(f"raw.{name}"), source)
        for model in stored.models:
            if model.is_reference:
                con.register(source_name(model.relation), self._reference(model))
        self._schema = self._features_schema()
        con.execute(f"detach {SNAPSHOT}")
        self._steps = steps_of(stored.models, con)
        if self._optimised:
            con.execute(f"set disabled_optimizers = {literal(','.join(IDLE_OPTIMIZERS))}")
        else:
            con.execute("pragma disable_optimizer")
        statement = one_statement(self._steps, self._schema.names, KEY, con)
        try:
            con.execute(f"prepare {ANSWER} as {statement}")
        except duckdb.BinderException as error:
            if '"history"' in str(error):
                raise _not_by_client(error) from error
            raise

    def _reference(self, model: FeatureModel) -> pa.Table:
        """Statistics of the reference population."""
        name = quoted(SNAPSHOT, *model.relation.split("."))
        try:
            return self._con.sql(f"from {name}").to_arrow_table()
        except duckdb.CatalogException as error:
            raise SnapshotError(
                expected=f"{model.relation} in snapshot {self.snapshot.snapshot_id}",
                found="no such table, though features are made with it",
                remedy="check the snapshot: python -m warehouse.verify",
            ) from error

    def _features_schema(self) -> pa.Schema:
        """Names and types of the snapshot's own `client_features`."""
        features = f"{quoted(SNAPSHOT)}.{quoted(*FEATURES.split('.'))}"
        return self._con.sql(f"select * exclude ({NOT_A_FEATURE}) from {features} limit 0").to_arrow_table().schema

    def _run(self, tables: Mapping[str, pa.Table], owners: Sequence[int], keys: Sequence[int]) -> pa.Table:
        """Features of the applications with these keys, in their order."""
        with self._lock, self._own_sql():
            try:
                self._owners.table = _owners(owners, keys)
                for name, source in self._sources.items():
                    source.table = tables.get(name, source.nothing)
                rows = self._con.execute(f"execute {ANSWER}").fetchall()
            finally:
                for source in (self._owners, *self._sources.values()):
                    source.table = source.nothing
        columns = zip(*rows, strict=True)
        found = pa.table(
            [pa.array(values, field.type) for values, field in zip(columns, self._schema, strict=True)], self._schema
        )
        return _in_order(found, keys)

    @contextmanager
    def _own_sql(self) -> Iterator[None]:
        """Report in one line that the snapshot's SQL, of another version perhaps, does not run here."""
        try:
            yield
        except (duckdb.ProgrammingError, duckdb.DataError) as error:
            raise SnapshotError(
                expected=f"the SQL of snapshot {self.snapshot.snapshot_id} to run on DuckDB {duckdb.__version__}",
                found=first_line(error),
                remedy="name another snapshot, or build and publish with this version",
            ) from error


class Source:
    """Rows that a statement reads: others at each call, without being planned again.

    Parameters
    ----------
    nothing : pyarrow.Table
        What is read between calls: no rows of the same columns.
    """

    def __init__(self, nothing: pa.Table) -> None:
        self.nothing = self.table = nothing

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The present rows, by the Arrow protocol."""
        return self.table.__arrow_c_stream__(requested_schema)


def _no_rows(table: Table) -> pa.Table:
    return pa.schema([(column.name, ARROW_TYPES[column.data_type]) for column in table.columns]).empty_table()


def _owners(owners: Sequence[int], variants: Sequence[int]) -> pa.Table:
    return pa.table({OWNER: pa.array(owners, pa.int64()), VARIANT: pa.array(variants, pa.int64())})


def _not_by_client(error: duckdb.BinderException) -> SnapshotError:
    return SnapshotError(
        expected=f"rows with {KEY} wherever a client's history is compared with the application",
        found=first_line(error),
        remedy="aggregate the history by client in a CTE of its own before the application is joined",
    )


def _replaced(application: Row, replacement: Row, key: int) -> dict[str, Any]:
    given = {name.strip().upper(): value for name, value in application.items()}
    new = {str(name).strip().upper(): value for name, value in replacement.items()}
    if CLIENT in new:
        raise RawDataError(
            expected="variants of one application", found=f"a new {CLIENT}", remedy="leave it out: it is no feature"
        )
    return given | new | {CLIENT: key}


def _in_order(found: pa.Table, keys: Sequence[int]) -> pa.Table:
    """Rows in the order of their keys."""
    places = {key: place for place, key in enumerate(found[KEY].to_pylist())}
    return found.take(pa.array([places[key] for key in keys], pa.int64()))
