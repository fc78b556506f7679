"""The features of the marts are what their descriptions say: pandas, from the raw tables, comes to the same values."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import duckdb
import numpy as np
import pandas as pd
import pytest

from tests.dbt import feature_oracle as oracle

RELATIVE = 1e-6
ROUNDING = 1e-10  # of the feature's largest value (at least 1): differences of large numbers
ROUNDING_OF_RATIOS = 1e-6  # stated in exact.sql: ratios are summed in millionths
ROUNDING_OF_INDICES = 1e-3  # what they are made of is rounded to six decimals, and standardised twice
ROUNDING_OF_SPREADS = 1e-6  # a mean of squares minus a squared mean keeps half of the digits, balances in units
SHOWN = 5


@dataclass(frozen=True)
class Warehouse:
    """Raw tables and, by client, the features that dbt made of them."""

    tables: oracle.Tables
    features: pd.DataFrame
    catalog: frozenset[str]
    known: dict[str, pd.DataFrame] = field(default_factory=dict)

    def expected(self, family: oracle.Family) -> pd.DataFrame:
        """What pandas makes of the raw tables, a row per application; computed once."""
        if family.__name__ not in self.known:
            self.known[family.__name__] = family(self.tables).reindex(self.tables["applications"].index)
        return self.known[family.__name__]


@pytest.fixture(scope="module", params=["built_warehouse", "real_warehouse"])
def warehouse(request: pytest.FixtureRequest) -> Iterator[Warehouse]:
    with duckdb.connect(str(request.getfixturevalue(request.param)), read_only=True) as con:
        features = con.execute("select * from marts.client_features").df().set_index("sk_id_curr")
        catalog = con.execute("select feature from marts.feature_catalog").df()["feature"]
        yield Warehouse(oracle.read_tables(con), features, frozenset(catalog))


@pytest.mark.parametrize("family", oracle.FAMILIES, ids=lambda family: family.__name__)
def test_features_are_what_pandas_makes_of_the_raw_tables(warehouse: Warehouse, family: oracle.Family):
    differences = _differences(warehouse, family)
    assert not differences, "\n".join(differences)


def test_every_feature_of_the_catalogue_is_recomputed_by_one_family(warehouse: Warehouse):
    names = [name for family in oracle.FAMILIES for name in warehouse.expected(family)]
    assert len(names) == len(set(names))
    assert not warehouse.catalog - set(names)


@pytest.mark.parametrize("changed", [1.00001, np.nan])
def test_one_changed_value_is_found_and_named(warehouse: Warehouse, changed: float):
    features = warehouse.features.copy()
    client = features["application_credit_to_income_ratio"].first_valid_index()
    features.loc[client, "application_credit_to_income_ratio"] *= changed
    found = _differences(replace(warehouse, features=features), oracle.application.application_ratios)
    assert len(found) == 1
    assert f"application_credit_to_income_ratio of client {client}: " in found[0]


def _differences(warehouse: Warehouse, family: oracle.Family) -> list[str]:
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
