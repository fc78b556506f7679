"""The one way to open a model: a registered version, or a folder that `ml.export` wrote."""

import json
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightgbm.basic import LightGBMError
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from yaml import YAMLError

from ml.registry.artefacts import (
    DATA,
    MANIFEST,
    MODEL_FILE,
    TRAIN_AGAIN,
    refused,
    require_own_files,
    require_unchanged,
)
from ml.registry.registry import Registry
from ml.registry.store import cause, disk_remedy
from ml.registry.versions import CHECKSUMS_TAG, RegisteredModel, VersionChoice
from ml.served.scorer import CreditScorer
from warehouse.core.errors import ModelError
from warehouse.core.files import file_sha256

VERSION_KEY = "model_version"
# What MLflow, skops, LightGBM and the standard library raise over files that are cut, mixed up or of another release.
DAMAGE = (
    MlflowException,
    LightGBMError,
    YAMLError,
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    ImportError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    RecursionError,
    NotImplementedError,
)


@dataclass(frozen=True)
class LoadedModel:
    """A model that scores.

    Attributes
    ----------
    scorer : CreditScorer
    version : int
        In the registry that it was trained in.
    manifest : mapping
        Of the run that made it; see `ml.training.run.build_manifest`.
    registered : RegisteredModel or None
        None when it was read from an exported folder.
    """

    scorer: CreditScorer
    version: int
    manifest: Mapping[str, Any]
    registered: RegisteredModel | None = None

    @property
    def threshold(self) -> float:
        """Default probability from which on applicants are refused."""
        return self.scorer.threshold


@contextmanager
def model_errors(what: object, remedy: str = TRAIN_AGAIN) -> Iterator[None]:
    """Report whatever a damaged model raises as one line.

    Parameters
    ----------
    what : object
        The model or its folder, for the message.
    remedy : str
        What to do, unless the disk is at fault.
    """
    try:
        yield
    except DAMAGE as error:
        raise ModelError(
            expected=f"a model that can be read in {what}",
            found=f"{type(error).__name__}: {cause(error)}",
            remedy=disk_remedy(error) or remedy,
        ) from error


def open_scorer(place: Registry | Path, version: VersionChoice = None) -> LoadedModel:
    """Open a model whose files are, byte for byte, those that training stored.

    Parameters
    ----------
    place : Registry or Path
        Registry, or folder of an exported model.
    version : int or "newest", optional
        Of a registry; the champion when omitted.

    Returns
    -------
    LoadedModel

    Raises
    ------
    ModelError
        There is no such model, it is of an earlier release, or its files are damaged or were changed.
    """
    if isinstance(place, Path):
        return _read_exported(place)
    model = place.resolve(version)
    with tempfile.TemporaryDirectory() as folder:
        return read_version(place.download(model, Path(folder)), model)


def read_version(folder: Path, model: RegisteredModel) -> LoadedModel:
    """Read the downloaded files of a version; see `open_scorer`."""
    with model_errors(model):
        require_own_files(folder, str(model))
        require_unchanged(folder, recorded_checksums(model), str(model))
        return _read(folder, str(model), model.version, model)


def recorded_checksums(model: RegisteredModel) -> dict[str, str]:
    """SHA-256 by file, as they were recorded when a version was registered.

    Raises
    ------
    ModelError
        The version is of an earlier release, whose models cannot be loaded.
    """
    if CHECKSUMS_TAG not in model.tags:
        raise _earlier_release(str(model))
    with model_errors(f"the tag {CHECKSUMS_TAG} of {model}"):
        return dict(json.loads(model.tags[CHECKSUMS_TAG]))


def _read_exported(folder: Path) -> LoadedModel:
    what = f"the exported model {folder}"
    if not (folder / MODEL_FILE).is_file():
        raise ModelError(
            expected=f"an exported model in {folder}", found=f"no {MODEL_FILE}", remedy="run: python -m ml.export"
        )
    with model_errors(folder, "run: python -m ml.export"):
        metadata = Model.load(str(folder)).metadata or {}
        if CHECKSUMS_TAG not in metadata:
            raise _earlier_release(what)
        require_own_files(folder, what)
        require_unchanged(folder, metadata[CHECKSUMS_TAG] | _model_file(folder), what)
        return _read(folder, what, int(metadata[VERSION_KEY]))


def _model_file(folder: Path) -> dict[str, str]:
    """The file that holds the checksums of the others is not among them."""
    return {MODEL_FILE: file_sha256(folder / MODEL_FILE)}


def _read(folder: Path, what: str, version: int, registered: RegisteredModel | None = None) -> LoadedModel:
    scorer = CreditScorer.load(folder / DATA)
    manifest = json.loads((folder / DATA / MANIFEST).read_text(encoding="utf-8"))
    thresholds = {
        "decision.json": scorer.threshold,
        MANIFEST: manifest["threshold"],
        MODEL_FILE: (Model.load(str(folder)).metadata or {}).get("threshold"),
    }
    if len(set(thresholds.values())) > 1:
        found = ", ".join(f"{value} in {name}" for name, value in thresholds.items())
        raise refused(what, "one threshold", found)
    return LoadedModel(scorer, version, manifest, registered)


def _earlier_release(what: str) -> ModelError:
    return ModelError(
        expected=f"checksums of the files of {what}",
        found="none: an earlier release stored it, and its models cannot be loaded any more",
        remedy=TRAIN_AGAIN,
    )
