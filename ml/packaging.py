"""How a model is stored so that a server can load it: signature, example, requirements; no pickle."""

from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema, TensorSpec

from ml.data import TrainingData
from ml.estimator import TRUSTED_TYPES
from warehouse.settings import PROJECT_ROOT

SERVING_REQUIREMENTS = PROJECT_ROOT / "ml" / "serving-requirements.txt"


def signature(data: TrainingData) -> ModelSignature:
    """What the model takes and gives.

    It takes doubles, also for whole numbers (they may be null), and strings, by name; it gives the probabilities of
    repayment and of default, one pair per applicant.
    """
    inputs = [ColSpec(DataType.double, name) for name in data.numeric]
    inputs += [ColSpec(DataType.string, name) for name in data.categories]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema([TensorSpec(np.dtype("float64"), (-1, 2), name=None)]))


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


def storage_options(data: TrainingData, metadata: dict[str, Any]) -> dict[str, Any]:
    """Arguments of `mlflow.sklearn.log_model` and `save_model`: skops instead of pickle, a probability as answer."""
    return {
        "signature": signature(data),
        "input_example": input_example(data),
        "pip_requirements": serving_requirements(),
        "serialization_format": "skops",
        "skops_trusted_types": list(TRUSTED_TYPES),
        "pyfunc_predict_fn": "predict_proba",
        "metadata": metadata,
    }
