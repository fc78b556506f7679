"""What a run leaves beside its model: data, recipe, decisions and the versions that made it."""

import platform
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import pandas as pd

from ml.config import TrainingConfig
from ml.data import KEY, TARGET, TrainingData
from ml.metrics import Evaluation
from ml.validation import CrossValidation, Folds
from warehouse.settings import PROJECT_ROOT

LIBRARIES = ("duckdb", "lightgbm", "mlflow", "numpy", "pandas", "scikit-learn", "skops")
UNKNOWN = "unknown"


@dataclass(frozen=True)
class TrainingRun:
    """One recipe judged on one training set: everything that is logged, but for the fitted model."""

    data: TrainingData
    config: TrainingConfig
    folds: Folds
    validation: CrossValidation
    evaluation: Evaluation

    @property
    def out_of_fold(self) -> pd.DataFrame:
        """Key, label, fold and default probability of each applicant, sorted by key."""
        return pd.DataFrame(
            {
                KEY: self.data.keys,
                TARGET: self.data.target,
                "fold": self.folds.fold_of,
                "default_probability": self.validation.probability,
            }
        )

    @property
    def cost_curve(self) -> pd.DataFrame:
        """Cost per 1,000 applications by threshold."""
        curve = self.evaluation.curve
        return pd.DataFrame({"threshold": curve.thresholds, "cost_per_1000": curve.costs_per_1000})


@dataclass(frozen=True)
class GitState:
    """Commit of the working copy, and whether it holds changes that are not committed."""

    revision: str
    dirty: str


def git_state() -> GitState:
    """Git revision of this repository; "unknown" outside a working copy or without git."""
    revision = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain")
    if revision is None or changes is None:
        return GitState(UNKNOWN, UNKNOWN)
    return GitState(revision, "true" if changes else "false")


def build_manifest(run: TrainingRun) -> dict[str, Any]:
    """The manifest as a document that JSON can hold.

    Returns
    -------
    dict
        `config`, `data` (fingerprints, sizes), `features` (in the model's order), `threshold`, `git`, `versions`.
    """
    git = git_state()
    return {
        "config": run.config.to_dict(),
        "data": {
            "fingerprint": run.data.fingerprint,
            "folds_fingerprint": run.folds.fingerprint,
            "rows": run.data.applicants,
            "columns": len(run.data.features) + 2,
            "defaulters": int(run.data.target.sum()),
            "duckdb_version": run.data.duckdb_version,
        },
        "features": {"numeric": list(run.data.numeric), "categorical": list(run.data.categories)},
        "threshold": run.evaluation.threshold,
        "thresholds_by_fold": {str(fold): value for fold, value in run.evaluation.thresholds_by_fold.items()},
        "git": {"revision": git.revision, "dirty": git.dirty},
        "versions": {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES},
    }


def _git(*arguments: str) -> str | None:
    """Output of a git command in this repository; None when git cannot answer."""
    if shutil.which("git") is None:
        return None
    answer = subprocess.run(["git", "-C", str(PROJECT_ROOT), *arguments], capture_output=True, text=True, check=False)
    return answer.stdout.strip() if answer.returncode == 0 else None
