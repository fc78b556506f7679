"""A registered model in a folder that a server loads."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from mlflow.models import Model

from ml.registry.artefacts import CODE, DATA, DOWNLOADED, MODEL_FILE, checksums, refused
from ml.registry.loading import VERSION_KEY, LoadedModel, model_errors, read_version, recorded_checksums
from ml.registry.packaging import ANSWER
from ml.registry.registry import Registry
from ml.registry.store import waiting_lock
from ml.registry.versions import CHECKSUMS_TAG, MODEL_NAME, RegisteredModel, VersionChoice
from warehouse.core.errors import ModelError
from warehouse.core.exchange import exchange, recover
from warehouse.core.files import cannot_write

LONGEST_CHECK = 300  # seconds
SAME_ANSWER = 1e-9
_answered: set[frozenset[tuple[str, str]]] = set()  # what has passed the check in this process, by its checksums
OTHER_FOLDER = "choose another folder with --out, or make room there"
# What a server does: the packed code, found in the folder, loads the model and answers.
CHECK = """
import json, sys
from pathlib import Path
code, data = sys.argv[1:]
sys.path.insert(0, code)
import pandas as pd
import ml.served.scorer as loader
if not Path(loader.__file__).is_relative_to(code):
    raise ImportError(f"ml.served.scorer comes from {loader.__file__}")
asked = json.load(sys.stdin)
frame = pd.DataFrame({name: pd.Series(values, dtype=asked["kinds"][name]) for name, values in asked["values"].items()})
print(loader._load_pyfunc(data).predict(frame).to_json(orient="records", double_precision=15))
"""


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
        There is no such version, its files are incomplete, changed or foreign, it does not answer with a probability,
        or `out` is a folder of something else.
    SettingsError
        The folder cannot be written.
    """
    require_writable(out)
    with waiting_lock(out.parent / f".{out.name}.lock", f"to replace {out}"):
        recover(out)
        model = registry.resolve(version)
        recorded_checksums(model)  # before its files are copied
        try:
            with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as workshop:
                incoming = Path(workshop) / "incoming"
                incoming.mkdir()
                loaded = read_version(registry.download(model, incoming), model)
                _prepare(incoming, model)
                _require_answer(incoming, loaded)
                _replace(incoming, out, settle)
        except OSError as error:
            raise cannot_write(out, error, OTHER_FOLDER) from error
    return ExportedModel(model, out, loaded.threshold)


def is_exported(out: Path) -> bool:
    """Whether a folder holds an exported model."""
    return (out / MODEL_FILE).is_file()


def holds(out: Path, model: RegisteredModel) -> bool:
    """Whether a folder holds this version, as it was exported."""
    if not is_exported(out):
        return False
    try:
        with model_errors(out):
            description = Model.load(str(out))
            present, exported = checksums(out), (description.metadata or {}).get(CHECKSUMS_TAG)
        recorded = recorded_checksums(model)
    except ModelError:
        return False
    for files in (present, recorded):
        files.pop(MODEL_FILE, None)
    return description.run_id == model.run_id and present == exported == recorded


def require_writable(out: Path) -> None:
    """Refuse a folder that cannot be replaced by an exported model, before anything is computed for it.

    Raises
    ------
    ModelError
        It holds something else.
    SettingsError
        It cannot be written.
    """
    try:
        if (out.exists() and not out.is_dir()) or (out.is_dir() and any(out.iterdir()) and not is_exported(out)):
            raise ModelError(
                expected=f"{out} to be new, empty or an exported model",
                found="something else there",
                remedy="choose another folder with --out",
            )
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}."):
            pass
    except OSError as error:
        raise cannot_write(out, error, OTHER_FOLDER) from error


def _prepare(folder: Path, model: RegisteredModel) -> None:
    """Describe the model without the store it came from, with its version and the checksums of its other files."""
    (folder / DOWNLOADED).unlink(missing_ok=True)
    description = Model.load(str(folder))
    description.model_id = None
    description.artifact_path = MODEL_NAME
    files = {name: digest for name, digest in checksums(folder).items() if name != MODEL_FILE}
    description.metadata = (description.metadata or {}) | {VERSION_KEY: model.version, CHECKSUMS_TAG: files}
    description.save(str(folder / MODEL_FILE))


def _require_answer(folder: Path, loaded: LoadedModel) -> None:
    """Have a process that finds no code of ours but the packed one answer the example, as this process does."""
    files = frozenset((name, digest) for name, digest in checksums(folder).items() if name != MODEL_FILE)
    if files in _answered:
        return
    what = str(loaded.registered)
    with model_errors(what):
        description = Model.load(str(folder))
        columns = description.signature.inputs.inputs
        kinds = {column.name: "float64" if column.type.name == "double" else "str" for column in columns}
        example = cast(pd.DataFrame, description.load_input_example(str(folder))).astype(kinds)
        expected = loaded.scorer.decide(example)
    asked = {"kinds": kinds, "values": {name: _plain(example[name]) for name in kinds}}
    with tempfile.TemporaryDirectory() as elsewhere:
        try:
            answer = subprocess.run(
                [sys.executable, "-I", "-B", "-c", CHECK, str(folder / CODE), str(folder / DATA)],
                input=json.dumps(asked),
                cwd=elsewhere,
                capture_output=True,
                text=True,
                timeout=LONGEST_CHECK,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise refused(what, f"an answer within {LONGEST_CHECK} s", "none") from error
    if answer.returncode:
        found = (answer.stderr.strip() or f"exit code {answer.returncode}").splitlines()[-1]
        raise refused(what, "a model that its packed code can load", found)
    answered = pd.DataFrame(json.loads(answer.stdout.splitlines()[-1]))
    same = (
        list(answered) == list(ANSWER)
        and answered["decision"].tolist() == expected["decision"].tolist()
        and np.allclose(answered[["probability", "threshold"]], expected[["probability", "threshold"]], 0, SAME_ANSWER)
    )
    if not same or not answered["probability"].between(0, 1).all():
        raise refused(what, f"the answer {expected.to_dict('records')}", f"{answered.to_dict('records')}")
    _answered.add(files)


def _plain(values: pd.Series) -> list[Any]:
    return values.astype(object).where(values.notna(), None).tolist()


def _replace(incoming: Path, out: Path, settle: Callable[[], object]) -> None:
    """Put `incoming` in the place of `out`; `out` comes back when `settle` fails."""
    replaced = out.exists()
    exchange(incoming, out)
    try:
        settle()
    except BaseException:
        if replaced:
            exchange(incoming, out)
        else:
            out.rename(incoming)
        raise
