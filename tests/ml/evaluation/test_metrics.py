"""Cost, threshold and controls."""

import doctest

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, fbeta_score, precision_score, recall_score

import ml.evaluation.amounts
import ml.evaluation.calibration
import ml.evaluation.metrics
import ml.evaluation.ranking
import ml.evaluation.threshold
import ml.modelling.guards
import ml.modelling.recipe
from ml.evaluation.metrics import THEORETICAL_THRESHOLD, Confusion, auc, brier_score, gini, kolmogorov_smirnov
from ml.evaluation.threshold import choose_threshold, cost_curve, nested_refusals, nested_thresholds


@pytest.fixture
def scored():
    random = np.random.default_rng(5)
    target = (random.random(300) < 0.2).astype(int)
    probability = np.clip(0.15 + 0.15 * target + random.normal(0, 0.1, 300), 0, 1).round(2)  # ties on purpose
    return target, probability, random.integers(0, 5, 300)


@pytest.mark.parametrize(
    "module",
    [
        ml.evaluation.calibration,
        ml.modelling.recipe,
        ml.evaluation.amounts,
        ml.modelling.guards,
        ml.evaluation.ranking,
        ml.evaluation.metrics,
        ml.evaluation.threshold,
    ],
    ids=lambda module: module.__name__,
)
def test_examples_in_docstrings_hold(module):
    assert doctest.testmod(module).failed == 0


def test_cost_is_ten_for_a_granted_defaulter_and_one_for_a_refused_good_payer():
    assert Confusion.of([1], [False]).cost == 10
    assert Confusion.of([0], [True]).cost == 1
    assert Confusion.of([0, 1], [False, True]).cost == 0


def test_cost_per_1000_does_not_depend_on_the_number_of_applicants(scored):
    target, probability, _ = scored
    once = Confusion.of(target, probability >= 0.2)
    thrice = Confusion.of(np.tile(target, 3), np.tile(probability >= 0.2, 3))
    assert thrice.cost == 3 * once.cost
    assert thrice.cost_per_1000 == pytest.approx(once.cost_per_1000)


def test_normalised_score_and_cost_are_two_views_of_the_same_decisions(scored):
    target, probability, _ = scored
    decisions = Confusion.of(target, probability >= 0.2)
    best_possible = (10 * target.sum() + (1 - target).sum()) / target.size
    assert decisions.normalised_score == pytest.approx(best_possible - 2 * decisions.cost / target.size)


def test_controls_agree_with_scikit_learn(scored):
    target, probability, _ = scored
    refused = probability >= 0.2
    decisions = Confusion.of(target, refused)
    assert decisions.f2 == pytest.approx(fbeta_score(target, refused, beta=2))
    assert decisions.recall == pytest.approx(recall_score(target, refused))
    assert decisions.precision == pytest.approx(precision_score(target, refused))
    assert brier_score(target, probability) == pytest.approx(brier_score_loss(target, probability))


def test_precision_is_unknown_when_nobody_is_refused():
    assert np.isnan(Confusion.of([0, 1], [False, False]).precision)


def test_curve_gives_the_cost_of_deciding_by_each_of_its_thresholds(scored):
    target, probability, _ = scored
    curve = cost_curve(target, probability)
    brute = [Confusion.of(target, probability >= threshold).cost_per_1000 for threshold in curve.thresholds]
    assert curve.costs_per_1000 == pytest.approx(brute)


@pytest.mark.parametrize("seed", range(5))
def test_chosen_threshold_costs_least_of_all_thresholds(seed):
    random = np.random.default_rng(seed)
    target, probability = random.integers(0, 2, 60), random.random(60).round(2)
    chosen = Confusion.of(target, probability >= choose_threshold(target, probability)).cost
    everything = np.concatenate([np.linspace(0, 1, 2001), np.unique(probability), [1.1]])
    assert chosen == min(Confusion.of(target, probability >= threshold).cost for threshold in everything)


def test_of_equally_cheap_thresholds_the_one_that_refuses_fewest_is_chosen():
    assert choose_threshold([1] + [0] * 10, [0.2] + [0.6] * 10) == pytest.approx(0.8)


def test_curve_runs_from_refusing_everyone_to_accepting_everyone_even_at_the_ends_of_the_scale():
    curve = cost_curve([0, 1, 1], [0.0, 0.0, 1.0])
    assert curve.thresholds[0] == 0
    assert curve.thresholds[-1] > 1
    assert curve.costs_per_1000[0] == pytest.approx(1000 / 3)
    assert curve.costs_per_1000[-1] == pytest.approx(20000 / 3)


def test_neighbouring_floats_are_told_apart():
    low = 0.3
    high = np.nextafter(low, 1)
    threshold = choose_threshold([0, 1], [low, high])
    assert low < threshold <= high


def test_calibrated_probabilities_lead_to_one_eleventh():
    random = np.random.default_rng(0)
    probability = random.beta(1, 8, 400_000)
    target = (random.random(probability.size) < probability).astype(int)
    assert choose_threshold(target, probability) == pytest.approx(THEORETICAL_THRESHOLD, abs=0.01)


def test_nested_threshold_of_a_fold_does_not_depend_on_the_labels_of_that_fold(scored):
    target, probability, folds = scored
    before = nested_thresholds(target, probability, folds)
    flipped = np.where(folds == 2, 1 - target, target)
    after = nested_thresholds(flipped, probability, folds)
    assert after[2] == before[2]
    assert any(after[fold] != before[fold] for fold in (0, 1, 3, 4))


def test_nested_threshold_of_a_fold_is_the_best_of_the_other_folds(scored):
    target, probability, folds = scored
    for fold, threshold in nested_thresholds(target, probability, folds).items():
        others = folds != fold
        assert threshold == choose_threshold(target[others], probability[others])


def test_each_applicant_is_refused_by_the_threshold_of_the_own_fold(scored):
    _, probability, folds = scored
    thresholds = {fold: 0.1 * fold for fold in range(5)}
    expected = [p >= 0.1 * fold for p, fold in zip(probability, folds, strict=True)]
    assert nested_refusals(probability, folds, thresholds).tolist() == expected


def test_ranking_measures_at_their_ends():
    target = [0, 0, 1, 1]
    assert (auc(target, [0.1, 0.2, 0.3, 0.4]), kolmogorov_smirnov(target, [0.1, 0.2, 0.3, 0.4])) == (1, 1)
    assert (auc(target, [0.3] * 4), gini(target, [0.3] * 4), kolmogorov_smirnov(target, [0.3] * 4)) == (0.5, 0, 0)


def test_kolmogorov_smirnov_is_the_greatest_gap_over_all_thresholds(scored):
    target, probability, _ = scored
    gaps = [
        abs(np.mean(probability[target == 0] <= cut) - np.mean(probability[target == 1] <= cut))
        for cut in np.unique(probability)
    ]
    assert kolmogorov_smirnov(target, probability) == pytest.approx(max(gaps))


@pytest.mark.parametrize(
    ("target", "probability"), [([0, 1], [0.5]), ([], []), ([0, 1], [0.5, 1.5]), ([0, 1], [0.5, np.nan])]
)
def test_what_is_no_probability_per_applicant_is_refused(target, probability):
    with pytest.raises(ValueError, match="probabilit"):
        cost_curve(target, probability)


def test_a_single_fold_has_no_other_folds_to_choose_on():
    with pytest.raises(ValueError, match="two folds"):
        nested_thresholds([0, 1], [0.1, 0.9], [0, 0])
