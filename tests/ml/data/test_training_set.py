"""The training set as a matrix."""

import subprocess
import sys

import duckdb
import numpy as np
import pandas as pd
import pytest

from ml.data.training_set import read_training_data
from tests.support.ml_fixtures import synthetic_applicants, write_warehouse
from warehouse.core.errors import TrainingDataError, WarehouseLockedError, WarehouseMissingError

TINY = pd.DataFrame(
    {"sk_id_curr": [3, 1, 2], "target": [0, 1, 0], "amount": [1.5, None, 2.0], "word": ["b", "a", None]}
)


def read(tmp_path, applicants, select="*"):
    return read_training_data(write_warehouse(tmp_path / "w.duckdb", applicants, select))


def test_rows_are_sorted_by_key_and_texts_become_positions_of_sorted_categories(tmp_path):
    data = read(tmp_path, TINY)
    assert data.keys.tolist() == [1, 2, 3]
    assert data.target.tolist() == [1, 0, 0]
    assert data.features == ("amount", "word")
    assert data.categories == {"word": ("a", "b")}
    assert np.array_equal(data.matrix, [[np.nan, 0], [2.0, np.nan], [1.5, 1]], equal_nan=True)


def test_fingerprint_does_not_depend_on_the_order_of_rows_in_the_file(tmp_path):
    applicants = synthetic_applicants()
    shuffled = applicants.sample(frac=1, random_state=1)
    one = read_training_data(write_warehouse(tmp_path / "a.duckdb", applicants))
    other = read_training_data(write_warehouse(tmp_path / "b.duckdb", shuffled))
    assert one.fingerprint == other.fingerprint
    assert np.array_equal(one.matrix, other.matrix, equal_nan=True)


@pytest.mark.parametrize(
    "select",
    [
        "* replace (case when sk_id_curr = 100007 then amt_income + 0.01 else amt_income end as amt_income)",
        "* replace (case when sk_id_curr = 100007 then 1 - target else target end as target)",
        "* replace (case when sk_id_curr = 100007 then null else region end as region)",
        "* replace (case when region = 'north' then 'North' else region end as region)",
        "* replace (sk_id_curr + 1 as sk_id_curr)",
        "* rename (amt_income as income)",
        "* exclude (owns_car)",
    ],
)
def test_fingerprint_changes_with_any_value_label_key_or_name(tmp_path, select):
    applicants = synthetic_applicants()
    one = read_training_data(write_warehouse(tmp_path / "a.duckdb", applicants))
    other = read_training_data(write_warehouse(tmp_path / "b.duckdb", applicants, select))
    assert one.fingerprint != other.fingerprint


def test_every_kind_of_number_is_read_as_a_double(tmp_path):
    kinds = ["tinyint", "integer", "bigint", "hugeint", "usmallint", "float", "double", "decimal(12,3)", "boolean"]
    columns = ", ".join(f"cast(1 as {kind}) as c{position}" for position, kind in enumerate(kinds))
    data = read(tmp_path, TINY, f"sk_id_curr, target, {columns}")
    assert data.matrix.dtype == np.float64
    assert (data.matrix == 1).all()
    assert not data.categories


def test_frame_gives_back_the_raw_features(tmp_path):
    applicants = synthetic_applicants()
    frame = read(tmp_path, applicants).frame()
    assert frame["region"].tolist() == applicants["region"].tolist()
    assert frame["education"].isna().tolist() == applicants["education"].isna().tolist()
    assert frame["amt_income"].to_numpy() == pytest.approx(applicants["amt_income"].to_numpy())
    assert {str(kind) for kind in frame.dtypes} == {"float64", "str"}


def test_selecting_all_features_changes_nothing_and_fewer_keep_their_values(tmp_path):
    data = read(tmp_path, synthetic_applicants())
    assert data.select(data.features) is data
    fewer = data.select(["education", "amt_income"])
    assert fewer.features == ("amt_income", "education")
    assert fewer.fingerprint != data.fingerprint
    assert fewer.frame().equals(data.frame()[["amt_income", "education"]])
    with pytest.raises(TrainingDataError, match="no wealth"):
        data.select(["wealth"])


@pytest.mark.parametrize(
    ("select", "found"),
    [
        ("* exclude (target)", "no target"),
        ("sk_id_curr, target", "none"),
        ("*, date '2020-01-01' as day", "day DATE"),
        ("* replace (1 as sk_id_curr)", "2 rows with a key that is null or repeated"),
        ("* replace (case when sk_id_curr > 1 then sk_id_curr end as sk_id_curr)", "1 rows with a key"),
        ("* replace (target + 1 as target)", "rows with something else"),
        ("* replace (case when target = 1 then 1 end as target)", "2 rows with something else"),
        ("* replace (0 as target)", "one class only"),
        ("* replace (amount / 0.0 as amount)", "NaN or infinity: 2 in amount"),
        ("*, case when amount is null then cast('nan' as double) end as ratio", "NaN or infinity: 1 in ratio"),
    ],
)
def test_a_training_set_that_cannot_be_learned_from_is_refused_in_one_line(tmp_path, select, found):
    with pytest.raises(TrainingDataError) as error:
        read(tmp_path, TINY, select)
    assert found in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_an_empty_training_set_is_refused(tmp_path):
    with pytest.raises(TrainingDataError, match="no rows"):
        read(tmp_path, TINY.iloc[:0])


def test_a_missing_file_and_a_missing_mart_say_what_to_build(tmp_path):
    with pytest.raises(WarehouseMissingError, match="no such file"):
        read_training_data(tmp_path / "none.duckdb")
    duckdb.connect(str(tmp_path / "empty.duckdb")).close()
    with pytest.raises(WarehouseMissingError, match=r"marts\.training_set"):
        read_training_data(tmp_path / "empty.duckdb")


def test_a_file_that_is_open_elsewhere_is_reported_as_locked(tmp_path):
    path = write_warehouse(tmp_path / "w.duckdb", TINY)
    script = "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(WarehouseLockedError):
            read_training_data(path)
    finally:
        holder.communicate("")
