"""Score a population."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from ml.data.clients import open_clients
from ml.data.source import Source
from ml.data.training_set import KEY
from ml.registry.loading import LoadedModel
from ml.scoring.batch import BatchScorer, batch_frame
from ml.scoring.store import REASONS, SCHEMA, WrittenScores
from ml.served.scorer import GRANT, REFUSE

PROGRESS_SECONDS = 5.0

ReasonsOf = Callable[[pd.DataFrame, NDArray[np.bool_]], list[list[str]]]


def score(
    source: Source,
    model: LoadedModel,
    population: str,
    say: Callable[[str], None] = print,
    reasons_of: ReasonsOf | None = None,
) -> pa.Table:
    """Score a population.

    Parameters
    ----------
    source : Source
        Where the marts are.
    model : LoadedModel
    population : str
        "scoring", "training" or "all".
    say : callable, optional
        Reports progress every few seconds, and what is slower than it should be.
    reasons_of : callable, optional
        Takes a frame of clients and who of them is refused; returns the reasons of each in words, the strongest
        first. Without it the columns of reasons are null.

    Returns
    -------
    pyarrow.Table
        Of the schema `ml.scoring.store.SCHEMA`, sorted by key.

    Raises
    ------
    WarehouseMissingError, WarehouseLockedError, TrainingDataError
        See `ml.data.clients.open_clients`.
    ModelError
        The model cannot be evaluated batch by batch.
    """
    scorer, scored_at = BatchScorer.of(model.scorer), datetime.now(UTC)
    for note in scorer.notes:
        say(f"  {note}")
    keys: list[np.ndarray] = []
    probabilities: list[np.ndarray] = []
    reasons: list[list[str]] = []
    done, reported = 0, time.monotonic()
    with open_clients(source, scorer, population) as reader:
        for batch in reader.batches:
            if not keys:
                scorer = scorer.checked(batch, say)
            keys.append(np.array(batch.column(KEY)))  # a copy: a view would keep the whole batch in memory
            probabilities.append(scorer.probability(batch))
            if reasons_of:
                frame = batch_frame(batch, scorer.numeric)
                reasons += reasons_of(frame, probabilities[-1] >= model.threshold)
            done += batch.num_rows
            if time.monotonic() - reported > PROGRESS_SECONDS:
                reported = time.monotonic()
                say(f"  {done:,} of {reader.clients:,} clients")
    scored = _table(np.concatenate(keys), np.concatenate(probabilities), model, source, scored_at)
    return _with_reasons(scored, reasons).sort_by(KEY)


def _table(
    keys: np.ndarray, probability: np.ndarray, model: LoadedModel, source: Source, scored_at: datetime
) -> pa.Table:
    rows = len(keys)
    columns = [
        keys,
        probability,
        np.where(probability >= model.threshold, REFUSE, GRANT),
        np.full(rows, model.threshold),
        np.full(rows, model.version, dtype=np.int32),
        pa.repeat(source.snapshot_id, rows),
        pa.repeat(pa.scalar(scored_at, type=SCHEMA.field("scored_at").type), rows),
    ]
    return pa.Table.from_arrays([pa.array(column) for column in columns], names=SCHEMA.names[: len(columns)])


def _with_reasons(scored: pa.Table, reasons: Sequence[Sequence[str]]) -> pa.Table:
    """Add a column per place among the reasons."""
    for place, name in enumerate(REASONS):
        words = [client[place] if place < len(client) else None for client in reasons] or [None] * scored.num_rows
        scored = scored.append_column(name, pa.array(words, pa.string()))
    return scored.cast(SCHEMA)


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
