"""Every feature stays in the range of its unit, is null for the reason that it gives, and agrees with the others."""

import json
import re
import shutil
from pathlib import Path

import duckdb
import pytest

from tests.dbt.feature_ranges import bounds, faults

MAY_LIE_AHEAD = {"days_credit_enddate", "days_last_due_1st_version"}  # contractual ends


@pytest.mark.parametrize("clients", ["built_warehouse", "real_warehouse"])
def test_every_feature_keeps_the_rules_of_its_description(clients: str, request: pytest.FixtureRequest):
    with duckdb.connect(str(request.getfixturevalue(clients)), read_only=True) as con:
        found = faults(con)
    assert not found, "\n".join(found)


BREAKAGES = {
    "feat_bureau set bureau_active_loan_share = 1.5": "bureau_active_loan_share: expected 0",
    "feat_bureau set bureau_days_credit_max = 3": "bureau_days_credit_max: expected -inf to 0 days from application",
    "feat_previous_application set previous_interest_rate_max = -24": "previous_interest_rate_max: expected 0",
    "feat_application set cnt_children = 0.5": "cnt_children: expected whole numbers",
    "feat_pos_cash set pos_month_count_12m = pos_month_count + 1": "pos_month_count_12m <= pos_month_count: not so",
    "feat_installments set installments_count_90d = null": "installments_count_90d is null when, and only when,",
    "feat_credit_card set card_limit_min = card_limit_max + 1": "card_limit_min <= card_limit_mean: not so",
    "feat_cross_source set cross_source_count = 6": "sources that know a client: not so",
}


@pytest.mark.parametrize(("breakage", "message"), BREAKAGES.items(), ids=[text.split()[2] for text in BREAKAGES])
def test_a_broken_rule_is_named(breakage: str, message: str, built_warehouse: Path, tmp_path: Path):
    path = tmp_path / built_warehouse.name  # the views of a warehouse name the file that they are in
    shutil.copy(built_warehouse, path)
    table, _, column, *_ = breakage.split()
    with duckdb.connect(str(path)) as con:
        con.execute(f"alter table marts.{table} alter {column} type double")
        con.execute(f"update marts.{breakage}")
        found = faults(con)
    assert any(message in fault for fault in found), found


def test_a_sign_is_that_of_the_description():
    inf = float("inf")
    assert bounds("days", "Longest time past due.", None, None) == (0, inf)
    assert bounds("days", "Plan minus end, negative when late.", None, None) == (-inf, inf)
    assert bounds("ratio", "Largest yearly interest rate.", None, None) == (0, 3)
    assert bounds("days from application", "Latest end, which may lie in the future.", None, 0) == (-inf, inf)


def test_every_date_of_every_source_is_a_contractual_end_or_must_not_lie_ahead(built_warehouse: Path):
    manifest = json.loads((built_warehouse.parent / "target" / "manifest.json").read_text())
    sql = manifest["nodes"]["test.home_credit.assert_nothing_known_after_the_application"]["compiled_code"]
    asserted = dict(re.findall(r"'(\w+)' as model.*?greatest\(([^)]+)\) > 0", sql, re.DOTALL))
    with duckdb.connect(str(built_warehouse), read_only=True) as con:
        dates = con.execute(
            """
            select table_name, column_name from duckdb_columns()
            where regexp_matches(column_name, '^(days|months)_') and (
                schema_name = 'staging' and not regexp_matches(table_name, '__application_(train|test)$')
                or table_name = 'int_applications_unioned'
            )
            """
        ).fetchall()
    assert len({table for table, _ in dates}) == 7
    silent = [(table, name) for table, name in dates if name not in asserted[table] and name not in MAY_LIE_AHEAD]
    assert not silent
