"""Reason codes: which, how many, in which words, and how stable."""

import doctest
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml

from ml.data.catalog import Feature
from ml.data.population import ALL, PopulationStats
from ml.data.training_set import TrainingData
from ml.explanation.client import reasons_for
from ml.explanation.contributions import Encoded, contributions
from ml.explanation.reasons import MIN_SHARE, MOST_REASONS, rank
from ml.served.scorer import REFUSE, CreditScorer
from ml.wording import sentences as explain_words
from ml.wording import themes as explain_themes
from ml.wording import values as explain_values
from ml.wording.labels import CASES, COUNTED, FLAGS, LABELS
from ml.wording.sentences import label, sentence
from ml.wording.themes import BY_CODE, THEMES, may_speak, theme_of
from ml.wording.values import value_words
from tests.support.explain_fixtures import (
    FEATURES,
    applicants_frame,
    fitted_scorer,
    population,
    training_data,
    write_explained_warehouse,
)
from warehouse.core.settings import PROJECT_ROOT

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


@pytest.fixture(scope="module")
def columns() -> set[str]:
    """Features of the mart, by its contract."""
    text = (PROJECT_ROOT / "dbt_project/models/marts/_feature_marts__models.yml").read_text(encoding="utf-8")
    models = {model["name"]: model for model in yaml.safe_load(text)["models"]}
    return {column["name"] for column in models["client_features"]["columns"]}


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
    moved = {theme_of(name).code for at, name in enumerate(parts.features) if parts.values[:, at].any()}
    assert moved >= PROTECTED, "the model uses them, so that there is something to leave out"
    spoken = ("gender", "age", "family", "children", "married")
    for reasons, codes in zip(reasons_for(scorer, frame, stats), ranking.codes, strict=True):
        assert not PROTECTED & set(codes)
        for reason in reasons:
            assert not any(word in reason.text.lower().split() for word in spoken), reason.text


@pytest.mark.parametrize(
    ("feature", "theme", "speaks"),
    [
        ("days_birth", "age", False),
        ("application_age_at_payoff_years", "age", False),
        ("cnt_fam_members", "family", False),
        ("application_income_per_family_member", "affordability", False),
        ("cross_low_ext_source_index", "external_scores", True),
        ("application_product_term_ext_source_2_difference", "external_scores", True),
        ("bureau_active_debt_to_credit_ratio_max", "debt", True),
        ("bureau_overdue_ever_max", "bureau_lateness", True),
        ("pos_days_past_due_tolerated_max_12m", "punctuality", True),
        ("card_late_share", "punctuality", True),
        ("card_balance_slope_12m", "cards", True),
        ("previous_refused_share_last_3", "decisions", True),
        ("previous_refused_amt_credit_mean", "previous_terms", True),
        ("cross_product_term_refused_share", "loan", True),
        ("a_column_of_tomorrow", "other", True),
    ],
)
def test_features_belong_to_the_theme_they_are_about(feature, theme, speaks, columns):
    assert feature in columns or theme == "other"
    assert theme_of(feature).code == theme
    assert may_speak(feature) is speaks


def test_labels_and_flags_are_of_features_that_the_mart_has(columns):
    assert not {*LABELS, *FLAGS} - columns


@pytest.mark.parametrize(("pattern", "counted_in"), [rule[:2] for rule in (*CASES, *COUNTED)])
def test_what_is_told_as_a_count_has_its_number_of_cases_in_the_mart(pattern, counted_in, columns):
    matches = list(filter(None, (re.fullmatch(pattern, name) for name in columns)))
    assert matches
    assert not {counted_in.format(match.group(1) or "") for match in matches} - columns


@pytest.mark.parametrize("module", [explain_themes, explain_values, explain_words])
def test_examples_in_the_docstrings_hold(module):
    assert doctest.testmod(module).failed == 0


def test_every_theme_has_its_own_code_and_the_protected_ones_are_marked():
    assert len(BY_CODE) == len(THEMES)
    assert {theme.code for theme in THEMES if theme.protected} == PROTECTED


def test_a_client_whom_the_bureau_does_not_know_hears_so_once(scorer, frame, stats):
    unknown = frame[frame["has_bureau_history"] == 0]
    for reasons in reasons_for(scorer, unknown, stats):
        assert not {"debt", "bureau_lateness"} & {reason.code for reason in reasons}
    told = [reason.text for reasons in reasons_for(scorer, unknown, stats) for reason in reasons]
    assert "No record of loans of other lenders" in told


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
    assert words("ext_source_2") == f"The external score 2 (0.05) is lower than that of {above} % of applicants"
    assert words("installments_late_share_365d").startswith(
        "3 of the 12 instalments of the last 365 days were paid late, a higher share than for "
    )
    assert words("days_employed").startswith("Start of the present employment: 13 months before the application, ")
    assert words("occupation_type") == "No record of occupation"
    assert words("card_utilisation_mean_12m").startswith("No record of mean balance over limit, over monthly records")
    assert words("flag_own_car").startswith("Owns no car, as for ")
    assert words("amt_income_total").startswith("Yearly income: 123,456, ")
    assert words("application_annuity_to_income_ratio").startswith("Monthly annuity over yearly income: 25 %, higher ")


@pytest.mark.parametrize(
    ("name", "unit", "description", "value", "words"),
    [
        ("a", "currency", "", 1_234_567.8, "1,234,568"),
        ("a", "days", "", 12.0, "12 days"),
        ("a", "days", "", 1.0, "1 day"),
        ("a", "days", "", -200.0, "minus 7 months"),
        ("a", "days", "Day of it, relative to the application.", -200.0, "7 months before the application"),
        ("a", "days", "Day of it, relative to the application.", 900.0, "2.5 years after the application"),
        ("days_birth", "days", "", -14_610.0, "40.0 years"),
        ("a", "months", "Month, relative to the application.", -1.0, "1 month before the application"),
        ("a", "share 0..1", "", 0.004, "0.4 %"),
        ("a", "ratio", "", 0.853, "85 %"),
        ("a", "ratio", "", 4.234, "4.23 times"),
        ("a", "payments", "", 24.0, "24 payments"),
        ("a", "standard deviations", "", -1.24, "-1.2 standard deviations"),
        ("a", "score 0..1", "", 0.214, "0.21"),
        ("a", "per month", "", 0.5, "0.5 per month"),
        ("a_ratio_mean", "as the measure", "", 0.5, "50 %"),
        ("a", "count", "", None, "no record"),
        ("a", "count", "", np.nan, "no record"),
    ],
)
def test_values_carry_their_unit(name, unit, description, value, words):
    assert value_words(Feature(name, "number", unit, description), value) == words


def test_labels_say_what_the_catalogue_says_without_its_remarks():
    words = "Largest yearly interest by the approximation 24 * i / (c * (t + 1)), over approved previous applications."
    assert (
        label(Feature("x", "number", "ratio", words)) == "largest yearly interest, over approved previous applications"
    )
    words = "Smallest day on which it was applied for, relative to the application, over bureau loans."
    assert label(Feature("x", "number", "days", words)) == "earliest date of application, over bureau loans"
    assert label(Feature("days_employed", "number", "days", "x")) == "start of the present employment"


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
