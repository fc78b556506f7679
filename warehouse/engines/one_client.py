"""Features of a few applicants from their raw rows, by the SQL that made a snapshot's marts.

    with OneClientEngine(current) as engine:
        engine.features([{"application": {...}, "bureau": [...], ...}])
        engine.variants({"application": {...}, ...}, [{"AMT_CREDIT": 300_000}, {"AMT_CREDIT": 250_000}])

Planning of the wide SQL is the cost, not the rows: the statements are parsed once, each model becomes a table in
memory, and a call is one transaction that is rolled back, so that nothing of an applicant stays behind.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa

from warehouse.core.database import connect
from warehouse.core.errors import RawDataError, SnapshotError, first_line
from warehouse.core.fingerprint import MARTS_SCHEMA
from warehouse.core.sql import literal, quoted
from warehouse.engines.rows import APPLICATION, CLIENT, STORED_AS, RawRows, Row, checked_table, checked_tables
from warehouse.engines.steps import Step, steps_of
from warehouse.loading.contract import Table
from warehouse.snapshots.feature_sql import FEATURES, FeatureModel, read_feature_sql
from warehouse.snapshots.snapshot import Snapshot

KEY = CLIENT.lower()
NOT_A_FEATURE = "population"  # whose mart a client is in: not known of an applicant
MOST_VARIANTS = 200
SNAPSHOT = "snapshot"


class OneClientEngine:
    """A snapshot's SQL, ready to run: open it once, use it for every request.

    Calls from several threads are answered one after the other; for more at once, open one engine per thread.

    Parameters
    ----------
    snapshot : Snapshot
    threads : int
        Of DuckDB; more than one gains nothing on so few rows.

    Raises
    ------
    SnapshotError
        The snapshot stores no SQL, or lacks a table of the reference population.
    """

    def __init__(self, snapshot: Snapshot, *, threads: int = 1) -> None:
        self.snapshot = snapshot
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
        with self._lock, self._scratch():
            for name, rows in tables.items():
                self._fill(name, rows)
            for _, statement in self._steps:
                self._con.execute(statement)
            found = self._select_features()
        return _in_order(found, tables[STORED_AS][CLIENT].to_pylist())

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
        with self._lock, self._scratch():
            for name, rows in tables.items():
                self._fill(name, rows)
            for step, statement in self._steps:
                if not step.needs_application:
                    self._con.execute(statement)
            self._repeat_history(client, keys)
            for step, statement in self._steps:
                if step.needs_application:
                    self._con.execute(statement)
            found = _in_order(self._select_features(), keys)
        return found.set_column(0, found.schema.field(0), pa.array([client] * len(keys), found.schema.field(0).type))

    def _open(self) -> None:
        """Make the raw tables, the statistics of the reference population and one statement per step."""
        con = self._con
        connect(self.snapshot.database).close()  # reports a missing or damaged file in one line
        con.execute(f"attach {literal(self.snapshot.database)} as {SNAPSHOT} (read_only)")
        stored = read_feature_sql(self.snapshot, con, SNAPSHOT)
        self._raw_tables = stored.raw_tables
        schemas = {"raw", MARTS_SCHEMA, *(model.relation.split(".")[0] for model in stored.models)}
        for schema in sorted(schemas):
            con.execute(f"create schema {quoted(schema)}")
        for table in stored.raw_tables.values():
            columns = ", ".join(f"{quoted(column.name)} {column.data_type}" for column in table.columns)
            con.execute(f"create table {quoted('raw', table.name)} ({columns})")
        for model in stored.models:
            if model.is_reference:
                self._copy_reference(model)
        *steps, last = steps_of(stored.models, con)
        self._steps = [
            (step, con.extract_statements(f"create or replace table {quoted(*step.relation)} as {step.sql}")[0])
            for step in steps
        ]
        self._repeated = _read_by_the_application([*steps, last])
        self._set_columns(last)
        con.execute(f"detach {SNAPSHOT}")

    def _copy_reference(self, model: FeatureModel) -> None:
        name = quoted(*model.relation.split("."))
        try:
            self._con.execute(f"create table {name} as from {quoted(SNAPSHOT)}.{name}")
        except duckdb.CatalogException as error:
            raise SnapshotError(
                expected=f"{model.relation} in snapshot {self.snapshot.snapshot_id}",
                found="no such table, though features are made with it",
                remedy="check the snapshot: python -m warehouse.verify",
            ) from error

    def _set_columns(self, last: Step) -> None:
        """Take names and types from the snapshot's own `client_features`; its SQL is not stored but asked directly."""
        features = f"{quoted(SNAPSHOT)}.{quoted(*FEATURES.split('.'))}"
        self._con.complete()  # Arrow comes from a relation, which wants the connection for itself
        self._schema = (
            self._con.sql(f"select * exclude ({NOT_A_FEATURE}) from {features} limit 0").to_arrow_table().schema
        )
        columns = ", ".join(quoted(name) for name in self._schema.names)
        self._select = self._con.extract_statements(f"select {columns} from ({last.sql})")[0]

    def _select_features(self) -> pa.Table:
        # through Python's values: as a relation, the wide query would be planned twice
        rows = self._con.execute(self._select).fetchall()
        columns = zip(*rows, strict=True)
        return pa.table(
            [pa.array(values, field.type) for values, field in zip(columns, self._schema, strict=True)], self._schema
        )

    @contextmanager
    def _scratch(self) -> Iterator[None]:
        """A transaction that leaves nothing behind."""
        self._con.execute("begin")
        try:
            with self._own_sql():
                yield
        finally:
            self._con.execute("rollback")

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

    def _fill(self, name: str, rows: pa.Table) -> None:
        if rows.num_rows:
            self._con.register("given_rows", rows)
            self._con.execute(f"insert into {quoted('raw', name)} select * from given_rows")
            self._con.unregister("given_rows")

    def _repeat_history(self, client: int, keys: Sequence[int]) -> None:
        """Give every variant the row that the client's history has led to."""
        others = [key for key in keys if key != client]
        for name in self._repeated:
            relation = quoted(*name.split("."))
            if self._con.execute(f"select count(*) from {relation}").fetchall()[0][0] > 1:
                raise _not_by_client(name, "several")
            repeated = f"insert into {relation} select * replace (unnest(?::bigint[]) as {KEY}) from {relation}"
            try:
                self._con.execute(repeated, [others])
            except duckdb.BinderException as error:
                raise _not_by_client(name, f"none with {KEY}") from error


def _read_by_the_application(steps: Sequence[Step]) -> list[str]:
    """Relations made of the history alone that steps with the application read."""
    history = {step.name for step in steps if not step.needs_application}
    return sorted(history.intersection(*[set().union(*(step.reads for step in steps if step.needs_application))]))


def _not_by_client(name: str, found: str) -> SnapshotError:
    return SnapshotError(
        expected=f"one row per client in {name}, which is compared with the application",
        found=found,
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
