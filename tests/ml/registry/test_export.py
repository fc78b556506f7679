"""The exported model: readable by others, without pickle, and never half written."""

import errno
import json
import os
import shutil
import subprocess
import sys
import zipfile
from ast import literal_eval
from dataclasses import replace
from pathlib import Path

import mlflow
import pandas as pd
import pytest

import ml.registry.export
from ml.data.training_set import read_training_data
from ml.export import main
from ml.registry.export import _require_answer, export_model
from ml.registry.loading import open_scorer, read_version
from ml.registry.packaging import SERVED
from ml.registry.registry import Registry
from tests.support.ml_fixtures import trained_once
from warehouse.core.errors import ModelError

READ_IT = """
import sys
import pandas as pd
import mlflow.pyfunc
frame = pd.read_json(sys.stdin, orient="split", dtype=False).astype({"cnt_children": float, "owns_car": float})
print(mlflow.pyfunc.load_model(sys.argv[1]).predict(frame).to_json(orient="records", double_precision=15))
print([name for name in sys.modules if name.split('.')[0] in ('ml', 'warehouse')], file=sys.stderr)
print(sys.modules['ml.served.scorer'].__file__, file=sys.stderr)
"""


def visible(folder: Path) -> list[str]:
    """Names in a folder but for lock files, which stay behind."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


@pytest.fixture
def trained(tmp_path_factory):
    return trained_once(tmp_path_factory)


@pytest.fixture
def registry(trained):
    return Registry(trained.settings)


def test_export_holds_what_a_server_needs_and_no_pickle(trained):
    names = {path.name for path in trained.model_dir.iterdir()}
    assert {"MLmodel", "data", "code", "requirements.txt", "python_env.yaml", "conda.yaml"} <= names
    assert "serving_input_example.json" in names
    # Bytecode of the packed code is what another test of this process leaves behind, not what was exported.
    files = [path for path in trained.model_dir.rglob("*") if path.is_file() and path.parent.name != "__pycache__"]
    assert {path.suffix for path in files} <= {"", ".skops", ".json", ".py", ".txt", ".yaml"}
    code = trained.model_dir / "code"
    packed = {str(path.relative_to(code)) for path in code.rglob("*.py")}
    assert packed == {"ml/__init__.py"} | {f"ml/served/{path.name}" for path in SERVED.glob("*.py")}
    with zipfile.ZipFile(trained.model_dir / "data" / "scorer" / "member_0.skops") as archive:
        assert {name.rsplit(".", 1)[-1] for name in archive.namelist()} <= {"json", "npy"}


def test_signature_takes_doubles_and_strings_and_gives_probability_decision_and_threshold(trained):
    signature = mlflow.models.get_model_info(str(trained.model_dir)).signature
    kinds = {column.name: column.type.name for column in signature.inputs.inputs}
    assert kinds == {
        "external_score": "double",
        "cnt_children": "double",
        "owns_car": "double",
        "amt_income": "double",
        "education": "string",
        "region": "string",
    }
    answer = {column.name: column.type.name for column in signature.outputs.inputs}
    assert answer == {"probability": "double", "decision": "string", "threshold": "double"}


def test_the_model_file_says_how_to_load_it_and_which_threshold_it_uses(trained):
    info = mlflow.models.get_model_info(str(trained.model_dir))
    assert info.flavors["python_function"]["loader_module"] == "ml.served.scorer"
    assert info.metadata["threshold"] == trained.outcome.run.assessment.threshold
    assert {"data", "git"} <= set(info.metadata)
    assert info.metadata["model_version"] == 1


def test_the_model_file_names_no_folder_of_the_machine_that_trained_it(trained):
    assert str(trained.settings.duckdb_path.parent) not in (trained.model_dir / "MLmodel").read_text()


def test_a_fresh_process_without_the_repository_gives_the_same_answers(trained, tmp_path):
    data = read_training_data(trained.warehouse)
    frame = data.frame(slice(0, 20))
    answer = subprocess.run(
        [sys.executable, "-c", READ_IT, str(trained.model_dir)],
        input=frame.to_json(orient="split", double_precision=15),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    modules, loaded_from = answer.stderr.splitlines()[-2:]
    assert sorted(literal_eval(modules)) == ["ml", "ml.served", "ml.served.calibration", "ml.served.scorer"]
    assert Path(loaded_from).is_relative_to(trained.model_dir)
    there = pd.DataFrame(json.loads(answer.stdout))
    here = open_scorer(trained.model_dir).scorer.decide(frame)
    assert there["probability"].to_numpy() == pytest.approx(here["probability"].to_numpy(), abs=1e-9)
    assert there["decision"].tolist() == here["decision"].tolist()
    assert there["threshold"].to_numpy() == pytest.approx(trained.outcome.run.assessment.threshold)


def test_the_example_is_nobody(trained):
    frame = read_training_data(trained.warehouse).frame()
    example = mlflow.models.Model.load(str(trained.model_dir)).load_input_example(str(trained.model_dir))
    assert example["amt_income"].item() == pytest.approx(frame["amt_income"].median())
    assert not (frame == example.iloc[0]).all(axis=1).any()


def test_command_exports_a_version_by_its_number(trained, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", trained.settings.tracking_uri)
    out = tmp_path / "deep" / "model"
    assert main(["--version", "1", "--out", str(out)]) == 0
    assert "exported credit_scoring_model version 1" in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == sorted(path.name for path in trained.model_dir.iterdir())
    assert visible(out.parent) == ["model"]


def test_command_says_which_version_does_not_exist(trained, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", trained.settings.tracking_uri)
    assert main(["--version", "99", "--out", str(tmp_path / "model")]) == 1
    error = capsys.readouterr().err
    assert "version 99" in error
    assert len(error.splitlines()) == 1


def test_a_folder_of_something_else_is_not_replaced(registry, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ModelError, match="something else"):
        export_model(registry, tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_an_older_export_is_replaced_as_a_whole(registry, tmp_path):
    out = tmp_path / "model"
    export_model(registry, out)
    (out / "left_over.txt").write_text("of the older model")
    export_model(registry, out)
    assert not (out / "left_over.txt").exists()


def planted_loader(folder: Path) -> None:
    (folder / "code" / "planted.py").write_text("raise SystemExit('planted code ran')")
    text = (folder / "MLmodel").read_text()
    (folder / "MLmodel").write_text(text.replace("loader_module: ml.served.scorer", "loader_module: planted"))


def foreign_loader(folder: Path) -> None:
    text = (folder / "MLmodel").read_text()
    (folder / "MLmodel").write_text(text.replace("loader_module: ml.served.scorer", "loader_module: ml.scorer"))


def second_flavour(folder: Path) -> None:
    text = (folder / "MLmodel").read_text()
    (folder / "MLmodel").write_text(text.replace("flavors:\n", "flavors:\n  sklearn:\n    pickled_model: x\n"))


def appended(name: str, text: str):
    def change(folder: Path) -> None:
        with (folder / name).open("a") as file:
            file.write(text)

    return change


def other_threshold(folder: Path) -> None:
    path = folder / "data" / "scorer" / "decision.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"threshold": 0.99}))


def cut(folder: Path) -> None:
    path = folder / "data" / "scorer" / "member_0.skops"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def pickle_inside(folder: Path) -> None:
    with zipfile.ZipFile(folder / "data" / "scorer" / "member_0.skops", "a") as archive:
        archive.writestr("state.bin", b"\x80\x04.")


SCORER = "data/scorer"
DAMAGES = [
    (lambda folder: (folder / "model.pkl").write_bytes(b"\x80\x04."), "model.pkl"),
    (lambda folder: (folder / SCORER / "extra.bin").write_bytes(b"\x80\x04."), "extra.bin"),
    (lambda folder: (folder / "code" / "sitecustomize.py").write_text("import os"), "code/sitecustomize.py"),
    (planted_loader, "code/planted.py"),
    (foreign_loader, "loader_module ml.scorer"),
    (second_flavour, "sklearn"),
    (appended("code/ml/served/scorer.py", "\n# one more line\n"), r"code/ml/served/scorer.py \(changed\)"),
    (appended("code/ml/__init__.py", "\nimport socket\n"), r"code/ml/__init__.py \(changed\)"),
    (other_threshold, r"data/scorer/decision.json \(changed\)"),
    (appended("requirements.txt", "\nevil==1.0\n"), r"requirements.txt \(changed\)"),
    (pickle_inside, "state.bin"),
    (lambda folder: (folder / SCORER / "member_0.skops").unlink(), r"member_0.skops \(missing\)"),
    (lambda folder: (folder / SCORER / "decision.json").write_text("{"), r"decision.json \(changed\)"),
    (lambda folder: (folder / "MLmodel").unlink(), "MLmodel"),
    (lambda folder: (folder / SCORER / "member_0.skops").write_bytes(b"not a zip"), "zip"),
    (cut, "zip"),
]


@pytest.mark.parametrize(("damage", "found"), DAMAGES)
def test_a_model_that_was_changed_is_refused_by_name_and_the_older_export_stays(
    trained, registry, tmp_path, monkeypatch, damage, found
):
    out = tmp_path / "model"
    shutil.copytree(trained.model_dir, out)
    before = (out / "MLmodel").read_text()
    download = registry.download

    def download_damaged(model, folder):
        download(model, folder)
        damage(folder)
        return folder

    monkeypatch.setattr(registry, "download", download_damaged)
    with pytest.raises(ModelError, match=found) as refusal:
        export_model(registry, out)
    assert len(str(refusal.value).splitlines()) == 1
    assert (out / "MLmodel").read_text() == before
    assert visible(tmp_path) == ["model"]
    with pytest.raises(ModelError, match=found):
        open_scorer(registry)


@pytest.mark.parametrize(("damage", "found"), DAMAGES)
def test_an_exported_model_that_was_changed_is_not_scored_with(trained, tmp_path, damage, found):
    folder = tmp_path / "model"
    shutil.copytree(trained.model_dir, folder)
    assert open_scorer(folder).version == 1
    damage(folder)
    with pytest.raises(ModelError, match=found) as refusal:
        open_scorer(folder)
    assert len(str(refusal.value).splitlines()) == 1


def test_a_server_that_has_loaded_the_exported_model_leaves_it_as_it_was(trained, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(trained.model_dir, folder)
    (folder / "code" / "ml" / "__pycache__").mkdir(exist_ok=True)
    (folder / "code" / "ml" / "__pycache__" / "__init__.cpython-311.pyc").write_bytes(b"compiled")
    assert open_scorer(folder).threshold == open_scorer(trained.model_dir).threshold


def test_a_registered_and_an_exported_model_are_opened_alike(trained, registry):
    registered, exported = open_scorer(registry), open_scorer(trained.model_dir)
    assert (registered.version, registered.threshold) == (exported.version, exported.threshold)
    assert registered.manifest == exported.manifest == registry.manifest(registry.champion())
    assert (registered.registered, exported.registered) == (registry.champion(), None)


def test_types_that_are_not_trusted_are_one_line(trained, registry, monkeypatch):
    monkeypatch.setattr("ml.served.scorer.TRUSTED_TYPES", ())
    for place in (registry, trained.model_dir):
        with pytest.raises(ModelError, match="UntrustedTypesFoundException") as refusal:
            open_scorer(place)
        assert len(str(refusal.value).splitlines()) == 1


def test_a_version_of_an_earlier_release_asks_for_a_new_training(trained, registry, tmp_path):
    earlier = replace(registry.champion(), tags={})
    with pytest.raises(ModelError, match=r"earlier release.*train again: python -m ml.train"):
        read_version(trained.model_dir, earlier)
    folder = tmp_path / "model"
    shutil.copytree(trained.model_dir, folder)
    description = mlflow.models.Model.load(str(folder))
    description.metadata = {"threshold": 0.1, "model_version": 1}
    description.flavors["python_function"]["loader_module"] = "ml.scorer"
    description.save(str(folder / "MLmodel"))
    with pytest.raises(ModelError, match=r"earlier release.*train again: python -m ml.train"):
        open_scorer(folder)


def test_the_check_runs_the_packed_code_and_not_that_of_this_process(trained, tmp_path, monkeypatch):
    folder = tmp_path / "model"
    shutil.copytree(trained.model_dir, folder)
    loaded = open_scorer(folder)
    monkeypatch.setattr(ml.registry.export, "_answered", set())
    _require_answer(folder, loaded)
    scorer = folder / "code" / "ml" / "served" / "scorer.py"
    scorer.write_text(scorer.read_text().replace('GRANT, REFUSE = "grant", "refuse"', 'GRANT, REFUSE = "yes", "no"'))
    with pytest.raises(ModelError, match=r"yes|no"):
        _require_answer(folder, loaded)
    scorer.unlink()
    with pytest.raises(ModelError, match=r"packed code can load.*ml.served.scorer"):
        _require_answer(folder, loaded)


def test_a_full_disk_says_so_and_leaves_the_older_export(trained, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", trained.settings.tracking_uri)
    out = tmp_path / "model"
    shutil.copytree(trained.model_dir, out)
    before = (out / "MLmodel").read_text()
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr(shutil, "copy2", lambda *_, **__: (_ for _ in ()).throw(full))
    monkeypatch.setattr(shutil, "copyfile", lambda *_, **__: (_ for _ in ()).throw(full))
    assert main(["--out", str(out)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "No space left on device" in line
    assert "make room" in line
    assert "MLFLOW_TRACKING_URI" not in line
    assert (out / "MLmodel").read_text() == before
