"""The SQL of the features inside a snapshot, with the contract of the raw rows that it reads.

    meta.feature_models    one row per model, each after those that it reads, `client_features` last
    meta.raw_tables        one row per raw table that they read: its columns, types and domains

A snapshot so answers by its own SQL, whatever the project has become since. Models that hold statistics of the
reference population are listed for their SQL; their rows are the snapshot's own marts.
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass

import duckdb

from warehouse.core.errors import SnapshotError
from warehouse.core.sql import quoted
from warehouse.loading.contract import Column, Table, load_contract
from warehouse.snapshots.snapshot import PUBLISH, Snapshot

FEATURES = "marts.client_features"
TABLES = """
create schema meta;
create table meta.feature_models (
    place integer, relation varchar, is_reference boolean, reads varchar[], sql varchar
);
comment on table meta.feature_models is
    'One row per model that client_features is made of, each after those that it reads: its compiled SQL.';
create table meta.raw_tables (table_name varchar, definition varchar);
comment on table meta.raw_tables is
    'One row per raw table that the models read: columns, types and domains as JSON, in the order of the release.';
"""


@dataclass(frozen=True)
class FeatureModel:
    """One model as it was built.

    Attributes
    ----------
    relation : str
        Schema and name, `marts.feat_bureau` say.
    is_reference : bool
        It holds statistics of the reference population: its rows are read, never computed again.
    reads : tuple of str
        Relations that it reads; those of the schema `raw` are raw tables.
    sql : str
        Compiled SQL; it names relations by schema and name, without the database.
    """

    relation: str
    is_reference: bool
    reads: tuple[str, ...]
    sql: str


@dataclass(frozen=True)
class FeatureSql:
    """All models of the features in their order, and the contract of the raw tables by name."""

    models: tuple[FeatureModel, ...]
    raw_tables: dict[str, Table]


def all_models(con: duckdb.DuckDBPyConnection, catalog: str) -> tuple[FeatureModel, ...]:
    """Every model of a warehouse that is attached as `catalog`, by name.

    Returns
    -------
    tuple of FeatureModel
        Empty when the warehouse was built before its SQL was recorded.
    """
    try:
        rows = con.execute(
            "select relation, database_name, is_reference, reads, sql "
            f"from {quoted(catalog, 'meta', 'model_sql')} order by relation"
        ).fetchall()
    except duckdb.CatalogException:
        return ()
    return tuple(_without_database(*row) for row in rows)


def models_of_features(con: duckdb.DuckDBPyConnection, catalog: str) -> tuple[FeatureModel, ...]:
    """Models that `client_features` of a warehouse is made of, each after those that it reads; see `all_models`."""
    known = {model.relation: model for model in all_models(con, catalog)}
    ordered: dict[str, FeatureModel] = {}

    def visit(relation: str) -> None:
        """Add a model after what it reads; what statistics of the reference population read is not needed."""
        model = known.get(relation)
        if model is None or relation in ordered:
            return
        for read in () if model.is_reference else model.reads:
            visit(read)
        ordered[relation] = model

    visit(FEATURES)
    return tuple(ordered.values())


def digest(models: tuple[FeatureModel, ...]) -> str | None:
    """SHA-256 over all models in their order; None for no models."""
    if not models:
        return None
    return hashlib.sha256(json.dumps([asdict(model) for model in models]).encode()).hexdigest()


def write_feature_sql(con: duckdb.DuckDBPyConnection, models: tuple[FeatureModel, ...]) -> None:
    """Write models, and the contract of the raw tables that they read, into the current database."""
    if not models:
        return
    con.execute(TABLES)
    con.executemany(
        "insert into meta.feature_models values (?, ?, ?, ?, ?)",
        [
            [place, model.relation, model.is_reference, list(model.reads), model.sql]
            for place, model in enumerate(models, 1)
        ],
    )
    read = {relation for model in models if not model.is_reference for relation in model.reads}
    tables = [table for name, table in load_contract().tables.items() if f"raw.{name}" in read]
    con.executemany(
        "insert into meta.raw_tables values (?, ?)", [[table.name, json.dumps(asdict(table))] for table in tables]
    )


def read_feature_sql(snapshot: Snapshot, con: duckdb.DuckDBPyConnection, catalog: str) -> FeatureSql:
    """Read what `write_feature_sql` wrote from a snapshot that is attached as `catalog`.

    Raises
    ------
    SnapshotError
        The snapshot was published before SQL was stored in snapshots.
    """
    try:
        rows = con.execute(
            f"select relation, is_reference, reads, sql from {quoted(catalog, 'meta', 'feature_models')} order by place"
        ).fetchall()
        tables = con.execute(f"select definition from {quoted(catalog, 'meta', 'raw_tables')}").fetchall()
    except duckdb.CatalogException as error:
        raise SnapshotError(
            expected=f"the SQL of the features in snapshot {snapshot.snapshot_id}",
            found="none: it was published before snapshots stored it",
            remedy=f"build again and {PUBLISH}, or name a newer snapshot",
        ) from error
    definitions = [_table(json.loads(definition)) for (definition,) in tables]
    return FeatureSql(
        models=tuple(FeatureModel(row[0], row[1], tuple(row[2]), row[3]) for row in rows),
        raw_tables={table.name: table for table in definitions},
    )


def _without_database(relation: str, database: str, is_reference: bool, reads: list[str], sql: str) -> FeatureModel:
    named = re.compile(rf'{re.escape(quoted(database))}\.(?="[^"]+"\."[^"]+")')
    return FeatureModel(relation, is_reference, tuple(sorted(reads)), named.sub("", sql))


def _table(definition: dict) -> Table:
    columns = tuple(
        Column(**{**column, "values": None if column["values"] is None else tuple(column["values"])})
        for column in definition["columns"]
    )
    return Table(**{**definition, "columns": columns, "primary_key": tuple(definition["primary_key"])})
