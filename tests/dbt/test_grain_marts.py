"""Marts of loans and instalments, the overview, the words of categories: complete, and true to their source."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest


@pytest.fixture(scope="module")
def con(built_warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(built_warehouse), read_only=True) as con:
        yield con


def row(con: duckdb.DuckDBPyConnection, sql: str) -> tuple:
    [found] = con.execute(sql).fetchall()
    return found


@pytest.mark.parametrize(
    ("mart", "source", "key"),
    [
        ("previous_applications", "raw.previous_application", "sk_id_prev"),
        ("bureau_loans", "raw.bureau", "sk_id_bureau"),
    ],
)
def test_a_mart_of_loans_has_every_raw_row_once(mart: str, source: str, key: str, con: duckdb.DuckDBPyConnection):
    rows, keys = row(con, f"select count(*), count(distinct {key}) from marts.{mart}")
    assert (rows,) == (keys,) == row(con, f"select count(*) from {source}")


def test_an_instalment_is_as_old_as_its_loan_says(con: duckdb.DuckDBPyConnection):
    wrong = """
        select count(*) from marts.installments join (
            select SK_ID_PREV as sk_id_prev, min(DAYS_INSTALMENT) as first_due from raw.installments_payments group by 1
        ) using (sk_id_prev)
        where days_first_instalment <> first_due or loan_age_days <> days_instalment - first_due
    """
    assert row(con, wrong) == (0,)
    rows, known, youngest = row(
        con, "select count(*), count(loan_age_days), min(loan_age_days) from marts.installments"
    )
    assert rows == known > 0 and youngest == 0


def test_the_overview_is_narrow_complete_and_in_plain_units(con: duckdb.DuckDBPyConnection):
    overview = con.sql("from marts.client_overview").df()
    assert (len(overview),) == row(con, "select count(*) from marts.client_features")
    assert 35 <= len(overview.columns) <= 45
    assert not [name for name in overview.columns if name.startswith(("amt_", "days_", "cnt_", "flag_"))]
    assert overview["age_years"].between(18, 75).all() and (overview["years_in_job"].dropna() >= 0).all()
    labelled = row(con, "select count(*), sum(target) from marts.training_set")
    assert (overview["has_defaulted"].count(), overview["has_defaulted"].sum()) == labelled


def test_every_category_of_the_catalogue_is_explained(con: duckdb.DuckDBPyConnection):
    silent = con.execute("""
        select feature from marts.feature_catalog where kind = 'category'
        except select column_name from marts.category_values
    """)
    assert silent.fetchall() == []
    repeated = "select count(*) - count(distinct (mart, column_name, category_value)) from marts.category_values"
    assert row(con, repeated) == (0,)


def test_the_test_of_category_values_reads_every_category(con: duckdb.DuckDBPyConnection):
    done = "unique_id like '%assert_every_category_has_a_meaning' and status = 'pass'"
    assert row(con, f"select count(*) from meta.build_nodes where {done}") == (1,)
