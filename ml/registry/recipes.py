"""The tuned recipe: one JSON document beside the MLflow store, written by `ml.tune`, used by `ml.train`."""

import json
from dataclasses import dataclass
from pathlib import Path

from ml.modelling.recipe import TrainingConfig
from ml.registry.store import sqlite_folder
from warehouse.core.errors import SettingsError
from warehouse.core.files import write_text
from warehouse.core.settings import PROJECT_ROOT, Settings

RECIPE_FILE = "best_parameters.json"


@dataclass(frozen=True)
class StoredRecipe:
    """The best parameters of a study, and what they were found on.

    Attributes
    ----------
    config : TrainingConfig
        The recipe (`ml.modelling.recipe.RECIPE` names what of it training takes).
    study : str
        Name of the study that found it.
    data_fingerprint : str
        `TrainingData.fingerprint` of the rows it was found on.
    objective : str
        What was optimised, such as "auc".
    value : float
        Of the objective.
    """

    config: TrainingConfig
    study: str
    data_fingerprint: str
    objective: str
    value: float


def recipe_path(settings: Settings) -> Path:
    """Where the document lies: beside a SQLite store, in the repository when the store is a server."""
    return (sqlite_folder(settings.tracking_uri) or PROJECT_ROOT) / RECIPE_FILE


def write_recipe(settings: Settings, recipe: StoredRecipe) -> Path:
    """Write the document; a reader sees the older one or the new one, never a part."""
    path = recipe_path(settings)
    document = {name: getattr(recipe, name) for name in ("study", "data_fingerprint", "objective", "value")}
    document["config"] = recipe.config.to_dict()
    write_text(path, json.dumps(document, indent=2))
    return path


def read_recipe(settings: Settings) -> StoredRecipe | None:
    """Read the document; None when nothing was tuned yet.

    Raises
    ------
    SettingsError
        It is not what `write_recipe` writes.
    """
    path = recipe_path(settings)
    if not path.is_file():
        return None
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        config = TrainingConfig.from_dict(document["config"])
        origin = {name: str(document[name]) for name in ("study", "data_fingerprint", "objective")}
        return StoredRecipe(config, **origin, value=float(document["value"]))
    except (ValueError, KeyError, TypeError, AttributeError, SettingsError) as error:
        raise SettingsError(
            expected=f"tuned parameters in {path}",
            found=f"{type(error).__name__} {error}" if not isinstance(error, SettingsError) else error.found,
            remedy="run: python -m ml.tune, or remove the file, or pass --default-recipe",
        ) from error
