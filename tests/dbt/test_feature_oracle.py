"""The features of the marts are what their descriptions say: pandas, from the raw tables, comes to the same values."""

from collections.abc import Iterator
from dataclasses import replace

import duckdb
import numpy as np
import pytest

from tests.dbt import feature_oracle as oracle


@pytest.fixture(scope="module", params=["built_warehouse", "edge_warehouse", "real_warehouse"])
def warehouse(request: pytest.FixtureRequest) -> Iterator[oracle.Warehouse]:
    with duckdb.connect(str(request.getfixturevalue(request.param)), read_only=True) as con:
        yield oracle.read_warehouse(con)


@pytest.mark.parametrize("family", oracle.FAMILIES, ids=lambda family: family.__name__)
def test_features_are_what_pandas_makes_of_the_raw_tables(warehouse: oracle.Warehouse, family: oracle.Family):
    found = oracle.differences(warehouse, family)
    assert not found, "\n".join(found)


def test_every_feature_of_the_catalogue_is_recomputed_by_one_family(warehouse: oracle.Warehouse):
    names = [name for family in oracle.FAMILIES for name in warehouse.expected(family)]
    assert len(names) == len(set(names))
    assert not warehouse.catalog - set(names)


@pytest.mark.parametrize("changed", [1.00001, np.nan])
def test_one_changed_value_is_found_and_named(warehouse: oracle.Warehouse, changed: float):
    features = warehouse.features.copy()
    client = features["application_credit_to_income_ratio"].first_valid_index()
    features.loc[client, "application_credit_to_income_ratio"] *= changed
    found = oracle.differences(replace(warehouse, features=features), oracle.application.application_ratios)
    assert len(found) == 1
    assert f"application_credit_to_income_ratio of client {client}: " in found[0]
