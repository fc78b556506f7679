"""The hold-out, its report, and that nothing else sees it."""

from dataclasses import replace

import numpy as np
import pytest

from ml.data.training_set import read_training_data
from ml.evaluation.amounts import Amounts, amount_weighted_cost, read_amounts
from ml.evaluation.holdout_report import judge_holdout
from ml.evaluation.judged import Judged
from ml.evaluation.metrics import Confusion, auc, brier_score, kolmogorov_smirnov
from ml.modelling.holdout import split_holdout
from ml.modelling.recipe import MemberSpec, TrainingConfig
from ml.training.workflow import develop, fit_scorer
from tests.support.ml_fixtures import synthetic_applicants, write_warehouse
from warehouse.core.errors import TrainingDataError

CONFIG = TrainingConfig(rounds=30, repeats=2, members=(MemberSpec(), MemberSpec("logistic")), select="null-importance")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "w.duckdb"
    money = "*, 100 * (1 + sk_id_curr % 7) as amt_credit, case when sk_id_curr % 9 > 0 then 5 end as amt_annuity"
    return read_training_data(write_warehouse(path, synthetic_applicants(), money))


def test_a_fifth_of_each_class_is_set_aside_and_everyone_is_somewhere(data):
    split = split_holdout(data, 0.2, seed=1)
    for label in (0, 1):
        everyone, aside = (int(np.sum(rows.target == label)) for rows in (data, split.holdout))
        assert aside == round(0.2 * everyone)
    parts = np.concatenate([split.development.keys, split.holdout.keys])
    assert sorted(parts.tolist()) == data.keys.tolist()
    assert (np.diff(split.holdout.keys) > 0).all()


def test_who_is_set_aside_depends_on_key_and_seed_and_hardly_on_the_others(data):
    aside = set(split_holdout(data, 0.2, seed=1).holdout.keys.tolist())
    assert aside == set(split_holdout(data, 0.2, seed=1).holdout.keys.tolist())
    assert aside != set(split_holdout(data, 0.2, seed=2).holdout.keys.tolist())
    fewer = data.take(np.arange(500))
    before = aside & set(fewer.keys.tolist())
    assert len(before & set(split_holdout(fewer, 0.2, seed=1).holdout.keys.tolist())) > 0.85 * len(before)


def test_no_share_sets_nobody_aside_and_too_few_applicants_are_refused(data):
    assert split_holdout(data, 0, seed=1).holdout is None
    with pytest.raises(TrainingDataError, match="--holdout 0"):
        split_holdout(data.take(np.arange(20)), 0.1, seed=1)


def test_labels_and_features_of_the_holdout_change_nothing_but_its_report(data):
    split = split_holdout(data, 0.2, seed=1)
    altered = replace(split.holdout, target=1 - split.holdout.target, matrix=split.holdout.matrix[::-1])
    outcomes = []
    for holdout in (split.holdout, altered):
        developed = develop(split.development, CONFIG)
        scorer = fit_scorer(split.development, CONFIG, developed.assessment)
        outcomes.append((developed, scorer, judge_holdout(scorer, holdout, seed=1)))
    (first, scorer, report), (second, twin, other_report) = outcomes
    for one, other in zip(first.validations, second.validations, strict=True):
        assert np.array_equal(one.probability, other.probability)
    assert first.assessment.threshold == second.assessment.threshold
    assert first.assessment.calibration == second.assessment.calibration
    assert np.array_equal(scorer.probability(data.frame()), twin.probability(data.frame()))
    assert scorer.features == twin.features
    assert report.measures["auc"].estimate > 0.6 > other_report.measures["auc"].estimate


def test_what_is_developed_does_not_depend_on_rows_that_are_set_aside(data, tmp_path):
    """The same development rows out of two different training sets."""
    split = split_holdout(data, 0.2, seed=1)
    alone = develop(data.take(np.flatnonzero(np.isin(data.keys, split.development.keys))), CONFIG)
    assert np.array_equal(alone.assessment.probability, develop(split.development, CONFIG).assessment.probability)


def test_measures_are_those_of_the_plain_functions_and_lie_in_their_intervals(data):
    random = np.random.default_rng(2)
    probability = np.round(np.clip(0.15 + 0.3 * data.target + random.normal(0, 0.15, data.applicants), 0, 1), 2)
    refused = probability >= 0.3
    decided = Confusion.of(data.target, refused)
    intervals = Judged.by_threshold(data.target, probability, 0.3, read_amounts(data)).intervals(seed=1, resamples=200)
    expected = {
        "auc": auc(data.target, probability),
        "gini": 2 * auc(data.target, probability) - 1,
        "ks": kolmogorov_smirnov(data.target, probability),
        "brier_score": brier_score(data.target, probability),
        "cost_per_1000": decided.cost_per_1000,
        "normalised_score": decided.normalised_score,
        "amount_weighted_cost": amount_weighted_cost(data.target, refused, read_amounts(data)),
    }
    assert {name: interval.estimate for name, interval in intervals.items()} == pytest.approx(expected)
    assert all(interval.low < interval.estimate < interval.high for interval in intervals.values())


def test_applicants_without_an_amount_are_left_out_of_the_weighted_cost():
    amounts = Amounts(np.array([100.0, 300.0, 100.0]), np.array([5.0, np.nan, 5.0]))
    target, refused = np.array([1, 1, 0]), np.array([False, False, True])
    assert amount_weighted_cost(target, refused, amounts) == pytest.approx((100 + 5) / 200)
