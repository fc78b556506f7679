"""What several families measure: ratios, statistics by client, slopes, comparisons with peers."""

import numpy as np
import pandas as pd

from tests.dbt.feature_oracle.tables import CLIENT


def ratio(numerator: pd.Series, denominator: pd.Series) -> pd.Series:
    """Numerator over denominator; unknown where the denominator is 0."""
    return numerator / denominator.where(denominator != 0)


def known_clients(applications: pd.DataFrame, rows: pd.DataFrame) -> pd.Series:
    """Whether the client has rows."""
    return pd.Series(applications.index.isin(rows[CLIENT]), index=applications.index)


def total(rows: pd.DataFrame, column: str) -> pd.Series:
    """Sum by client; unknown where no row has a value."""
    return rows.groupby(CLIENT)[column].sum(min_count=1)


def total_or_none(rows: pd.DataFrame, where: pd.Series, column: str) -> pd.Series:
    """Sum over the client's rows that the condition holds for; 0 when there are none, unknown when they say nothing."""
    counts = how_many(rows, where)
    return total(rows[where], column).reindex(counts.index).where(counts > 0, 0)


def mean(rows: pd.DataFrame, column: str) -> pd.Series:
    return rows.groupby(CLIENT)[column].mean()


def largest(rows: pd.DataFrame, column: str) -> pd.Series:
    return rows.groupby(CLIENT)[column].max()


def smallest(rows: pd.DataFrame, column: str) -> pd.Series:
    return rows.groupby(CLIENT)[column].min()


def spread(rows: pd.DataFrame, column: str) -> pd.Series:
    """Standard deviation of all the client's rows (not an estimate from a sample of them)."""
    return rows.groupby(CLIENT)[column].std(ddof=0)


def how_many(rows: pd.DataFrame, where: pd.Series) -> pd.Series:
    """Rows of the client that the condition holds for; 0 when the client has rows, but none of these."""
    return where.groupby(rows[CLIENT]).sum()


def share(rows: pd.DataFrame, where: pd.Series) -> pd.Series:
    return where.groupby(rows[CLIENT]).mean()


def statistics(rows: pd.DataFrame, where: pd.Series, column: str, prefix: str) -> dict[str, pd.Series]:
    """Sum, mean, largest and smallest value by client, over the rows that the condition holds for."""
    chosen = rows[where]
    return {
        f"{prefix}_sum": total_or_none(rows, where, column),
        f"{prefix}_mean": mean(chosen, column),
        f"{prefix}_max": largest(chosen, column),
        f"{prefix}_min": smallest(chosen, column),
    }


def slope(rows: pd.DataFrame, column: str, time: str, by: str = CLIENT) -> pd.Series:
    """Least-squares slope against time; unknown when all values stand at one time."""
    known = rows.dropna(subset=[column])
    groups = known.groupby(by)
    time_off = known[time] - groups[time].transform("mean")
    value_off = known[column] - groups[column].transform("mean")
    return ratio((time_off * value_off).groupby(known[by]).sum(), (time_off**2).groupby(known[by]).sum())


def newest_first(rows: pd.DataFrame, *order: str) -> pd.DataFrame:
    """Rows with RANK: 1 for the client's newest one, by the columns in their order, the largest first."""
    ordered = rows.sort_values(list(order), ascending=False)
    return ordered.assign(RANK=ordered.groupby(CLIENT).cumcount() + 1)


SHRINKAGE = 20


def among_labelled(applications: pd.DataFrame, values: pd.Series, groups: list[pd.Series]) -> pd.Series:
    """Mean among labelled clients of the same groups, as if twenty average labelled clients belonged to every group."""
    rows = pd.concat([values.rename("VALUE"), *groups], axis=1).reindex(applications.index)
    keys = list(rows.columns[1:])
    labelled = rows[applications["TARGET"].notna()]
    found = labelled.groupby(keys)["VALUE"].agg(["sum", "count"])
    found = rows[keys].merge(found, how="left", left_on=keys, right_index=True)[["sum", "count"]].fillna(0)
    shrunk = (found["sum"] + SHRINKAGE * labelled["VALUE"].mean()) / (found["count"] + SHRINKAGE)
    return shrunk.where(rows[keys].notna().all(axis=1))


def product_term(applications: pd.DataFrame) -> pd.Series:
    """Credit over annuity in quarters of a payment."""
    return np.floor(4 * ratio(applications["AMT_CREDIT"], applications["AMT_ANNUITY"]) + 0.5).rename("TERM")


def over_terms(applications: pd.DataFrame, values: pd.Series) -> pd.Series:
    """Mean of a value among labelled clients with the same credit over annuity, to a quarter of a payment."""
    return among_labelled(applications, values, [product_term(applications)])


def yearly_interest(credit: pd.Series, annuity: pd.Series, term: pd.Series | float) -> pd.Series:
    """The approximation 24 * interest / (credit * (term + 1))."""
    return ratio(24 * (term * annuity - credit), credit * (term + 1))
