"""Tuning: resumable, blind to the hold-out, and no worse than the default."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import mlflow
import numpy as np
import optuna
import pytest

import ml.tuning.objective
import ml.tuning.workflow
from ml.data.training_set import read_training_data
from ml.evaluation.bootstrap import Difference
from ml.modelling.cross_validation import cross_validate
from ml.modelling.folds import assign_folds
from ml.modelling.holdout import split_holdout
from ml.modelling.recipe import MemberSpec, TrainingConfig
from ml.registry.recipes import StoredRecipe, read_recipe, recipe_path, write_recipe
from ml.registry.registry import Registry
from ml.tune import main
from ml.tuning.confirmation import Confirmation, confirm
from ml.tuning.objective import Objective
from ml.tuning.space import lightgbm_parameters, starting_point, suggest, with_values
from ml.tuning.study import finished
from tests.support.ml_fixtures import name_store, prepare_store, synthetic_applicants, write_warehouse
from warehouse.core.settings import PROJECT_ROOT

BASE = TrainingConfig(rounds=30, members=(MemberSpec(), MemberSpec("logistic", 2.0)))
BETTER = Confirmation(1.0, 2.0, Difference(-1.0, -2.0, -0.5, 0.0), 0.0)
WORSE = Confirmation(2.0, 1.0, Difference(1.0, -0.5, 2.0, 0.9), 0.9)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "w.duckdb"
    return read_training_data(write_warehouse(path, synthetic_applicants(500)))


@pytest.fixture
def place(tmp_path, tmp_path_factory, monkeypatch):
    """A store and a small warehouse, named in the environment, and a default recipe of few trees."""
    settings = prepare_store(tmp_path_factory, tmp_path)
    write_warehouse(settings.duckdb_path, synthetic_applicants(500))
    name_store(monkeypatch, settings)
    monkeypatch.setattr(ml.tuning.workflow, "default_recipe", lambda applicants: TrainingConfig(rounds=20))
    return settings


def study_of(settings, name="s"):
    return optuna.load_study(study_name=name, storage=f"sqlite:///{settings.duckdb_path.parent / 'optuna.db'}")


def run(*arguments: str) -> int:
    return main(["--folds", "2", "--study", "s", "--database", os.environ["CREDIT_DUCKDB"], *arguments])


def test_a_study_that_was_killed_goes_on_where_it_was(place, capsys):
    command = [sys.executable, "-m", "ml.tune", "--folds", "2", "--study", "s", "--trials", "10000"]
    command += ["--database", str(place.duckdb_path)]
    with subprocess.Popen(
        command, cwd=PROJECT_ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, text=True
    ) as tuning:
        for line in tuning.stdout:
            if "  trial 1:" in line:
                break
        tuning.send_signal(signal.SIGKILL)
    assert tuning.returncode == -signal.SIGKILL
    before = finished(study_of(place))
    assert before >= 2

    assert run("--trials", "2") == 0
    assert f"study s: {before} finished trials, up to 2 more" in capsys.readouterr().out
    study = study_of(place)
    assert finished(study) == before + 2
    values = [tuple(sorted(trial.params.items())) for trial in study.trials if trial.state.is_finished()]
    assert len(set(values)) == len(values), "a continued study drew the same values again"


def test_every_trial_is_a_run_inside_the_run_of_the_study(place, capsys):
    assert run("--trials", "5", "--objective", "auc") == 0
    Registry(place)
    runs = mlflow.search_runs(experiment_names=["credit_scoring"], output_format="list")
    parent = next(one for one in runs if one.info.run_name == "tuning s")
    trials = [one for one in runs if one.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert {one.info.run_name for one in trials} == {f"trial {number}" for number in range(5)}
    assert all(one.data.tags["state"] in {"complete", "pruned"} for one in trials)
    assert "learning_rate" in trials[0].data.params
    files = {item.path for item in mlflow.MlflowClient().list_artifacts(parent.info.run_id)}
    assert "history.png" in files
    assert "confirmed_tuned" in parent.data.metrics
    assert not capsys.readouterr().err
    first = study_of(place).trials[0]
    assert first.params["n_estimators"] == 20, "the default recipe is not the first trial"


def test_the_holdout_changes_nothing(place, monkeypatch):
    seen = []
    measure = ml.tuning.workflow.Objective

    def spy(data, *others):
        seen.append(data)
        return measure(data, *others)

    monkeypatch.setattr(ml.tuning.workflow, "Objective", spy)
    assert run("--trials", "1") == 0
    data = read_training_data(place.duckdb_path)
    split = split_holdout(data, TrainingConfig.holdout, TrainingConfig.seed)
    assert seen[0].keys.tolist() == split.development.keys.tolist()
    assert not set(seen[0].keys) & set(split.holdout.keys)


@pytest.mark.parametrize(("confirmation", "saved"), [(BETTER, True), (WORSE, False)])
def test_a_recipe_is_saved_only_when_it_holds_on_other_folds(place, monkeypatch, capsys, confirmation, saved):
    monkeypatch.setattr(ml.tuning.workflow, "confirm", lambda *arguments: confirmation)
    assert run("--trials", "2") == 0
    out = capsys.readouterr().out
    stored = read_recipe(place)
    assert (stored is not None) == saved
    if saved:
        assert f"saved to {recipe_path(place)}" in out
        assert stored.study == "s"
        assert stored.data_fingerprint == read_training_data(place.duckdb_path).fingerprint
        best = study_of(place).best_params
        assert stored.config.lightgbm_parameters(stored.config.members[0])["learning_rate"] == best["learning_rate"]
    else:
        assert "the default stays, nothing was saved" in out


def test_an_older_recipe_that_stays_in_use_is_named(place, monkeypatch, capsys):
    write_recipe(place, StoredRecipe(TrainingConfig(), "older", "x", "auc", 0.7))
    monkeypatch.setattr(ml.tuning.workflow, "confirm", lambda *arguments: WORSE)
    assert run("--trials", "1") == 0
    assert "still takes study older" in capsys.readouterr().out


def test_the_default_recipe_is_not_better_than_itself(data):
    folds = assign_folds(data, 2, seed=1)
    same = confirm(data, BASE, folds, "cost", starting_point(BASE))
    assert same.tuned == same.default
    assert same.chance_worse == 0.5
    assert not same.accepted


@pytest.mark.parametrize("kind", ["cost", "auc"])
def test_a_recipe_that_learns_nothing_is_not_accepted(data, kind):
    blind = starting_point(BASE) | {"n_estimators": 1, "learning_rate": 1e-6}
    trees = replace(BASE, members=(MemberSpec(),))
    verdict = confirm(data, trees, assign_folds(data, 2, seed=1), kind, blind)
    assert verdict.chance_worse > 0.9
    assert not verdict.accepted


def test_an_objective_blends_as_training_does(data):
    folds = assign_folds(data, 3, seed=1)
    values = starting_point(BASE) | {"max_depth": 2, "imbalance": "under", "neg_bagging_fraction": 0.3}
    tuned = Objective(data, BASE, folds, "auc").probability(values)
    trained = cross_validate(data, with_values(BASE, values), folds).probability
    assert tuned == pytest.approx(trained)


def test_values_of_a_trial_change_the_trees_and_nothing_else():
    changed = with_values(BASE, {"max_depth": 2, "imbalance": "weights", "scale_pos_weight": 3.0})
    assert changed.members[1] == BASE.members[1]
    assert changed.lightgbm_parameters(changed.members[0])["scale_pos_weight"] == 3.0
    assert TrainingConfig.from_dict(changed.to_dict()) == changed


def test_the_default_recipe_lies_inside_what_is_searched():
    study = optuna.create_study()
    start = starting_point(BASE)
    study.enqueue_trial(start)
    trial = study.ask()
    assert suggest(trial, BASE, 11.0) == start
    assert lightgbm_parameters(start).keys() == start.keys() - {"imbalance"}


def test_trials_that_fall_behind_are_pruned_after_a_fold(data, monkeypatch):
    study = optuna.create_study(direction="maximize", pruner=optuna.pruners.ThresholdPruner(lower=2.0))
    folds = assign_folds(data, 3, seed=1)
    study.optimize(Objective(data, BASE, folds, "auc"), n_trials=1)
    assert study.trials[0].state.name == "PRUNED"
    assert list(study.trials[0].intermediate_values) == [1]
    assert 0.4 < study.trials[0].intermediate_values[1] <= 1


def test_a_study_of_other_folds_is_not_continued(place, capsys):
    assert run("--trials", "1") == 0
    assert run("--folds", "3", "--trials", "1") == 1
    error = capsys.readouterr().err
    assert "found another folds; pass a new name as --study" in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--trials", "0"], "a whole number from 1 on for --trials; found 0"),
        (["--timeout", "-1"], "a number above 0 for --timeout; found -1.0"),
        (["--folds", "1"], "found 1"),
        (["--holdout", "1"], "found 1.0"),
        (["--storage", "nonsense://x"], "pass --storage"),
        (["--storage", "sqlite:////nowhere/at/all.db"], "pass --storage"),
        (["--database", "none.duckdb"], "no such file"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line_and_exit_code_one(place, capsys, arguments, found):
    assert main(["--database", str(place.duckdb_path), *arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: expected ")
    assert len(error.splitlines()) == 1
    assert found in error
    assert not recipe_path(place).exists()


def test_time_that_is_too_short_still_gives_one_trial(place):
    started = time.perf_counter()
    assert run("--trials", "10000", "--timeout", "0.01") == 0
    assert time.perf_counter() - started < 30
    assert finished(study_of(place)) == 1


def test_probabilities_cover_everyone(data):
    probability = Objective(data, BASE, assign_folds(data, 2, seed=1), "auc").probability({})
    assert np.all((probability > 0) & (probability < 1))
