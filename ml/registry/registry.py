"""MLflow: where runs are tracked and models registered, and which of them is the champion."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
import mlflow.pyfunc
from mlflow import ActiveRun, MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from ml.registry.artefacts import checksums
from ml.registry.history import TRAINED, Promotion, promotion_now, promotions
from ml.registry.packaging import storage_options
from ml.registry.record import ModelRecord, log_record
from ml.registry.runs import RunFiles, active_run, close_abandoned_runs
from ml.registry.store import (
    LOCK_FILE,
    SQLITE_SCHEME,
    quieten,
    sqlite_folder,
    store_errors,
    waiting_lock,
    without_password,
)
from ml.registry.versions import (
    CHALLENGER,
    CHAMPION,
    CHECKSUMS_TAG,
    GUARD_TAG,
    MODEL_NAME,
    PASSED,
    REFUSED,
    VERDICT_TAG,
    RegisteredModel,
    VersionChoice,
)
from warehouse.core.errors import ModelError
from warehouse.core.settings import Settings

EXPERIMENT = "credit_scoring"
NOT_FOUND_CODES = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"})


class Registry(RunFiles):
    """The tracking store and model registry of one address.

    Parameters
    ----------
    settings : Settings
        Gives the address.

    Attributes
    ----------
    address : str
        As it may be shown, without a password.
    folder : Path or None
        Of a SQLite store; None when the store is a server.

    Raises
    ------
    ModelError
        The store cannot be opened; every method raises it when the store fails.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.tracking_uri)
        self.address = without_password(self._uri)
        self.folder = sqlite_folder(self._uri)
        quieten()
        with store_errors(self._uri), self._created_by_one():
            mlflow.set_tracking_uri(self._uri)
            mlflow.set_registry_uri(self._uri)
            self._client = MlflowClient(self._uri, self._uri)
            experiment = self._client.get_experiment_by_name(EXPERIMENT)
            self._experiment_id = experiment.experiment_id if experiment else self._create_experiment()

    @contextmanager
    def run(self, name: str, *, nested: bool = False) -> Iterator[ActiveRun]:
        """An active run of the experiment that registers no model, such as a comparison; inside another if nested."""
        with store_errors(self._uri):
            if not nested:
                close_abandoned_runs(self._client, self._experiment_id)
            with active_run(self._experiment_id, name, nested=nested) as active:
                yield active

    def resolve(self, version: VersionChoice = None) -> RegisteredModel:
        """The version that a command is about: by its number, the newest, or the champion when None.

        Raises
        ------
        ModelError
            There is no such version.
        """
        if isinstance(version, int):
            return self.version(version)
        chosen = self.champion() if version is None else next(reversed(self.versions()), None)
        if chosen is None:
            raise ModelError(
                expected=f"a {CHAMPION if version is None else 'version'} of {MODEL_NAME} in {self.address}",
                found="none",
                remedy="run: python -m ml.train (list the versions: python -m ml.promote --list)",
            )
        return chosen

    def champion(self) -> RegisteredModel | None:
        """The champion; None when there is none yet."""
        return self._by_alias(CHAMPION)

    def challenger(self) -> RegisteredModel | None:
        """The challenger; None when there is none yet."""
        return self._by_alias(CHALLENGER)

    def version(self, number: int) -> RegisteredModel:
        """A version by its number; `ModelError` when it does not exist."""
        with store_errors(self._uri):
            try:
                return self._registered(self._client.get_model_version(MODEL_NAME, str(number)))
            except MlflowException as error:
                if error.error_code not in NOT_FOUND_CODES:
                    raise
                raise ModelError(
                    expected=f"version {number} of {MODEL_NAME} in {self.address}",
                    found="no such version",
                    remedy="list the versions with: python -m ml.promote --list",
                ) from error

    def register(self, record: ModelRecord) -> RegisteredModel:
        """Log a record as a run, store its model, and register that as a new version with checksums of its files."""
        with store_errors(self._uri), tempfile.TemporaryDirectory() as workshop:
            close_abandoned_runs(self._client, self._experiment_id)
            with active_run(self._experiment_id) as active:
                log_record(record)
                logged = mlflow.pyfunc.log_model(name="model", **storage_options(record, Path(workshop)))
            with tempfile.TemporaryDirectory() as folder:
                stored = mlflow.artifacts.download_artifacts(logged.model_uri, dst_path=folder)
                tags = {CHECKSUMS_TAG: json.dumps(checksums(Path(stored)))}
            self._ensure_model()
            created = self._client.create_model_version(
                MODEL_NAME, source=logged.model_uri, run_id=active.info.run_id, tags=tags, model_id=logged.model_id
            )
            return self._registered(created)

    def versions(self) -> list[RegisteredModel]:
        """All versions, oldest first; none before the first training."""
        with store_errors(self._uri):
            found = self._client.search_model_versions(f"name = '{MODEL_NAME}'")
            return sorted((self._registered(version) for version in found), key=lambda model: model.version)

    def aliases(self) -> dict[str, int]:
        """Version by alias."""
        with store_errors(self._uri):
            found = self._client.search_registered_models(f"name = '{MODEL_NAME}'")
            return {alias: int(version) for model in found for alias, version in model.aliases.items()}

    def promotions(self) -> list[Promotion]:
        """Every change of champion, oldest first."""
        with store_errors(self._uri):
            found = self._client.search_registered_models(f"name = '{MODEL_NAME}'")
            return promotions(found[0].tags) if found else []

    def promote(self, model: RegisteredModel, reason: str, how: str = TRAINED) -> Promotion:
        """Make a version the champion and log it; the one before becomes the challenger, ready for a rollback.

        Whatever the store refuses on the way, the aliases are as before. The exported model is another matter: see
        `ml.registry.promotion.settle`.
        """
        before = self.aliases()
        previous = before.get(CHAMPION)
        guard = self.version(model.version).tags.get(GUARD_TAG, "unknown")
        change = promotion_now(how, reason, previous, model.version, guard)
        with store_errors(self._uri):
            try:
                if previous is not None and previous != model.version:
                    self._set_alias(CHALLENGER, previous)
                self._set_alias(CHAMPION, model.version)
                for name, value in change.version_tags.items():
                    self._client.set_model_version_tag(MODEL_NAME, str(model.version), name, value)
                self._client.set_registered_model_tag(MODEL_NAME, *change.log_tag)
            except BaseException:
                self._restore_aliases(before)
                raise
        return change

    def set_challenger(self, model: RegisteredModel) -> None:
        """Make a version the challenger; the champion stays."""
        with store_errors(self._uri):
            self._set_alias(CHALLENGER, model.version)

    def record_verdict(self, model: RegisteredModel, reason: str, *, refused: bool) -> None:
        """Record on a version what the guard and the comparison found."""
        with store_errors(self._uri):
            self._client.set_model_version_tag(MODEL_NAME, str(model.version), VERDICT_TAG, reason)
            guard = REFUSED if refused else PASSED
            self._client.set_model_version_tag(MODEL_NAME, str(model.version), GUARD_TAG, guard)

    @contextmanager
    def _created_by_one(self) -> Iterator[None]:
        """Keep two first commands from creating the tables of a SQLite store at the same time."""
        if self.folder is None or not self.folder.is_dir() or Path(self._uri.removeprefix(SQLITE_SCHEME)).exists():
            yield
        else:
            with waiting_lock(self.folder / LOCK_FILE, f"to create {self.address}"):
                yield

    def _create_experiment(self) -> str:
        artifacts = str(self.folder / "mlruns") if self.folder else None  # a server decides for itself
        return self._client.create_experiment(EXPERIMENT, artifact_location=artifacts)

    def _by_alias(self, alias: str) -> RegisteredModel | None:
        with store_errors(self._uri):
            try:
                return self._registered(self._client.get_model_version_by_alias(MODEL_NAME, alias))
            except MlflowException as error:
                if error.error_code in NOT_FOUND_CODES:
                    return None
                raise

    def _set_alias(self, alias: str, version: int) -> None:
        self._client.set_registered_model_alias(MODEL_NAME, alias, str(version))

    def _restore_aliases(self, before: dict[str, int]) -> None:
        for alias in (CHAMPION, CHALLENGER):
            if alias in before:
                self._set_alias(alias, before[alias])
            else:
                self._client.delete_registered_model_alias(MODEL_NAME, alias)

    def _registered(self, version: ModelVersion) -> RegisteredModel:
        run = self._client.get_run(version.run_id or "")
        return RegisteredModel(int(version.version), run.info.run_id, dict(run.data.metrics), dict(version.tags))

    def _ensure_model(self) -> None:
        if not self._client.search_registered_models(f"name = '{MODEL_NAME}'"):
            self._client.create_registered_model(MODEL_NAME, description="Probability that an applicant defaults")
