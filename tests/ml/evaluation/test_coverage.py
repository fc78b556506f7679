"""Intervals of 95 % hold the truth in 90 to 98 % of 300 samples from a population whose measures are known."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from ml.card.facts import out_of_fold_intervals
from ml.data.training_set import TARGET
from ml.evaluation.amounts import Amounts
from ml.evaluation.bootstrap import Interval, PairedBootstrap, compare, paired_mean_difference, percentile_interval
from ml.evaluation.judged import Judged
from ml.evaluation.metrics import decision_costs
from ml.fair_lending.groups import _impact, _resampled

SAMPLES, RESAMPLES = 300, 150
PEOPLE, APPLICANTS, REPEATS = 100_000, 1_000, 2
THRESHOLD = 0.3
RANDOM = np.random.default_rng(1)

SCORE = RANDOM.normal(size=PEOPLE)
RATE = 1 / (1 + np.exp(1.3 - 1.1 * SCORE))
DEFAULTED = (RANDOM.random(PEOPLE) < RATE).astype(np.int8)
AMOUNTS = Amounts(RANDOM.lognormal(0, 0.5, PEOPLE), RANDOM.lognormal(-3, 0.3, PEOPLE))
# what models of two repeats say of each person, and a third, worse model
PROBABILITY = [1 / (1 + np.exp(1.3 - 1.1 * (SCORE + RANDOM.normal(0, noise, PEOPLE)))) for noise in (0.2, 0.2, 0.6)]
REGION = np.where(RANDOM.random(PEOPLE) + 0.2 * (SCORE > 0) < 0.6, "east", "west")


def money(rows: np.ndarray | slice) -> Amounts:
    return Amounts(AMOUNTS.credit[rows], AMOUNTS.annuity[rows])


def measured(probability: np.ndarray) -> dict[str, float]:
    """Measures of everybody."""
    judged = Judged.by_threshold(DEFAULTED, probability, THRESHOLD, AMOUNTS)
    return {name: float(value[0]) for name, value in judged.measures(np.ones((1, PEOPLE))).items()}


def costs_of(probability: np.ndarray, rows: np.ndarray | slice) -> np.ndarray:
    return decision_costs(DEFAULTED[rows], probability[rows] >= THRESHOLD)


def in_hold_out(rows: np.ndarray, seed: int) -> dict[str, Interval]:
    judged = Judged.by_threshold(DEFAULTED[rows], PROBABILITY[0][rows], THRESHOLD, money(rows))
    return judged.intervals(seed, RESAMPLES)


def out_of_fold(rows: np.ndarray, seed: int) -> dict[str, Interval]:
    one_by_one = [Judged.by_threshold(DEFAULTED[rows], p[rows], THRESHOLD) for p in PROBABILITY[:REPEATS]]
    repeats = [judged.measures(np.ones((1, rows.size))) for judged in one_by_one]
    predictions = pd.DataFrame(
        {
            TARGET: DEFAULTED[rows],
            "default_probability": np.mean([p[rows] for p in PROBABILITY[:REPEATS]], axis=0),
            "cost": np.mean([costs_of(p, rows) for p in PROBABILITY[:REPEATS]], axis=0),
        }
    )
    metrics = {name: float(np.mean([repeat[name] for repeat in repeats])) for name in repeats[0]}
    return out_of_fold_intervals(metrics, {"config": {"seed": seed}}, predictions, RESAMPLES)


def between_models(rows: np.ndarray, seed: int) -> dict[str, Interval]:
    bootstrap = PairedBootstrap(DEFAULTED[rows], resamples=RESAMPLES, seed=seed)
    better, worse = (bootstrap.auc(PROBABILITY[number][rows]) for number in (0, 2))
    costs = (1000 * costs_of(PROBABILITY[number], rows) for number in (0, 2))
    return {"auc": compare(better, worse), "cost_per_1000": paired_mean_difference(*costs, seed=seed)}


def rates_of(region: str, rows: np.ndarray | slice) -> dict[str, float]:
    """Measures of one group, counted plainly."""
    inside = REGION[rows] == region
    default, refused = DEFAULTED[rows][inside] == 1, (PROBABILITY[0][rows] >= THRESHOLD)[inside]
    return {
        "approval_rate": float((~refused).mean()),
        "true_positive_rate": float(refused[default].mean()),
        "false_positive_rate": float(refused[~default].mean()),
        "cost_per_1000": float(1000 * decision_costs(default, refused).mean()),
    }


def by_group(rows: np.ndarray, seed: int) -> dict[str, Interval]:
    """The intervals of `measure_groups`, whose estimates take Fairlearn too long for hundreds of samples."""
    random = np.random.default_rng(seed)
    drawn = {}
    for region in ("east", "west"):
        inside = rows[REGION[rows] == region]
        drawn[region] = _resampled(DEFAULTED[inside], PROBABILITY[0][inside] >= THRESHOLD, random)
    estimates = {region: rates_of(region, rows) for region in drawn}
    approval = pd.Series({region: estimate["approval_rate"] for region, estimate in estimates.items()})
    found = {name: percentile_interval(estimates["east"][name], values) for name, values in drawn["east"].items()}
    return found | {"impact_ratio": _impact("west", approval, drawn, "east")}


def truths() -> dict[Callable[[np.ndarray, int], dict[str, Interval]], dict[str, float]]:
    alone = [measured(probability) for probability in PROBABILITY]
    differences = {name: alone[0][name] - alone[2][name] for name in ("auc", "cost_per_1000")}
    repeats = {name: (alone[0][name] + alone[1][name]) / 2 for name in alone[0] if name != "amount_weighted_cost"}
    east, west = (rates_of(region, slice(None)) for region in ("east", "west"))
    groups = east | {"impact_ratio": west["approval_rate"] / east["approval_rate"]}
    return {in_hold_out: alone[0], out_of_fold: repeats, between_models: differences, by_group: groups}


TRUTHS = truths()


@pytest.mark.parametrize("judge", TRUTHS, ids=lambda judge: judge.__name__)
def test_intervals_cover_the_truth_as_often_as_they_say(judge):
    truth = TRUTHS[judge]
    covered = dict.fromkeys(truth, 0)
    random = np.random.default_rng(2)
    for seed in range(SAMPLES):
        intervals = judge(random.choice(PEOPLE, APPLICANTS, replace=False, shuffle=False), seed)
        assert set(intervals) == set(truth), "a measure without a test of its interval"
        for name, interval in intervals.items():
            covered[name] += interval.low <= truth[name] <= interval.high
    shares = {name: count / SAMPLES for name, count in covered.items()}
    assert {name: share for name, share in shares.items() if not 0.90 <= share <= 0.98} == {}


def test_a_sample_of_one_class_has_no_interval_of_ranking_and_no_warning():
    judged = Judged.by_threshold(np.zeros(20, dtype=np.int8), np.linspace(0, 0.5, 20), THRESHOLD)
    found = judged.intervals(seed=1, resamples=20)
    assert np.isnan(found["auc"].low)
    assert found["cost_per_1000"].low <= found["cost_per_1000"].estimate <= found["cost_per_1000"].high


def test_intervals_do_not_depend_on_how_many_resamples_are_held_at_once(monkeypatch):
    rows = np.arange(500)
    together = in_hold_out(rows, seed=1)
    monkeypatch.setattr("ml.evaluation.bootstrap.CELLS_AT_ONCE", 7 * rows.size)
    assert in_hold_out(rows, seed=1) == together
