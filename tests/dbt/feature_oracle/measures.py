"""What several families measure: ratios, statistics by client, slopes, comparisons with peers."""

import numpy as np
import pandas as pd

from tests.dbt.feature_oracle.tables import CLIENT


def ratio(numerator: pd.Series, denominator: pd.Series) -> pd.Series:
    """Numerator over denominator; unknown where the denominator is 0."""
    return numerator / denominator.where(denominator != 0)


def total(rows: pd.DataFrame, column: str) -> pd.Series:
    """Sum by client; unknown where no row has a value."""
    return rows.groupby(CLIENT)[column].sum(min_count=1)


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


def slope(rows: pd.DataFrame, column: str, time: str, by: str = CLIENT) -> pd.Series:
    """Least-squares slope against time; unknown when all values stand at one time."""
    known = rows.dropna(subset=[column])
    groups = known.groupby(by)
    time_off = known[time] - groups[time].transform("mean")
    value_off = known[column] - groups[column].transform("mean")
    return ratio((time_off * value_off).groupby(known[by]).sum(), (time_off**2).groupby(known[by]).sum())


def newest_first(rows: pd.DataFrame, time: str, key: str) -> pd.DataFrame:
    """Rows with RANK: 1 for the client's newest one; of several on one day, the highest identifier is the newest."""
    ordered = rows.sort_values([time, key], ascending=False)
    return ordered.assign(RANK=ordered.groupby(CLIENT).cumcount() + 1)


def over_terms(applications: pd.DataFrame, values: pd.Series, how: str) -> pd.Series:
    """A statistic of a value among clients with the same credit over annuity, to a hundredth of a payment."""
    term = np.floor(100 * ratio(applications["AMT_CREDIT"], applications["AMT_ANNUITY"]) + 0.5)
    return values.reindex(applications.index).groupby(term).transform(how)


def yearly_interest(credit: pd.Series, annuity: pd.Series, term: pd.Series | float) -> pd.Series:
    """The approximation 24 * interest / (credit * (term + 1))."""
    return ratio(24 * (term * annuity - credit), credit * (term + 1))
