"""The measures behind `warehouse.fidelity`: counts, columns and single features of two folders of raw files."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from duckdb import DuckDBPyConnection as Connection
from scipy.stats import rankdata, spearmanr

from warehouse.generator.fidelity.features import DEPENDENT, FEATURES, history_sql
from warehouse.loading.contract import Column, Contract

SENTINEL = 365243
CUTS = (*(round(0.05 * k, 2) for k in range(1, 20)), 0.99)


@dataclass(frozen=True)
class Entry:
    """One comparison.

    Attributes
    ----------
    measure, table, column : str
    real, generated : float
        What a person would look at: a rate, a median, an AUC.
    gap : float
        Distance between 0 and 1.
    noise : float
        Standard error of the gap that the smaller of the two samples brings along, where it is known.
    """

    measure: str
    table: str
    column: str
    real: float
    generated: float
    gap: float
    noise: float = 0.0


def count_entries(contract: Contract, real: Connection, generated: Connection) -> Iterator[Entry]:
    """Rows per client, against the release: a sample may hold a part of a table only."""
    released = sum(contract[table].released_rows for table in ("application_train", "application_test"))
    for table in contract.tables.values():
        if table.name.startswith("application"):
            continue
        expected = table.released_rows / released
        found = _scalar(generated, f"select count(*) from {table.name}") / _scalar(
            generated, "select count(*) from clients"
        )
        gap = 1 - min(expected, found) / max(expected, found)
        yield Entry("rows_per_client", table.name, "", expected, found, gap)
    known = "select sum(weight * cast({} as integer)) / sum(weight) from clients"
    for history in ("bureau", "previous_application", "credit_card_balance"):
        query = known.format(f"SK_ID_CURR in (select SK_ID_CURR from {history})")
        there, here = _scalar(real, query), _scalar(generated, query)
        yield Entry("null_rate", history, "(clients without)", 1 - there, 1 - here, abs(there - here))


def column_entries(contract: Contract, real: Connection, generated: Connection) -> Iterator[Entry]:
    """Nulls, sentinels and distribution of every column."""
    for table in contract.tables.values():
        if table.name == "application_test":
            continue
        for column in table.columns:
            if not column.name.startswith("SK_ID"):
                yield from _column(table.name, column, real, generated)


def feature_entries(real: Connection, generated: Connection) -> Iterator[Entry]:
    """ROC AUC of each numeric column of the application and of simple aggregates of the histories."""
    columns = [
        name
        for name, kind in real.execute("select column_name, data_type from duckdb_columns() where table_name = ?",
                                       ["application_train"]).fetchall()
        if kind != "VARCHAR" and name not in ("SK_ID_CURR", "TARGET", "weight")
    ]  # fmt: skip
    query = f"select TARGET, {', '.join(columns)} from application_train"
    yield from _aucs("application_train", query, real, generated)
    for table in FEATURES:
        joined = f"from application_train inner join ({history_sql(table)}) as history using (SK_ID_CURR)"
        yield from _aucs(table, f"select TARGET, history.* exclude (SK_ID_CURR) {joined}", real, generated)


def dependence_entries(real: Connection, generated: Connection) -> Iterator[Entry]:
    """Rank correlation of pairs of columns, sentinels and nulls left out."""
    for table, columns in DEPENDENT.items():
        select = ", ".join(f"nullif({name}, {SENTINEL}) as {name}" for name in columns)
        query = f"select {select} from {table}"
        frames = [
            {name: _floats(values) for name, values in con.execute(query).fetchnumpy().items()}
            for con in (real, generated)
        ]
        for first, second in combinations(columns, 2):
            there, here = (rank_correlation(frame[first], frame[second]) for frame in frames)
            yield Entry("correlation", table, f"{first}, {second}", there, here, abs(there - here) / 2)


def rank_correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's correlation where both are known; 0 when one does not vary.

    >>> rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([1.0, 8.0, 9.0]))
    1.0
    """
    known = ~np.isnan(x) & ~np.isnan(y)
    if known.sum() < 3 or min(np.ptp(values[known]) for values in (x, y)) == 0:
        return 0.0
    return float(spearmanr(x[known], y[known]).statistic)


def auc(target: np.ndarray, values: np.ndarray) -> float:
    """ROC AUC of one feature, ties shared; nulls are left out.

    >>> auc(np.array([0, 0, 1, 1]), np.array([1.0, 2.0, 2.0, 3.0]))
    0.875
    """
    known = ~np.isnan(values)
    target, values = target[known], values[known]
    ranks = rankdata(values)
    positives = int(target.sum())
    negatives = len(target) - positives
    if not positives or not negatives:
        return 0.5
    return float((ranks[target == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def _column(table: str, column: Column, real: Connection, generated: Connection) -> Iterator[Entry]:
    null = f"sum(weight * cast({column.name} is null as integer)) / sum(weight)"
    there, here = (_scalar(con, f"select {null} from {_weighted(table)}") for con in (real, generated))
    yield Entry("null_rate", table, column.name, there, here, abs(there - here))
    name = column.name
    if column.data_type == "varchar":
        yield _frequencies(table, name, real, generated)
        return
    if (
        column.data_type == "integer"
        and name.startswith("DAYS")
        and table in ("application_train", "previous_application")
    ):
        query = f"select sum(weight * cast({name} = {SENTINEL} as integer)) / sum(weight) from {_weighted(table)}"
        there, here = (_scalar(con, query) or 0.0 for con in (real, generated))
        if max(there, here) > 0:
            yield Entry("sentinel_rate", table, name, there, here, abs(there - here))
        name = f"nullif({name}, {SENTINEL})"
    entry = _distribution(table, column.name, name, real, generated)
    if entry is not None:
        yield entry


def _frequencies(table: str, name: str, real: Connection, generated: Connection) -> Entry:
    rows = f"from {_weighted(table)} where {name} is not null"
    query = f"select {name}, sum(weight) as total {rows} group by all order by total desc, {name}"
    shares = []
    for con in (real, generated):
        found = con.execute(query).fetchall()
        total = sum(weight for _, weight in found)
        shares.append({value: weight / total for value, weight in found})
    values = set(shares[0]) | set(shares[1])
    gap = sum(abs(shares[0].get(value, 0) - shares[1].get(value, 0)) for value in values) / 2
    top = next(iter(shares[0]))
    return Entry("frequencies", table, name, shares[0][top], shares[1].get(top, 0.0), gap)


def _distribution(table: str, label: str, expression: str, real: Connection, generated: Connection) -> Entry | None:
    """Kolmogorov-Smirnov distance over the real quantiles."""
    query = f"select quantile_disc({expression}, {list(CUTS)}) from {_weighted(table)}"
    (quantiles,) = real.execute(query).fetchone()
    if quantiles is None:
        return None
    cuts = sorted(set(quantiles))
    sums = ", ".join(f"sum(weight) filter ({expression} <= {cut})" for cut in cuts)
    query = f"select sum(weight), {sums} from {_weighted(table)} where {expression} is not null"
    curves = []
    for con in (real, generated):
        total, *below = con.execute(query).fetchone()
        curves.append(np.array([(value or 0.0) / total for value in below]) if total else np.zeros(len(cuts)))
    medians = [_scalar(con, f"select median({expression}) from {_weighted(table)}") for con in (real, generated)]
    gap = float(np.abs(curves[0] - curves[1]).max())
    return Entry("distribution", table, label, float(medians[0]), float(medians[1] or 0.0), gap)


def _aucs(table: str, query: str, real: Connection, generated: Connection) -> Iterator[Entry]:
    frames = [
        {name: _floats(values) for name, values in con.execute(query).fetchnumpy().items()} for con in (real, generated)
    ]
    for name in frames[0]:
        if name == "TARGET" or np.nanstd(frames[0][name]) == 0:
            continue
        there, here = (auc(frame["TARGET"], frame[name]) for frame in frames)
        noise = float(np.sqrt(sum(_auc_variance(frame["TARGET"][~np.isnan(frame[name])]) for frame in frames)))
        yield Entry("auc", table, name, there, here, abs(there - here), noise)


def _auc_variance(target: np.ndarray) -> float:
    """Variance of the AUC of a feature without power: (n + 1) / (12 * positives * negatives)."""
    positives = max(float(target.sum()), 1.0)
    return (len(target) + 1) / (12 * positives * max(len(target) - positives, 1.0))


def _floats(values: np.ndarray) -> np.ndarray:
    return np.ma.filled(np.ma.asarray(values).astype(float), np.nan)


def _weighted(table: str) -> str:
    """Rows that belong to a client."""
    return f"(select * from {table} where weight is not null)"


def _scalar(con: Connection, query: str) -> float:
    return con.execute(query).fetchone()[0]
