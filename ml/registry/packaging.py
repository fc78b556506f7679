"""How a model is stored so that a server can load it: signature, example, code, requirements; no pickle."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema, TensorSpec

from ml.data.training_set import TrainingData
from ml.registry.artefacts import DATA, LOADER, MANIFEST
from ml.registry.record import ModelRecord
from warehouse.core.settings import PROJECT_ROOT

PACKAGE = PROJECT_ROOT / "ml"
SERVING_REQUIREMENTS = PACKAGE / "serving-requirements.txt"
SERVED = PACKAGE / "served"
IN_MODEL_FILE = ("threshold", "data", "git")  # of the manifest
ANSWER = {"probability": DataType.double, "decision": DataType.string, "threshold": DataType.double}


def signature(data: TrainingData) -> ModelSignature:
    """What the model takes and gives.

    It takes doubles, also for whole numbers (they may be null), and strings, by name; it gives default probability,
    decision ("grant" or "refuse") and threshold of each applicant.
    """
    inputs: list[ColSpec | TensorSpec] = [ColSpec(DataType.double, name) for name in data.numeric]
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


def storage_options(record: ModelRecord, workshop: Path) -> dict[str, Any]:
    """Arguments of `mlflow.pyfunc.log_model` and `save_model`.

    The model is a folder of skops files and JSON, loaded by the code that is stored beside it: the package
    `ml.served`, which needs nothing else of the project.

    Parameters
    ----------
    record : ModelRecord
        The model, its inputs and its manifest.
    workshop : Path
        Empty folder for what MLflow is to copy.
    """
    scorer = workshop / Path(DATA).name
    record.scorer.save(scorer)
    (scorer / MANIFEST).write_text(json.dumps(dict(record.manifest), indent=1), encoding="utf-8")
    code = workshop / PACKAGE.name
    shutil.copytree(SERVED, code / SERVED.name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PACKAGE / "__init__.py", code)
    return {
        "loader_module": LOADER,
        "data_path": str(scorer),
        "code_paths": [str(code)],
        "signature": signature(record.inputs),
        "input_example": input_example(record.inputs),
        "pip_requirements": serving_requirements(),
        "metadata": {name: record.manifest[name] for name in IN_MODEL_FILE},
    }
