"""Runs of MLflow: how they end (none is left running for ever), and the files that they hold."""

import json
import os
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow import ActiveRun, MlflowClient
from mlflow.entities import Run, RunStatus
from mlflow.exceptions import MlflowException

from ml.registry.record import MANIFEST_FILE, OUT_OF_FOLD_FILE
from ml.registry.store import cause, disk_remedy, store_errors, without_password
from ml.registry.versions import MODEL_NAME, RegisteredModel
from warehouse.core.errors import ModelError, is_interrupt

PROCESS_TAG = "process"  # host and process that the run belongs to
FINISHED = RunStatus.to_string(RunStatus.FINISHED)
FAILED = RunStatus.to_string(RunStatus.FAILED)
KILLED = RunStatus.to_string(RunStatus.KILLED)


@contextmanager
def active_run(experiment_id: str, name: str | None = None, *, nested: bool = False) -> Iterator[ActiveRun]:
    """An active run that ends with the block: FINISHED, FAILED after an error, KILLED when it was interrupted."""
    started = mlflow.start_run(
        experiment_id=experiment_id, run_name=name, nested=nested, tags={PROCESS_TAG: _this_process()}
    )
    status = FINISHED
    try:
        yield started
    except BaseException as error:
        status = KILLED if not isinstance(error, Exception) or is_interrupt(error) else FAILED
        raise
    finally:
        mlflow.end_run(status)


def close_abandoned_runs(client: MlflowClient, experiment_id: str) -> int:
    """Mark runs as KILLED whose process on this machine no longer exists; how many."""
    running = client.search_runs([experiment_id], "attributes.status = 'RUNNING'")
    abandoned = [run for run in running if _is_abandoned(run)]
    for run in abandoned:
        client.set_terminated(run.info.run_id, KILLED)
    return len(abandoned)


class RunFiles:
    """What the runs of a store hold, and the models that they made.

    Parameters
    ----------
    uri : str
        Address of the store.
    """

    _client: MlflowClient  # made by the registry, once the store can be opened

    def __init__(self, uri: str) -> None:
        self._uri = uri

    def manifest(self, model: RegisteredModel) -> dict[str, Any]:
        """The manifest of the run that made a version."""
        with tempfile.TemporaryDirectory() as folder:
            path = self.artifact(model, MANIFEST_FILE, folder)
            return json.loads(path.read_text(encoding="utf-8"))

    def out_of_fold(self, model: RegisteredModel) -> pd.DataFrame:
        """Out-of-fold predictions of the run that made a version; see `ml.training.run.TrainingRun.out_of_fold`."""
        with tempfile.TemporaryDirectory() as folder:
            return pd.read_parquet(self.artifact(model, OUT_OF_FOLD_FILE, folder))

    def attach(
        self, model: RegisteredModel, folder: Path, name: str, metrics: Mapping[str, float] | None = None
    ) -> None:
        """Log the files of a folder under a name, and more metrics, to the run that made a version."""
        with store_errors(self._uri):
            self._client.log_artifacts(model.run_id, str(folder), name)
            for metric, value in (metrics or {}).items():
                self._client.log_metric(model.run_id, metric, value)

    def fetch(self, model: RegisteredModel, name: str, folder: Path) -> Path | None:
        """Copy a file of the run that made a version into a folder; None when the run has no such file."""
        with store_errors(self._uri):
            parent = str(Path(name).parent) if "/" in name else None
            if name not in {item.path for item in self._client.list_artifacts(model.run_id, parent)}:
                return None
        return self.artifact(model, name, str(folder))

    def download(self, model: RegisteredModel, folder: Path) -> Path:
        """Copy the files of a version into a folder that exists; the folder with MLmodel."""
        with store_errors(self._uri):
            try:
                uri = f"models:/{MODEL_NAME}/{model.version}"
                stored = Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(folder)))
            except (MlflowException, OSError) as error:
                raise _lost(model, "files", self._location(model), error) from error
            if not any(stored.iterdir()):  # MLflow copies nothing from a folder that is not there
                raise _lost(model, "files", self._location(model), FileNotFoundError("no files"))
            return stored

    def artifact(self, model: RegisteredModel, name: str, folder: str) -> Path:
        """Copy a file of the run that made a version into a folder; `ModelError` when the run has lost it."""
        with store_errors(self._uri):
            try:
                return Path(
                    mlflow.artifacts.download_artifacts(run_id=model.run_id, artifact_path=name, dst_path=folder)
                )
            except (MlflowException, OSError) as error:
                location = self._client.get_run(model.run_id).info.artifact_uri
                raise _lost(model, name, location, error) from error

    def trained_at(self, model: RegisteredModel) -> datetime:
        """When the run that made a version began, UTC."""
        with store_errors(self._uri):
            return datetime.fromtimestamp(self._client.get_run(model.run_id).info.start_time / 1000, UTC)

    def _location(self, model: RegisteredModel) -> str:
        """Where the files of a version lie."""
        source = self._client.get_model_version(MODEL_NAME, str(model.version)).source or ""
        scheme, _, model_id = source.partition(":/")
        return (self._client.get_logged_model(model_id).artifact_location or "") if scheme == "models" else source


def _this_process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _is_abandoned(run: Run) -> bool:
    host, _, number = run.data.tags.get(PROCESS_TAG, "").rpartition(":")
    if host != socket.gethostname() or not number.isdigit():
        return False  # of another machine, or of another program
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False  # it exists, and belongs to another user
    return False


def _lost(model: RegisteredModel, name: str, location: str, error: Exception) -> ModelError:
    """The one line for files that the store knows and cannot give, with the place where they should lie."""
    path, remedy = location.removeprefix("file://"), disk_remedy(error)
    absent = remedy is None and "://" not in path and not Path(path).exists()
    return ModelError(
        expected=f"{name} of {model} in {without_password(location)}",
        found="no such folder" if absent else cause(error),
        remedy=remedy
        or "bring that folder back to this place (a store that was moved or copied keeps the old paths), or remove the "
        "aliases of that version and run: python -m ml.train",
    )
