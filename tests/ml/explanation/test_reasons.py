"""Reason codes: which, how many, in which words, and how stable."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ml.data.population import ALL, PopulationStats
from ml.data.training_set import TrainingData
from ml.explanation.client import reasons_for
from ml.explanation.contributions import Encoded, contributions
from ml.explanation.reasons import MIN_SHARE, MOST_REASONS, rank
from ml.served.scorer import REFUSE, CreditScorer
from ml.wording.sentences import sentence
from ml.wording.themes import themes_of
from ml.wording.values import value_words
from tests.support.catalog import all_features, catalogued, made_up
from tests.support.explain_fixtures import (
    FEATURES,
    applicants_frame,
    fitted_scorer,
    population,
    training_data,
    write_explained_warehouse,
)

PROTECTED = {"gender", "age", "family"}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> TrainingData:
    return training_data(write_explained_warehouse(tmp_path_factory.mktemp("reasons") / "w.duckdb"))


@pytest.fixture(scope="module")
def scorer(data) -> CreditScorer:
    return fitted_scorer(data)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return applicants_frame()


@pytest.fixture(scope="module")
def stats(scorer, frame) -> PopulationStats:
    return population(scorer, frame)


def ranked(scorer, frame, stats):
    refused = (scorer.decide(frame)["decision"] == REFUSE).to_numpy()
    parts = contributions(scorer, Encoded(frame))
    return parts, rank(parts, frame, refused, stats), refused


def kept(before, after) -> float:
    """Share of the reasons before that are still there, averaged over clients."""
    return float(np.mean([len({*a} & {*b}) / len(a) for a, b in zip(before, after, strict=True) if a]))


def test_reasons_are_at_most_four_different_themes_that_point_towards_the_decision(scorer, frame, stats):
    refused = (scorer.decide(frame)["decision"] == REFUSE).to_numpy()
    everyone = reasons_for(scorer, frame, stats)
    assert 0.1 < refused.mean() < 0.9
    for reasons, refusal in zip(everyone, refused, strict=True):
        codes = [reason.code for reason in reasons]
        assert 1 <= len(codes) <= MOST_REASONS
        assert len(set(codes)) == len(codes)
        assert len({reason.text for reason in reasons}) == len(reasons)
        assert all(reason.contribution > 0 if refusal else reason.contribution < 0 for reason in reasons)
        assert all(reason.share >= MIN_SHARE for reason in reasons)
        sizes = [abs(reason.contribution) for reason in reasons]
        assert sizes == sorted(sizes, reverse=True)


def test_contributions_of_themes_add_up_to_those_of_features(scorer, frame, stats):
    parts, ranking, _ = ranked(scorer, frame, stats)
    assert ranking.contribution.sum(axis=1) == pytest.approx(parts.values.sum(axis=1))


def test_protected_attributes_move_the_score_but_are_never_a_reason_nor_in_its_words(scorer, frame, stats):
    parts, ranking, _ = ranked(scorer, frame, stats)
    moved = {FEATURES[name].theme for at, name in enumerate(parts.features) if parts.values[:, at].any()}
    assert moved >= PROTECTED, "the model uses them, so that there is something to leave out"
    spoken = ("gender", "age", "family", "children", "married")
    for reasons, codes in zip(reasons_for(scorer, frame, stats), ranking.codes, strict=True):
        assert not PROTECTED & set(codes)
        for reason in reasons:
            assert not any(word in reason.text.lower().split() for word in spoken), reason.text


@pytest.mark.parametrize(
    ("feature", "theme", "may_be_reason"),
    [
        ("days_birth", "age", False),
        ("cnt_fam_members", "family", False),
        ("application_income_per_family_member", "affordability", False),
        ("cross_low_ext_source_index", "external_scores", True),
        ("cross_all_signs_index", "overall", False),
        ("application_annuity_to_income_ratio", "affordability", True),
        ("bureau_active_debt_to_credit_ratio_max", "debt", True),
        ("bureau_overdue_ever_max", "bureau_lateness", True),
        ("pos_days_past_due_tolerated_max_12m", "punctuality", True),
        ("card_late_share", "punctuality", True),
        ("card_balance_slope_12m", "cards", True),
        ("card_balance_std", "cards", False),
        ("previous_refused_share_last_3", "decisions", True),
        ("previous_refused_amt_credit_mean", "previous_terms", True),
    ],
)
def test_features_belong_to_the_theme_they_are_about(feature, theme, may_be_reason):
    assert catalogued(feature).theme == theme
    assert catalogued(feature).may_be_reason is may_be_reason


def test_themes_of_protected_features_alone_are_protected():
    themes = themes_of(list(all_features().values()))
    assert {theme.code for theme in themes.listed if theme.protected} == PROTECTED
    assert themes.membership.sum(axis=1).tolist() == [1] * len(all_features())


def test_the_widest_history_is_told_first():
    histories = themes_of(list(all_features().values())).histories
    assert set(list(histories)[:2]) == {"has_bureau_history", "has_previous_application"}
    assert len(histories) == 5


def test_a_client_whom_the_bureau_does_not_know_hears_so_once(scorer, frame, stats):
    unknown = frame[frame["has_bureau_history"] == 0]
    for reasons in reasons_for(scorer, unknown, stats):
        assert not {"debt", "bureau_lateness"} & {reason.code for reason in reasons}
    told = [reason.text for reasons in reasons_for(scorer, unknown, stats) for reason in reasons]
    assert "No loans elsewhere are on record" in told


def test_the_words_are_facts_of_the_row(stats):
    row = {
        "ext_source_2": 0.05,
        "installments_late_share_365d": 0.25,
        "installments_count_365d": 12.0,
        "days_employed": -400.0,
        "occupation_type": None,
        "card_utilisation_mean_12m": np.nan,
        "flag_own_car": 0.0,
        "amt_income_total": 123_456.0,
        "application_annuity_to_income_ratio": 0.25,
    }

    def words(name):
        return sentence(FEATURES[name], row, stats)

    place = stats.place(ALL, "ext_source_2", 0.05)
    above = f"{100 * place.above:.0f}" if place.above < 0.995 else "more than 99"
    assert words("ext_source_2") == f"External score 2: 0.05, lower than that of {above} % of applicants"
    assert words("installments_late_share_365d").startswith(
        "Share of instalments paid late, last 365 days: 25 % (3 of 12), higher than that of "
    )
    assert words("days_employed").startswith("Start of the present employment: 13 months before the application, ")
    assert words("occupation_type") == "No record of occupation"
    assert words("card_utilisation_mean_12m") == "No record of mean card balance over limit, last 12 months"
    assert words("flag_own_car").startswith("Owns no car, as for ")
    assert words("amt_income_total").startswith("Yearly income: 123,456, ")
    assert words("application_annuity_to_income_ratio").startswith("Monthly payment over yearly income: 25 %, higher ")


@pytest.mark.parametrize(
    ("unit", "value", "words"),
    [
        ("currency", 1_234_567.8, "1,234,568"),
        ("days", 12.0, "12 days"),
        ("days", 1.0, "1 day"),
        ("days", -200.0, "minus 7 months"),
        ("days from application", -200.0, "7 months before the application"),
        ("days from application", 900.0, "2.5 years after the application"),
        ("days from application", 0.0, "at the application"),
        ("months from application", -1.0, "1 month before the application"),
        ("share 0..1", 0.004, "0.4 %"),
        ("ratio", 0.853, "85 %"),
        ("ratio", 4.234, "4.23 times"),
        ("payments", 24.0, "24 payments"),
        ("standard deviations", -1.24, "-1.2 standard deviations"),
        ("score 0..1", 0.214, "0.21"),
        ("index 0..100", 83.4, "83 of 100"),
        ("currency per month", 1_500.0, "1,500 per month"),
        ("ratio per month", 0.05, "5 percentage points per month"),
        ("count", None, "no record"),
        ("count", np.nan, "no record"),
    ],
)
def test_values_carry_their_unit(unit, value, words):
    assert value_words(made_up("a", unit), value) == words


def test_no_case_to_measure_is_said_with_the_name_of_the_cases(stats):
    share = replace(FEATURES["installments_late_share_365d"])
    row = {share.name: None, "installments_count_365d": 0.0}
    assert sentence(share, row, stats) == "No instalments due, last 365 days"


def test_a_flag_says_what_it_means_either_way(stats):
    words = {value: sentence(FEATURES["flag_own_car"], {"flag_own_car": value}, stats) for value in (0.0, 1.0, None)}
    assert words[1.0].startswith("Owns a car, as for ") and words[0.0].startswith("Owns no car, as for ")
    assert words[None] == "Owns a car: no record"


def test_reasons_survive_a_thousandth_more_or_less_in_every_number(scorer, frame, stats):
    _, before, refused = ranked(scorer, frame, stats)
    numbers = frame.select_dtypes("number").columns
    signs = np.random.default_rng(0).choice([-1, 1], size=(len(frame), len(numbers)))
    nudged = frame.copy()
    nudged[numbers] = frame[numbers] * (1 + 0.001 * signs)
    after = rank(contributions(scorer, Encoded(nudged)), nudged, refused, stats)
    assert kept(before.codes, after.codes) >= 0.97


def test_most_reasons_survive_a_fit_on_a_bootstrap_with_another_seed(data, scorer, frame, stats):
    _, before, refused = ranked(scorer, frame, stats)
    rows = np.sort(np.random.default_rng(5).integers(0, data.applicants, data.applicants))
    again = replace(data, keys=data.keys[rows], target=data.target[rows], matrix=data.matrix[rows])
    other = fitted_scorer(again, seed=7)
    after = rank(contributions(other, Encoded(frame)), frame, refused, stats)
    assert kept(before.codes, after.codes) >= 0.8
