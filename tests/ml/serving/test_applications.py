"""New applicants, simulations, what would have to change, the client's facts, and the letter."""

import re

import pytest
from starlette.testclient import TestClient

from ml.served.scorer import GRANT, REFUSE
from ml.serving.deciding.records import DECISIONS
from ml.serving.http.schemas import applications, clients
from ml.serving.http.schemas.decisions import Decision
from ml.serving.language import ENGLISH, LANGUAGES, language
from ml.serving.words import Words
from tests.ml.serving.test_api import UNKNOWN, decided, refused
from tests.support.serving_fixtures import clients_of, own_record, serving
from warehouse.engines.raw_rows import read_raw_rows
from warehouse.snapshots.raw_rows import raw_database

KEY = "SK_ID_CURR"


@pytest.fixture(scope="module")
def api(serving_store, tmp_path_factory):
    with serving(own_record(serving_store, tmp_path_factory.mktemp("record"))) as client:
        yield client


@pytest.fixture(scope="module")
def ids(serving_store) -> list[int]:
    return clients_of(serving_store.snapshot, 60)


@pytest.fixture(scope="module")
def raw(serving_store, api, ids) -> list[dict]:
    contract = api.app.state.context.live.now.engine.raw_tables
    return read_raw_rows(raw_database(serving_store.snapshot), ids[:5], contract)


@pytest.fixture(scope="module")
def refused_client(api, serving_store) -> dict:
    """A refused client near the threshold, for whom other terms would be granted."""
    everybody = clients_of(serving_store.snapshot, 1000)
    decisions = api.post("/v1/decisions/batch", json={"client_ids": everybody}).json()["decisions"]
    near = sorted((one for one in decisions if one["decision"] == REFUSE), key=lambda one: one["probability"])[:10]
    for one in near:
        if api.post("/v1/counterfactuals", json={"client_id": one["client_id"]}).json()["proposals"]:
            return one
    pytest.fail("other terms are granted to none of the ten refused clients nearest to the threshold")


def simulated(api: TestClient, client: int, *variants: dict) -> dict:
    answer = api.post("/v1/simulations", json={"client_id": client, "variants": list(variants)})
    assert answer.status_code == 200, answer.text
    applications.Simulation(**answer.json())
    return answer.json()


def test_a_new_applicant_with_the_rows_of_a_known_client_gets_the_same_answer(api, ids, raw):
    for client, rows in zip(ids, raw, strict=False):
        by_id, anew = decided(api, client), api.post("/v1/applications", json=rows).json()
        Decision(**anew)
        assert anew["kind"] == "applicant"
        assert anew["probability"] == pytest.approx(by_id["probability"], abs=1e-9)
        assert [reason["text"] for reason in anew["reasons"]] == [reason["text"] for reason in by_id["reasons"]]
        assert anew["history"] == by_id["history"]
        again = api.get(f"/v1/decisions/{anew['decision_id']}").json()
        assert again["reasons"] == anew["reasons"]


def test_an_applicant_needs_no_number_and_no_history(api, raw):
    application = {name: value for name, value in raw[0]["application"].items() if name != KEY}
    answer = api.post("/v1/applications", json={"application": application})
    assert answer.status_code == 200, answer.text
    assert answer.json()["client_id"] is None
    assert not any(source["known"] for source in answer.json()["history"])
    decision = answer.json()["decision_id"]
    variants = [{"AMT_INCOME_TOTAL": 2 * application["AMT_INCOME_TOTAL"]}]
    what_if = api.post("/v1/simulations", json={"decision_id": decision, "variants": variants}).json()
    assert what_if["baseline"]["probability"] == pytest.approx(answer.json()["probability"], abs=1e-9)
    assert what_if["decision_id"] == decision


@pytest.mark.parametrize(
    "change",
    [
        {"AMT_CREDIT": "much"},
        {"AMT_CREDIT": -5.0},
        {"AMT_CREDIT": None},
        {"CODE_GENDER": "secret-value"},
        {"AMT_CREDITS": 1},
        {"TARGET": 1},
        {"FLAG_OWN_CAR": True},
    ],
)
def test_rows_that_the_contract_refuses_are_a_problem_without_their_values(api, raw, change):
    answer = api.post("/v1/applications", json={"application": raw[0]["application"] | change})
    assert answer.status_code == 422, answer.text
    assert "secret-value" not in answer.text
    assert answer.json()["code"] in ("unusable-input", "invalid-request")


def test_unknown_tables_and_strangers_rows_are_refused(api, raw):
    rows = {"application": raw[0]["application"]}
    refused(api.post("/v1/applications", json=rows | {"bureaus": []}), 422, "invalid-request")
    stranger = [{KEY: 5, "SK_ID_BUREAU": 1}]
    refused(api.post("/v1/applications", json=rows | {"bureau": stranger}), 422, "unusable-input")


def test_a_simulation_shows_the_decision_as_it_is_and_as_it_would_be(api, ids):
    by_id = decided(api, ids[0])
    answer = simulated(api, ids[0], {"AMT_CREDIT": 50_000.0}, {"PAYMENTS": 12}, {"amt_income_total": 900_000.0})
    assert answer["baseline"]["probability"] == pytest.approx(by_id["probability"], abs=1e-9)
    assert answer["variants"][0]["changes"] == {"AMT_CREDIT": 50_000.0}
    assert len({variant["probability"] for variant in answer["variants"]}) > 1
    refused(api.get(f"/v1/decisions/{answer['simulation_id']}"), 404, "unknown-decision")


FIXED = ("DAYS_BIRTH", "CODE_GENDER", "EXT_SOURCE_1", KEY, "NAME_FAMILY_STATUS", "CNT_CHILDREN")


@pytest.mark.parametrize("field", FIXED)
def test_who_a_client_is_and_what_others_report_cannot_be_changed(api, ids, field):
    answer = api.post("/v1/simulations", json={"client_id": ids[0], "variants": [{"AMT_CREDIT": 1e5}, {field: 1}]})
    refused(answer, 422, "immutable-field")


def test_a_simulation_asks_for_something_of_somebody(api, ids):
    for body in (
        {"client_id": ids[0], "variants": []},
        {"client_id": ids[0], "variants": [{}]},
        {"variants": [{"AMT_CREDIT": 1e5}]},
        {"client_id": ids[0], "decision_id": UNKNOWN, "variants": [{"AMT_CREDIT": 1e5}]},
        {"client_id": ids[0], "variants": [{"AMT_CREDIT": 1e5}] * 200},
        {"client_id": ids[0], "variants": [{"PAYMENTS": 12, "AMT_ANNUITY": 5e3}]},
        {"client_id": ids[0], "variants": [{"PAYMENTS": 0}]},
        {"client_id": ids[0], "variants": [{"AMT_CREDIT": "secret-value"}]},
    ):
        answer = api.post("/v1/simulations", json=body)
        assert answer.status_code == 422, answer.text
        assert "secret-value" not in answer.text
    unknown = {"client_id": 5, "variants": [{"AMT_CREDIT": 1e5}]}
    refused(api.post("/v1/simulations", json=unknown), 404, "unknown-client")


def test_what_is_proposed_is_granted_by_the_model_itself_nearest_first(api, refused_client):
    client = refused_client["client_id"]
    answer = api.post("/v1/counterfactuals", json={"client_id": client}).json()
    applications.Counterfactuals(**answer)
    assert answer["baseline"]["decision"] == REFUSE
    assert answer["proposals"]
    changed = [{change["field"] for change in proposal["changes"]} for proposal in answer["proposals"]]
    assert all(1 <= len(fields) <= 3 for fields in changed)
    assert len({frozenset(fields) for fields in changed}) == len(changed)
    again = simulated(api, client, *(proposal["application"] for proposal in answer["proposals"]))
    assert [variant["decision"] for variant in again["variants"]] == [GRANT] * len(changed)
    limits = answer["limits"]
    for proposal in answer["proposals"]:
        for change in proposal["changes"]:
            one = limits[change["field"]]
            assert one["least"] * 0.99 <= change["to"] <= one["most"] * 1.01


def test_none_within_the_limits_is_said(api, refused_client):
    client, credit = refused_client["client_id"], 1e7
    body = {"client_id": client, "limits": {"AMT_CREDIT": {"least": credit, "most": 1.01 * credit}}}
    answer = api.post("/v1/counterfactuals", json=body).json()
    assert (answer["proposals"], answer["message"]) == ([], "none within these limits")
    falling = {"client_id": client, "limits": {"AMT_CREDIT": {"least": 2.0, "most": 1.0}}}
    refused(api.post("/v1/counterfactuals", json=falling), 422, "unusable-input")


def test_a_client_who_is_granted_already_needs_nothing_to_change(api, ids):
    decisions = api.post("/v1/decisions/batch", json={"client_ids": ids}).json()["decisions"]
    granted = next(one for one in decisions if one["decision"] == GRANT)
    answer = api.post("/v1/counterfactuals", json={"decision_id": granted["decision_id"], "most_changes": 1}).json()
    assert answer["granted_already"]
    assert answer["proposals"] == []


def test_facts_of_a_client_have_their_words_and_descriptions(api, ids):
    facts = clients.Facts(**api.get(f"/v1/clients/{ids[0]}").json())
    catalog = api.app.state.context.live.now.catalog
    assert len(facts.facts) == len(catalog)
    assert all(fact.description and fact.words for fact in facts.facts)
    absent = [fact for fact in facts.facts if fact.value is None]
    assert absent, "a client without any gap shows nothing"
    assert {fact.words for fact in absent} == {"no record"}
    refused(api.get("/v1/clients/5"), 404, "unknown-client")


def test_a_feature_is_shown_among_all_accepted_and_similar_clients(api, ids):
    number = clients.Population(**api.get("/v1/population/ext_source_2", params={"client": ids[0]}).json())
    assert set(number.groups) == {"applicants", "accepted", "similar"}
    for shares in number.groups.values():
        assert sum(shares) == pytest.approx(1)
        assert len(shares) == len(number.edges) - 1
    mean = {group: sum(at * share for at, share in enumerate(shares)) for group, shares in number.groups.items()}
    assert mean["accepted"] > mean["applicants"], "accepted clients have the better scores"
    text = clients.Population(**api.get("/v1/population/name_education_type").json())
    assert (text.kind, text.client) == ("text", None)
    assert sum(text.groups["applicants"]) == pytest.approx(1)
    refused(api.get("/v1/population/nothing"), 404, "unknown-feature")


def test_every_feature_can_be_shown(api, ids):
    for name in api.app.state.context.live.now.stats.catalog:
        answer = api.get(f"/v1/population/{name}", params={"client": ids[1]})
        assert answer.status_code == 200, name
        clients.Population(**answer.json())


def test_similar_clients_are_others_of_known_outcome(api, ids):
    answer = clients.SimilarClients(**api.get(f"/v1/clients/{ids[0]}/similar").json())
    assert answer.clients == 50
    assert answer.interval.low <= answer.repaid_share <= answer.interval.high
    generation = api.app.state.context.live.now
    labelled = int(generation.rows.keys[generation.rows.labelled[0]])
    _, features = generation.rows.find([labelled])
    _, parts = generation.scorer.scored(features)
    points = parts.values @ generation.rules.about.membership.astype(float)
    kept = [at for at, theme in enumerate(generation.rules.about.listed) if not theme.protected]
    own = int(generation.rows.labelled[0])
    assert own not in generation.neighbours.nearest(points[0, kept], own).places
    assert own == generation.neighbours.nearest(points[0, kept], None).places[0]
    assert not {"age", "gender", "family"} & set(generation.neighbours.codes)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_letter_says_what_why_how_to_contest_and_on_which_data(api, refused_client, lang):
    decision = decided(api, refused_client["client_id"])["decision_id"]
    page = f"/v1/decisions/{decision}/letter"
    before = api.get(page, params={"lang": lang}).text
    api.post("/v1/counterfactuals", json={"decision_id": decision})
    html = api.get(page, params={"lang": lang})
    assert html.headers["content-type"].startswith("text/html")
    assert f'<html lang="{lang}">' in html.text
    words = language(lang)
    for heading in ("Why", "What could change the decision", "How to contest it", "The data behind it"):
        assert f"<h2>{words.text(heading)}</h2>" in html.text
    text = re.sub(r"&#39;", "'", html.text)
    for reason in refused_client["reasons"]:
        assert (reason["text"] in text) == (lang == ENGLISH), "in French the facts are French too"
        assert str(Words(words).sentence(reason["text"]).striptags()).replace("\u00a0%", " %") in text.replace(
            "\u00a0%", " %"
        )
    assert refused_client["snapshot_id"] in html.text
    assert html.text.count("<li>") > before.count("<li>")
    pdf = api.get(page, params={"lang": lang, "format": "pdf"})
    assert (pdf.headers["content-type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")


def test_a_letter_says_what_a_person_has_decided(api, ids):
    decision = decided(api, ids[7])
    page = f"/v1/decisions/{decision['decision_id']}"
    assert "has yet to be confirmed" in api.get(f"{page}/letter").text
    api.post(f"{page}/outcome", json={"action": "override", "ground": "documents_seen"})
    letter = api.get(f"{page}/letter").text
    other = {GRANT: "refused", REFUSE: "granted"}[decision["decision"]]
    assert f"Your application for credit is {other}" in letter
    assert "the documents that were handed in" in letter


def test_a_letter_is_escaped(api, ids):
    records = api.app.state.context.records
    decision = decided(api, ids[8])
    row = dict(records.decision(decision["decision_id"]).row)
    bad = row["answer"].replace(decision["reasons"][0]["text"], "<script>alert(1)</script>")
    records.write(DECISIONS, [row | {"decision_id": "a" * 32, "answer": bad}])
    for lang in LANGUAGES:
        letter = api.get(f"/v1/decisions/{'a' * 32}/letter", params={"lang": lang})
        assert "<script>" not in letter.text
        assert "&lt;script&gt;" in letter.text
        assert "default-src 'none'" in letter.headers["content-security-policy"]
    refused(api.get(f"/v1/decisions/{UNKNOWN}/letter"), 404, "unknown-decision")


def test_every_theme_and_every_text_of_the_letters_has_its_french(api):
    french = language("fr").translations
    catalog = api.app.state.context.live.now.catalog
    titles = {feature.theme_title for feature in catalog.values()}
    assert titles <= set(french)
    assert all(re.findall(r"%\(\w+\)s", english) == [] or set(re.findall(r"%\(\w+\)s", english)) == set(
        re.findall(r"%\(\w+\)s", translated)) for english, translated in french.items())  # fmt: skip
