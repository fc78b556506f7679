"""A registered model as the object that scores."""

import tempfile
from pathlib import Path

from mlflow.exceptions import MlflowException

from ml.registry.packaging import read_scorer
from ml.registry.registry import MODEL_NAME, RegisteredModel, Registry
from ml.registry.versions import VersionChoice
from ml.served.scorer import CreditScorer
from warehouse.core.errors import ModelError, first_line


def load_scorer(registry: Registry, version: VersionChoice = None) -> tuple[RegisteredModel, CreditScorer]:
    """Load a version of the model; see `Registry.resolve`.

    Raises
    ------
    ModelError
        There is no such version, or its files cannot be read.
    """
    model = registry.resolve(version)
    with tempfile.TemporaryDirectory() as folder:
        try:
            return model, read_scorer(registry.download(model, Path(folder)))
        except (MlflowException, OSError, KeyError, TypeError, ValueError) as error:
            raise ModelError(
                expected=f"a model that loads in {MODEL_NAME} version {model.version}",
                found=first_line(error),
                remedy="run: python -m ml.train, or name another version with --version",
            ) from error
