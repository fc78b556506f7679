"""Recipe, folds and out-of-fold predictions."""

from dataclasses import replace

import numpy as np
import pytest

from ml.data.training_set import TrainingData, read_training_data
from ml.evaluation.metrics import auc
from ml.modelling.cross_validation import cross_validate, cross_validate_repeatedly
from ml.modelling.folds import assign_folds, repeated_folds
from ml.modelling.pipeline import binned_dataset, fit_members, fit_on_rows, fit_pipeline
from ml.modelling.recipe import MemberSpec, TrainingConfig
from tests.support.ml_fixtures import synthetic_applicants, write_warehouse
from warehouse.core.errors import SettingsError, TrainingDataError

CONFIG = TrainingConfig(rounds=40)
BLEND = replace(CONFIG, members=(MemberSpec(), MemberSpec("logistic")))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "w.duckdb"
    return read_training_data(write_warehouse(path, synthetic_applicants(2000)))


def test_folds_hold_everyone_once_with_the_same_share_of_defaulters(data):
    folds = assign_folds(data, 5, seed=1)
    shares = [data.target[folds.fold_of == fold].mean() for fold in range(5)]
    assert set(folds.fold_of.tolist()) == set(range(5))
    assert folds.count == 5
    assert max(shares) - min(shares) < 0.01


def test_folds_depend_on_the_seed_and_on_nothing_else(data):
    first, again, other = (assign_folds(data, 5, seed) for seed in (1, 1, 2))
    assert first.fingerprint == again.fingerprint
    assert first.fingerprint != other.fingerprint


def test_the_same_seed_and_rows_give_identical_predictions(data):
    folds = assign_folds(data, 3, seed=1)
    first, again = (cross_validate(data, BLEND, folds).probability for _ in range(2))
    assert np.array_equal(first, again)
    models = [fit_members(data, replace(BLEND, seeds=2))[0] for _ in range(2)]
    answers = [[member.predict_proba(data.frame()) for member in members] for members in models]
    assert np.array_equal(*answers)
    other = cross_validate(data, replace(BLEND, seed=7), folds).probability
    assert not np.array_equal(first, other)


def test_each_fold_is_reported_when_it_is_done(data):
    seen = []
    result = cross_validate(data, CONFIG, assign_folds(data, 3, seed=1), seen.append)
    assert [fold.fold for fold in seen] == [0, 1, 2]
    assert tuple(seen) == result.results
    assert str(seen[0]).startswith("  fold 1: AUC 0.")


def test_repeats_differ_in_their_folds_and_are_each_a_plain_cross_validation(data):
    config = replace(CONFIG, repeats=2, folds=3)
    splits = repeated_folds(data, config)
    assert splits[0].fingerprint != splits[1].fingerprint
    repeated = cross_validate_repeatedly(data, config, splits)
    for folds, one in zip(splits, repeated, strict=True):
        assert np.array_equal(one.probability, cross_validate(data, config, folds).probability)


def test_a_fold_tells_how_much_better_its_own_training_rows_are_known(data):
    large = replace(CONFIG, rounds=200, num_leaves=31, max_depth=-1, reg_lambda=0, learning_rate=0.1)
    (first, *_) = cross_validate(data, large, assign_folds(data, 3, seed=1)).results
    assert first.training_auc > 0.9 > first.auc + 0.05


def test_predictions_of_a_fold_do_not_depend_on_its_labels(data):
    folds = assign_folds(data, 3, seed=1)
    held_out = folds.fold_of == 1
    flipped = replace(data, target=np.where(held_out, 1 - data.target, data.target).astype(np.int8))
    before = cross_validate(data, CONFIG, folds).probability
    after = cross_validate(flipped, CONFIG, folds).probability
    assert np.array_equal(before[held_out], after[held_out])
    assert not np.array_equal(before[~held_out], after[~held_out])


def test_a_target_that_depends_on_the_features_is_learned(data):
    assert auc(data.target, cross_validate(data, CONFIG, assign_folds(data, 3, 1)).probability) > 0.7


def test_shuffled_labels_cannot_be_learned(data):
    shuffled = replace(data, target=np.random.default_rng(3).permutation(data.target))
    probability = cross_validate(shuffled, BLEND, assign_folds(shuffled, 5, 1)).probability
    defaulters = int(data.target.sum())
    error = np.sqrt((data.applicants + 1) / (12 * defaulters * (data.applicants - defaulters)))  # of an AUC of 0.5
    assert auc(shuffled.target, probability) == pytest.approx(0.5, abs=3 * error)


def test_more_folds_than_defaulters_are_refused(data):
    with pytest.raises(TrainingDataError, match="fewer --folds"):
        assign_folds(data, int(data.target.sum()) + 1, seed=1)


def test_the_served_pipeline_and_the_trees_of_a_fold_are_the_same_recipe(data):
    trees = fit_on_rows(binned_dataset(data, CONFIG), np.arange(data.applicants), CONFIG)
    served = fit_pipeline(data, CONFIG).predict_proba(data.frame())[:, 1]
    assert np.array_equal(served, trees.predict(data.matrix))


def test_pipeline_takes_columns_in_any_order_and_whole_numbers(data):
    pipeline = fit_pipeline(data, CONFIG)
    frame = data.frame(slice(0, 50))
    turned = frame[frame.columns[::-1]].astype({"cnt_children": int})
    assert np.array_equal(pipeline.predict_proba(frame), pipeline.predict_proba(turned))


def test_a_text_that_was_never_seen_counts_as_missing(data):
    pipeline = fit_pipeline(data, CONFIG)
    frame = data.frame(slice(0, 50))
    unseen, missing = frame.assign(education="doctorate"), frame.assign(education=None)
    assert np.array_equal(pipeline.predict_proba(unseen), pipeline.predict_proba(missing))
    assert not np.array_equal(pipeline.predict_proba(unseen), pipeline.predict_proba(frame))


def test_a_training_set_without_texts_works(data):
    numbers = data.select(data.numeric)
    pipeline = fit_pipeline(numbers, CONFIG)
    assert pipeline.predict_proba(numbers.frame(slice(0, 5))).shape == (5, 2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"seed": -1},
        {"folds": 1},
        {"folds": 51},
        {"folds": "5"},
        {"folds": 5.5},
        {"repeats": 0},
        {"holdout": 1},
        {"max_auc_gap": 0},
        {"seeds": 0},
        {"members": ()},
        {"select": "best"},
        {"extras": ("best",)},
        {"rounds": 0},
        {"learning_rate": 0},
        {"num_leaves": 1},
        {"max_depth": 0},
        {"subsample": 1.1},
        {"colsample_bytree": 0},
        {"min_child_samples": 0},
        {"reg_lambda": -1},
    ],
)
def test_parameters_out_of_range_are_refused(wrong):
    (name,) = wrong
    with pytest.raises(SettingsError, match=name.replace("_", "[_-]")):
        TrainingConfig(**wrong)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"folds": 200}, "expected a whole number from 2 to 50 for --folds; found 200; pass another --folds"),
        ({"holdout": 1.0}, "expected a number from 0 to below 1 for --holdout; found 1.0; pass another --holdout"),
        ({"rounds": 0}, "expected a whole number from 1 on for --rounds; found 0; pass another --rounds"),
        (
            {"max_auc_gap": 2.0},
            "expected a number above 0 to 1 for --max-auc-gap; found 2.0; pass another --max-auc-gap",
        ),
        ({"select": "x"}, "expected one of none, null-importance for --select; found x; pass another --select"),
        ({"subsample": "1"}, "expected a number above 0 to 1 for subsample; found 1; give another subsample"),
    ],
)
def test_a_refusal_names_option_range_and_value(wrong, message):
    with pytest.raises(SettingsError) as error:
        TrainingConfig(**wrong)
    assert str(error.value) == message


@pytest.mark.parametrize("count", [127, 128, 200, 300])
def test_any_number_of_folds_has_a_number_for_each(count):
    rows = 1_000
    applicants = TrainingData(
        np.arange(rows), (np.arange(rows) % 2).astype(np.int8), np.zeros((rows, 1)), ("constant",), {}
    )
    folds = assign_folds(applicants, count, seed=1)
    assert folds.count == count
    assert set(folds.fold_of.tolist()) == set(range(count))


def test_config_survives_its_own_log_and_refuses_names_it_does_not_know():
    assert TrainingConfig.from_dict(CONFIG.to_dict()) == CONFIG
    with pytest.raises(SettingsError, match="dropout"):
        TrainingConfig.from_dict({"dropout": 0.1})


def test_the_built_marts_can_be_learned_from_and_give_nothing_away(built_warehouse):
    built = read_training_data(built_warehouse)
    area = auc(built.target, cross_validate(built, CONFIG, assign_folds(built, 3, seed=1)).probability)
    assert 0.55 < area < 0.9
