"""A registered model in a folder that a server loads."""

import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import mlflow.pyfunc
from mlflow.exceptions import MlflowException
from mlflow.models import Model

from ml.registry.packaging import ANSWER
from ml.registry.registry import MODEL_NAME, RegisteredModel, Registry
from ml.registry.versions import VersionChoice
from warehouse.core.errors import ModelError, first_line

MODEL_FILE = "MLmodel"


VERSION_KEY = "model_version"


PICKLES = frozenset({".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle"})


SKOPS_MEMBERS = frozenset({".json", ".npy", ".npz"})


@dataclass(frozen=True)
class ExportedModel:
    """A model in a folder: what was exported, and where it lies."""

    model: RegisteredModel
    folder: Path
    threshold: float


def export_model(
    registry: Registry, out: Path, version: VersionChoice = None, settle: Callable[[], object] = lambda: None
) -> ExportedModel:
    """Put a version of the model into a folder; what was there stays until the new one is complete and answers.

    Parameters
    ----------
    registry : Registry
        Holds the model.
    out : Path
        Folder to create or to replace.
    version : int or "newest", optional
        Version to export; the champion when omitted.
    settle : callable, optional
        Called when the new model is in place; what it raises brings the older one back.

    Returns
    -------
    ExportedModel

    Raises
    ------
    ModelError
        There is no such version, its files are incomplete or hold a pickle, it does not answer with a probability, or
        `out` is a folder of something else.
    """
    model = registry.resolve(version)
    _require_replaceable(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as workshop:
        incoming = Path(workshop) / "incoming"
        incoming.mkdir()
        registry.download(model, incoming)
        _stand_alone(incoming, model)
        threshold = _check(incoming, model)
        _swap(incoming, out, Path(workshop) / "outgoing", settle)
    return ExportedModel(model, out, threshold)


def is_exported(out: Path) -> bool:
    """Whether a folder holds an exported model."""
    return (out / MODEL_FILE).is_file()


def _require_replaceable(out: Path) -> None:
    if (out.exists() and not out.is_dir()) or (out.is_dir() and any(out.iterdir()) and not is_exported(out)):
        raise ModelError(
            expected=f"{out} to be new, empty or an exported model",
            found="something else there",
            remedy="choose another folder with --out",
        )


def _stand_alone(folder: Path, model: RegisteredModel) -> None:
    """Describe the model without the store it came from, so that others can read it; its version goes with it."""
    try:
        description = Model.load(str(folder))
    except (MlflowException, OSError) as error:
        raise _unusable(model, MODEL_FILE, first_line(error)) from error
    description.model_id = None
    description.artifact_path = MODEL_NAME
    description.metadata = {**(description.metadata or {}), VERSION_KEY: model.version}
    description.save(str(folder / MODEL_FILE))


def _check(folder: Path, model: RegisteredModel) -> float:
    """Threshold of the model in a folder, once it is known to be complete, without pickle, and to answer."""
    try:
        pickles = [str(path.relative_to(folder)) for path in sorted(folder.rglob("*")) if _is_pickle(path)]
        if pickles:
            raise _unusable(model, "files without pickle", ", ".join(pickles))
        description = Model.load(str(folder))
        with _import_path_kept():
            answer = mlflow.pyfunc.load_model(str(folder)).predict(description.load_input_example(str(folder)))
        threshold = float(description.metadata["threshold"])
    except (MlflowException, OSError, zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise _unusable(model, "a model that answers its own example", first_line(error)) from error
    if list(answer) != list(ANSWER) or not answer["probability"].between(0, 1).all():
        raise _unusable(model, f"{', '.join(ANSWER)} as answer", first_line(ValueError(answer)))
    return threshold


@contextmanager
def _import_path_kept() -> Iterator[None]:
    """Loading a model puts its own code on the import path for good; this process has that code."""
    before = list(sys.path)
    try:
        yield
    finally:
        sys.path[:] = before


def _is_pickle(path: Path) -> bool:
    if path.suffix == ".skops":
        with zipfile.ZipFile(path) as archive:
            return any(Path(name).suffix not in SKOPS_MEMBERS for name in archive.namelist())
    return path.suffix in PICKLES


def _swap(incoming: Path, out: Path, outgoing: Path, settle: Callable[[], object] = lambda: None) -> None:
    """Put `incoming` in the place of `out` by renaming; `out` comes back when that, or `settle`, fails."""
    if out.exists():
        out.rename(outgoing)
    try:
        incoming.rename(out)
        settle()
    except BaseException:
        if out.exists():
            out.rename(incoming)
        if outgoing.exists():
            outgoing.rename(out)
        raise


def _unusable(model: RegisteredModel, expected: str, found: str) -> ModelError:
    return ModelError(
        expected=f"{expected} in {MODEL_NAME} version {model.version}",
        found=found,
        remedy="run: python -m ml.train, or name another version with --version",
    )
