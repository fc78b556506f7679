"""The record behind SQLite and behind PostgreSQL: the same rows, trails and refusals."""

import os
import shutil
import subprocess
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ml.serving.deciding.decisions import timestamp
from ml.serving.deciding.outcomes import record_outcome
from ml.serving.deciding.records import DECISIONS, SIMULATIONS, RecordError, Records, Row
from ml.serving.deciding.refusals import Refusal
from tests.ml.serving.test_commands import free_port
from warehouse.core.errors import SettingsError

INSTALLED = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
INITDB = next(iter(INSTALLED), None) or shutil.which("initdb")
NOW = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory) -> Iterator[str]:
    """A cluster that lives as long as the tests; PostgreSQL refuses to run as root, so it runs as its own user then."""
    if INITDB is None:
        pytest.skip("PostgreSQL is not installed")
    folder, binaries, port = Path(f"/tmp/credit-pg-{uuid.uuid4().hex[:8]}"), Path(INITDB).parent, free_port()  # noqa: S108
    user = "postgres" if os.geteuid() == 0 else None
    folder.mkdir()
    if user:
        shutil.chown(folder, user)
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    for command in (
        [binaries / "initdb", "--pgdata", folder / "data", "--auth", "trust", "--username", "credit"],
        [binaries / "pg_ctl", "--pgdata", folder / "data", "--wait", "--log", folder / "log", "-o", options, "start"],
    ):
        subprocess.run([str(word) for word in command], check=True, user=user, stdout=subprocess.DEVNULL, cwd=folder)
    yield f"postgresql+psycopg://credit@127.0.0.1:{port}/postgres"
    stop = [str(binaries / "pg_ctl"), "--pgdata", str(folder / "data"), "--mode", "immediate", "stop"]
    subprocess.run(stop, check=True, user=user, stdout=subprocess.DEVNULL, cwd=folder)
    shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def records(request, tmp_path) -> Iterator[Records]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'new folder' / 'decisions.db'}"
    else:
        url = request.getfixturevalue("postgresql")
    opened = Records(url)
    opened.forget(datetime.now(UTC) + timedelta(days=1))
    yield opened
    opened.close()


def decision(**other: object) -> Row:
    row = {
        "decision_id": uuid.uuid4().hex,
        "decided_at": NOW,
        "kind": "client",
        "client_id": 100_001,
        "decision": "refuse",
        "probability": 0.1,
        "threshold": 0.09,
        "model_version": 1,
        "snapshot_id": "s",
        "decided_by": "tests",
        "answer": '{"text": "é <script>"}',
        "given": None,
    }
    return row | other


def test_what_was_written_is_read_again_in_the_same_words(records):
    row = decision()
    records.write(DECISIONS, [row])
    found = records.decision(row["decision_id"])
    assert {name: found.row[name] for name in row if name != "decided_at"} == {
        name: value for name, value in row.items() if name != "decided_at"
    }
    assert timestamp(found.row["decided_at"]) == timestamp(NOW)
    assert records.decision("0" * 32) is None


def test_a_row_that_cannot_be_written_is_an_error_and_the_next_one_is_written(records):
    row = decision()
    records.write(DECISIONS, [row])
    with pytest.raises(RecordError):
        records.write(DECISIONS, [row])
    another = decision()
    records.write(DECISIONS, [another])
    assert records.decision(another["decision_id"])


def test_many_writers_at_once_lose_nothing(records):
    rows = [[decision() for _ in range(10)] for _ in range(8)]

    def write(own: list[Row]) -> None:
        for row in own:
            records.write(DECISIONS, [row])

    threads = [threading.Thread(target=write, args=(own,)) for own in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(records.export())) == 80


def test_of_two_people_only_one_has_the_last_word(records):
    row, said = decision(), []
    records.write(DECISIONS, [row])

    def say(action: str) -> None:
        try:
            said.append(record_outcome(records, row["decision_id"], action, action, ground="other"))
        except Refusal as refusal:
            said.append(refusal.code)

    threads = [threading.Thread(target=say, args=(action,)) for action in ("agree", "override") * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(word, dict) for word in said) == 1
    assert said.count("already-recorded") == 5
    (event,) = records.decision(row["decision_id"]).events
    assert event["final_decision"] == {"agree": "refuse", "override": "grant"}[event["action"]]


def test_old_decisions_are_forgotten_with_their_trails_and_simulations(records):
    old, new = decision(), decision(decided_at=NOW + timedelta(days=2), client_id=None)
    records.write(DECISIONS, [old, new])
    record_outcome(records, old["decision_id"], "agree", "tests")
    simulation = {name: old[name] for name in ("client_id", "model_version", "snapshot_id", "answer")}
    simulation |= {"simulation_id": uuid.uuid4().hex, "simulated_at": NOW}
    simulation |= {"kind": "simulation", "simulated_by": "tests"}
    records.write(SIMULATIONS, [simulation | {"decision_id": old["decision_id"]}])
    assert records.latest_simulation(old["decision_id"], "simulation")["simulation_id"] == simulation["simulation_id"]
    assert records.latest_simulation(old["decision_id"], "counterfactual") is None
    assert [row["decision_id"] for row in records.recent(10)] == [new["decision_id"], old["decision_id"]]
    assert records.forget(NOW + timedelta(days=1)) == (1, 1)
    assert [kept.row["decision_id"] for kept in records.export()] == [new["decision_id"]]
    assert records.decision(old["decision_id"]) is None


def test_a_place_that_is_none_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    for url in (f"sqlite:///{tmp_path / 'file' / 'x.db'}", "nonsense", "postgresql+psycopg://u:secret@127.0.0.1:1/x"):
        with pytest.raises(SettingsError, match="CREDIT_DECISIONS") as found:
            Records(url)
        assert "secret" not in str(found.value)
