"""Lineage: every feature is followed to raw columns, and to the right ones."""

import pytest

from warehouse.core.errors import ContractError
from warehouse.lineage.columns import origins
from warehouse.lineage.features import Lineage, Model

COLUMNS = {
    "raw": {"LOANS": {"ID": "bigint", "CLIENT": "bigint", "AMOUNT": "double", "STATUS": "varchar"}},
    "staging": {"loans": {"id": "bigint", "client": "bigint", "amount": "double", "status": "varchar"}},
    "marts": {"words": {"word": "varchar"}},
}
STAGING = Model(
    "staging.loans",
    'select "ID" as id, "CLIENT" as client, "AMOUNT" as amount, nullif("STATUS", \'XNA\') as status from "raw"."LOANS"',
)


def lineage_of(select: str) -> dict[str, tuple]:
    lineage = Lineage([STAGING, Model("marts.feat_loans", select)], COLUMNS)
    return {found.feature: (found.expression, found.raw_columns) for found in lineage.of_mart("marts.feat_loans")}


def test_a_feature_is_followed_through_star_and_ctes_in_the_release_s_spelling():
    found = lineage_of(
        "with loans as (select * from staging.loans), "
        "summed as (select client, sum(case when status = 'Active' then amount end) as active_sum from loans "
        "group by client) "
        "select client as sk_id_curr, active_sum from summed"
    )
    assert found == {
        "active_sum": (
            "sum(CASE WHEN loans.status = 'Active' THEN loans.amount END)",
            (("LOANS", "AMOUNT"), ("LOANS", "STATUS")),
        )
    }


def test_a_number_of_rows_goes_back_to_what_the_rows_are_grouped_by():
    found = lineage_of(
        "select client as sk_id_curr, count(*) as loan_count, count(1) as n from staging.loans group by client"
    )
    assert found["loan_count"] == ("count(*)", (("LOANS", "CLIENT"),)) and found["n"][1] == (("LOANS", "CLIENT"),)


def test_both_halves_of_a_union_are_followed():
    found = origins(
        "select x from (select a as x from s.t union all select b as x from s.u) as both",
        {"s": {"t": {"a": "int"}, "u": {"b": "int"}}},
    )
    assert found["x"].reads == (("s.t", "a"), ("s.u", "b"))


def test_a_constant_is_no_feature():
    with pytest.raises(ContractError, match="zero of feat_loans to be computed from raw columns"):
        lineage_of("select client as sk_id_curr, 0 as zero from staging.loans")


def test_a_column_that_is_not_there_is_one_clear_line():
    with pytest.raises(ContractError, match="columns can be traced"):
        lineage_of("select client as sk_id_curr, sum(t.nothing) as x from staging.loans as t group by client")
