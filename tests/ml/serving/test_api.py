"""The API about clients of the snapshot: answers, records, trails, problems, keys, logs, measures."""

import io
import json
import logging
import re
from pathlib import Path

import pytest
import structlog
from starlette.testclient import TestClient

from ml.served.scorer import GRANT, REFUSE
from ml.serving.deciding.records import RecordError
from ml.serving.http.keys import add_key, remove_key
from ml.serving.http.middleware import LARGEST_BODY
from ml.serving.http.schemas import decisions as schemas
from tests.support.serving_fixtures import clients_of, own_record, serving

PROBLEM = "application/problem+json"
UNKNOWN = "0" * 32


@pytest.fixture(scope="module")
def api(serving_store, tmp_path_factory):
    with serving(own_record(serving_store, tmp_path_factory.mktemp("record"))) as client:
        yield client


@pytest.fixture(scope="module")
def ids(serving_store) -> list[int]:
    return clients_of(serving_store.snapshot, 60)


def decided(api: TestClient, client: int, path: str = "/v1/decisions") -> dict:
    answer = api.post(path, json={"client_id": client})
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer, status: int, code: str) -> dict:
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM), answer.text
    problem = answer.json()
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"].endswith(code)
    assert "Traceback" not in answer.text
    return problem


def test_a_decision_has_its_reasons_and_says_what_it_rests_on(api, ids, serving_store):
    answer = decided(api, ids[0])
    decision = schemas.Decision(**answer)
    assert decision.client_id == ids[0]
    assert decision.decision == (REFUSE if decision.probability >= decision.threshold else GRANT)
    assert decision.distance_to_threshold == decision.probability - decision.threshold
    assert 1 <= len(decision.reasons) <= 4
    assert len(decision.history) == 5
    assert (decision.model_version, decision.snapshot_id) == (1, serving_store.snapshot.snapshot_id)


def test_points_of_the_themes_lead_from_the_average_applicant_to_the_client(api, ids):
    for client in ids[:10]:
        answer = decided(api, client)
        total = answer["average_points"] + sum(theme["points"] for theme in answer["themes"])
        assert total + answer["adjustment_points"] == pytest.approx(answer["points"], abs=0.05 * len(answer["themes"]))
        assert (answer["points"] <= answer["points_at_threshold"]) == (answer["decision"] == REFUSE)


def test_gender_age_and_family_are_never_a_reason(api, ids):
    decisions = api.post("/v1/decisions/batch", json={"client_ids": ids}).json()["decisions"]
    catalog = api.app.state.context.live.now.catalog
    reasons = [reason for decision in decisions for reason in decision["reasons"]]
    assert len(reasons) > len(ids)
    assert not [reason for reason in reasons if catalog[reason["feature"]].is_protected]
    assert not {reason["code"] for reason in reasons} & {"gender", "age", "family"}


def test_a_reason_for_a_refusal_costs_points_and_one_for_a_grant_gives_them(api, ids):
    decisions = api.post("/v1/decisions/batch", json={"client_ids": ids}).json()["decisions"]
    assert {decision["decision"] for decision in decisions} == {GRANT, REFUSE}
    for decision in decisions:
        for reason in decision["reasons"]:
            assert (reason["points"] < 0) == (decision["decision"] == REFUSE)


def test_the_plain_answer_is_the_same_decision_without_reasons_and_recorded_too(api, ids):
    plain, full = decided(api, ids[1], "/predict"), decided(api, ids[1])
    schemas.PlainDecision(**plain)
    assert "reasons" not in plain
    assert plain["class"] == ("bad payer" if plain["decision"] == REFUSE else "good payer")
    same = set(plain) - {"decision_id", "decided_at"}
    assert {name: plain[name] for name in same} == {name: full[name] for name in same}
    assert api.get(f"/v1/decisions/{plain['decision_id']}").json()["probability"] == plain["probability"]


def test_a_decision_can_be_fetched_again_in_the_same_words(api, ids):
    answer = decided(api, ids[2])
    again = api.get(f"/v1/decisions/{answer['decision_id']}").json()
    assert again.pop("trail") == []
    assert again == answer


def test_a_batch_is_in_the_order_asked_for_and_lists_who_is_not_known(api, ids):
    wanted = [ids[3], 7, ids[0], ids[3]]
    batch = schemas.Batch(**api.post("/v1/decisions/batch", json={"client_ids": wanted}).json())
    assert [decision.client_id for decision in batch.decisions] == [ids[3], ids[0], ids[3]]
    assert batch.unknown == [7]
    assert len({decision.decision_id for decision in batch.decisions}) == 3
    plain = api.post("/v1/decisions/batch", json={"client_ids": wanted, "reasons": False}).json()
    assert [one["probability"] for one in plain["decisions"]] == pytest.approx([d.probability for d in batch.decisions])


def test_a_person_has_the_last_word_once_and_a_review_can_change_it(api, ids):
    answer = decided(api, ids[4])
    page = f"/v1/decisions/{answer['decision_id']}/outcome"
    refused(api.post(page, json={"action": "answer_review", "final_decision": "grant"}), 409, "already-recorded")
    refused(api.post(page, json={"action": "override"}), 422, "unusable-input")
    refused(api.post(page, json={"action": "agree", "final_decision": "grant"}), 422, "unusable-input")
    event = api.post(page, json={"action": "override", "ground": "documents_seen", "note": "payslips"}).json()
    assert event["final_decision"] == {GRANT: REFUSE, REFUSE: GRANT}[answer["decision"]]
    refused(api.post(page, json={"action": "agree"}), 409, "already-recorded")
    assert api.post(page, json={"action": "request_review", "note": "the client asks"}).status_code == 200
    refused(api.post(page, json={"action": "request_review"}), 409, "already-recorded")
    refused(api.post(page, json={"action": "answer_review"}), 422, "unusable-input")
    assert api.post(page, json={"action": "answer_review", "final_decision": "grant"}).status_code == 200
    trail = api.get(f"/v1/decisions/{answer['decision_id']}").json()["trail"]
    assert [event["action"] for event in trail] == ["override", "request_review", "answer_review"]
    assert trail[0]["note"] == "payslips"
    listed = api.get("/v1/decisions", params={"overridden": True}).json()["decisions"]
    assert answer["decision_id"] in {decision["decision_id"] for decision in listed}
    of_client = api.get("/v1/decisions", params={"client_id": ids[4], "limit": 1}).json()["decisions"]
    assert [decision["client_id"] for decision in of_client] == [ids[4]]


def test_what_cannot_be_granted_is_a_problem_with_a_stable_code(api, ids):
    refused(api.post("/v1/decisions", json={"client_id": 7}), 404, "unknown-client")
    refused(api.get(f"/v1/decisions/{UNKNOWN}"), 404, "unknown-decision")
    refused(api.post(f"/v1/decisions/{UNKNOWN}/outcome", json={"action": "agree"}), 404, "unknown-decision")
    refused(api.get("/v1/nothing"), 404, "not-found")
    refused(api.delete("/v1/decisions"), 405, "method-not-allowed")
    refused(api.get("/v1/decisions/not-an-id"), 422, "invalid-request")


@pytest.mark.parametrize(
    "body",
    [
        {"client_id": "100001"},
        {"client_id": True},
        {"client_id": 1.5},
        {"client_id": None},
        {"client_id": 10**30},
        {"client_id": -1},
        {},
        [],
        None,
        {"client_id": 100001, "threshold": 0.9},
    ],
)
def test_a_body_of_another_shape_is_refused_and_its_values_are_not_repeated(api, body):
    problem = refused(api.post("/v1/decisions", json=body), 422, "invalid-request")
    assert problem["errors"]
    assert "100001" not in json.dumps(problem)


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"client_id": NaN}', b"[" * 100_000, b"\xff\xfe", b'{"client_id": 1e999}']
)
def test_a_body_that_is_no_json_is_refused(api, body):
    answer = api.post("/v1/decisions", content=body, headers={"content-type": "application/json"})
    refused(answer, 422, "invalid-request")


def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not(api):
    large = b" " * (LARGEST_BODY + 1)
    json_type = {"content-type": "application/json"}
    refused(api.post("/v1/decisions", content=large, headers=json_type), 413, "too-large")
    pieces = (large[start : start + 100_000] for start in range(0, len(large), 100_000))
    refused(api.post("/v1/decisions", content=pieces, headers=json_type), 413, "too-large")


def test_nothing_is_answered_that_could_not_be_recorded(api, ids, monkeypatch):
    def broken(*_: object) -> None:
        raise RecordError("OperationalError")

    monkeypatch.setattr(api.app.state.context.records, "write", broken)
    problem = refused(api.post("/v1/decisions", json={"client_id": ids[0]}), 503, "not-recorded")
    assert "probability" not in problem


def test_a_fault_of_the_program_is_one_line_and_a_request_id(api, ids, monkeypatch, caplog):
    def broken(*_: object) -> None:
        raise RuntimeError(f"client {ids[0]} has a secret")

    monkeypatch.setattr(api.app.state.context.records, "write", broken)
    answer = api.post("/v1/decisions", json={"client_id": ids[0]})
    problem = refused(answer, 500, "internal-error")
    assert "secret" not in answer.text
    assert problem["request_id"] == answer.headers["x-request-id"]


def test_ready_names_model_and_snapshot_and_health_needs_neither(api, serving_store):
    assert api.get("/health").json() == {"status": "live"}
    ready = api.get("/ready").json()
    assert (ready["model_version"], ready["snapshot_id"]) == (1, serving_store.snapshot.snapshot_id)
    assert set(api.get("/").json()["links"].values()) <= set(api.get("/openapi.json").json()["paths"]) | {
        "/openapi.json",
        "/pages",
    }
    assert api.get("/pages").headers["content-type"].startswith("text/html")


def test_a_server_whose_known_client_gets_another_answer_is_not_ready(api, monkeypatch):
    generation = api.app.state.context.live.now
    monkeypatch.setattr(type(generation.scorer), "probability", lambda self, clients: [0.5] * len(clients))
    refused(api.get("/ready"), 503, "not-ready")


def test_measures_count_decisions_and_reasons_and_know_no_client(api, ids):
    answer = decided(api, ids[5])
    text = api.get("/metrics").text
    assert re.search(r'credit_decisions_total\{decision="\w+",kind="client",model_version="1"\} \d', text)
    assert f'reason="{answer["reasons"][0]["code"]}"' in text
    assert 'credit_request_seconds_bucket{le="0.001"' in text
    assert 'credit_default_probability_bucket{le="0.01",model_version="1"}' in text
    assert not [client for client in ids if str(client) in text]


def test_logs_are_json_with_request_and_decision_and_without_a_client(api, ids, monkeypatch):
    out = io.StringIO()
    handlers = logging.getLogger().handlers
    (ours,) = [handler for handler in handlers if isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter)]
    monkeypatch.setattr(ours, "stream", out)
    answer = api.post("/v1/decisions", json={"client_id": ids[6]}, headers={"x-request-id": "abc-1"})
    api.get(f"/v1/decisions/{answer.json()['decision_id']}")
    try:
        raise ValueError(f"client {ids[6]}")
    except ValueError:
        logging.getLogger("ml.serving").exception("failed")
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    first = next(line for line in lines if line.get("request_id") == "abc-1")
    assert (first["route"], first["status"]) == ("/v1/decisions", 200)
    assert first["decision_id"] == answer.json()["decision_id"]
    failed = lines[-1]
    assert failed["error"] == "ValueError"
    assert "test_api.py" in failed["raised"][0]
    values = [str(value) for line in lines for name, value in line.items() if name not in ("time", "milliseconds")]
    assert not [value for value in values if str(ids[6]) in value]


def test_without_keys_only_this_machine_is_answered(api, ids):
    elsewhere = TestClient(api.app, "http://localhost", client=("192.0.2.7", 50_000))
    refused(elsewhere.post("/v1/decisions", json={"client_id": ids[0]}), 403, "not-local")
    assert elsewhere.get("/health").status_code == 200
    of_another_site = {"host": "attacker.example"}
    refused(api.post("/v1/decisions", json={"client_id": ids[0]}, headers=of_another_site), 403, "not-local")


def test_a_key_opens_what_its_scopes_say_until_it_is_removed(serving_store, ids, tmp_path: Path):
    keys = tmp_path / "keys.json"
    decide, read = add_key(keys, "branch", ["decide"]), add_key(keys, "auditor", ["read"])
    few = add_key(keys, "few", ["decide"], per_minute=2)
    settings = own_record(serving_store, tmp_path)
    assert decide not in keys.read_text()
    with serving(type(settings)(**{**vars(settings), "keys_file": keys})) as api:

        def ask(key: str | None):
            headers = {"authorization": f"Bearer {key}"} if key else {}
            return api.post("/v1/decisions", json={"client_id": ids[0]}, headers=headers)

        answer = ask(decide)
        assert answer.status_code == 200
        page = f"/v1/decisions/{answer.json()['decision_id']}"
        assert api.get(page, headers={"authorization": f"Bearer {read}"}).status_code == 200
        refused(api.get(page, headers={"authorization": f"Bearer {decide}"}), 403, "missing-scope")
        refused(ask(read), 403, "missing-scope")
        refused(ask(None), 401, "missing-key")
        refused(ask(decide[:-1]), 401, "unknown-key")
        assert [ask(few).status_code for _ in range(3)] == [200, 200, 429]
        remove_key(keys, "branch")
        refused(ask(decide), 401, "unknown-key")
        pages = api.get("/openapi.json").json()["paths"]
        changing = [path for path, methods in pages.items() if set(methods) - {"get"}]
        assert len(changing) > 3
        for path in changing:
            refused(api.post(path.replace("{decision_id}", UNKNOWN), json={}), 401, "missing-key")
