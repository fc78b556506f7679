"""The registry takes a plain record of a model, whoever made it."""

import subprocess
import sys

import mlflow
import pandas as pd
import pytest
from matplotlib.figure import Figure

from ml.data.training_set import read_training_data
from ml.registry.loading import open_scorer
from ml.registry.record import ModelRecord
from ml.registry.registry import Registry
from tests.support.ml_fixtures import prepare_store, trained_once
from warehouse.core.settings import PROJECT_ROOT


def test_the_registry_knows_nothing_of_training():
    script = "import sys, ml.registry.promotion; print([n for n in sys.modules if n.startswith('ml.training')])"
    answer = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"


def test_a_record_is_logged_and_its_model_becomes_a_version(tmp_path_factory, tmp_path):
    trained = trained_once(tmp_path_factory)
    registry = Registry(prepare_store(tmp_path_factory, tmp_path))
    scorer = open_scorer(trained.model_dir).scorer
    record = ModelRecord(
        scorer=scorer,
        inputs=read_training_data(trained.warehouse).select(scorer.features),
        manifest={"threshold": scorer.threshold, "data": {"rows": 3}, "git": {"revision": "r", "dirty": "false"}},
        parameters={"folds": 5},
        tags={"made_by": "hand"},
        metrics={"auc": 0.75},
        series={"fold_auc": [0.7, 0.8]},
        tables={"out_of_fold.parquet": pd.DataFrame({"cost": [1, 0]}), "curve.csv": pd.DataFrame({"x": [1]})},
        figures={"empty.png": Figure()},
    )
    model = registry.register(record)
    assert (model.version, model.metrics["auc"]) == (1, 0.75)
    assert registry.manifest(model)["data"] == {"rows": 3}
    assert registry.out_of_fold(model)["cost"].tolist() == [1, 0]
    client = mlflow.MlflowClient()
    run = client.get_run(model.run_id)
    assert run.data.params["folds"] == "5"
    assert run.data.tags["made_by"] == "hand"
    assert [step.value for step in client.get_metric_history(model.run_id, "fold_auc")] == pytest.approx([0.7, 0.8])
    assert {"curve.csv", "empty.png"} <= {item.path for item in client.list_artifacts(model.run_id)}
