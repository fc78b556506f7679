"""The door: options, keys, export and retention, and a server that is killed in the middle of its work."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest

from ml.serve import main
from ml.serving.deciding.decisions import decide, timestamp
from ml.serving.deciding.outcomes import record_outcome
from ml.serving.deciding.records import DECISIONS, Records
from tests.support.serving_fixtures import Store, clients_of, prepare
from warehouse.core.settings import PROJECT_ROOT

LONGEST_START = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(store: Store, folder) -> dict[str, str]:
    """The variables by which a process finds a store; its record lies in another folder."""
    return store.settings.to_environment() | {"CREDIT_DECISIONS": f"sqlite:///{folder / 'decisions.db'}"}


@pytest.fixture
def records(serving_store, tmp_path, monkeypatch):
    for name, value in environment(serving_store, tmp_path).items():
        monkeypatch.setenv(name, value)
    opened = Records(os.environ["CREDIT_DECISIONS"])
    yield opened
    opened.close()


def test_an_address_that_others_can_reach_needs_keys(records, capsys, monkeypatch, tmp_path):
    assert main(["--host", "0.0.0.0"]) == 1  # noqa: S104
    assert "CREDIT_API_KEYS_FILE" in capsys.readouterr().err
    monkeypatch.setenv("CREDIT_API_KEYS_FILE", str(tmp_path / "none.json"))
    assert main(["--host", "0.0.0.0"]) == 1  # noqa: S104
    assert "no such file" in capsys.readouterr().err
    assert main(["--port", "0"]) == 1
    assert "1 to 65535" in capsys.readouterr().err


def test_keys_are_made_listed_and_removed(records, capsys, monkeypatch, tmp_path):
    assert main(["keys", "--list"]) == 1
    assert "CREDIT_API_KEYS_FILE" in capsys.readouterr().err
    path = tmp_path / "keys.json"
    monkeypatch.setenv("CREDIT_API_KEYS_FILE", str(path))
    assert main(["keys", "--add", "branch 12", "--scope", "decide", "read"]) == 0
    key = capsys.readouterr().out.strip()
    assert key not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    assert main(["keys", "--add", "branch 12"]) == 1
    assert "named branch 12" in capsys.readouterr().err
    assert main(["keys", "--list"]) == 0
    assert "decide read" in capsys.readouterr().out
    assert main(["keys", "--remove", "branch 12"]) == 0
    assert main(["keys", "--remove", "branch 12"]) == 1
    path.write_text('{"keys": [{"name": "x"}]}')
    assert main(["keys", "--list"]) == 1
    assert "keys.0.sha256" in capsys.readouterr().err


def test_decisions_are_exported_with_their_trails_and_forgotten_when_old(serving_store, records, capsys):
    generation = prepare(serving_store)
    ids = clients_of(serving_store.snapshot, 3)
    answers = [decide(generation, records, client, "branch 12") for client in ids]
    record_outcome(records, answers[0].decision_id, "agree", "branch 12")
    old = answers[0].document | {"decision_id": "f" * 32}
    long_ago = datetime.now(UTC) - timedelta(days=400)
    names = [column.name for column in DECISIONS.columns]
    row = {name: old.get(name) for name in names} | {
        "decided_at": long_ago,
        "decided_by": "x",
        "answer": json.dumps(old),
    }
    records.write(DECISIONS, [row])
    assert main(["decisions", "--export"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["decision_id"] for line in lines] == ["f" * 32, *(answer.decision_id for answer in answers)]
    assert {name: lines[1][name] for name in answers[0].document} == answers[0].document
    assert [event["action"] for event in lines[1]["trail"]] == ["agree"]
    yesterday = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    assert main(["decisions", "--export", "--since", yesterday]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert main(["decisions", "--forget-before", yesterday]) == 0
    assert "deleted 1 decisions" in capsys.readouterr().out
    assert records.decision("f" * 32) is None
    assert main(["decisions", "--forget-before", "long ago"]) == 1
    assert "YYYY-MM-DD" in capsys.readouterr().err


def test_times_are_utc_however_the_database_gives_them_back():
    assert timestamp(datetime(2026, 5, 1, 12)) == timestamp(datetime(2026, 5, 1, 12, tzinfo=UTC))


def test_a_killed_server_has_recorded_every_decision_that_it_answered(serving_store, tmp_path):
    port, answered = free_port(), []
    own = environment(serving_store, tmp_path)
    server = subprocess.Popen(
        [sys.executable, "-m", "ml.serve", "--port", str(port)],
        cwd=PROJECT_ROOT,
        env=os.environ | own,
        stdout=subprocess.DEVNULL,
    )
    ids, killed = clients_of(serving_store.snapshot, 50), threading.Event()

    def ask(number: int) -> None:
        while not killed.is_set():
            body = json.dumps({"client_id": ids[number % len(ids)]}).encode()
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/v1/decisions", body, {"content-type": "application/json"}
            )
            try:
                with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
                    answered.append(json.load(answer))
            except (OSError, ValueError):
                return
            number += 7

    try:
        wait_until_ready(server, port)
        askers = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for asker in askers:
            asker.start()
        while len(answered) < 100:
            time.sleep(0.02)
    finally:
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        killed.set()
    for asker in askers:
        asker.join()
    records = Records(own["CREDIT_DECISIONS"])
    try:
        kept = {decision.row["decision_id"]: json.loads(decision.row["answer"]) for decision in records.export()}
    finally:
        records.close()
    assert len(answered) >= 100
    assert [answer for answer in answered if kept.get(answer["decision_id"]) != answer] == []


def wait_until_ready(server: subprocess.Popen, port: int) -> None:
    deadline = time.monotonic() + LONGEST_START
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail("the server did not become ready")
