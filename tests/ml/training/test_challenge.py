"""Which model may become the champion."""

import numpy as np
import pytest

from ml.modelling.guards import objections, overfitting, suspicion
from ml.modelling.recipe import TrainingConfig
from ml.registry.versions import RegisteredModel
from ml.training.challenge import Candidate, Incumbent, judge

CHAMPION = RegisteredModel(version=1, run_id="run", metrics={}, tags={})
APPLICANTS = 1000


def measured(mistakes: int, auc: float = 0.75, first: int = 0) -> Candidate:
    """A model that refuses so many good payers, from the first-th on, and errs in nothing else."""
    costs = np.zeros(APPLICANTS)
    costs[first : first + mistakes] = 1
    return Candidate(costs, auc)


def incumbent(mistakes: int, auc: float = 0.75) -> Incumbent:
    return Incumbent(CHAMPION, measured(mistakes, auc), "compared")


def decided(candidate: Candidate, champion: Incumbent | None):
    return judge(candidate, [], champion, seed=1)


def test_the_first_model_becomes_champion():
    assert decided(measured(500), None).promoted


def test_a_cost_that_is_lower_beyond_chance_wins_whatever_the_auc():
    verdict = decided(measured(400, 0.70), incumbent(500))
    assert verdict.promoted
    assert verdict.difference.high < 0
    assert not decided(measured(500, 0.80), incumbent(400)).promoted


def test_a_cost_that_is_lower_by_chance_wins_only_with_an_auc_that_agrees():
    by_chance = 300
    assert decided(measured(299, 0.76, by_chance), incumbent(300)).promoted
    verdict = decided(measured(299, 0.74, by_chance), incumbent(300))
    assert not verdict.promoted
    assert "may be chance" in verdict.reason
    assert verdict.difference.low < 0 < verdict.difference.high


def test_at_the_same_cost_the_higher_auc_wins_and_a_twin_does_not():
    assert decided(measured(500, 0.76), incumbent(500)).promoted
    assert not decided(measured(500, 0.74), incumbent(500)).promoted
    assert not decided(measured(500), incumbent(500)).promoted


def test_a_champion_whose_features_are_gone_is_replaced():
    verdict = decided(measured(900), Incumbent(CHAMPION, None, "needs 2 features that the mart no longer has"))
    assert verdict.promoted
    assert "no longer has" in verdict.reason


@pytest.mark.parametrize(
    ("auc", "applicants", "suspected"),
    [(0.82, 300_000, False), (0.83, 300_000, True), (0.83, 50_000, True), (0.83, 49_999, False), (0.96, 300, True)],
)
def test_an_auc_is_suspected_by_the_number_of_applicants_behind_it(auc, applicants, suspected):
    assert (suspicion(auc, applicants) is not None) is suspected


@pytest.mark.parametrize(
    ("gap", "applicants", "limit", "learned_by_heart"),
    [(0.09, 300_000, None, False), (0.11, 300_000, None, True), (0.2, 5_000, None, False), (0.2, 5_000, 0.1, True)],
)
def test_a_gap_between_training_and_validation_is_judged_by_size_or_by_the_limit_given(
    gap, applicants, limit, learned_by_heart
):
    assert (overfitting(gap, applicants, limit) is not None) is learned_by_heart


def test_what_a_guard_objects_to_is_refused_even_as_first_model_unless_it_is_overridden():
    found = objections(0.99, 0.4, 5000, TrainingConfig())
    assert len(found) == 2
    refused = judge(measured(1, 0.99), found, None, seed=1)
    assert (refused.promoted, refused.refused) == (False, True)
    assert "leakage" in refused.reason and "overfitting" in refused.reason
    allowed = judge(measured(1, 0.99), found, None, seed=1, override_guard=True)
    assert (allowed.promoted, allowed.refused) == (True, False)
