"""The contract of the raw files."""

import re
from pathlib import Path

import pytest

from warehouse.core.errors import ContractError
from warehouse.loading.contract import load_contract

COLUMNS_OF_THE_RELEASE = {
    "application_train": 122,
    "application_test": 121,
    "bureau": 17,
    "bureau_balance": 3,
    "previous_application": 37,
    "POS_CASH_balance": 8,
    "credit_card_balance": 23,
    "installments_payments": 8,
}


def test_it_has_the_files_and_columns_of_the_release():
    tables = load_contract().tables
    assert {name: len(table.columns) for name, table in tables.items()} == COLUMNS_OF_THE_RELEASE


def test_the_two_application_files_differ_in_the_label_alone():
    contract = load_contract()
    train, test = contract["application_train"], contract["application_test"]
    assert train.column_names[:2] == ("SK_ID_CURR", "TARGET")
    assert [c for c in train.columns if c.name != "TARGET"] == list(test.columns)


def test_every_column_says_what_it_means():
    for table in load_contract().tables.values():
        for column in table.columns:
            assert re.search(r"\w{3}.*[.)?]$", column.description), f"{table.name}.{column.name}"


def test_keys_are_columns_and_may_not_be_missing():
    for table in load_contract().tables.values():
        for name in {*table.primary_key, *filter(None, [table.parent_key])}:
            assert not table[name].nullable, f"{table.name}.{name}"


def test_an_unknown_type_is_refused_by_name(tmp_path: Path):
    file = tmp_path / "sources.yml"
    file.write_text(
        "sources: [{tables: [{name: bureau, description: x, config: {meta: {released_rows: 1}},"
        " columns: [{name: A, data_type: money, description: x}]}]}]"
    )
    with pytest.raises(ContractError, match=r"bureau\.A.*'money'"):
        load_contract(file)


def test_a_missing_contract_is_one_clear_line(tmp_path: Path):
    with pytest.raises(ContractError, match="restore it") as caught:
        load_contract(tmp_path / "none.yml")
    assert "\n" not in str(caught.value)
