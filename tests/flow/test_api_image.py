"""The image of the API, without Docker: what it installs goes into a fresh environment, its very command serves."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uv
import yaml
from packaging.requirements import Requirement

from ml.registry.export import export_model
from ml.registry.registry import Registry
from ml.serving.deciding.decisions import documents
from ml.serving.http.keys import add_key
from tests.flow.test_model_server import NEVER_SERVED, free_port, pins
from tests.support.dockerfile import Stage, stages
from tests.support.serving_fixtures import clients_of, prepare
from warehouse.core.settings import PROJECT_ROOT

IMAGE = Stage("api")
REQUIREMENTS = PROJECT_ROOT / "ml" / "serving" / "requirements.txt"
PORT, DATA = "8000", "/data"
CLIENTS = 30
LONGEST_START, LONGEST_STOP = 120, 30
KEY_NAME = "branch"
LARGEST = 560  # MB of packages


@dataclass(frozen=True)
class Server:
    """The image's command, running on what the image installs and copies."""

    url: str
    key: str
    python: Path
    process: subprocess.Popen


def installed(folder: Path) -> Path:
    """Python of a fresh environment with what the image's pip line installs and leaves."""
    line, cleaning = IMAGE.pip_line().split("&&", maxsplit=1)
    words = [word for word in shlex.split(line)[2:] if word != "--no-cache-dir"]
    words = [str(PROJECT_ROOT / IMAGE.copied().get(word, word)) if word.startswith("/") else word for word in words]
    python = folder / "venv" / "bin" / "python"
    for step in (
        ["venv", "--quiet", "--python", sys.executable, str(folder / "venv")],
        ["pip", "install", "--quiet", "--python", str(python), *words],
    ):
        subprocess.run([uv.find_uv_bin(), *step], check=True)
    path = {"PATH": f"{python.parent}:{os.defpath}"}
    subprocess.run(["sh", "-e", "-c", cleaning], check=True, cwd=folder, env=path)
    return python


def megabytes(folder: Path) -> float:
    """Size of all files, without the bytecode that running them has made."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return sum(path.lstat().st_size for path in files) / 1e6


def installed_here(lock: Path) -> dict[str, str]:
    """Version by package of a lock, without those that are for other versions of Python or other systems."""
    lines = [line for line in lock.read_text(encoding="utf-8").splitlines() if line and line[0] not in " #-"]
    wanted = [Requirement(line) for line in lines]
    return pins([str(one).split(";")[0].strip() for one in wanted if one.marker is None or one.marker.evaluate()])


def copied_code(folder: Path) -> Path:
    """The application as the image has it: only files that are part of the repository."""
    app = folder / "app"
    for place, source in IMAGE.copied().items():
        if place.startswith("/app/"):
            target = app / Path(place).relative_to("/app")
            generated = ("model", ".model*", "reports", "raw", "published", "__pycache__", "*.duckdb")
            shutil.copytree(PROJECT_ROOT / source, target, ignore=shutil.ignore_patterns(*generated))
    return app


@pytest.fixture(scope="module")
def server(serving_store, tmp_path_factory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("api-image")
    python, app, data = installed(folder), copied_code(folder), folder / "data"
    shutil.copytree(serving_store.folder / "published", data / "published", symlinks=True)
    export_model(Registry(serving_store.settings.project), folder / "model")
    key = add_key(data / "keys.json", KEY_NAME, ["decide", "read", "simulate"])
    port = str(free_port())
    replaced = {PORT: port, "0.0.0.0": "127.0.0.1"}  # noqa: S104
    words = [replaced.get(word, word) for word in IMAGE.command()]
    variables = {name: value.replace(DATA, str(data)) for name, value in IMAGE.variables().items()}
    variables |= {"PATH": f"{python.parent}:{os.defpath}", "HOME": str(folder)}
    variables["CREDIT_SERVED_MODEL"] = str(folder / "model")
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            words, executable=str(python.parent / words[0]), cwd=app, env=variables, stdout=log, stderr=log
        )
    running = Server(f"http://127.0.0.1:{port}", key, python, process)
    try:
        deadline = time.monotonic() + LONGEST_START
        while ask(running, "/ready")[0] != 200:
            assert process.poll() is None and time.monotonic() < deadline, (folder / "server.log").read_text()
            time.sleep(0.3)
        yield running
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(LONGEST_STOP)


def ask(server: Server, path: str, body: object = None, key: str | None = None) -> tuple[int, dict]:
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(server.url + path, data, headers), timeout=60) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    except (TimeoutError, OSError):
        return 0, {}


def test_the_image_decides_as_this_process_does(server, serving_store):
    clients = clients_of(serving_store.snapshot, CLIENTS)
    generation = prepare(serving_store)
    expected = documents(generation, generation.rows.find(clients)[1])
    status, answer = ask(server, "/v1/decisions/batch", {"client_ids": clients}, server.key)
    assert status == 200
    for mine, theirs in zip(expected, answer["decisions"], strict=True):
        assert theirs["probability"] == pytest.approx(mine["probability"], abs=1e-9)
        assert theirs["decision"] == mine["decision"]
    decision = answer["decisions"][0]["decision_id"]
    assert ask(server, f"/v1/decisions/{decision}", key=server.key)[1]["decision_id"] == decision


def test_the_packages_are_no_larger_than_they_are_known_to_be(server):
    """What people pull and scan: a package that comes along unnoticed is to be noticed."""
    (packages,) = server.python.parent.parent.glob("lib/python*/site-packages")
    assert megabytes(packages) < LARGEST


def test_the_image_simulates_and_asks_for_a_key(server, serving_store):
    (client,) = clients_of(serving_store.snapshot, 1)
    body = {"client_id": client, "variants": [{"AMT_CREDIT": 100_000.0}]}
    assert ask(server, "/v1/simulations", body, server.key)[0] == 200
    assert ask(server, "/v1/simulations", body)[0] == 401
    words = json.loads(IMAGE.arguments("HEALTHCHECK")[0].split("CMD", maxsplit=1)[1])
    port = server.url.rsplit(":", maxsplit=1)[1]
    asked = [str(server.python), *(word.replace(PORT, port) for word in words[1:])]
    assert subprocess.run(asked, capture_output=True, check=False).returncode == 0


def test_the_image_runs_as_an_ordinary_user_and_holds_no_data():
    names = [name for name, _ in IMAGE.instructions]
    assert names.index("USER") < names.index("CMD")
    assert IMAGE.arguments("EXPOSE") == [PORT]
    assert IMAGE.copied() == {
        "/tmp/requirements.txt": "ml/serving/requirements.txt",  # noqa: S108
        "/app/ml": "ml",
        "/app/warehouse": "warehouse",
    }
    ignored = (PROJECT_ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {"ml/reports", "warehouse/raw", "warehouse/published", "warehouse/serving", "**/*.duckdb"} <= set(ignored)


def test_what_the_image_installs_is_locked_and_no_more_than_it_needs():
    served, locked = (installed_here(path) for path in (REQUIREMENTS, PROJECT_ROOT / "requirements.txt"))
    assert {name: locked.get(name) for name in served} == served
    assert not (NEVER_SERVED - {"duckdb"}) & set(served)


def test_compose_and_deployment_build_both_targets():
    compose = yaml.safe_load((PROJECT_ROOT / "ml" / "serving" / "compose.yaml").read_text(encoding="utf-8"))
    assert set(compose["services"]) == {"postgres", "mlflow", "model", "api"}
    targets = {service["build"]["target"] for service in compose["services"].values() if "build" in service}
    assert targets == {"model", "api"} == set(stages()) - {"base"}
    assert compose["services"]["api"]["ports"] == [f"127.0.0.1:{PORT}:{PORT}"]
    workflow = (PROJECT_ROOT / ".github" / "workflows" / "deploy.yml").read_text(encoding="utf-8")
    steps = yaml.safe_load(workflow)["jobs"]["images"]["steps"]
    run = "\n".join(step.get("run", "") for step in steps)
    for target in targets:
        assert f"docker build --target {target}" in run
        assert f'docker push "$IMAGE/{target}:$GITHUB_REF_NAME"' in run
    assert run.index("/v1/decisions") < run.index("docker push")
