"""Probes for features that know the outcome."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ml.data.training_set import TrainingData
from ml.modelling.leakage import _Groups, find_leaks, require_no_leaks
from warehouse.core.errors import TrainingDataError

RANDOM = np.random.default_rng(3)
ROWS = 3000
TARGET = (RANDOM.random(ROWS) < 0.08).astype(np.int8)


def training_set(column, categories=()):
    numbers = RANDOM.normal(size=ROWS) + TARGET  # an AUC of 0.76, as good as honest features get
    return TrainingData(
        np.arange(ROWS),
        TARGET,
        np.column_stack([numbers, column]).astype(float),
        ("honest",) if categories else ("honest", "suspect"),
        {"suspect": tuple(categories)} if categories else {},
    )


def flipped(share):
    return np.where(RANDOM.random(ROWS) < share, 1 - TARGET, TARGET)


@pytest.mark.parametrize(
    "column",
    [
        TARGET,
        1 - TARGET,
        np.exp(3 * TARGET) - 7,
        TARGET + RANDOM.normal(0, 0.3, ROWS),
        flipped(0.05),
        np.where(TARGET == 1, RANDOM.choice([-1, 1], ROWS), 0),
        np.where(TARGET == 1, np.nan, 5.0),
        np.where(TARGET == 1, 5.0, np.nan),
        np.where((TARGET == 1) & (np.arange(ROWS) % 4 == 0), 1, 0),
        np.where((TARGET == 1) & (np.arange(ROWS) % 4 == 0), 1, np.nan),
        np.where(TARGET == 1, RANDOM.normal(9, 1, ROWS), RANDOM.normal(0, 1, ROWS)),
    ],
    ids=["copy", "mirror", "monotone", "noisy", "flipped", "not monotone", "null", "not null", "rare", "only", "shift"],
)
def test_a_number_that_knows_the_outcome_is_found_alone(column):
    assert [suspect.feature for suspect in find_leaks(training_set(column))] == ["suspect"]


@pytest.mark.parametrize("codes", [TARGET, np.where(TARGET == 1, np.nan, 0), 2 * flipped(0.05) + RANDOM.integers(0, 2)])
def test_a_text_that_knows_the_outcome_is_found(codes):
    assert [suspect.feature for suspect in find_leaks(training_set(codes, "abcd"))] == ["suspect"]


@pytest.mark.parametrize(
    "column",
    [np.ones(ROWS), np.full(ROWS, np.nan), np.arange(ROWS), (np.arange(ROWS) % 100 == 0), RANDOM.random(ROWS)],
    ids=["constant", "null", "number", "rare flag", "noise"],
)
def test_what_knows_nothing_is_not_suspected(column):
    assert find_leaks(training_set(column)) == []
    require_no_leaks(training_set(column))


def test_a_text_that_names_everyone_is_no_leak():
    names = [f"name {number}" for number in range(ROWS)]
    assert find_leaks(training_set(RANDOM.permutation(ROWS), names)) == []


def test_many_leaks_are_one_line_that_names_some():
    data = training_set(TARGET)
    many = replace(
        data,
        matrix=np.column_stack([data.matrix[:, :1], *[TARGET] * 8]).astype(float),
        numeric=("honest", *[f"leak_{number}" for number in range(8)]),
    )
    with pytest.raises(TrainingDataError, match=r"found leak_0 .* and 3 more") as error:
        require_no_leaks(many)
    assert len(str(error.value).splitlines()) == 1


def test_the_fast_auc_is_that_of_scikit_learn_with_nulls_at_either_end():
    values = np.round(RANDOM.normal(size=ROWS) + 0.5 * TARGET, 1)
    values[RANDOM.random(ROWS) < 0.2] = np.nan
    areas = [roc_auc_score(TARGET, np.nan_to_num(values, nan=end)) for end in (-100, 100)]
    assert _Groups.of(values, TARGET).strongest_auc() == pytest.approx(max(max(area, 1 - area) for area in areas))
