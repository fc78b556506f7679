"""The exported model: readable by others, without pickle, and never half written."""

import json
import shutil
import subprocess
import sys
import zipfile
from ast import literal_eval
from pathlib import Path

import mlflow
import pandas as pd
import pytest

import ml.export
from ml.data.training_set import read_training_data
from ml.export import main
from ml.registry.export import export_model
from ml.registry.packaging import SERVED, read_scorer
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
    files = [path for path in trained.model_dir.rglob("*") if path.is_file()]
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
    here = read_scorer(trained.model_dir).decide(frame)
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
    assert [path.name for path in out.parent.iterdir()] == ["model"]


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


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (lambda folder: (folder / "model.pkl").write_bytes(b"\x80\x04."), "model.pkl"),
        (lambda folder: (folder / "data" / "scorer" / "member_0.skops").unlink(), "member_0.skops"),
        (
            lambda folder: (folder / "data" / "scorer" / "decision.json").write_text("{"),
            "expected a model that answers",
        ),
        (lambda folder: (folder / "MLmodel").unlink(), "MLmodel"),
        (lambda folder: (folder / "data" / "scorer" / "member_0.skops").write_bytes(b"not a zip"), "zip"),
    ],
)
def test_a_damaged_model_is_refused_and_the_older_export_stays(trained, registry, tmp_path, monkeypatch, damage, found):
    out = tmp_path / "model"
    shutil.copytree(trained.model_dir, out)
    before = (out / "MLmodel").read_text()

    def download_damaged(model, folder):
        shutil.copytree(trained.model_dir, folder, dirs_exist_ok=True)
        damage(folder)

    monkeypatch.setattr(registry, "download", download_damaged)
    with pytest.raises(ModelError, match=found):
        export_model(registry, out)
    assert (out / "MLmodel").read_text() == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_the_older_export_comes_back_when_the_exchange_fails(tmp_path):
    out, incoming = tmp_path / "model", tmp_path / "never_came"
    out.mkdir()
    (out / "MLmodel").write_text("older")
    with pytest.raises(OSError, match="never_came"):
        ml.export._swap(incoming, out, tmp_path / "outgoing")
    assert (out / "MLmodel").read_text() == "older"
