"""The training command as a person meets it."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest

import ml.training.workflow
from ml.export import main as export_main
from ml.modelling.recipe import TrainingConfig
from ml.registry.export import holds
from ml.registry.recipes import StoredRecipe, write_recipe
from ml.registry.registry import Registry
from ml.train import main
from tests.support.ml_fixtures import (
    name_store,
    prepare_store,
    settings_in,
    synthetic_applicants,
    trained_once,
    write_warehouse,
)
from tests.support.tiny_warehouse import change
from warehouse.core.settings import PROJECT_ROOT
from warehouse.snapshots.publication import publish


@pytest.fixture
def place(tmp_path, tmp_path_factory, monkeypatch):
    """A store with tuned trees but no model, and a warehouse, named in the environment; a directory elsewhere."""
    settings = prepare_store(tmp_path_factory, tmp_path)
    write_recipe(settings, StoredRecipe(TrainingConfig(rounds=40), "trees", "of other rows", "auc", 0.75))
    write_warehouse(settings.duckdb_path, synthetic_applicants())
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    name_store(monkeypatch, settings)
    return settings


def run(folder: Path, *arguments: str) -> int:
    warehouse = str(settings_in(folder).duckdb_path)
    return main(["--out", str(folder / "model"), "--database", warehouse, *arguments])


def test_without_an_option_the_published_snapshot_is_trained_on_and_the_run_says_so(place, tmp_path, capsys):
    snapshot, _ = publish(place.duckdb_path, place.published_dir)
    place.duckdb_path.unlink()
    assert main(["--out", str(tmp_path / "model"), "--rounds", "1", "--quick"]) == 0
    assert f"data: snapshot {snapshot.snapshot_id}, quality gate passed" in capsys.readouterr().out
    registry = Registry(place)
    champion = registry.champion()
    run = mlflow.get_run(champion.run_id).data
    manifest = registry.manifest(champion)["data"]
    assert run.tags["snapshot"] == run.params["data_snapshot"] == manifest["snapshot"] == snapshot.snapshot_id
    assert run.tags["quality_gate"] == run.params["data_quality_gate"] == manifest["quality_gate"]
    assert manifest["quality_gate"].startswith("passed 20")
    assert manifest["source"] == "published snapshot"
    assert manifest["marts_fingerprint"] == snapshot.manifest["marts_fingerprint"]


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("update meta.quality_runs set passed = false, failures = 2", "found 2 failed expectations"),
        ("delete from marts.training_set where sk_id_curr = 100001", "found marts that changed since the gate"),
    ],
)
def test_marts_that_have_not_passed_the_gate_are_not_trained_on(place, tmp_path, capsys, statement, found):
    change(place.duckdb_path, statement)
    assert run(tmp_path, "--rounds", "1") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert found in line
    assert "run: python -m warehouse.quality" in line
    assert Registry(place).versions() == []
    assert not (tmp_path / "model").exists()


def test_champions_are_replaced_by_better_models_and_kept_against_worse_ones(place, tmp_path, capsys):
    registry = Registry(place)

    assert run(tmp_path, "--rounds", "1") == 0
    assert registry.champion().version == 1
    out = capsys.readouterr().out
    assert "recipe: tuned by study trees (auc 0.7500, found on other data" in out
    assert "version 1: champion" in out

    assert run(tmp_path, "--rounds", "60") == 0
    out = capsys.readouterr().out
    assert "compared by its logged decisions" in out
    assert "exported        version 2" in out
    assert (registry.champion().version, registry.challenger().version) == (2, 1)

    assert run(tmp_path, "--rounds", "1") == 0
    out = capsys.readouterr().out
    assert "version 3: challenger, not champion" in out
    assert "exported" not in out
    assert (registry.champion().version, registry.challenger().version) == (2, 3)
    assert "against" in registry.challenger().tags["verdict"]

    place.duckdb_path.unlink()
    write_warehouse(place.duckdb_path, synthetic_applicants(700), "* exclude (region)")
    assert run(tmp_path, "--rounds", "1") == 0
    out = capsys.readouterr().out
    assert "needs 1 features that the mart no longer has, such as region" in out
    assert registry.champion().version == 4

    place.duckdb_path.unlink()
    write_warehouse(place.duckdb_path, synthetic_applicants(650))
    assert run(tmp_path, "--rounds", "60") == 0
    out = capsys.readouterr().out
    assert "cross-validating champion version 4 on the same applicants and folds" in out
    assert "cross-validated on the present applicants" in out
    assert registry.champion().version == 5

    assert not list((tmp_path / "elsewhere").iterdir()), "something was written to the working directory"


@pytest.mark.parametrize(
    ("leak", "evidence"),
    [
        ("target", "AUC 1.0000 alone"),
        ("-exp(3.0 * target) + 7", "AUC 1.0000 alone"),
        ("case when sk_id_curr % 50 = 0 then 1 - target else target end", "AUC 0.9"),
        ("case when target = 1 then 'closed' else 'open' end", "AUC 1.0000 alone"),
        ("case when target = 0 then 1.0 end", "AUC 1.0000 alone"),
        ("case when target = 1 and sk_id_curr % 3 = 0 then 1 else 0 end", "100.0% of 26 off its most"),
    ],
)
def test_a_feature_that_knows_the_outcome_is_refused_by_name(place, tmp_path, capsys, leak, evidence):
    place.duckdb_path.unlink()
    write_warehouse(place.duckdb_path, synthetic_applicants(), f"*, {leak} as days_since_write_off")
    assert run(tmp_path, "--rounds", "40") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"found days_since_write_off ({evidence}" in line
    assert "external_score" not in line
    assert Registry(place).champion() is None
    assert not (tmp_path / "model").exists()


def test_what_a_guard_refuses_is_challenger_until_it_is_overridden(place, tmp_path, capsys):
    assert run(tmp_path, "--rounds", "60", "--max-auc-gap", "0.001") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "overfitting: AUC on training rows" in line
    registry = Registry(place)
    assert registry.champion() is None
    assert "overfitting" in registry.challenger().tags["verdict"]
    assert registry.challenger().tags["guard"] == "refused"

    assert run(tmp_path, "--rounds", "60", "--max-auc-gap", "0.001", "--override-guard") == 0
    assert registry.champion().version == 2


def test_without_tuned_parameters_few_clients_get_a_blend(place, tmp_path, capsys):
    assert run(tmp_path, "--default-recipe", "--quick", "--rounds", "20") == 0
    assert "recipe: default, logistic + lightgbm, 20 trees, 1 x 5 folds" in capsys.readouterr().out
    decision = json.loads((tmp_path / "model" / "data" / "scorer" / "decision.json").read_text())
    assert (decision["members"], decision["weights"]) == (2, [0.5, 0.5])


def test_an_export_that_is_gone_is_made_again_from_the_champion(place, tmp_path, capsys):
    assert run(tmp_path, "--rounds", "30") == 0
    (tmp_path / "model").rename(tmp_path / "gone")
    assert run(tmp_path, "--rounds", "1") == 0
    assert "exported        version 1" in capsys.readouterr().out
    assert "threshold" in (tmp_path / "model" / "MLmodel").read_text()


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_trained(place, tmp_path, capsys):
    (tmp_path / "file").write_text("a file")
    assert main(["--out", str(tmp_path / "file" / "model"), "--rounds", "1"]) == 1
    captured = capsys.readouterr()
    assert len(captured.err.splitlines()) == 1
    assert "cross-validating" not in captured.out
    assert Registry(place).versions() == []


def test_a_new_champion_that_cannot_be_exported_is_not_promoted(place, tmp_path, monkeypatch, capsys):
    assert run(tmp_path, "--rounds", "1") == 0

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("ml.registry.export.exchange", full)
        assert run(tmp_path, "--rounds", "60") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "No space left on device" in line
    registry = Registry(place)
    assert (registry.champion().version, registry.challenger().version) == (1, 2)
    assert holds(tmp_path / "model", registry.champion())


def test_a_kill_between_promotion_and_export_is_repaired_by_the_next_training(place, tmp_path, capsys):
    assert run(tmp_path, "--rounds", "60") == 0
    assert run(tmp_path, "--rounds", "1") == 0
    registry = Registry(place)
    registry.promote(registry.version(2), "killed before the export")
    assert run(tmp_path, "--rounds", "1") == 0
    assert "did not hold the champion: exported version 2 again" in capsys.readouterr().out
    assert holds(tmp_path / "model", registry.champion())


def test_a_champion_that_changed_meanwhile_is_the_one_compared_with(place, tmp_path, monkeypatch, capsys):
    assert run(tmp_path, "--rounds", "60") == 0
    assert run(tmp_path, "--rounds", "1") == 0
    registry = Registry(place)
    fit = ml.training.workflow.fit_scorer

    def fit_and_be_overtaken(*arguments):
        registry.promote(registry.version(2), "by another command")
        return fit(*arguments)

    monkeypatch.setattr(ml.training.workflow, "fit_scorer", fit_and_be_overtaken)
    assert run(tmp_path, "--rounds", "60", "--holdout", "0") == 0
    out = capsys.readouterr().out
    assert "another command has changed the champion meanwhile" in out
    assert "of version 2" in registry.version(3).tags["verdict"]


def test_a_champion_of_an_earlier_release_is_replaced(place, tmp_path, capsys):
    assert run(tmp_path, "--rounds", "60") == 0
    mlflow.MlflowClient().delete_model_version_tag("credit_scoring_model", "1", "sha256")
    assert run(tmp_path, "--rounds", "1") == 0
    assert "version 1 was stored by an earlier release" in capsys.readouterr().out
    assert Registry(place).champion().version == 2


def test_an_interrupted_registration_leaves_a_killed_run_and_no_version(place, tmp_path, monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("mlflow.pyfunc.log_model", interrupt)
    assert run(tmp_path, "--rounds", "1") == 130
    assert len(capsys.readouterr().err.splitlines()) == 1
    client = mlflow.MlflowClient()
    (only,) = client.search_runs([client.get_experiment_by_name("credit_scoring").experiment_id])
    assert only.info.status == "KILLED"
    assert Registry(place).versions() == []


def test_summary_names_what_a_risk_officer_asks_for(place, tmp_path, capsys):
    assert run(tmp_path, "--rounds", "30", "--folds", "3") == 0
    out = capsys.readouterr().out
    assert out.count("  fold ") == 12
    words = ("clients         600", "features        6", "AUC", "1/11 = 0.0909", "cost per 1,000", "accepted", "sd")
    words += ("calibration", "normalised", "no amt_credit and amt_annuity", "hold-out        120 clients", "auc  ")
    for word in words:
        assert word in out


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--database", "none.duckdb"], "no such file"),
        (["--folds", "1"], "found 1"),
        (["--folds", "200"], "from 2 to 50 for --folds; found 200"),
        (["--rounds", "0"], "found 0"),
        (["--seed", "-1"], "found -1"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line_and_exit_code_one(place, tmp_path, capsys, arguments, found):
    assert run(tmp_path, *arguments) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("error: expected ")
    assert len(captured.err.splitlines()) == 1
    assert found in captured.err


@pytest.mark.parametrize("uri", ["file:///somewhere/mlruns", "nonsense://x"])
def test_a_tracking_address_that_cannot_be_used_is_one_line(place, tmp_path, capsys, monkeypatch, uri):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert run(tmp_path) == 1
    error = capsys.readouterr().err
    assert "MLFLOW_TRACKING_URI" in error
    assert len(error.splitlines()) == 1


def test_a_run_leaves_parameters_metrics_figure_predictions_and_a_manifest(tmp_path_factory):
    trained = trained_once(tmp_path_factory)
    registry = Registry(trained.settings)
    champion = registry.champion()
    assert champion == registry.version(1)
    assert champion.metrics["cost_per_1000"] < champion.metrics["cost_per_1000_accept_all"]

    logged = mlflow.get_run(champion.run_id)
    assert logged.data.params["rounds"] == "40"
    assert logged.data.params["data_fingerprint"] == trained.outcome.run.data.fingerprint
    assert logged.data.tags["git_dirty"] in {"true", "false", "unknown"}
    assert logged.info.artifact_uri.startswith(str(trained.settings.duckdb_path.parent / "mlruns"))
    names = {item.path for item in mlflow.MlflowClient().list_artifacts(champion.run_id)}
    assert {"cost_curve.png", "calibration.png", "cost_curve.csv", "manifest.json", "out_of_fold.parquet"} <= names

    manifest = registry.manifest(champion)
    assert (manifest["data"]["rows"], manifest["data"]["holdout_rows"]) == (600, 120)
    assert "fitted on all labelled applicants" in manifest["fitted_on"]
    assert manifest["data"]["columns"] == 8
    assert manifest["features"]["categorical"] == ["education", "region"]
    assert {"python", "lightgbm", "duckdb", "mlflow"} <= set(manifest["versions"])
    assert json.dumps(manifest)
    predictions = registry.out_of_fold(champion)
    assert predictions["sk_id_curr"].is_monotonic_increasing
    assert predictions["default_probability"].between(0, 1).all()


def test_there_is_no_champion_before_the_first_training(tmp_path_factory, tmp_path, monkeypatch, capsys):
    settings = prepare_store(tmp_path_factory, tmp_path)
    assert Registry(settings).champion() is None
    monkeypatch.setenv("MLFLOW_TRACKING_URI", settings.tracking_uri)
    assert export_main(["--out", str(tmp_path / "model")]) == 1
    assert "run: python -m ml.train" in capsys.readouterr().err


def test_a_champion_that_lost_its_files_is_one_line(place, tmp_path, capsys):
    assert run(tmp_path, "--rounds", "1") == 0
    (settings_in(tmp_path).duckdb_path.parent / "mlruns").rename(tmp_path / "lost")
    capsys.readouterr()
    assert run(tmp_path, "--rounds", "1") == 1
    error = capsys.readouterr().err
    assert "manifest.json of credit_scoring_model version 1" in error
    assert len(error.splitlines()) == 1


def test_importing_the_package_keeps_libraries_quiet_and_threads_polite():
    script = "import ml, os; print(os.environ['MLFLOW_DISABLE_TELEMETRY'], os.environ['OMP_WAIT_POLICY'])"
    path = {name: value for name, value in os.environ.items() if name == "PATH"}
    answer = subprocess.run(
        [sys.executable, "-c", script], env=path, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    )
    assert answer.stdout.split() == ["true", "PASSIVE"]


def test_help_explains_the_commands(capsys):
    for command in (main, export_main):
        with pytest.raises(SystemExit) as stop:
            command(["--help"])
        assert stop.value.code == 0
        assert "default" in capsys.readouterr().out
