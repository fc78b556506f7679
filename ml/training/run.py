"""What a run leaves beside its model: data, recipe, decisions and the versions that made it."""

import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import pandas as pd

from ml.data.training_set import KEY, TARGET, TrainingData
from ml.evaluation.amounts import why_without_amounts
from ml.evaluation.assessment import Assessment
from ml.evaluation.holdout_report import HoldoutReport
from ml.modelling.cross_validation import CrossValidation
from ml.modelling.folds import Folds, folds_fingerprint
from ml.modelling.guards import auc_gap
from ml.modelling.recipe import TrainingConfig
from warehouse.core.git import git_state

LIBRARIES = ("duckdb", "lightgbm", "mlflow", "numpy", "pandas", "scikit-learn", "skops")


REFITTED = (
    "the registered model is fitted on all labelled applicants after the hold-out was reported; the hold-out's "
    "measures belong to the same recipe, calibration and threshold fitted on the development rows alone"
)


@dataclass(frozen=True)
class TrainingRun:
    """One recipe judged on one training set: everything that is logged, but for the fitted model.

    Attributes
    ----------
    data : TrainingData
        All labelled applicants.
    development : TrainingData
        Those outside the hold-out, on which everything was chosen.
    config : TrainingConfig
        The recipe.
    folds : tuple of Folds
        Splits of the development rows, one per repeat.
    validations : tuple of CrossValidation
        Raw out-of-fold predictions, one per repeat.
    assessment : Assessment
        Calibration, threshold and metrics of these.
    holdout : HoldoutReport or None
        None when nothing was set aside.
    """

    data: TrainingData
    development: TrainingData
    config: TrainingConfig
    folds: tuple[Folds, ...]
    validations: tuple[CrossValidation, ...]
    assessment: Assessment
    holdout: HoldoutReport | None

    @property
    def metrics(self) -> dict[str, float]:
        """All that is logged, by name; standard deviations over the repeats end in `_sd`."""
        spread = {f"{name}_sd": value for name, value in self.assessment.deviations.items()}
        held_out = self.holdout.metrics if self.holdout else {}
        return self.assessment.metrics | {"auc_gap": auc_gap(self.validations)} | spread | held_out

    @property
    def out_of_fold(self) -> pd.DataFrame:
        """Development rows sorted by key: label, fold of the first repeat, calibrated probability and cost.

        Probability and cost of the decision (0, 1 or 10) are means over the repeats.
        """
        return pd.DataFrame(
            {
                KEY: self.development.keys,
                TARGET: self.development.target,
                "fold": self.folds[0].fold_of,
                "default_probability": self.assessment.probability,
                "cost": self.assessment.costs(self.development.target),
            }
        )

    @property
    def cost_curve(self) -> pd.DataFrame:
        """Cost per 1,000 applications by threshold."""
        curve = self.assessment.curve
        return pd.DataFrame({"threshold": curve.thresholds, "cost_per_1000": curve.costs_per_1000})


def build_manifest(run: TrainingRun, model_features: Sequence[str]) -> dict[str, Any]:
    """The manifest as a document that JSON can hold.

    Parameters
    ----------
    run : TrainingRun
    model_features : sequence of str
        Features that the registered model reads: all, or those that selection left.

    Returns
    -------
    dict
        `config`, `data` (fingerprints, sizes, origin), `features` (in the model's order), `calibration`, `threshold`,
        `holdout`, `fitted_on`, `not_measured`, `git`, `versions`.
    """
    git = git_state()
    held_out = run.holdout
    return {
        "config": run.config.to_dict(),
        "data": {
            "fingerprint": run.data.fingerprint,
            "folds_fingerprint": folds_fingerprint(run.folds),
            "rows": run.data.applicants,
            "columns": len(run.data.features) + 2,
            "defaulters": int(run.data.target.sum()),
            "development_rows": run.development.applicants,
            "holdout_rows": held_out.applicants if held_out else 0,
            "duckdb_version": run.data.duckdb_version,
            **(run.data.origin.to_dict() if run.data.origin else {}),
        },
        "features": {"numeric": list(run.data.numeric), "categorical": list(run.data.categories)},
        "model_features": list(model_features),
        "calibration": {"method": run.assessment.calibration.method, "measured": run.assessment.calibration.measured},
        "threshold": run.assessment.threshold,
        "holdout": {name: asdict(interval) for name, interval in held_out.measures.items()} if held_out else None,
        "fitted_on": REFITTED if held_out else "the registered model is fitted on all labelled applicants; no hold-out",
        "not_measured": {"amount_weighted_cost": why_without_amounts(run.data)},
        "git": {"revision": git.revision, "dirty": git.dirty},
        "versions": {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES},
    }
