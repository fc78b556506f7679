"""The analysts' questions: every one is a view that reads marts alone, and accounts for everybody it speaks of."""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.building import DBT_PROJECT

ANALYSES = DBT_PROJECT / "models" / "analyses"
NAMES = sorted(path.stem for path in ANALYSES.glob("*.sql"))
ABOUT_EVERY_LABELLED_APPLICATION = [
    "default_rate_by_age_and_employment",
    "default_rate_by_card_utilisation",
    "first_time_borrowers",
    "refused_before_repaid_later",
]
ROUNDING = 0.00005
Row = dict[str, Any]


@pytest.fixture(scope="module")
def warehouse(built_warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(built_warehouse), read_only=True) as con:
        yield con


@pytest.fixture(scope="module")
def answers(warehouse: duckdb.DuckDBPyConnection) -> dict[str, list[Row]]:
    """Rows of every analysis."""
    return {name: rows(warehouse, f"from analyses.{name}") for name in NAMES}


def rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[Row]:
    found = con.execute(sql)
    names = [column[0] for column in found.description]
    return [dict(zip(names, values, strict=True)) for values in found.fetchall()]


def total(table: list[Row], column: str) -> int:
    return sum(row[column] for row in table)


def number(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    return con.execute(sql).fetchone()[0]


def test_every_analysis_is_described_by_its_grain_and_its_question(warehouse: duckdb.DuckDBPyConnection):
    found = "select view_name, comment from duckdb_views() where schema_name = 'analyses' order by 1"
    described = dict(warehouse.execute(found).fetchall())
    assert sorted(described) == NAMES
    assert [name for name, text in described.items() if not text.startswith("One row per") or "?" not in text] == []


@pytest.mark.parametrize("name", NAMES)
def test_an_analysis_reads_marts_alone(name: str, warehouse: duckdb.DuckDBPyConnection):
    sql = warehouse.execute("select sql from meta.model_sql where relation = ?", [f"analyses.{name}"]).fetchone()[0]
    assert set(re.findall(r'"(\w+)"\."\w+"\s*$', sql, re.MULTILINE)) == {"marts"}


@pytest.mark.parametrize("name", NAMES)
def test_an_analysis_opens_with_its_question_and_is_portable(name: str):
    sql = (ANALYSES / f"{name}.sql").read_text()
    question = next(line for line in sql.splitlines() if line.startswith("-- "))
    assert "?" in question
    assert [word for word in ("qualify", "::", "columns(", "list_", "unnest") if word in sql] == []


def test_every_column_is_described(warehouse: duckdb.DuckDBPyConnection):
    silent = warehouse.execute(
        "select table_name, column_name from duckdb_columns() where schema_name = 'analyses' and comment is null"
    )
    assert silent.fetchall() == []


@pytest.mark.parametrize("name", NAMES)
def test_rates_lie_between_0_and_1_and_parts_in_their_whole(name: str, answers: dict[str, list[Row]]):
    assert answers[name]
    for row in answers[name]:
        for column, value in row.items():
            if value is not None and column.endswith(("_rate", "_share", "_cumulated")):
                assert 0 <= value <= 1, (column, row)
            elif value is not None and column.endswith("_standard_error"):
                assert 0 < value <= 0.75, (column, row)
            elif column.endswith("_count"):
                assert value >= 0, (column, row)
        assert row.get("defaulter_count", 0) <= row.get("labelled_count", row.get("application_count", 0)), row
        assert row.get("late_count", 0) <= row.get("instalment_count", 0), row


def test_the_standard_error_is_that_of_a_share_and_silent_when_all_are_alike(answers: dict[str, list[Row]]):
    counted = [row for table in answers.values() for row in table if "defaulter_count" in row]
    checked = [row for row in counted if row.get("default_rate_standard_error") is not None]
    for row in checked:
        size = row.get("labelled_count", row["application_count"])
        share = row["defaulter_count"] / size
        error = math.sqrt(share * (1 - share) / (size - 1))
        assert row["default_rate_standard_error"] == pytest.approx(error, abs=ROUNDING), row
    silent = [row for row in counted if row.get("default_rate_standard_error", 0) is None]
    assert checked and {row["default_rate"] for row in silent} <= {None, 0, 1}


@pytest.mark.parametrize("name", ABOUT_EVERY_LABELLED_APPLICATION)
def test_every_labelled_application_is_counted_once(
    name: str, answers: dict[str, list[Row]], warehouse: duckdb.DuckDBPyConnection
):
    labelled = number(warehouse, "select count(*) from marts.training_set")
    defaulters = number(warehouse, "select sum(target) from marts.training_set")
    assert total(answers[name], "application_count") == labelled
    if "repaid_count" in answers[name][0]:
        assert total(answers[name], "repaid_count") == labelled - defaulters
    else:
        assert total(answers[name], "defaulter_count") == defaulters


def test_a_bureau_history_leaves_nobody_out(answers: dict[str, list[Row]], warehouse: duckdb.DuckDBPyConnection):
    labelled = number(warehouse, "select count(*) from marts.training_set")
    histories = answers["bureau_history_that_hurts_most"]
    for row in histories:
        assert row["application_count"] + row["other_count"] + row["unknown_count"] == labelled, row
    known = [row["default_rate_difference"] for row in histories if row["default_rate_difference"] is not None]
    assert known == sorted(known, reverse=True)


def test_the_exposure_is_that_of_every_application(answers: dict[str, list[Row]], warehouse: duckdb.DuckDBPyConnection):
    regions = answers["exposure_by_region"]
    assert total(regions, "application_count") == number(warehouse, "select count(*) from marts.client_features")
    assert total(regions, "labelled_count") == number(warehouse, "select count(*) from marts.training_set")
    assert total(regions, "defaulter_count") == number(warehouse, "select sum(target) from marts.training_set")
    credit = number(warehouse, "select sum(amt_credit) / 1000000 from marts.client_features")
    assert sum(row["credit_millions"] for row in regions) == pytest.approx(credit, abs=0.05 * len(regions))
    assert sum(row["exposure_share"] for row in regions) == pytest.approx(1, abs=ROUNDING * len(regions))
    cumulated = [row["exposure_share_cumulated"] for row in regions]
    assert cumulated == sorted(cumulated) and cumulated[-1] == 1


def test_every_decision_has_a_season_of_each_kind(answers: dict[str, list[Row]], warehouse: duckdb.DuckDBPyConnection):
    decisions = number(warehouse, "select count(*) from staging.stg_home_credit__previous_application")
    labelled = number(warehouse, "select count(*) from marts.training_set")
    seasons = answers["seasonality_of_decisions"]
    for season, applications in [("weekday", labelled), ("hour", labelled), ("quarters ago", 0)]:
        of_season = [row for row in seasons if row["season"] == season]
        assert total(of_season, "decision_count") == decisions
        assert total(of_season, "application_count") == applications
        assert all(row["season_value"] for row in of_season)
    assert len([row for row in seasons if row["season"] == "weekday"]) == 7


def test_every_paid_instalment_belongs_to_one_vintage(
    answers: dict[str, list[Row]], warehouse: duckdb.DuckDBPyConnection
):
    vintages = answers["vintage_of_instalment_lateness"]
    paid = "from intermediate.int_installments_by_number where days_past_due"
    assert total(vintages, "instalment_count") == number(warehouse, f"select count(*) {paid} >= 0")
    assert total(vintages, "late_count") == number(warehouse, f"select count(*) {paid} > 0")


def test_the_error_of_lateness_counts_loans_rather_than_instalments(
    answers: dict[str, list[Row]], warehouse: duckdb.DuckDBPyConnection
):
    loans = warehouse.execute(
        """
        select
            count(*) filter (where days_past_due >= 0 and age < 90),
            count(*) filter (where days_past_due > 0 and age < 90)
        from (
            select *, min(days_instalment) over loan as began, days_instalment - min(days_instalment) over loan as age
            from intermediate.int_installments_by_number
            window loan as (partition by sk_id_prev)
        )
        where began > -2 * 365.25 and began <= -365.25
        group by sk_id_prev
        """
    ).fetchall()
    rate = sum(late for _, late in loans) / sum(paid for paid, _ in loans)
    error = math.sqrt(sum((late - rate * paid) ** 2 for paid, late in loans)) / sum(paid for paid, _ in loans)
    [found] = [
        row
        for row in answers["vintage_of_instalment_lateness"]
        if (row["loan_began_years_ago"], row["loan_age_months_from"]) == (1, 0)
    ]
    assert found["late_rate"] == pytest.approx(rate, abs=ROUNDING)
    assert found["late_rate_standard_error"] == pytest.approx(error, abs=ROUNDING)
