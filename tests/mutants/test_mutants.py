"""The grammar finds its slips, and wrong rules that once passed every test are found."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.mutants.equivalent import EQUIVALENT, reason
from tests.mutants.grammar import SLIPS, draw, mutations
from tests.mutants.judges import BuiltModels

SQL = """
-- a comment > 0
with rows as (
    select distinct
        a,
        case when b > 0 and status = 'Approved' then amount else 0 end as x,
        case when c >= -365 then amount end as y,
        nullif(d, 365243) as d
    from t
    left join u on t.k = u.k
    where e <= 3 or f
)
select
    sum(amount) as total_amount,
    count(case when days >= -30 * 6 then 1 end) as n,
    coalesce(sum(z), 0) - 12 * max(w) as v,
    (cast(p as double) / nullif(cast(amt_credit as double), 0)) as q,
    least(g, h) as l,
    max_by(i, j) as m
from rows
order by a desc
"""
ONCE_UNSEEN = {
    "feat_installments": ("days_past_due > 30 then", "days_past_due >= 30 then"),
    "feat_previous_application": ("avg(case when recency_rank <= 5 then is_approved end)", "avg(1 - is_refused)"),
    "feat_bureau": ("count(case when amt_credit_max_overdue > 0", "count(case when amt_credit_max_overdue >= 0"),
    "feat_pos_cash": ("sum(signed_n)", "max(signed_n)"),
    "feat_cross_source": (
        "nullif(cast(summed.amt_credit as double), 0)) as cross_debt_to_application_credit_ratio",
        "nullif(cast(summed.amt_annuity as double), 0)) as cross_debt_to_application_credit_ratio",
    ),
    "stg_home_credit__previous_application": ("nullif(SELLERPLACE_AREA, -1)", "SELLERPLACE_AREA"),
    "int_previous_applications_graded": ("nflag_last_appl_in_day desc", "nflag_last_appl_in_day asc"),
}


@pytest.fixture(scope="module")
def models(edge_warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BuiltModels]:
    path = tmp_path_factory.mktemp("mutants") / edge_warehouse.name  # the SQL names the file that it is in
    shutil.copy(edge_warehouse, path)
    with duckdb.connect(str(path)) as con:
        yield BuiltModels(con, edge_warehouse.parent / "target" / "manifest.json")


def test_every_slip_of_the_grammar_changes_its_place_and_nothing_else():
    found = list(mutations("model", SQL))
    assert {mutation.slip for mutation in found} == set(SLIPS)
    for mutation in found:
        start, end, text = mutation.edit
        assert mutation.mutant == mutation.sql[:start] + text + mutation.sql[end:] != mutation.sql
        assert "a comment" not in mutation.mutant
    assert len({mutation.mutant for mutation in found}) == len(found)


def test_the_keys_of_a_join_stay_equal():
    assert not [mutation for mutation in mutations("model", SQL) if "t.k <> u.k" in mutation.mutant]


def test_the_same_seed_draws_the_same_mutations():
    found = list(mutations("model", SQL))
    names = [mutation.name for mutation in draw(found, seed=3)]
    assert names == [mutation.name for mutation in draw(found, seed=3)]
    assert sorted(names) == sorted(mutation.name for mutation in found)
    assert names != [mutation.name for mutation in draw(found, seed=4)]


def test_only_what_is_listed_is_equivalent():
    assert reason("feat_bureau, comparison: a [> -> >=] b") is None
    assert reason("int_application_signs, join: from a [left join -> inner join] b") in EQUIVALENT.values()


def test_a_warehouse_without_a_wrong_rule_passes(models: BuiltModels):
    with models.with_wrong("int_bureau_loans", models.sql("int_bureau_loans")) as made:
        assert {"int_bureau_loans", "feat_bureau", "feat_cross_source"} <= set(made)
        assert models.complaint(made) is None


@pytest.mark.parametrize(("model", "change"), ONCE_UNSEEN.items(), ids=list(ONCE_UNSEEN))
def test_a_wrong_rule_that_once_passed_every_test_is_found(models: BuiltModels, model: str, change: tuple[str, str]):
    right, wrong = change
    sql = " ".join(models.sql(model).split())
    assert right in sql
    with models.with_wrong(model, sql.replace(right, wrong)) as made:
        assert models.complaint(made)
    assert models.complaint(made) is None
