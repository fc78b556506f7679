"""Score a population."""

import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
from mlflow.exceptions import MlflowException
from mlflow.models import Model

from ml.data.clients import open_clients
from ml.data.source import Source
from ml.data.training_set import KEY
from ml.registry.export import VERSION_KEY
from ml.registry.packaging import read_scorer
from ml.registry.registry import Registry
from ml.registry.versions import VersionChoice
from ml.scoring.batch import BatchScorer
from ml.scoring.store import SCHEMA, WrittenScores
from ml.served.scorer import GRANT, REFUSE
from warehouse.core.errors import ModelError, first_line

PROGRESS_SECONDS = 5.0


@dataclass(frozen=True)
class VersionedScorer:
    """A model and its version in the registry."""

    scorer: BatchScorer
    version: int


def registered_scorer(registry: Registry, version: VersionChoice) -> VersionedScorer:
    """A version of the registry; see `Registry.resolve`.

    Raises
    ------
    ModelError
        There is no such version, or its files are incomplete.
    """
    model = registry.resolve(version)
    with tempfile.TemporaryDirectory() as folder:
        return VersionedScorer(_read(registry.download(model, Path(folder))), model.version)


def exported_scorer(folder: Path) -> VersionedScorer:
    """The model in a folder that `ml.export` wrote.

    Raises
    ------
    ModelError
        It is no complete exported model.
    """
    try:
        version = int((Model.load(str(folder)).metadata or {})[VERSION_KEY])
    except (MlflowException, OSError, KeyError) as error:
        raise _unusable(folder, first_line(error)) from error
    return VersionedScorer(_read(folder), version)


def score(
    source: Source, model: VersionedScorer, population: str, say: Callable[[str], None] = lambda line: None
) -> pa.Table:
    """Score a population.

    Parameters
    ----------
    source : Source
        Where the marts are.
    model : VersionedScorer
    population : str
        "scoring", "training" or "all".
    say : callable, optional
        Told how far it is, every few seconds.

    Returns
    -------
    pyarrow.Table
        Of the schema `ml.scoring.store.SCHEMA`, sorted by key.

    Raises
    ------
    WarehouseMissingError, WarehouseLockedError, TrainingDataError
        See `ml.data.clients.open_clients`.
    """
    scorer, scored_at = model.scorer, datetime.now(UTC)
    keys, probabilities, done, told = [], [], 0, time.monotonic()
    with open_clients(source, scorer, population) as reader:
        for batch in reader.batches:
            if not keys:
                scorer = scorer.checked(batch)
            keys.append(np.array(batch.column(KEY)))  # a copy: a view would keep the whole batch in memory
            probabilities.append(scorer.probability(batch))
            done += batch.num_rows
            if time.monotonic() - told > PROGRESS_SECONDS:
                told = time.monotonic()
                say(f"  {done:,} of {reader.clients:,} clients")
    return _table(np.concatenate(keys), np.concatenate(probabilities), model, source, scored_at)


def _table(
    keys: np.ndarray, probability: np.ndarray, model: VersionedScorer, source: Source, scored_at: datetime
) -> pa.Table:
    order = np.argsort(keys, kind="stable")
    threshold, rows = model.scorer.scorer.threshold, len(keys)
    columns = [
        keys[order],
        probability[order],
        np.where(probability[order] >= threshold, REFUSE, GRANT),
        np.full(rows, threshold),
        np.full(rows, model.version, dtype=np.int32),
        pa.repeat(source.snapshot_id, rows),
        pa.repeat(pa.scalar(scored_at, type=SCHEMA.field("scored_at").type), rows),
    ]
    return pa.Table.from_arrays([pa.array(column) for column in columns], schema=SCHEMA)


def _read(folder: Path) -> BatchScorer:
    try:
        return BatchScorer.of(read_scorer(folder))
    except (MlflowException, OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise _unusable(folder, first_line(error)) from error


def _unusable(folder: Path, found: str) -> ModelError:
    return ModelError(expected=f"an exported model in {folder}", found=found, remedy="run: python -m ml.export")


def _summary(scores: pa.Table, written: WrittenScores, seconds: float) -> str:
    probability = scores["probability"].to_numpy()
    threshold = scores["threshold"][0].as_py()
    lines = [
        ("clients", f"{scores.num_rows:,} in {seconds:.1f} s"),
        ("probability", f"{probability.mean():.4f} on average, {np.median(probability):.4f} in the middle"),
        ("refused", f"{np.mean(probability >= threshold):.1%}, from {threshold:.4f} on"),
        ("table", f"scores in {written.database}, {written.replaced:,} older rows replaced"),
        ("parquet", str(written.parquet)),
    ]
    return "\n".join(f"  {name:<13}{text}" for name, text in lines)
