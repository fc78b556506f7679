"""What the catalogue says of every feature: unit, theme, label, meaning, what null means, and who may hear of it."""

import csv
import re
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from tests.support.building import DBT_PROJECT

LONGEST_LABEL = 60
RESIDUE = re.compile(r"\{|\}|\b24 \*|\bsk_dpd|_|= |\bNone\b|  |\.\.|;;|, ,|[Ll]argest largest")
PROTECTED_WORDS = frozenset(
    {"gender", "sex", "age", "aged", "birth", "family", "fam", "marital", "married", "children", "adult", "adults"}
)
OTHER_AGES = re.compile(r"\b(own car age|car age|age of (the|client s) car)\b")


@pytest.fixture(scope="module")
def catalog(built_warehouse: Path) -> pd.DataFrame:
    with duckdb.connect(str(built_warehouse), read_only=True) as con:
        return con.sql("select * from marts.feature_catalog").df().set_index("feature")


def listed(seed: str, column: str) -> set[str]:
    with (DBT_PROJECT / "seeds" / f"{seed}.csv").open(newline="") as file:
        return {row[column] for row in csv.DictReader(file)}


def faults(catalog: pd.DataFrame, wrong: pd.Series) -> dict[str, str]:
    return catalog.loc[wrong, "description"].to_dict()


def test_every_feature_has_a_unit_and_a_theme_of_the_seeds(catalog: pd.DataFrame):
    assert set(catalog["unit"]) <= listed("feature_units", "unit")
    assert set(catalog["theme"]) <= listed("feature_themes", "theme")
    assert set(catalog["theme_title"]) <= listed("feature_themes", "title")


def test_every_seeded_unit_and_theme_is_used(catalog: pd.DataFrame):
    assert listed("feature_units", "unit") == set(catalog["unit"])
    assert listed("feature_themes", "theme") == set(catalog["theme"])


def test_every_label_is_short_unique_and_plain(catalog: pd.DataFrame):
    labels = pd.concat([catalog["label"], catalog["label_if_no"].dropna()])
    assert labels.is_unique
    assert catalog["label"].str.len().between(3, LONGEST_LABEL).all()
    assert not labels[labels.str.contains(RESIDUE)].to_dict()
    assert not labels[
        labels.str.contains(r"[.;:]$|^[A-Z][a-z]* [a-z]") & ~labels.str.startswith("Home Credit")
    ].to_dict()


def test_every_description_is_one_sentence_without_residue_of_code(catalog: pd.DataFrame):
    text = catalog["description"]
    assert not faults(catalog, ~text.str.fullmatch(r"[A-Z][^.]*(\.\d[^.]*)*\."))
    assert not faults(catalog, text.str.contains(RESIDUE))


def test_every_feature_that_can_be_null_says_what_null_means(catalog: pd.DataFrame):
    silent = catalog["null_share"].gt(0) & ~catalog["description"].str.contains("; null (?:when|unless) ")
    assert not faults(catalog, silent)


def test_dates_say_that_before_the_application_is_negative(catalog: pd.DataFrame):
    dates = catalog["unit"].str.endswith("from application")
    assert (
        catalog.loc[dates, "description"].str.contains("from the application (negative before it)", regex=False).all()
    )
    signed = catalog["unit"].isin(["days", "months"]) & (catalog["minimum"] < 0)
    assert not faults(
        catalog, signed & ~catalog["description"].str.contains("negative|minus|difference|positive", case=False)
    )
    assert dates.sum() > 40


def test_flags_say_what_yes_and_no_mean_and_only_flags(catalog: pd.DataFrame):
    assert (catalog["label_if_no"].notna() == (catalog["kind"] == "flag")).all()
    assert ((catalog["kind"] == "flag") == (catalog["unit"] == "flag")).all()


def test_instalments_are_found_by_either_spelling(catalog: pd.DataFrame):
    text = catalog.reset_index()[["feature", "label", "description", "synonyms"]].fillna("").agg(" ".join, axis=1)
    one, other = (text.str.contains(word, case=False) for word in ("instalment", "installment"))
    assert (one == other).all() and one.sum() >= 50


def test_what_counts_the_cases_is_a_count(catalog: pd.DataFrame):
    counted_in = catalog["counted_in"].dropna()
    assert set(counted_in) <= set(catalog.index)
    assert set(catalog.loc[counted_in.unique(), "unit"]) == {"count"}
    assert (catalog.loc[counted_in, "mart"].to_numpy() == catalog.loc[counted_in.index, "mart"].to_numpy()).all()


def test_every_history_is_a_flag_that_says_so(catalog: pd.DataFrame):
    flags = {flag for history in catalog["history"].dropna() for flag in history.split()}
    assert flags == {name for name in catalog.index if name.startswith("has_")}


def test_protected_is_what_names_gender_age_or_family(catalog: pd.DataFrame):
    """By the words of name and description, apart from the marks in the SQL; companions to the branch are family."""
    text = (catalog.index.str.replace("_", " ") + " . " + catalog["description"].str.lower()).str.replace(
        r"[^a-z0-9]+", " ", regex=True
    )
    named = [not PROTECTED_WORDS.isdisjoint(OTHER_AGES.sub(" ", words).split()) for words in text]
    expected = set(catalog.index[named]) | {"name_type_suite"}
    assert set(catalog.index[catalog["is_protected"]]) == expected
    assert {"code_gender", "days_birth", "name_family_status", "cnt_children"} <= expected


def test_no_reason_is_protected_or_arithmetic(catalog: pd.DataFrame):
    assert not (catalog["is_protected"] & catalog["may_be_reason"]).any()
    arithmetic = catalog.index.str.contains(r"_(?:std|product|weighted_sum|standard_score)(?:_|$)|_times_|^sk_id")
    assert not catalog.loc[arithmetic & ~catalog.index.str.contains("product_combination"), "may_be_reason"].any()
    assert catalog["may_be_reason"].mean() > 0.7


def test_every_theme_but_the_protected_and_the_overall_one_has_something_to_say(catalog: pd.DataFrame):
    themes = set(catalog.loc[catalog["may_be_reason"], "theme"])
    assert listed("feature_themes", "theme") - themes == {"gender", "age", "family", "overall"}
