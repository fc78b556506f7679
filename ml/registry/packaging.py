"""How a model is stored so that a server can load it: signature, example, code, requirements; no pickle."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, DataType, Schema

from ml.data.training_set import TrainingData
from ml.served.scorer import CreditScorer
from warehouse.core.settings import PROJECT_ROOT

PACKAGE = PROJECT_ROOT / "ml"
SERVING_REQUIREMENTS = PACKAGE / "serving-requirements.txt"
LOADER = "ml.served.scorer"
SERVED = PACKAGE / "served"
ANSWER = {"probability": DataType.double, "decision": DataType.string, "threshold": DataType.double}


def signature(data: TrainingData) -> ModelSignature:
    """What the model takes and gives.

    It takes doubles, also for whole numbers (they may be null), and strings, by name; it gives default probability,
    decision ("grant" or "refuse") and threshold of each applicant.
    """
    inputs = [ColSpec(DataType.double, name) for name in data.numeric]
    inputs += [ColSpec(DataType.string, name) for name in data.categories]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema([ColSpec(kind, name) for name, kind in ANSWER.items()]))


def input_example(data: TrainingData) -> pd.DataFrame:
    """One applicant nobody is: the median of each number, the most frequent of each text.

    A row of the training set would put a real client's data into every copy of the model.
    """
    typical: dict[str, Any] = {}
    for position, name in enumerate(data.numeric):
        values = data.matrix[:, position]
        known = values[~np.isnan(values)]
        typical[name] = float(np.median(known)) if known.size else np.nan
    for position, (name, categories) in zip(data.categorical_positions, data.categories.items(), strict=True):
        codes = data.matrix[:, position]
        known = codes[~np.isnan(codes)].astype(int)
        typical[name] = categories[np.bincount(known).argmax()] if known.size else None
    return pd.DataFrame([typical])


def serving_requirements() -> list[str]:
    """Pinned packages that serving needs, and nothing else."""
    lines = SERVING_REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    pins = (line.split("#", maxsplit=1)[0].strip() for line in lines)
    return [pin for pin in pins if pin]


def storage_options(
    scorer: CreditScorer, data: TrainingData, metadata: dict[str, Any], workshop: Path
) -> dict[str, Any]:
    """Arguments of `mlflow.pyfunc.log_model` and `save_model`.

    The model is a folder of skops files and JSON, loaded by the code that is stored beside it: the package
    `ml.served`, which needs nothing else of the project.

    Parameters
    ----------
    scorer : CreditScorer
        The model.
    data : TrainingData
        Gives names, kinds and the example.
    metadata : dict
        Goes into the file MLmodel.
    workshop : Path
        Empty folder for what MLflow is to copy.
    """
    scorer.save(workshop / "scorer")
    code = workshop / PACKAGE.name
    shutil.copytree(SERVED, code / SERVED.name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PACKAGE / "__init__.py", code)
    return {
        "loader_module": LOADER,
        "data_path": str(workshop / "scorer"),
        "code_paths": [str(code)],
        "signature": signature(data),
        "input_example": input_example(data),
        "pip_requirements": serving_requirements(),
        "metadata": metadata,
    }


def read_scorer(folder: Path) -> CreditScorer:
    """The model in a folder with MLmodel, as the object that MLflow serves.

    Raises
    ------
    OSError, KeyError, ValueError, mlflow.exceptions.MlflowException
        The folder is not a complete model of `storage_options`.
    """
    flavor = Model.load(str(folder)).flavors["python_function"]
    return CreditScorer.load(folder / flavor["data"])
