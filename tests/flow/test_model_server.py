"""The Dockerfile, without Docker: what it installs goes into a fresh environment, and its very command serves."""

import importlib.metadata
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import uv
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ml.data.training_set import read_training_data
from ml.registry.loading import open_scorer
from ml.registry.packaging import serving_requirements
from tests.support.dockerfile import Stage, stages
from tests.support.ml_fixtures import Trained, trained_once
from warehouse.core.settings import PROJECT_ROOT

PORT = "1234"
MODEL_IN_IMAGE = "/model"
CLIENTS = 50
LONGEST_START = 90
LONGEST_STOP = 30
NEVER_SERVED = {"dbt-core", "dbt-duckdb", "duckdb", "evidently", "great-expectations", "mlflow", "matplotlib", "pytest"}

IMAGE = Stage("model")


@dataclass(frozen=True)
class Server:
    """The Dockerfile's command, running in an environment of what the Dockerfile installs."""

    url: str
    python: Path
    process: subprocess.Popen[str]
    log: Path


def pins(requirements: list[str]) -> dict[str, str]:
    """Version by package; every line must be a pin."""
    parsed = [Requirement(line) for line in requirements]
    versions = {}
    for requirement in parsed:
        (specifier,) = requirement.specifier
        assert specifier.operator == "==", requirement
        versions[canonicalize_name(requirement.name)] = specifier.version
    return versions


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(folder: Path, trained: Trained) -> Path:
    """Python of a fresh environment with what the Dockerfile's pip line installs."""
    words = [word for word in shlex.split(IMAGE.pip_line())[2:] if word != "--no-cache-dir"]
    in_model = {place: trained.model_dir / Path(source).name for place, source in IMAGE.copied().items()}
    words = [str(in_model.get(word, word)) for word in words]
    python = folder / "venv" / "bin" / "python"
    for step in (
        ["venv", "--quiet", "--python", sys.executable, str(folder / "venv")],
        ["pip", "install", "--quiet", "--python", str(python), *words],
    ):
        subprocess.run([uv.find_uv_bin(), *step], check=True)
    return python


def in_place(word: str, trained: Trained) -> str:
    """A word of the Dockerfile with the exported model where it lies here."""
    inside = word == MODEL_IN_IMAGE or word.startswith(f"{MODEL_IN_IMAGE}/")
    return f"{trained.model_dir}{word.removeprefix(MODEL_IN_IMAGE)}" if inside else word


def is_up(server: Server) -> bool:
    try:
        with urllib.request.urlopen(f"{server.url}/ping", timeout=5) as answer:  # noqa: S310
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError):
        return False


def wait_until_up(server: Server) -> None:
    deadline = time.monotonic() + LONGEST_START
    while time.monotonic() < deadline and server.process.poll() is None:
        if is_up(server):
            return
        time.sleep(0.1)
    pytest.fail(f"the server did not answer:\n{server.log.read_text()}")


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Trained:
    return trained_once(tmp_path_factory)


@pytest.fixture(scope="module")
def server(trained, tmp_path_factory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("image")
    python = environment(folder, trained)
    port = free_port()
    replaced = {PORT: str(port), "0.0.0.0": "127.0.0.1"}  # noqa: S104
    words = [replaced.get(word, in_place(word, trained)) for word in IMAGE.command()]
    variables = IMAGE.variables()
    variables = {name: in_place(value, trained) for name, value in variables.items()}
    home = folder / "home"
    home.mkdir()
    log = folder / "server.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            words,
            executable=str(python.parent / words[0]),
            cwd=home,
            env=variables | {"PATH": f"{python.parent}:{os.defpath}", "HOME": str(home)},
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
        )
    running = Server(f"http://127.0.0.1:{port}", python, process, log)
    try:
        wait_until_up(running)
        yield running
    finally:
        process.terminate()
        process.wait(30)


def post(server: Server, body: object) -> tuple[int, dict]:
    return send(server, json.dumps(body, allow_nan=False).encode())


def send(server: Server, body: bytes) -> tuple[int, dict]:
    request = urllib.request.Request(  # noqa: S310
        f"{server.url}/invocations", data=body, headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def as_request(frame) -> dict:
    rows = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
    return {"dataframe_split": {"columns": list(frame.columns), "data": rows}}


def test_served_probabilities_are_those_of_the_model_in_process(server, trained):
    frame = read_training_data(trained.warehouse).frame(slice(0, CLIENTS))
    assert frame.isna().any().any(), "nulls must be among what is sent"
    status, answer = post(server, as_request(frame))
    expected = open_scorer(trained.model_dir).scorer.decide(frame)
    served = pd.DataFrame(answer["predictions"])
    assert status == 200
    assert served["probability"].to_numpy() == pytest.approx(expected["probability"].to_numpy(), abs=1e-9)
    assert served["decision"].tolist() == expected["decision"].tolist()
    assert {"grant", "refuse"} == set(served["decision"])
    assert served["threshold"].tolist() == expected["threshold"].tolist()


def test_a_client_of_whom_nothing_is_known_gets_a_probability_too(server, trained):
    frame = read_training_data(trained.warehouse).frame(slice(0, 1))
    status, answer = post(server, {"dataframe_split": {"columns": list(frame), "data": [[None] * frame.shape[1]]}})
    assert status == 200
    assert 0 <= answer["predictions"][0]["probability"] <= 1


def test_the_example_stored_with_the_model_is_answered(server, trained):
    example = json.loads((trained.model_dir / "serving_input_example.json").read_text())
    status, answer = post(server, example)
    assert status == 200
    assert 0 <= answer["predictions"][0]["probability"] <= 1
    assert answer["predictions"][0]["decision"] in {"grant", "refuse"}


def test_a_missing_column_is_the_callers_fault_and_named(server, trained):
    frame = read_training_data(trained.warehouse).frame(slice(0, 1)).drop(columns="amt_income")
    status, answer = post(server, as_request(frame))
    assert status == 400
    assert "amt_income" in json.dumps(answer)


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"\xff\xfe",
        b"[1, 2]",
        b"{}",
        b'{"dataframe_split": 7}',
        b'{"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}',
        b'{"dataframe_records": [{"amt_income": "much"}]}',
        b'{"instances": [[1], [2, 3]]}',
    ],
)
def test_a_bad_body_is_answered_by_one_line_without_traceback_or_schema(server, body):
    status, answer = send(server, body)
    assert status == 400
    assert set(answer) == {"error_code", "message"}
    assert len(answer["message"].splitlines()) == 1
    assert len(answer["message"]) <= 300
    for word in ("Traceback", "site-packages", "(required)"):
        assert word not in answer["message"]


def test_health_check_of_the_image_finds_the_server_well_and_a_dead_one_ill(server):
    words = json.loads(IMAGE.arguments("HEALTHCHECK")[0].split("CMD", maxsplit=1)[1])
    for port, healthy in ((server.url.rsplit(":", maxsplit=1)[1], True), (str(free_port()), False)):
        asked = [str(server.python), *(word.replace(PORT, port) for word in words[1:])]
        answer = subprocess.run(asked, capture_output=True, check=False)
        assert (answer.returncode == 0) is healthy


def test_only_what_serving_needs_is_installed(server):
    listed = subprocess.run(
        [uv.find_uv_bin(), "pip", "list", "--format", "json", "--python", str(server.python)],
        check=True,
        capture_output=True,
        text=True,
    )
    installed = {canonicalize_name(package["name"]): package["version"] for package in json.loads(listed.stdout)}
    assert installed == pins(serving_requirements())
    assert not NEVER_SERVED & set(installed)


def test_serving_leaves_nothing_behind_and_complains_of_nothing(server):
    assert not list((server.log.parent / "home").iterdir())
    assert "Warning:" not in server.log.read_text()


def test_stop_signal_of_the_image_ends_the_server_at_once(server):
    """The last test of the server: it does not come back."""
    (name,) = IMAGE.arguments("STOPSIGNAL")
    server.process.send_signal(signal.Signals[name])
    server.process.wait(LONGEST_STOP)
    deadline = time.monotonic() + LONGEST_STOP
    while is_up(server):
        assert time.monotonic() < deadline, "the server outlives its first process"
        time.sleep(0.1)


def test_served_versions_are_those_of_the_lock():
    lock = (PROJECT_ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    names = [line.split(";")[0].strip() for line in lock if line and not line.startswith((" ", "#", "-"))]
    locked = pins(names)
    served = pins(serving_requirements())
    different = {name: (version, locked.get(name)) for name, version in served.items() if locked.get(name) != version}
    assert not different, "compile ml/serving-requirements.txt anew"


def test_an_exported_model_asks_for_the_serving_packages_and_no_others(trained):
    stored = (trained.model_dir / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert pins(stored) == pins(serving_requirements())
    assert importlib.metadata.version("lightgbm") == pins(stored)["lightgbm"]


def test_image_holds_the_exported_model_and_nothing_else_of_the_repository():
    assert IMAGE.copied() == {"/tmp/requirements.txt": "ml/model/requirements.txt", MODEL_IN_IMAGE: "ml/model"}  # noqa: S108
    ignore = (PROJECT_ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    entering = [line for line in ignore if line == "*" or line.startswith("!")]
    assert entering == ["*", "!ml", "!warehouse"], "the code of the other image, and with it the exported model"


def test_the_model_server_is_what_a_build_without_a_target_makes():
    assert list(stages()) == ["base", "api", "model"]


def test_image_runs_as_an_ordinary_user_on_the_agreed_port_with_a_health_check():
    names = [name for name, _ in IMAGE.instructions]
    assert IMAGE.arguments("FROM") == ["python:3.11-slim"]
    assert IMAGE.arguments("EXPOSE") == [PORT]
    assert names.index("USER") < names.index("CMD")
    assert IMAGE.arguments("USER") == ["scoring"]
    assert f"127.0.0.1:{PORT}/ping" in IMAGE.arguments("HEALTHCHECK")[0]
    assert (IMAGE.command()[0], IMAGE.command()[-1]) == ("uvicorn", "ml.served.server:create")
    assert PORT in IMAGE.command()
    assert any("libgomp1" in rest for rest in IMAGE.arguments("RUN"))
