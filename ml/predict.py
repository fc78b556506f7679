"""Score clients of the marts: default probability and decision of each, as Parquet and as a table.

python -m ml.predict --population scoring|training|all [--snapshot ID | --database FILE] [--out DIR]
                     [--version N|newest | --model FOLDER]
"""

import argparse
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
from mlflow.exceptions import MlflowException
from mlflow.models import Model

from ml.batch_scorer import BatchScorer
from ml.data.clients import POPULATIONS, Source, file_source, open_clients, published_source
from ml.data.training_set import KEY
from ml.registry.export import VERSION_KEY
from ml.registry.packaging import read_scorer
from ml.registry.registry import MODEL_NAME, Registry
from ml.registry.versions import VersionChoice, add_version_argument
from ml.scores import SCHEMA, WrittenScores, write_scores
from ml.served.scorer import GRANT, REFUSE
from warehouse.core.cli import run_command
from warehouse.core.errors import ModelError, first_line
from warehouse.core.settings import Settings
from warehouse.snapshots.snapshot import CURRENT

PROGRESS_SECONDS = 5.0


@dataclass(frozen=True)
class VersionedScorer:
    """A model and its version in the registry."""

    scorer: BatchScorer
    version: int


def registered_scorer(registry: Registry, version: VersionChoice) -> VersionedScorer:
    """A version of the registry; see `Registry.choose`.

    Raises
    ------
    ModelError
        There is no such version, or its files are incomplete.
    """
    model = registry.choose(version)
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
        Of the schema `ml.scores.SCHEMA`, sorted by key.

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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ml.predict",
        description="Score the clients of marts.client_features with the champion (or another version) and write "
        "sk_id_curr, probability, decision, threshold, model_version, snapshot_id and scored_at as Parquet and into "
        "the table scores of credit_scores.duckdb. Published snapshots never change, so that file lies beside them: in "
        "the folder scores next to CREDIT_PUBLISHED_DIR. Scores of the same clients, version and snapshot are "
        "replaced in one step; all older ones stay.",
        epilog="Environment: CREDIT_PUBLISHED_DIR names the folder of the snapshots, MLFLOW_TRACKING_URI the registry.",
    )
    parser.add_argument(
        "--population", choices=POPULATIONS, required=True, help="without a label yet, with a label, or both"
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--snapshot", default=CURRENT, metavar="ID", help="published snapshot (default: current)")
    source.add_argument("--database", type=Path, metavar="FILE", help="a warehouse file instead of a snapshot")
    model = parser.add_mutually_exclusive_group()
    add_version_argument(model, "score with")
    model.add_argument("--model", type=Path, metavar="FOLDER", help="an exported model instead, such as ml/model")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the results (default: see above)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Score and print a summary."""
    options = _parser().parse_args(argv)
    settings = Settings.from_environment()

    def command() -> None:
        """Score, write, and print what came out."""
        started = time.perf_counter()
        if options.database:
            source = file_source(options.database.expanduser().resolve())
        else:
            source = published_source(options.snapshot, settings.published_dir)
        if options.model:
            model = exported_scorer(options.model.expanduser().resolve())
        else:
            model = registered_scorer(Registry(settings), options.version)
        print(f"scoring {source.snapshot_id} ({options.population}) with {MODEL_NAME} version {model.version}")
        scores = score(source, model, options.population, lambda line: print(line, flush=True))
        out = (options.out or settings.published_dir.parent / "scores").expanduser().resolve()
        name = f"scores_v{model.version}_{source.snapshot_id}_{options.population}"
        written = write_scores(scores, out, name)
        print(_summary(scores, written, time.perf_counter() - started))

    return run_command(command)


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


if __name__ == "__main__":
    sys.exit(main())
