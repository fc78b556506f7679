"""Which model may become the champion."""

import pytest

from ml.metrics import CostCurve, Evaluation
from ml.promotion import Incumbent, judge, suspicion
from ml.registry import RegisteredModel

CHAMPION = RegisteredModel(version=1, run_id="run", metrics={}, tags={})


def measured(cost: float, auc: float = 0.75) -> Evaluation:
    return Evaluation(0.1, {}, CostCurve([], []), {"cost_per_1000": cost, "auc": auc})


def incumbent(cost: float, auc: float = 0.75) -> Incumbent:
    return Incumbent(CHAMPION, measured(cost, auc), "compared")


def test_the_first_model_becomes_champion():
    assert judge(measured(500), 5000, None).promoted


def test_the_lower_cost_wins():
    assert judge(measured(499), 5000, incumbent(500)).promoted
    assert not judge(measured(501), 5000, incumbent(500)).promoted


def test_at_the_same_cost_the_higher_auc_wins_and_a_twin_does_not():
    assert judge(measured(500, 0.76), 5000, incumbent(500)).promoted
    assert not judge(measured(500, 0.74), 5000, incumbent(500)).promoted
    assert not judge(measured(500), 5000, incumbent(500)).promoted


def test_a_champion_whose_features_are_gone_is_replaced():
    verdict = judge(measured(900), 5000, Incumbent(CHAMPION, None, "needs 2 features that the mart no longer has"))
    assert verdict.promoted
    assert "no longer has" in verdict.reason


@pytest.mark.parametrize(
    ("auc", "applicants", "suspected"),
    [(0.82, 300_000, False), (0.83, 300_000, True), (0.83, 50_000, True), (0.83, 49_999, False), (0.96, 300, True)],
)
def test_an_auc_is_suspected_by_the_number_of_applicants_behind_it(auc, applicants, suspected):
    assert (suspicion(auc, applicants) is not None) is suspected


def test_a_suspected_leak_is_refused_even_as_first_model_unless_it_is_allowed():
    refused = judge(measured(1, 0.99), 5000, None)
    assert (refused.promoted, refused.refused) == (False, True)
    allowed = judge(measured(1, 0.99), 5000, None, allow_high_auc=True)
    assert (allowed.promoted, allowed.refused) == (True, False)
