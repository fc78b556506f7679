"""Measures by group, what is protected, and the price of leaving it out."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import mlflow
import numpy as np
import pandas as pd
import pytest

from ml.data.protected import is_protected, protected_features
from ml.data.training_set import read_training_data
from ml.evaluation.bootstrap import PairedBootstrap
from ml.evaluation.metrics import Confusion, auc
from ml.fair_lending.groups import NOT_KNOWN, attributes, groups_frame, lowest_impact, measure_groups
from ml.fair_lending.price import price_without_protected
from ml.fair_lending.report import GROUPS_FILE, PRICE_FILE
from ml.fairness import main
from ml.modelling.recipe import TrainingConfig
from ml.registry.registry import Registry
from ml.training.workflow import train
from tests.support.ml_fixtures import name_store, prepare_store, synthetic_applicants, write_warehouse
from warehouse.core.settings import PROJECT_ROOT, Settings
from warehouse.documentation.features import descriptions

CATALOGUE = {
    "code_gender": "Gender of the client.",
    "days_birth": "Client's age in days at the time of application.",
    "name_family_status": "Family status of the client.",
    "income_per_head": "Yearly income per family member.",
    "external_score": "Normalised score of another source.",
    "education": "Highest education.",
}


def people(applicants: int = 900) -> pd.DataFrame:
    """Applicants with gender, age and family status; women default less, for reasons that another feature knows too."""
    frame = synthetic_applicants(applicants, seed=3)
    random = np.random.default_rng(8)
    logit = frame["target"] * 0.8 + random.normal(size=applicants)
    frame["code_gender"] = np.where(random.random(applicants) < 0.01, None, np.where(logit > 0.4, "M", "F"))
    frame["days_birth"] = -random.integers(7_700, 25_000, applicants)
    frame["name_family_status"] = random.choice(
        ["Married", "Single / not married", "Widow"], applicants, p=[0.6, 0.38, 0.02]
    )
    frame["income_per_head"] = frame["amt_income"] / random.integers(1, 5, applicants)
    return frame


def write_people(path: Path, frame: pd.DataFrame, select: str = "*") -> Path:
    write_warehouse(path, frame, select)
    with duckdb.connect(str(path)) as con:
        con.register("catalogue", pd.DataFrame(CATALOGUE.items(), columns=["feature", "description"]))
        con.execute("create table marts.feature_catalog as select * from catalogue")
    return path


@dataclass
class Place:
    settings: Settings
    registry: Registry
    run: Callable[..., int]


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Settings:
    folder = tmp_path_factory.mktemp("fairness")
    settings = prepare_store(tmp_path_factory, folder)
    write_people(settings.duckdb_path, people())
    config = TrainingConfig(rounds=20, folds=3)
    train(read_training_data(settings.duckdb_path), config, Registry(settings), folder / "model", override_guard=True)
    return settings


@pytest.fixture
def place(store, monkeypatch) -> Place:
    name_store(monkeypatch, store)
    return Place(store, Registry(store), lambda *arguments: main([*arguments]))


def decisions(applicants: int = 4000) -> tuple[np.ndarray, np.ndarray, np.ndarray, pd.Series]:
    random = np.random.default_rng(2)
    target = (random.random(applicants) < 0.1).astype(np.int8)
    probability = np.clip(0.1 * target + random.random(applicants) / 3, 0, 1)
    group = pd.Series(random.choice(["east", "west", NOT_KNOWN], applicants, p=[0.5, 0.45, 0.05]))
    return target, probability, probability > 0.25, group


def test_every_measure_is_that_of_the_group_alone():
    target, probability, refused, group = decisions()
    for measured in measure_groups(target, probability, refused, {"region": group}, seed=1):
        inside = (group == measured.group).to_numpy()
        alone = Confusion.of(target[inside], refused[inside])
        assert measured.applicants == inside.sum()
        assert measured.defaulters == target[inside].sum()
        assert measured.approval_rate.estimate == pytest.approx((~refused[inside]).mean())
        assert measured.true_positive_rate.estimate == pytest.approx(alone.recall)
        assert measured.false_positive_rate.estimate == pytest.approx(refused[inside & (target == 0)].mean())
        assert measured.cost_per_1000.estimate == pytest.approx(alone.cost_per_1000)
        assert measured.mean_probability == pytest.approx(probability[inside].mean())
        assert measured.brier_score == pytest.approx(((probability - target)[inside] ** 2).mean())


def test_intervals_hold_the_estimate_and_narrow_with_the_number_of_applicants():
    target, probability, refused, group = decisions()
    few = slice(0, 400)
    many = measure_groups(target, probability, refused, {"region": group}, 1)[0]
    fewer = measure_groups(target[few], probability[few], refused[few], {"region": group[few]}, 1)[0]
    for name in ("approval_rate", "true_positive_rate", "false_positive_rate", "cost_per_1000"):
        wide, narrow = getattr(fewer, name), getattr(many, name)
        assert narrow.low < narrow.estimate < narrow.high
        assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_the_interval_of_an_approval_rate_is_that_of_a_binomial_share():
    target, probability, refused, _ = decisions()
    everyone = pd.Series(["all"] * len(target))
    rate = measure_groups(target, probability, refused, {"none": everyone}, 1)[0].approval_rate
    error = 1.96 * np.sqrt(rate.estimate * (1 - rate.estimate) / len(target))
    assert (rate.low, rate.high) == pytest.approx((rate.estimate - error, rate.estimate + error), abs=0.15 * error)


def test_a_rule_that_is_blind_to_the_group_passes_the_four_fifths_and_one_that_refuses_a_group_fails():
    target, probability, refused, group = decisions()
    blind = measure_groups(target, probability, refused, {"region": group}, 1)
    assert not any(measured.fails_four_fifths for measured in blind)
    harsh = refused | ((group == "east").to_numpy() & (np.arange(len(target)) % 2 == 0))
    measured = measure_groups(target, probability, harsh, {"region": group}, 1)
    assert [one.group for one in measured if one.fails_four_fifths] == ["east"]
    lowest = lowest_impact(measured)["region"]
    assert lowest.impact_ratio.estimate == pytest.approx(
        lowest.approval_rate.estimate / max(one.approval_rate.estimate for one in measured[:2])
    )
    assert np.isnan(measured[-1].impact_ratio.estimate), "who is not known to belong anywhere is not compared"


def test_groups_without_defaulters_without_payers_or_of_one_applicant_are_measured_without_a_warning():
    target = np.array([0, 0, 1, 1, 0, 0], dtype=np.int8)
    refused = np.array([True, False, True, False, False, True])
    group = pd.Series(["payers", "payers", "defaulters", "defaulters", "one", NOT_KNOWN])
    measured = {one.group: one for one in measure_groups(target, np.full(6, 0.2), refused, {"kind": group}, 1)}
    assert np.isnan(measured["payers"].true_positive_rate.estimate)
    assert np.isnan(measured["defaulters"].false_positive_rate.estimate)
    assert measured["one"].approval_rate.estimate == 1
    assert all(one.is_small for one in measured.values())
    frame = groups_frame(list(measured.values()))
    assert {"impact_ratio", "impact_ratio_low", "impact_ratio_high", "is_small"} <= set(frame.columns)


def test_nobody_granted_credit_gives_no_ratio():
    target, probability, _, group = decisions(200)
    measured = measure_groups(target, probability, np.ones(200, dtype=bool), {"region": group}, 1)
    assert all(np.isnan(one.impact_ratio.estimate) for one in measured)


def test_attributes_are_read_from_the_columns_of_the_marts():
    read = attributes(
        pd.Series(["F", "M", None]), pd.Series([-8000, -14000, np.nan]), pd.Series(["Married", None, "Widow"])
    )
    assert read["gender"].tolist() == ["women", "men", NOT_KNOWN]
    assert read["age"].tolist() == ["under 30", "30 to 39", NOT_KNOWN]
    assert read["family status"].tolist() == ["Married", NOT_KNOWN, "Widow"]


@pytest.mark.parametrize(
    ("feature", "description", "protected"),
    [
        ("code_gender", "", True),
        (
            "application_demography_amt_credit_standard_score",
            "Among clients of the same education and decade of age.",
            True,
        ),
        ("days_birth", "Days.", True),
        ("application_income_per_adult", "Yearly income per adult of the family.", True),
        ("own_car_age", "Age of client's car.", False),
        ("application_car_age_to_employed_ratio", "Age of the car over years in the present employment.", False),
        ("application_car_age_to_age_ratio", "Age of the car over age of the client.", True),
        ("apartments_avg", "Size of the apartments, average.", False),
        ("bureau_mortgage_loan_count", "Number of mortgages.", False),
    ],
)
def test_what_is_protected_is_told_by_whole_words(feature, description, protected):
    assert is_protected(feature, description) is protected


def test_the_catalogue_tells_where_a_name_does_not(tmp_path):
    path = write_people(tmp_path / "w.duckdb", people(50))
    with duckdb.connect(str(path), read_only=True) as con:
        found = protected_features(con, ["income_per_head", "education", "application_employed_to_age_ratio"])
    assert found == ("income_per_head", "application_employed_to_age_ratio")


def test_features_that_the_sql_makes_of_protected_columns_are_found():
    sql = (PROJECT_ROOT / "dbt_project/models/marts/feat_application.sql").read_text(encoding="utf-8")
    made = r"^(?!\s*--).*\b(?:days_birth|code_gender|name_family_status|cnt_children|cnt_fam_members)\b.* as (\w+),?$"
    names = re.findall(made, sql, flags=re.MULTILINE)
    described = descriptions(sql)
    assert len(names) >= 8
    assert [name for name in names if not is_protected(name, described[name][1])] == []


def test_the_command_prints_writes_and_logs_measures_by_group(place, tmp_path, capsys):
    assert place.run("--out", str(tmp_path / "out")) == 0
    out = capsys.readouterr().out
    for words in ("women", "under 30", "Single / not married", "approved", "logged to run"):
        assert words in out
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"groups.json", "groups.csv", "groups.png"}
    champion = place.registry.champion()
    logged = {item.path for item in mlflow.MlflowClient().list_artifacts(champion.run_id, "fairness")}
    assert {"fairness/groups.json", "fairness/groups.png"} <= logged
    document = json.loads((tmp_path / "out" / GROUPS_FILE).read_text())
    predictions = place.registry.out_of_fold(champion)
    by_attribute = pd.DataFrame(document["groups"]).groupby("attribute")["applicants"].sum()
    assert set(by_attribute) == {len(predictions)}
    women = next(group for group in document["groups"] if group["group"] == "women")
    assert champion.metrics["fairness_impact_ratio_gender"] == pytest.approx(
        min(group["impact_ratio"]["estimate"] for group in document["groups"] if group["group"] in {"women", "men"})
    )
    assert women["approval_rate"]["low"] <= women["approval_rate"]["estimate"] <= women["approval_rate"]["high"]


def test_the_price_is_measured_on_the_same_folds_against_the_logged_decisions(place, tmp_path, capsys):
    assert place.run("--without-protected", "--out", str(tmp_path / "out")) == 0
    out = capsys.readouterr().out
    assert "without 5 of 10 features" in out
    assert "cross-validating with all" not in out, "the run's own predictions are there"
    price = json.loads((tmp_path / "out" / PRICE_FILE).read_text())
    assert set(price["dropped"]) == {
        "code_gender",
        "days_birth",
        "name_family_status",
        "income_per_head",
        "cnt_children",
    }
    champion = place.registry.champion()
    predictions = place.registry.out_of_fold(champion)
    assert price["auc_with"] == pytest.approx(auc(predictions["target"], predictions["default_probability"]))
    assert price["cost_with"] == pytest.approx(champion.metrics["cost_per_1000"])
    for name in ("auc", "cost"):
        difference = price[f"{name}_difference"]
        assert difference["estimate"] == pytest.approx(price[f"{name}_without"] - price[f"{name}_with"])
        assert difference["low"] <= difference["estimate"] <= difference["high"]
    assert champion.metrics["fairness_price_auc"] == pytest.approx(price["auc_difference"]["estimate"])
    assert price["auc_without"] < price["auc_with"], "gender tells of default here"


def test_on_other_data_both_recipes_are_cross_validated(place, tmp_path, capsys):
    more = write_people(tmp_path / "more.duckdb", people(1000))
    champion = place.registry.champion()
    price = price_without_protected(place.registry, champion, read_training_data(more), more, print)
    assert "cross-validating with all 10 features" in capsys.readouterr().out
    assert price.applicants == 800


@pytest.mark.parametrize(
    ("select", "found"),
    [("* exclude (code_gender)", "no code_gender"), ("* replace (sk_id_curr + 7 as sk_id_curr)", "of them missing")],
)
def test_a_training_set_that_does_not_fit_is_one_line(place, tmp_path, capsys, select, found):
    other = write_people(tmp_path / "other.duckdb", people(), select)
    assert place.run("--database", str(other)) == 1
    error = capsys.readouterr().err
    assert found in error
    assert len(error.splitlines()) == 1


def test_a_price_without_protected_features_is_refused_in_one_line(place, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("ml.fair_lending.price.protected_features", lambda con, features: ())
    assert place.run("--without-protected") == 1
    assert "found 0 of 10" in capsys.readouterr().err


def test_no_champion_and_no_such_version_are_one_line(place, tmp_path_factory, tmp_path, monkeypatch, capsys):
    assert place.run("--version", "9") == 1
    settings = replace(prepare_store(tmp_path_factory, tmp_path), duckdb_path=place.settings.duckdb_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", settings.tracking_uri)
    assert place.run() == 1
    assert "no such version" in (error := capsys.readouterr().err)
    assert len(error.splitlines()) == 2


def test_measures_by_group_do_not_depend_on_the_order_of_applicants():
    target, probability, refused, group = decisions()
    turned = measure_groups(target[::-1], probability[::-1], refused[::-1], {"region": group[::-1]}, 1)
    pd.testing.assert_frame_equal(
        groups_frame(turned), groups_frame(measure_groups(target, probability, refused, {"region": group}, 1))
    )


def test_the_paired_bootstrap_of_auc_is_that_of_scikit_learn():
    target, probability, *_ = decisions(500)
    assert PairedBootstrap(target, resamples=1).auc(probability)[0] == pytest.approx(auc(target, probability))
