"""The marts against the oracle: which features differ, for whom, and by how much."""

from collections.abc import Callable
from dataclasses import dataclass, field

import duckdb
import numpy as np
import pandas as pd

from tests.dbt.feature_oracle.tables import Tables, read_tables

RELATIVE = 1e-6
ROUNDING = 1e-10  # of the feature's largest value (at least 1): differences of large numbers
ROUNDING_OF_RATIOS = 1e-6  # stated in exact.sql: ratios are summed in millionths
ROUNDING_OF_INDICES = 1e-3  # what they are made of is rounded to six decimals, and standardised twice
ROUNDING_OF_SPREADS = 1e-6  # a mean of squares minus a squared mean keeps half of the digits, balances in units
SHOWN = 5


Family = Callable[[Tables], pd.DataFrame]


@dataclass(frozen=True)
class Warehouse:
    """Raw tables and, by client, the features that dbt made of them."""

    tables: Tables
    features: pd.DataFrame
    catalog: frozenset[str]
    known: dict[str, pd.DataFrame] = field(default_factory=dict)

    def expected(self, family: Family) -> pd.DataFrame:
        """What pandas makes of the raw tables, a row per application; computed once."""
        if family.__name__ not in self.known:
            self.known[family.__name__] = family(self.tables).reindex(self.tables["applications"].index)
        return self.known[family.__name__]


def read_warehouse(con: duckdb.DuckDBPyConnection) -> Warehouse:
    """A built warehouse's raw tables and features."""
    catalog = con.execute("select feature from marts.feature_catalog").df()["feature"]
    return Warehouse(read_tables(con), read_features(con), frozenset(catalog))


def read_features(con: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """The wide mart by client."""
    return con.execute("select * from marts.client_features").df().set_index("sk_id_curr")


def differences(warehouse: Warehouse, family: Family) -> list[str]:
    """What is not the same, feature by feature: the first clients with the value in the mart and the one of pandas.

    A family may say more than the mart holds: every statistic of every group.
    """
    expected = warehouse.expected(family)
    differences = []
    for name in expected.columns.intersection(warehouse.features.columns):
        found = warehouse.features[name].reindex(expected.index)
        if expected[name].isna().all():
            differences.append(f"{name}: no client has a value, so nothing is compared")
        wrong = expected.index[~_same(found, expected[name])]
        differences += [
            f"{name} of client {client}: {found[client]} in the mart, {expected.at[client, name]} by pandas "
            f"({len(wrong)} clients differ)"
            for client in wrong[:SHOWN]
        ]
    return differences


def _same(found: pd.Series, expected: pd.Series) -> np.ndarray:
    if not pd.api.types.is_numeric_dtype(found):
        return ((found == expected) | (found.isna() & expected.isna())).to_numpy(dtype=bool)
    left, right = found.to_numpy(dtype=float, na_value=np.nan), expected.to_numpy(dtype=float, na_value=np.nan)
    largest = max(1.0, np.nanmax(np.abs(right), initial=0))
    if "_std" in str(expected.name):
        slack = 1e-3 + ROUNDING_OF_SPREADS * largest
    elif str(expected.name).endswith("_index"):
        slack = ROUNDING_OF_INDICES
    else:
        slack = ROUNDING_OF_RATIOS + ROUNDING * largest
    return np.isclose(left, right, rtol=RELATIVE, atol=slack, equal_nan=True)
