"""What a training writes to its MLflow run, but for the model: parameters, metrics, manifest, tables and figures."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow
from matplotlib.figure import Figure

from ml.training.run import TrainingRun

MANIFEST_FILE = "manifest.json"
OUT_OF_FOLD_FILE = "out_of_fold.parquet"
COST_CURVE_FILE = "cost_curve.csv"


def log_run(run: TrainingRun, manifest: Mapping[str, Any], figures: Mapping[str, Figure]) -> None:
    """Log a training to the active run.

    Parameters
    ----------
    run : TrainingRun
        What was done and measured.
    manifest : mapping
        See `ml.training.run.build_manifest`.
    figures : mapping of str to Figure
        By file name.
    """
    mlflow.log_params(_parameters(run, manifest))
    mlflow.set_tags({"git_revision": manifest["git"]["revision"], "git_dirty": manifest["git"]["dirty"]})
    mlflow.log_metrics(run.metrics)
    for step, result in enumerate(fold for one in run.validations for fold in one.results):
        mlflow.log_metric("fold_auc", result.auc, step=step)
        mlflow.log_metric("fold_training_auc", result.training_auc, step=step)
        mlflow.log_metric("fold_features", result.features, step=step)
    mlflow.log_dict(manifest, MANIFEST_FILE)
    for name, figure in figures.items():
        mlflow.log_figure(figure, name)
    with tempfile.TemporaryDirectory() as folder:
        run.out_of_fold.to_parquet(Path(folder) / OUT_OF_FOLD_FILE, index=False)
        run.cost_curve.to_csv(Path(folder) / COST_CURVE_FILE, index=False)
        mlflow.log_artifacts(folder)


def _parameters(run: TrainingRun, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Recipe, data, calibration, and one parameter per member: the whole blend could be too long for MLflow."""
    recipe = {name: value for name, value in run.config.to_dict().items() if name != "members"}
    data = {f"data_{name}": value for name, value in manifest["data"].items()}
    members = {
        f"member_{number}": json.dumps({"family": member.family, "weight": member.weight, **member.parameters})
        for number, member in enumerate(run.config.members)
    }
    return recipe | data | {"calibration": manifest["calibration"]["method"]} | members
