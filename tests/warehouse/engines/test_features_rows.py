"""Raw rows of applicants are checked by the contract as files are."""

from typing import Any

import pyarrow as pa
import pytest

from warehouse.core.errors import RawDataError
from warehouse.engines.rows import MOST_APPLICANTS, checked_tables
from warehouse.loading.contract import Column, load_contract

CONTRACT = load_contract().tables
Applicant = dict[str, Any]


def value_of(column: Column) -> Any:
    if column.values is not None:
        return column.values[0]
    if column.data_type == "varchar":
        return "words"
    return column.minimum if column.minimum is not None else min(column.maximum or 0, 0)


def row_of(table: str, **values: object) -> dict[str, Any]:
    return {column.name: value_of(column) for column in CONTRACT[table].columns} | values


@pytest.fixture
def applicant() -> Applicant:
    loan = {"SK_ID_CURR": 7, "SK_ID_BUREAU": 1}
    return {
        "application": row_of("application_test", SK_ID_CURR=7),
        "bureau": [row_of("bureau", **loan)],
        "bureau_balance": [row_of("bureau_balance", SK_ID_BUREAU=1, MONTHS_BALANCE=month) for month in (-1, 0)],
        "previous_application": [],
        "installments_payments": None,
    }


def refusal(*applicants: Any) -> str:
    with pytest.raises(RawDataError) as caught:
        checked_tables(applicants, CONTRACT)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_sound_rows_get_the_names_order_and_types_of_the_contract(applicant: Applicant):
    tables = checked_tables([applicant], CONTRACT)
    assert tables["bureau_balance"].num_rows == 2
    assert tables["POS_CASH_balance"].num_rows == 0
    types = {"bigint": pa.int64(), "integer": pa.int32(), "double": pa.float64(), "varchar": pa.string()}
    for name, table in tables.items():
        assert table.schema.names == list(CONTRACT[name].column_names)
        assert table.schema.types == [types[column.data_type] for column in CONTRACT[name].columns]


def test_nulls_stay_null_and_columns_left_out_are_null(applicant: Applicant):
    applicant["application"] |= {"AMT_ANNUITY": None}
    del applicant["application"]["OWN_CAR_AGE"]
    row = checked_tables([applicant], CONTRACT)["application_test"].to_pylist()[0]
    assert row["AMT_ANNUITY"] is None
    assert row["OWN_CAR_AGE"] is None


def test_whole_numbers_may_have_a_point_and_names_any_case(applicant: Applicant):
    del applicant["application"]["CNT_CHILDREN"]
    applicant["application"]["cnt_children"] = 2.0
    assert checked_tables([applicant], CONTRACT)["application_test"]["CNT_CHILDREN"].to_pylist() == [2]


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("AMT_CREDIT", "406597.5", "application.AMT_CREDIT to be a number (double); found \"'406597.5'\""),
        ("AMT_CREDIT", True, "application.AMT_CREDIT to be a number (double); found 'True'"),
        ("AMT_CREDIT", None, "application.AMT_CREDIT to be a value; found null"),
        ("AMT_CREDIT", float("nan"), "application.AMT_CREDIT to be double between"),
        ("AMT_CREDIT", float("inf"), "application.AMT_CREDIT to be double between"),
        ("AMT_CREDIT", -1, "application.AMT_CREDIT to be at least 0; found '-1.0'"),
        ("DAYS_BIRTH", 1, "application.DAYS_BIRTH to be at most 0; found '1'"),
        ("DAYS_BIRTH", -10_000.5, "application.DAYS_BIRTH to be integer without a fraction; found '-10000.5'"),
        ("SK_ID_CURR", 2**53, "application.SK_ID_CURR to be bigint between"),
        ("CODE_GENDER", 1, "application.CODE_GENDER to be a text; found '1'"),
        ("CODE_GENDER", "X", "application.CODE_GENDER to be one of F, M, XNA; found \"'X'\""),
        ("NAME_TYPE_SUITE", "nan", "application.NAME_TYPE_SUITE to be one of"),
    ],
)
def test_a_value_that_is_none_is_refused(applicant: Applicant, column: str, value: object, message: str):
    applicant["application"][column] = value
    for name in ("bureau", "bureau_balance"):
        del applicant[name]
    assert refusal(applicant).startswith(f"expected {message}")


def test_every_text_has_its_words_in_the_contract():
    """A text that is not among them is refused; a free text would need the checks of `warehouse.loading.values`."""
    assert [
        c.name for table in CONTRACT.values() for c in table.columns if c.data_type == "varchar" and not c.values
    ] == []


def test_what_the_contract_does_not_know_is_refused(applicant: Applicant):
    assert "found 'AMT_CREDITS'; leave it out, or write AMT_CREDIT" in refusal(
        applicant | {"application": applicant["application"] | {"AMT_CREDITS": 1}}
    )
    assert "found 'TARGET'" in refusal(applicant | {"application": applicant["application"] | {"TARGET": 1}})
    assert "found 'bureaus'; leave it out, or write bureau" in refusal(applicant | {"bureaus": []})


def test_rows_belong_to_the_applicant_and_stand_once(applicant: Applicant):
    stranger = [row_of("bureau", SK_ID_CURR=8, SK_ID_BUREAU=2)]
    assert "bureau with a SK_ID_CURR of the given application; found SK_ID_CURR = 8" in refusal(
        applicant | {"bureau": applicant["bureau"] + stranger}
    )
    orphan = [row_of("bureau_balance", SK_ID_BUREAU=5)]
    assert "bureau_balance with a SK_ID_BUREAU of the given bureau; found SK_ID_BUREAU = 5" in refusal(
        applicant | {"bureau_balance": orphan}
    )
    assert "each SK_ID_BUREAU once in bureau" in refusal(applicant | {"bureau": applicant["bureau"] * 2})
    assert "each SK_ID_CURR once in application;" in refusal(applicant, {"application": applicant["application"]})
    twice = applicant["application"] | {"amt_credit": 5}
    assert "each column once in a row" in refusal(applicant | {"application": twice})


def test_the_shape_of_what_is_given_is_checked(applicant: Applicant):
    assert "found no application in it" in refusal({"bureau": []})
    assert "an object with application" in refusal("application")
    assert "a list of rows as bureau; found dict" in refusal(applicant | {"bureau": applicant["bureau"][0]})
    assert "1 to 1,000 applicants at once; found 0" in refusal()
    assert "found 1,001" in refusal(*[applicant] * (MOST_APPLICANTS + 1))
