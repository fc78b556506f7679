"""The files of a stored model: which ones there may be, and whether they are those that training stored."""

import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlflow.models import Model

from warehouse.core.errors import ModelError
from warehouse.core.files import file_sha256

MODEL_FILE = "MLmodel"
LOADER = "ml.served.scorer"
CODE = "code"
DATA = "data/scorer"
MANIFEST = "manifest.json"
DOWNLOADED = "registered_model_meta"  # MLflow adds it to whatever it downloads
FILES = re.compile(
    r"MLmodel|conda\.yaml|python_env\.yaml|requirements\.txt|input_example\.json|serving_input_example\.json"
    r"|data/scorer/(decision\.json|manifest\.json|member_\d+\.skops)|code/ml/__init__\.py|code/ml/served/\w+\.py"
)
SKOPS_MEMBERS = frozenset({".json", ".npy", ".npz"})
PYTHON_FUNCTION = "python_function"
NAMES_SHOWN = 5
CACHE = "__pycache__"  # a server that has loaded an exported model leaves it behind; it is never read here
TRAIN_AGAIN = "train again: python -m ml.train"


def checksums(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a stored model, by its path in the folder."""
    return {name: file_sha256(folder / name) for name in _names(folder)}


def require_own_files(folder: Path, what: str) -> None:
    """Refuse a model that holds or names what this project does not store, before anything of it is read or run.

    Parameters
    ----------
    folder : Path
        With MLmodel.
    what : str
        The model, for the message.

    Raises
    ------
    ModelError
        A file is none of a model's files, a .skops file holds more than JSON and arrays, or MLmodel names another
        loader, flavour or folder.
    OSError, ValueError, ...
        The folder is damaged; see `ml.registry.loading.model_errors`.
    """
    foreign = [name for name in _names(folder) if not FILES.fullmatch(name)]
    if foreign:
        raise refused(what, "only the files that training stores", _some(foreign))
    for path in sorted(folder.glob(f"{DATA}/*.skops")):
        with zipfile.ZipFile(path) as archive:
            members = [name for name in archive.namelist() if Path(name).suffix not in SKOPS_MEMBERS]
        if members:
            raise refused(what, "JSON and arrays in its .skops files", f"{path.name} with {_some(members)}")
    flavors = Model.load(str(folder)).flavors
    others = sorted(set(flavors) - {PYTHON_FUNCTION})
    if others:
        raise refused(what, f"the flavour {PYTHON_FUNCTION} alone in {MODEL_FILE}", _some(others))
    expected = {"loader_module": LOADER, "data": DATA, "code": CODE}
    named = {name: flavors.get(PYTHON_FUNCTION, {}).get(name) for name in expected}
    if named != expected:
        found = ", ".join(f"{name} {value}" for name, value in named.items() if value != expected[name])
        raise refused(what, f"{MODEL_FILE} with {', '.join(map(' '.join, expected.items()))}", found)


def require_unchanged(folder: Path, recorded: Mapping[str, str], what: str) -> None:
    """Refuse a model of which a file was changed, added or removed since its checksums were recorded.

    Raises
    ------
    ModelError
        Names the files.
    """
    present = checksums(folder)
    faults = [
        f"{name} ({'missing' if name not in present else 'changed' if name in recorded else 'added'})"
        for name in sorted(set(present) | set(recorded))
        if present.get(name) != recorded.get(name)
    ]
    if faults:
        raise refused(what, "the files that training stored, by their SHA-256", _some(faults))


def refused(what: str, expected: str, found: str) -> ModelError:
    """The one line for a model that is not what training stored."""
    return ModelError(
        expected=f"{expected} in {what}",
        found=found,
        remedy="do not use it: bring its own files back, name another version with --version, or " + TRAIN_AGAIN,
    )


def _names(folder: Path) -> list[str]:
    paths = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file() or path.is_symlink()]
    return sorted(str(path) for path in paths if CACHE not in path.parts and str(path) != DOWNLOADED)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more
