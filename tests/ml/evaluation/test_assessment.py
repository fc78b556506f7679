"""Calibration and threshold, chosen and judged on different applicants."""

import numpy as np
import pytest

import ml.evaluation.calibration
from ml.evaluation.assessment import assess, nested_refusals
from ml.evaluation.calibration import (
    METHODS,
    cross_calibrated,
    cross_fit,
    expected_calibration_error,
    fit_calibration,
    pooled,
    reliability,
)
from ml.evaluation.metrics import THEORETICAL_THRESHOLD
from ml.evaluation.threshold import choose_threshold, one_standard_error_threshold

RANDOM = np.random.default_rng(1)
TRUE = np.clip(RANDOM.beta(1.2, 12, 6000), 0.001, 0.9)
TARGET = (RANDOM.random(6000) < TRUE).astype(np.int8)
FOLDS = np.arange(6000) % 5
STEPPED = np.where(TRUE < 0.1, TRUE / 4, np.clip(TRUE * 3, 0, 1))  # no sigmoid undoes a step


def choose_calibration(target, predictions):
    return ml.evaluation.calibration.choose_calibration(target, predictions, cross_fit(target, predictions))


def too_sure(probability):
    odds = probability / (1 - probability)
    return odds**2 / (1 + odds**2)


def test_probabilities_that_are_right_already_keep_a_map_that_hardly_moves_them():
    choice = choose_calibration(TARGET, [(TRUE, FOLDS)])
    assert set(choice.measured) == set(METHODS)
    assert np.abs(choice.calibration(TRUE) - TRUE).mean() < 0.01


def test_too_sure_probabilities_are_brought_back_by_a_sigmoid():
    raw = too_sure(TRUE)
    choice = choose_calibration(TARGET, [(raw, FOLDS)])
    assert choice.method != "none"
    sigmoid = fit_calibration("sigmoid", TARGET, raw)
    assert sigmoid.slope == pytest.approx(0.5, abs=0.05)
    assert choice.measured["sigmoid"]["brier_score"] < choice.measured["none"]["brier_score"]


def test_a_step_is_undone_by_isotonic_regression():
    choice = choose_calibration(TARGET, [(STEPPED, FOLDS)])
    assert choice.method == "isotonic"
    error = expected_calibration_error(TARGET, choice.calibration(STEPPED))
    assert error < 0.3 * expected_calibration_error(TARGET, STEPPED)


@pytest.mark.parametrize("method", METHODS)
def test_a_calibration_never_turns_the_ranking_round(method):
    for raw in (TRUE, too_sure(TRUE), 1 - TRUE):
        rising = fit_calibration(method, TARGET, raw)(np.sort(raw))
        assert (np.diff(rising) >= -1e-12).all()
        assert (rising >= 0).all() and (rising <= 1).all()


def test_a_fold_is_calibrated_and_decided_without_its_own_labels():
    inside = FOLDS == 2
    turned = np.where(inside, 1 - TARGET, TARGET)
    predictions = [(STEPPED, FOLDS)]
    fits = [cross_fit(labels, predictions) for labels in (TARGET, turned)]
    for method in METHODS:
        before, after = (cross_calibrated(method, fitted, predictions)[0] for fitted in fits)
        assert np.array_equal(before[inside], after[inside])
        decided, again = (nested_refusals(method, fitted, predictions)[0] for fitted in fits)
        assert np.array_equal(decided[inside], again[inside])


def test_a_map_is_fitted_once_for_each_fold_and_gives_what_a_fit_for_every_use_would(monkeypatch):
    predictions = [(too_sure(TRUE), FOLDS), (np.clip(too_sure(TRUE) + 0.01, 0, 1), (FOLDS + np.arange(6000) // 5) % 5)]
    fits = []
    fit = ml.evaluation.calibration.fit_calibration
    monkeypatch.setattr(ml.evaluation.calibration, "fit_calibration", lambda *given: fits.append(1) or fit(*given))
    assessment = assess(TARGET, predictions)
    assert len(fits) == len(METHODS) * 2 * 5 + 1, "one per method and fold, and the one that is served"

    method = assessment.calibration.method
    everyone = np.ones(6000, dtype=bool)
    served = fit(method, *pooled(TARGET, predictions, everyone))
    assert assessment.calibration.calibration == served
    probability, refused = np.empty((2, 6000)), np.empty((2, 6000), dtype=bool)
    for row, decisions, (raw, fold_of) in zip(probability, refused, predictions, strict=True):
        for fold in range(5):
            inside = fold_of == fold
            labels, others = pooled(TARGET, predictions, ~inside)
            row[inside] = fit(method, labels, others)(raw[inside])
            threshold = one_standard_error_threshold(labels, fit(method, labels, others)(others), 2)
            decisions[inside] = row[inside] >= threshold
    assert np.array_equal(assessment.probability, probability.mean(axis=0))
    assert np.array_equal(assessment.refused, refused)


def test_calibration_error_of_perfect_groups_is_nothing():
    probability = np.repeat([0.25, 0.5], 100)
    target = np.concatenate([np.tile([1, 0, 0, 0], 25), np.tile([1, 0], 50)]).astype(np.int8)
    assert expected_calibration_error(target, probability, bins=2) == 0
    groups = reliability(target, probability, bins=2)
    assert groups.applicants.tolist() == [100, 100]
    assert groups.observed.tolist() == groups.predicted.tolist()


def test_the_threshold_of_calibrated_probabilities_is_near_theory_and_nearer_than_the_exact_minimum():
    steady = one_standard_error_threshold(TARGET, TRUE)
    assert abs(steady - THEORETICAL_THRESHOLD) <= abs(choose_threshold(TARGET, TRUE) - THEORETICAL_THRESHOLD)
    assert steady == pytest.approx(THEORETICAL_THRESHOLD, abs=0.02)


def test_probabilities_on_another_scale_move_the_threshold_as_far_as_cost_demands():
    assert one_standard_error_threshold(TARGET, TRUE / 3) == pytest.approx(THEORETICAL_THRESHOLD / 3, abs=0.01)


def test_repeats_are_averaged_and_their_spread_is_reported():
    noisy = [np.clip(TRUE + RANDOM.normal(0, 0.02, 6000), 0, 1) for _ in range(3)]
    one = assess(TARGET, [(noisy[0], FOLDS)])
    three = assess(TARGET, [(raw, FOLDS) for raw in noisy])
    assert not one.deviations
    assert three.deviations["auc"] > 0
    singles = [assess(TARGET, [(raw, FOLDS)]).metrics["auc"] for raw in noisy]
    assert three.metrics["auc"] == pytest.approx(np.mean(singles))
    assert three.refused.shape == (3, 6000)
    assert 1000 * three.costs(TARGET).mean() == pytest.approx(three.metrics["cost_per_1000"])
    assert "amount_weighted_cost" not in three.metrics


def test_honest_cost_is_never_much_below_the_cost_on_the_rows_that_chose_the_threshold():
    metrics = assess(TARGET, [(too_sure(TRUE), FOLDS)]).metrics
    assert metrics["cost_per_1000"] >= 0.99 * metrics["cost_per_1000_same_rows"]
    assert metrics["cost_per_1000"] < metrics["cost_per_1000_accept_all"]
    assert metrics["cost_per_1000_accept_all"] == pytest.approx(10_000 * TARGET.mean())
