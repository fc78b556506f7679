"""Which model is to be served: the registered champion, or an exported folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mlflow.models import Model

from ml.data.population import PopulationStats
from ml.explanation.population import logged_population
from ml.registry.loading import VERSION_KEY, LoadedModel, model_errors, open_scorer
from ml.registry.registry import Registry
from ml.serving.settings import ServingSettings
from warehouse.core.errors import ModelError


@dataclass(frozen=True)
class ModelKey:
    """A version of the model, told apart from one with the same number in another registry by the run that made it."""

    version: int
    run_id: str

    def __str__(self) -> str:
        return f"v{self.version}-{self.run_id[:8]}"


class ModelSource(Protocol):
    """Where the model comes from."""

    def current(self) -> ModelKey:
        """Which model is to be served; `ModelError` when there is none."""

    def open(self, key: ModelKey) -> LoadedModel:
        """Read it, checked as `open_scorer` does."""

    def logged_population(self, model: LoadedModel) -> PopulationStats | None:
        """Whom clients are compared with, as logged with the model."""


class Champion:
    """The champion of the registry."""

    def __init__(self, settings: ServingSettings) -> None:
        self._registry = Registry(settings.project)

    def current(self) -> ModelKey:
        """See `ModelSource`."""
        champion = self._registry.resolve()
        return ModelKey(champion.version, champion.run_id)

    def open(self, key: ModelKey) -> LoadedModel:
        """See `ModelSource`."""
        return open_scorer(self._registry, key.version)

    def logged_population(self, model: LoadedModel) -> PopulationStats | None:
        """See `ModelSource`."""
        return logged_population(self._registry, model.registered) if model.registered else None


class ExportedFolder:
    """A model that `ml.export` wrote."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def current(self) -> ModelKey:
        """See `ModelSource`."""
        if not (self._folder / "MLmodel").is_file():
            raise ModelError(
                expected=f"an exported model in {self._folder}", found="none", remedy="run: python -m ml.export"
            )
        with model_errors(self._folder, "run: python -m ml.export"):
            model = Model.load(str(self._folder))
            return ModelKey(int((model.metadata or {})[VERSION_KEY]), str(model.run_id))

    def open(self, key: ModelKey) -> LoadedModel:
        """See `ModelSource`."""
        return open_scorer(self._folder)

    def logged_population(self, model: LoadedModel) -> PopulationStats | None:
        """A folder holds none."""
        return None


def model_source(settings: ServingSettings) -> ModelSource:
    """The source that the settings name."""
    return ExportedFolder(settings.model_folder) if settings.model_folder else Champion(settings)
