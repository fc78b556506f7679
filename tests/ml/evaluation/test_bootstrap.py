"""Paired bootstrap of AUC and cost."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

import ml.comparison.imbalance
import ml.evaluation.bootstrap
import ml.tuning.space
from ml.evaluation.bootstrap import PairedBootstrap, compare, paired_mean_difference
from ml.evaluation.metrics import Confusion, auc, decision_costs


@pytest.fixture(scope="module")
def scored():
    random = np.random.default_rng(3)
    target = (random.random(600) < 0.15).astype(int)
    good = np.clip(0.2 + 0.15 * target + random.normal(0, 0.1, 600), 0, 1).round(2)  # ties on purpose
    return target, good, random.random(600).round(2)


def test_the_first_value_is_that_of_the_applicants_as_they_are(scored):
    target, good, _ = scored
    bootstrap = PairedBootstrap(target, resamples=5)
    assert bootstrap.auc(good)[0] == pytest.approx(auc(target, good))


def test_a_mean_difference_is_that_of_the_costs_of_all_decisions(scored):
    target, good, noise = scored
    first, second = (1000 * decision_costs(target, score > 0.3) for score in (good, noise))
    expected = Confusion.of(target, good > 0.3).cost_per_1000 - Confusion.of(target, noise > 0.3).cost_per_1000
    assert paired_mean_difference(first, second, seed=1).estimate == pytest.approx(expected)


def test_resampled_mean_differences_lie_where_drawing_the_rows_would_put_them():
    random = np.random.default_rng(5)
    first = random.choice([0.0, 1.0, 10.0], size=2000, p=[0.8, 0.15, 0.05])
    second = np.where(random.random(2000) < 0.95, first, 0.0)
    difference = paired_mean_difference(first, second, seed=1, level=0.9)
    assert difference.low < difference.estimate < difference.high
    resampled = (first - second)[random.integers(2000, size=(2000, 2000))].mean(axis=1)
    low, high = np.quantile(resampled, [0.05, 0.95])
    assert (difference.low, difference.high) == pytest.approx((low, high), abs=0.01)
    assert difference.probability_greater == pytest.approx(np.mean(resampled > 0), abs=0.01)


def test_resamples_measure_what_drawing_the_rows_would(scored):
    target, good, _ = scored
    bootstrap = PairedBootstrap(target, resamples=20, seed=4)
    drawn = np.random.default_rng(4).integers(0, target.size, (20, target.size))
    assert bootstrap.auc(good)[1:] == pytest.approx([roc_auc_score(target[rows], good[rows]) for rows in drawn])


def test_resamples_do_not_depend_on_how_many_are_held_at_once(scored, monkeypatch):
    target, good, _ = scored
    together = PairedBootstrap(target, resamples=30, seed=1).auc(good)
    monkeypatch.setattr(ml.evaluation.bootstrap, "CELLS_AT_ONCE", 7 * target.size)
    assert np.array_equal(together, PairedBootstrap(target, resamples=30, seed=1).auc(good))


def test_a_model_does_not_differ_from_itself_and_a_difference_turns_round(scored):
    target, good, noise = scored
    bootstrap = PairedBootstrap(target, seed=1)
    same = compare(bootstrap.auc(good), bootstrap.auc(good))
    assert (same.estimate, same.low, same.high, same.probability_greater) == (0, 0, 0, 0.5)
    assert not same.is_real
    forward = compare(bootstrap.auc(good), bootstrap.auc(noise))
    back = compare(bootstrap.auc(noise), bootstrap.auc(good))
    assert forward.low == pytest.approx(-back.high)
    assert forward.probability_greater == pytest.approx(1 - back.probability_greater)


def test_knowing_something_is_really_better_than_knowing_nothing(scored):
    target, good, noise = scored
    bootstrap = PairedBootstrap(target, seed=1)
    difference = compare(bootstrap.auc(good), bootstrap.auc(noise))
    assert difference.is_real
    assert difference.low < difference.estimate < difference.high
    assert difference.probability_greater > 0.99


def test_two_equally_blind_models_rarely_differ_really():
    real = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        target = (random.random(300) < 0.2).astype(int)
        bootstrap = PairedBootstrap(target, resamples=300, seed=seed)
        real += compare(bootstrap.auc(random.random(300)), bootstrap.auc(random.random(300))).is_real
    assert real <= 9  # 3 expected at 95 %


@pytest.mark.parametrize("target", [[0, 0], [1, 1]])
def test_one_class_has_nothing_to_compare(target):
    with pytest.raises(ValueError, match="both classes"):
        PairedBootstrap(target)


@pytest.mark.parametrize("probability", [[0.1], [0.1, np.nan, 0.2]])
def test_scores_of_other_applicants_and_gaps_are_refused(probability):
    with pytest.raises(ValueError, match="each of 3 applicants"):
        PairedBootstrap([0, 1, 0]).auc(probability)
