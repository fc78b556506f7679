"""A registered model as the object that scores."""

import tempfile
from pathlib import Path

import mlflow.sklearn
from mlflow.exceptions import MlflowException
from mlflow.models import Model

from ml.registry import MODEL_NAME, RegisteredModel, Registry
from ml.scorer import Calibration, CreditScorer
from warehouse.database import first_line
from warehouse.errors import ModelError


def load_scorer(registry: Registry, version: int | None = None) -> tuple[RegisteredModel, CreditScorer]:
    """Load a version of the model; the champion when `version` is None.

    Raises
    ------
    ModelError
        There is no such version, or its files cannot be read.
    """
    model = registry.champion() if version is None else registry.version(version)
    if model is None:
        raise ModelError(
            expected=f"a champion of {MODEL_NAME} in {registry.uri}",
            found="none",
            remedy="run: python -m ml.train, or name a version with --version",
        )
    with tempfile.TemporaryDirectory() as folder:
        path = registry.download(model, Path(folder))
        try:
            pipeline = mlflow.sklearn.load_model(str(path))
            threshold = float(Model.load(str(path)).metadata["threshold"])
        except (MlflowException, OSError, KeyError, TypeError, ValueError) as error:
            raise ModelError(
                expected=f"a model that loads in {MODEL_NAME} version {model.version}",
                found=first_line(error),
                remedy="run: python -m ml.train, or name another version with --version",
            ) from error
    return model, CreditScorer((pipeline,), Calibration(), threshold)
