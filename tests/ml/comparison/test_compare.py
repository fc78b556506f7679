"""Families and treatments of the imbalance on the same folds."""

import re
from dataclasses import replace

import mlflow
import numpy as np
import pandas as pd
import pytest
from imblearn.base import BaseSampler

import ml.comparison.families
import ml.comparison.imbalance
from ml.compare import main
from ml.comparison import config
from ml.comparison.candidates import MEASURES, Candidate, against_best, best_of, candidates_of, judge_candidates
from ml.comparison.families import FAMILIES, NO_LOAN, PREPARATIONS, Columns, build_pipeline
from ml.comparison.imbalance import TREATMENTS, sampler
from ml.comparison.report import as_page, as_text, comparison_figure, results_table
from ml.comparison.workflow import sample_applicants
from ml.data.catalog import read_loan_amounts
from ml.data.training_set import read_training_data
from ml.modelling.folds import assign_folds
from ml.modelling.holdout import split_holdout
from ml.registry.registry import Registry
from tests.support.ml_fixtures import name_store, prepare_store, synthetic_applicants, write_warehouse
from warehouse.core.errors import TrainingDataError
from warehouse.snapshots.publication import publish

EVERYTHING = candidates_of(tuple(FAMILIES), TREATMENTS)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Applicants with a column that names the row, so that a test can see who was where."""
    applicants = synthetic_applicants(900)
    applicants["row_number"] = applicants.index.to_numpy(dtype="float64")
    path = tmp_path_factory.mktemp("data") / "w.duckdb"
    return read_training_data(write_warehouse(path, applicants))


@pytest.fixture(scope="module")
def folds(data):
    return assign_folds(data, 3, seed=1)


@pytest.fixture(scope="module")
def judged(data, folds):
    return judge_candidates(data, Columns.of(data), folds, EVERYTHING, seed=1, quick=True)


class Spy(BaseSampler):
    """Keeps the rows that a fold hands to its sampler, and changes nothing."""

    _sampling_type = "bypass"
    _parameter_constraints: dict = {}  # noqa: RUF012 - as imbalanced-learn declares it
    seen: list[np.ndarray] = []  # noqa: RUF012 - shared by the copies that a pipeline makes

    def fit_resample(self, X, y):
        return self._fit_resample(X, y)

    def _fit_resample(self, X, y):
        Spy.seen.append(np.asarray(X))
        return X, y


def test_the_command_line_knows_every_family_and_treatment():
    assert tuple(FAMILIES) == config.FAMILIES
    assert config.TREATMENTS == TREATMENTS


def test_resampling_sees_the_training_fold_and_nobody_else(data, folds, monkeypatch):
    Spy.seen = []
    monkeypatch.setattr(ml.comparison.families, "sampler", lambda treatment, seed: Spy())
    judge_candidates(data, Columns.of(data), folds, [Candidate("lightgbm", "over")], seed=1, quick=True)
    columns = Columns.of(data)
    position = sorted(columns.measures + columns.binary).index(data.numeric.index("row_number"))
    assert len(Spy.seen) == folds.count
    for fold, rows in enumerate(Spy.seen):
        assert rows[:, position].astype(int).tolist() == np.flatnonzero(folds.fold_of != fold).tolist()


@pytest.mark.parametrize("treatment", ["under", "over", "smote"])
def test_training_rows_are_balanced_and_rows_to_predict_are_left_alone(data, treatment):
    pipeline = build_pipeline("logistic", treatment, Columns.of(data), seed=1, quick=True)
    X, y = data.matrix, data.target.astype(int)
    prepared = pipeline[0].fit_transform(X, y)
    _, labels = sampler(treatment, 1).fit_resample(prepared, y)
    counts = np.bincount(labels)
    assert counts[0] == counts[1]
    assert counts[0] == (y.sum() if treatment == "under" else (y == 0).sum())
    assert len(pipeline.fit(X, y).predict_proba(X)) == len(X)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("candidate", EVERYTHING, ids=str)
def test_a_preparation_shared_within_a_fold_changes_no_prediction(data, folds, judged, candidate):
    train, held_out = folds.fold_of != 0, folds.fold_of == 0
    pipeline = build_pipeline(candidate.family, candidate.treatment, Columns.of(data), seed=1, quick=True)
    target = data.target[train].astype(int)
    weight = ml.comparison.imbalance.sample_weight(candidate.treatment, target)
    pipeline.fit(data.matrix[train], target, **({} if weight is None else {"classify__sample_weight": weight}))
    alone = pipeline.predict_proba(data.matrix[held_out])[:, 1]
    assert alone == pytest.approx(judged[EVERYTHING.index(candidate)].probability[held_out], abs=1e-12)


def test_the_same_seed_gives_identical_predictions(data, folds, judged):
    again = judge_candidates(data, Columns.of(data), folds, EVERYTHING, seed=1, quick=True)
    for first, second in zip(judged, again, strict=True):
        assert np.array_equal(first.probability, second.probability), str(first.candidate)


def test_predictions_of_a_fold_do_not_depend_on_its_labels(data, folds):
    candidates = [Candidate("logistic", "smote"), Candidate("xgboost", "under")]
    held_out = folds.fold_of == 1
    flipped = replace(data, target=np.where(held_out, 1 - data.target, data.target).astype(np.int8))
    before, after = (
        judge_candidates(one, Columns.of(one), folds, candidates, seed=1, quick=True) for one in (data, flipped)
    )
    for first, second in zip(before, after, strict=True):
        assert np.array_equal(first.probability[held_out], second.probability[held_out])
        assert not np.array_equal(first.probability, second.probability)


def test_every_measure_is_there_and_knowledge_beats_the_dummy(judged):
    means = {str(one.candidate): one.by_fold.mean() for one in judged}
    assert all(tuple(one.by_fold.columns) == MEASURES for one in judged)
    assert means["dummy / none"].auc == 0.5
    for name, mean in means.items():
        if name != "dummy / none":
            assert mean.auc > 0.65, name
            assert mean.cost_per_1000 < means["dummy / none"].cost_per_1000, name
            assert mean.gini == pytest.approx(2 * mean.auc - 1)
    assert means["logistic / weights"].brier_score > means["logistic / none"].brier_score


def test_the_best_differs_from_itself_by_nothing_and_the_table_opens_with_it(data, judged):
    best = best_of(judged)
    differences = against_best(data, judged, best, seed=1)
    assert differences[best].cost_per_1000.estimate == differences[best].auc.high == 0
    table = results_table(judged, differences)
    assert table.iloc[0]["family"] == judged[best].candidate.family
    assert table["cost_per_1000_mean"].is_monotonic_increasing
    dummy = table.set_index("family").loc["dummy"]
    assert dummy["cost_difference_low"] > 0
    text, page = as_text(table), as_page(table, "a & b", "run 1")
    assert "the best" in text and " significant" in text
    assert "a &amp; b; run 1" in page and page.count("<tr") == 2 * (len(table) + 1)
    assert len(comparison_figure(table, "x").axes) == 2


def test_the_page_needs_no_other_file_and_begins_with_what_decides(data, judged):
    table = results_table(judged, against_best(data, judged, best_of(judged), seed=1))
    page = as_page(table, "applicants", "run 1")
    assert re.findall(r'src="([^"]{22})', page) == ["data:image/png;base64,"]
    headings = re.findall(r'<th scope="col"[^>]*>([^<]*)</th>', page)
    assert headings[:4] == ["Model", "Cost per 1,000", "Difference to the best (95 % interval)", "Verdict"]


def test_gaps_are_filled_by_kind_and_reported(tmp_path):
    applicants = pd.DataFrame(
        {
            "sk_id_curr": range(8),
            "target": [0, 1] * 4,
            "age": [1.0, 2.0, 3.0, np.nan, 2.0, 1.0, 3.0, 2.0],
            "loan": [np.nan, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0],
            "owns_car": [True, False] * 4,
            "region": ["a", "b", "c", "a", None, "b", "c", "a"],
            "sex": ["f", "m"] * 4,
        }
    )
    data = read_training_data(write_warehouse(tmp_path / "w.duckdb", applicants))
    columns = Columns.of(data, frozenset({"loan"}))
    names = data.features
    assert [names[position] for position in columns.loan_amounts] == ["loan"]
    assert [names[position] for position in columns.binary] == ["owns_car", "sex"]
    assert [names[position] for position in columns.nominal] == ["region"]
    assert [names[position] for position in columns.indicated] == ["age", "loan"]
    filled = PREPARATIONS["filled"](columns)
    values = filled.fit_transform(data.matrix)
    assert np.isfinite(values).all()
    loans = filled.named_transformers_["loan_amounts"][0]
    assert loans.transform(data.matrix[:1, columns.loan_amounts])[0, 0] == NO_LOAN
    ages = filled.named_transformers_["measures"][0]
    assert ages.statistics_.tolist() == [2.0]
    assert values[:, -2:].sum(axis=0).tolist() == [1, 1]
    assert np.isnan(PREPARATIONS["gaps"](columns).fit_transform(data.matrix)).sum() == 2


def test_loan_amounts_come_from_the_catalogue_of_features(tmp_path, built_warehouse):
    assert read_loan_amounts(write_warehouse(tmp_path / "w.duckdb", synthetic_applicants(20))) == frozenset()
    amounts = read_loan_amounts(built_warehouse)
    assert "bureau_debt_sum" in amounts
    assert not any(name.startswith("application_") for name in amounts)


def test_a_sample_is_smaller_and_keeps_the_share_of_defaulters(data):
    sample = sample_applicants(data, 300, seed=1)
    assert sample.applicants == 300
    assert np.all(np.diff(sample.keys) > 0)
    assert sample.target.mean() == pytest.approx(data.target.mean(), abs=0.005)
    assert sample_applicants(data, 5_000, seed=1) is data


def test_too_few_defaulters_for_smote_are_refused(data, folds):
    few = replace(data, target=(np.arange(data.applicants) < 6).astype(np.int8))
    with pytest.raises(TrainingDataError, match="leave smote out"):
        judge_candidates(few, Columns.of(few), folds, [Candidate("logistic", "smote")], seed=1)


@pytest.fixture
def place(tmp_path, tmp_path_factory, monkeypatch):
    settings = prepare_store(tmp_path_factory, tmp_path)
    write_warehouse(settings.duckdb_path, synthetic_applicants(500))
    name_store(monkeypatch, settings)
    return settings


def test_a_comparison_is_printed_and_logged_as_one_run_with_one_run_per_model(place, capsys):
    snapshot, _ = publish(place.duckdb_path, place.published_dir)
    arguments = ["--quick", "--families", "dummy,logistic", "--imbalance", "none,smote"]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert f"data: snapshot {snapshot.snapshot_id}, quality gate passed" in out
    assert "3 models on 400 of 500 labelled applicants" in out
    assert "cost against the best" in out
    Registry(place)
    runs = mlflow.search_runs(experiment_names=["credit_scoring"], output_format="list")
    parent = next(run for run in runs if run.info.run_name == "comparison of models")
    children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert {run.info.run_name for run in children} == {"dummy / none", "logistic / none", "logistic / smote"}
    assert all({"auc", "auc_std", "cost_per_1000"} <= set(run.data.metrics) for run in children)
    assert parent.data.tags["snapshot"] == snapshot.snapshot_id
    assert parent.data.tags["quality_gate"].startswith("passed 20")
    files = {item.path for item in mlflow.MlflowClient().list_artifacts(parent.info.run_id)}
    assert files == {"comparison.csv", "comparison.html", "comparison.png"}

    development = split_holdout(read_training_data(place.duckdb_path), 0.2, 42).development
    assert parent.data.params["data_fingerprint"] == development.fingerprint, "the hold-out was looked at"


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--families", "lightgbm,catboost"], "found catboost"),
        (["--imbalance", "adasyn"], "found adasyn"),
        (["--families", ","], "found nothing"),
        (["--folds", "1"], "found 1"),
        (["--rows", "3"], "found 3"),
        (["--database", "none.duckdb"], "no such file"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line_and_exit_code_one(place, capsys, arguments, found):
    assert main(["--database", str(place.duckdb_path), *arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: expected ")
    assert len(error.splitlines()) == 1
    assert found in error
