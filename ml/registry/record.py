"""What a model leaves in its MLflow run, as a plain record; the registry does not know how the model was made."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import pandas as pd

from ml.data.training_set import TrainingData
from ml.served.scorer import CreditScorer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MANIFEST_FILE = "manifest.json"
OUT_OF_FOLD_FILE = "out_of_fold.parquet"


@dataclass(frozen=True)
class ModelRecord:
    """A fitted model and what is logged beside it.

    Attributes
    ----------
    scorer : CreditScorer
        The model.
    inputs : TrainingData
        The features that it reads, for the signature and the example.
    manifest : mapping
        Logged as `manifest.json` and stored with the model; its `threshold`, `data` and `git` go into MLmodel too.
    parameters, tags : mapping
    metrics : mapping of str to float
    series : mapping of str to sequence of float
        Metrics with one value per step, such as one per fold.
    tables : mapping of str to DataFrame
        By file name, which ends in .parquet or .csv.
    figures : mapping of str to Figure
        By file name.
    """

    scorer: CreditScorer
    inputs: TrainingData
    manifest: Mapping[str, Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    series: Mapping[str, Sequence[float]] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    figures: "Mapping[str, Figure]" = field(default_factory=dict)


def log_record(record: ModelRecord) -> None:
    """Log everything but the model to the active run."""
    mlflow.log_params(dict(record.parameters))
    mlflow.set_tags(dict(record.tags))
    mlflow.log_metrics(dict(record.metrics))
    for name, values in record.series.items():
        for step, value in enumerate(values):
            mlflow.log_metric(name, value, step=step)
    mlflow.log_dict(dict(record.manifest), MANIFEST_FILE)
    for name, figure in record.figures.items():
        mlflow.log_figure(figure, name)
    with tempfile.TemporaryDirectory() as folder:
        for name, table in record.tables.items():
            _write(table, Path(folder) / name)
        mlflow.log_artifacts(folder)


def _write(table: pd.DataFrame, path: Path) -> None:
    if path.suffix == ".parquet":
        table.to_parquet(path, index=False)
    else:
        table.to_csv(path, index=False)
