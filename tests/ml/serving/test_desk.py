"""Who asks at the same time is decided about together, gets the own answer, and is recorded before it is given."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from ml.serving.deciding.decisions import Answered, decide
from ml.serving.deciding.desk import MOST_TOGETHER, Desk
from ml.serving.deciding.records import RecordError, Records
from ml.serving.deciding.refusals import Refusal
from ml.serving.live.generation import Generation
from tests.support.serving_fixtures import clients_of, prepare

CLIENTS = 40
UNKNOWN = 5


class Counted(Records):
    """A record that counts its transactions and can be held up."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.sizes: list[int] = []
        self.open = threading.Event()
        self.open.set()

    def write(self, table, rows) -> None:
        self.open.wait(60)
        super().write(table, rows)
        self.sizes.append(len(rows))


@pytest.fixture(scope="module")
def generation(serving_store) -> Generation:
    return prepare(serving_store)


@pytest.fixture(scope="module")
def clients(serving_store) -> list[int]:
    return clients_of(serving_store.snapshot, CLIENTS)


@pytest.fixture
def records(tmp_path) -> Iterator[Counted]:
    opened = Counted(f"sqlite:///{tmp_path / 'decisions.db'}")
    yield opened
    opened.close()


@pytest.fixture
def desk(records) -> Iterator[Desk]:
    opened = Desk(records)
    yield opened
    opened.close()


def while_it_is_busy(
    desk: Desk, records: Counted, generation: Generation, clients: list[int]
) -> list[Future[Answered]]:
    """Ask about the first client, and about the others while its decision waits for the disk."""
    records.open.clear()
    asked = [desk.submit(generation, client, "tests", reasons=True) for client in clients]
    records.open.set()
    return asked


def test_everybody_gets_the_own_decision_which_is_recorded(desk, records, generation, clients):
    asked = while_it_is_busy(desk, records, generation, [*clients, clients[3]])
    for client, future in zip([*clients, clients[3]], asked, strict=True):
        answered = future.result(60)
        assert answered.document["client_id"] == client
        assert records.decision(answered.decision_id).row["answer"] == answered.text
        alone = decide(generation, records, client, "tests").document
        assert answered.document["probability"] == pytest.approx(alone["probability"], abs=1e-9)
        assert answered.document["reasons"] == alone["reasons"]
    assert len({future.result().decision_id for future in asked}) == CLIENTS + 1


def test_those_who_wait_are_recorded_in_one_transaction(desk, records, generation, clients):
    for future in while_it_is_busy(desk, records, generation, clients):
        future.result(60)
    assert sum(records.sizes) == CLIENTS
    assert max(records.sizes) == MOST_TOGETHER
    assert len(records.sizes) <= CLIENTS / MOST_TOGETHER + 2


def test_an_unknown_client_spoils_nobody_elses_decision(desk, records, generation, clients):
    asked = while_it_is_busy(desk, records, generation, [clients[0], UNKNOWN, clients[1]])
    assert [asked[at].result(60).document["client_id"] for at in (0, 2)] == clients[:2]
    with pytest.raises(Refusal):
        asked[1].result(60)


def test_a_fault_over_one_client_spoils_nobody_elses_decision(desk, records, generation, clients, monkeypatch):
    find = type(generation.rows).find

    def fails(self, wanted):
        if clients[2] in wanted:
            raise RuntimeError("a damaged row")
        return find(self, wanted)

    monkeypatch.setattr(type(generation.rows), "find", fails)
    asked = while_it_is_busy(desk, records, generation, clients[:5])
    assert [asked[at].result(60).document["client_id"] for at in (0, 1, 3, 4)] == [*clients[:2], *clients[3:5]]
    with pytest.raises(RuntimeError):
        asked[2].result(60)


def test_what_cannot_be_recorded_is_answered_to_nobody(desk, records, generation, clients, monkeypatch):
    def away(*_: object) -> None:
        raise RecordError("away")

    monkeypatch.setattr(records, "write", away)
    for future in while_it_is_busy(desk, records, generation, clients[:5]):
        with pytest.raises(RecordError):
            future.result(60)
    monkeypatch.undo()
    assert desk.submit(generation, clients[0], "tests", reasons=False).result(60).document["client_id"] == clients[0]


def test_who_has_hung_up_is_not_decided_about_and_what_waits_is_finished(records, generation, clients):
    desk = Desk(records)
    asked = while_it_is_busy(desk, records, generation, clients[:1])
    records.open.clear()
    waiting = [desk.submit(generation, client, "tests", reasons=True) for client in clients[:3]]
    hung_up = waiting[2].cancel()
    records.open.set()
    desk.close()
    assert asked[0].done()
    assert all(future.done() for future in waiting)
    assert sum(records.sizes) == 4 - hung_up
