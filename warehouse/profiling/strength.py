"""How much a single numeric column says about default: correlation and ROC AUC, exact on every labelled row."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import duckdb

from warehouse.core.fingerprint import MARTS_SCHEMA
from warehouse.core.sql import quoted
from warehouse.loading.contract import Contract
from warehouse.profiling.oddities import NEVER
from warehouse.profiling.rates import LABELLED
from warehouse.profiling.tables import known_number, read_columns

TRAINING_SET = "training_set"
NOT_FEATURES = frozenset({"sk_id_curr", "target", "population"})
NUMERIC = frozenset({"tinyint", "smallint", "integer", "bigint", "hugeint", "float", "double", "boolean"})
FEWEST_DEFAULTERS = 30
COLUMNS_PER_BATCH = 100
BATCH, LABEL = "profile_batch", "profile_label"
SHOWN = 15
Item = TypeVar("Item")


@dataclass(frozen=True)
class Strength:
    """What one column says about default on the rows where it is known.

    Attributes
    ----------
    column, description : str
    rows : int
        Labelled rows on which the column is known.
    correlation : float
        Pearson's, with the label; positive = high values default more.
    auc : float or None
        Chance that a defaulter has a higher value than another client, ties counting half; None: not measured.
    """

    column: str
    description: str
    rows: int
    correlation: float
    auc: float | None = None

    @property
    def power(self) -> float:
        """AUC in the direction that helps, at least 0.5."""
        return 0.5 if self.auc is None else max(self.auc, 1 - self.auc)


def measure_application(con: duckdb.DuckDBPyConnection, contract: Contract) -> tuple[list[Strength], list[Strength]]:
    """Numeric columns of application_train that rise most, and fall most, with default (up to 15 each)."""
    expressions, descriptions = {}, {}
    for column in contract["application_train"].columns:
        if column.data_type != "varchar" and column.name.lower() not in NOT_FEATURES:
            number = known_number(column.name, column.data_type)
            expressions[column.name] = f"nullif({number}, {NEVER})" if column.name.startswith("DAYS_") else number
            descriptions[column.name] = column.description
    found = _correlations(con, LABELLED, expressions, descriptions)
    ranked = sorted(found, key=lambda strength: (strength.correlation, strength.column))
    lowest = [strength for strength in ranked if strength.correlation < 0][:SHOWN]
    highest = [strength for strength in reversed(ranked) if strength.correlation > 0][:SHOWN]
    rising, falling = (_with_auc(con, LABELLED, expressions, chosen) for chosen in (highest, lowest))
    return rising, falling


def measure_features(con: duckdb.DuckDBPyConnection) -> list[Strength] | None:
    """Every numeric feature of marts.training_set, the strongest first; None when there is no such mart."""
    columns = read_columns(con, MARTS_SCHEMA, TRAINING_SET)
    if not columns:
        return None
    chosen = {
        name: comment
        for name, (kind, comment) in columns.items()
        if name not in NOT_FEATURES and (kind in NUMERIC or kind.startswith("decimal"))
    }
    expressions = {name: f"cast({known_number(name, columns[name][0])} as double)" for name in chosen}
    relation = quoted(MARTS_SCHEMA, TRAINING_SET)
    found = _with_auc(con, relation, expressions, _correlations(con, relation, expressions, chosen))
    return sorted(found, key=lambda strength: (-strength.power, strength.column))


def _correlations(
    con: duckdb.DuckDBPyConnection, relation: str, expressions: Mapping[str, str], descriptions: Mapping[str, str]
) -> list[Strength]:
    """Constant columns and those known of too few defaulters are left out."""
    values: list[Any] = []
    for batch in _batches(list(expressions.values())):  # planning takes longer than a scan: more than linear
        parts = [f"count({e}), count({e}) filter (target = 1), corr(target, {e})" for e in batch]
        values += con.execute(f"select {', '.join(parts)} from {relation}").fetchall()[0]
    found = []
    for number, column in enumerate(expressions):
        rows, defaulters, correlation = values[3 * number : 3 * number + 3]
        if correlation is not None and math.isfinite(correlation) and defaulters >= FEWEST_DEFAULTERS:
            found.append(Strength(column, descriptions[column], rows, correlation))
    return found


def _with_auc(
    con: duckdb.DuckDBPyConnection, relation: str, expressions: Mapping[str, str], strengths: Sequence[Strength]
) -> list[Strength]:
    """Add the AUC; columns are taken over in batches, as the relation may be a view on a join."""
    found = []
    for batch in _batches(strengths):
        columns = ", ".join(f"{expressions[one.column]} as {quoted(one.column)}" for one in batch)
        con.execute(f"create or replace temp table {BATCH} as select target as {LABEL}, {columns} from {relation}")
        found += [replace(one, auc=_auc(con, quoted(one.column))) for one in batch]
    con.execute(f"drop table if exists {BATCH}")
    return found


def _batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (items[start : start + COLUMNS_PER_BATCH] for start in range(0, len(items), COLUMNS_PER_BATCH))


def _auc(con: duckdb.DuckDBPyConnection, column: str) -> float | None:
    """Mann-Whitney statistic from the counts of each distinct value; ties count half."""
    return con.execute(f"""
        with counted as (
            select {column} as number, count(*) filter ({LABEL} = 1) as defaulters,
                count(*) filter ({LABEL} = 0) as others
            from {BATCH} where {column} is not null group by 1
        ), ordered as (
            select defaulters, others, sum(others) over (order by number) - others / 2 as below from counted
        )
        select sum(defaulters * below) / nullif(sum(defaulters) * sum(others), 0) from ordered
    """).fetchone()[0]
