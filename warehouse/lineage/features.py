"""Lineage of the features: every one followed through the models to the columns of the raw files."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import duckdb

from warehouse.core.errors import ContractError
from warehouse.lineage.columns import Origin, Schema, origins

RAW_SCHEMA = "raw"
NOT_A_FEATURE = frozenset({"sk_id_curr"})


@dataclass(frozen=True)
class Model:
    """A model as it was compiled: its relation as `schema.name`, and its SQL without the name of a database."""

    relation: str
    sql: str


@dataclass(frozen=True)
class FeatureLineage:
    """Where one feature comes from.

    Attributes
    ----------
    feature, mart : str
    expression : str
        SQL that computes it in its mart.
    through : tuple of str
        Models between the raw tables and the mart, as `schema.name`, sorted.
    raw_columns : tuple of (str, str)
        Raw table and column, both as the release spells them, sorted.
    """

    feature: str
    mart: str
    expression: str
    through: tuple[str, ...]
    raw_columns: tuple[tuple[str, str], ...]

    @property
    def raw_tables(self) -> tuple[str, ...]:
        """Raw tables it reads, sorted."""
        return tuple(sorted({table for table, _ in self.raw_columns}))


def columns_of_relations(con: duckdb.DuckDBPyConnection, catalog: str) -> dict[str, dict[str, dict[str, str]]]:
    """Schema to relation to column to type, of a database that is attached as `catalog`, as DuckDB has them."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    rows = con.execute(
        "select schema_name, table_name, column_name, data_type from duckdb_columns() "
        "where database_name = ? order by schema_name, table_name, column_index",
        [catalog],
    ).fetchall()
    for schema, table, column, data_type in rows:
        found.setdefault(schema, {}).setdefault(table, {})[column] = data_type
    return found


class Lineage:
    """Columns of a project's models, traced when they are asked for.

    Parameters
    ----------
    models : iterable of Model
        All that stands between the raw tables and the marts.
    columns : mapping
        Schema to relation to column to type, as DuckDB has them, the raw tables included.
    """

    def __init__(self, models: Iterable[Model], columns: Schema) -> None:
        self._models = {model.relation.lower(): model for model in models}
        self._columns = columns
        self._origins: dict[str, dict[str, Origin]] = {}
        self._resolved: dict[tuple[str, str], tuple[frozenset[tuple[str, str]], frozenset[str]]] = {}

    def of_mart(self, relation: str) -> tuple[FeatureLineage, ...]:
        """Lineage of the features of a mart, in the order of its columns.

        Raises
        ------
        ContractError
            A feature reads no raw column: it would be a constant.
        """
        mart = relation.split(".", 1)[1]
        found = []
        for feature, origin in self._of(relation.lower()).items():
            if feature in NOT_A_FEATURE:
                continue
            raw, through = self._resolve((relation.lower(), feature))
            if not raw:
                raise ContractError(
                    expected=f"{feature} of {mart} to be computed from raw columns",
                    found=f"{origin.expression}, which reads none",
                    remedy="leave constants out of feature marts",
                )
            spelled = tuple(sorted(self._as_released(*column) for column in raw))
            steps = tuple(sorted(through - {relation.lower()}))
            found.append(FeatureLineage(feature, mart, origin.expression, steps, spelled))
        return tuple(found)

    def _of(self, relation: str) -> dict[str, Origin]:
        if relation not in self._origins:
            self._origins[relation] = origins(self._models[relation].sql, self._lower_columns)
        return self._origins[relation]

    def _resolve(self, column: tuple[str, str]) -> tuple[frozenset[tuple[str, str]], frozenset[str]]:
        """Raw columns that a column goes back to, and the models on the way."""
        relation, name = column
        if relation.startswith(f"{RAW_SCHEMA}."):
            return frozenset({column}), frozenset()
        if relation not in self._models:  # a seed: words, no data of clients
            return frozenset(), frozenset()
        if column not in self._resolved:
            below = [self._resolve(read) for read in self._of(relation)[name].reads]
            raw = frozenset().union(*(columns for columns, _ in below))
            self._resolved[column] = raw, frozenset({relation}).union(*(models for _, models in below))
        return self._resolved[column]

    @cached_property
    def _lower_columns(self) -> dict[str, dict[str, dict[str, str]]]:
        return {
            schema.lower(): {
                table.lower(): {name.lower(): data_type for name, data_type in columns.items()}
                for table, columns in tables.items()
            }
            for schema, tables in self._columns.items()
        }

    @cached_property
    def _spelling(self) -> Mapping[tuple[str, str], tuple[str, str]]:
        tables = self._columns[RAW_SCHEMA]
        return {(table.lower(), name.lower()): (table, name) for table, columns in tables.items() for name in columns}

    def _as_released(self, relation: str, column: str) -> tuple[str, str]:
        return self._spelling[relation.split(".", 1)[1], column]
