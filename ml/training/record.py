"""A training run as the record that the registry stores."""

import json
from collections.abc import Mapping
from typing import Any

from ml.registry.record import OUT_OF_FOLD_FILE, ModelRecord
from ml.served.scorer import CreditScorer
from ml.training.figures import run_figures
from ml.training.run import TrainingRun, build_manifest

COST_CURVE_FILE = "cost_curve.csv"


def build_record(run: TrainingRun, scorer: CreditScorer) -> ModelRecord:
    """Parameters, metrics, manifest, tables and figures of a run, with the model that it ends in.

    Parameters
    ----------
    run : TrainingRun
        What was done and measured.
    scorer : CreditScorer
        The model, fitted on all applicants.
    """
    manifest = build_manifest(run, scorer.features)
    folds = [fold for one in run.validations for fold in one.results]
    return ModelRecord(
        scorer=scorer,
        inputs=run.data.select(scorer.features),
        manifest=manifest,
        parameters=_parameters(run, manifest),
        tags={"git_revision": manifest["git"]["revision"], "git_dirty": manifest["git"]["dirty"]}
        | (run.data.origin.tags if run.data.origin else {}),
        metrics=run.metrics,
        series={
            "fold_auc": [fold.auc for fold in folds],
            "fold_training_auc": [fold.training_auc for fold in folds],
            "fold_features": [fold.features for fold in folds],
        },
        tables={OUT_OF_FOLD_FILE: run.out_of_fold, COST_CURVE_FILE: run.cost_curve},
        figures=run_figures(run),
    )


def _parameters(run: TrainingRun, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Recipe, data, calibration, and one parameter per member: the whole blend could be too long for MLflow."""
    recipe = {name: value for name, value in run.config.to_dict().items() if name != "members"}
    data = {f"data_{name}": value for name, value in manifest["data"].items()}
    members = {
        f"member_{number}": json.dumps({"family": member.family, "weight": member.weight, **member.parameters})
        for number, member in enumerate(run.config.members)
    }
    return recipe | data | {"calibration": manifest["calibration"]["method"]} | members
