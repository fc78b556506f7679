"""The adviser's pages without a browser: the journey without script, both languages, escaping, keys, errors."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from ml.serving.deciding.records import RecordError
from ml.serving.deciding.refusals import Refusal
from ml.serving.http.keys import add_key
from ml.serving.language import FRENCH, LANGUAGES, language
from ml.serving.live.features import Features
from ml.serving.pages import errors, fields
from ml.serving.pages.views.decision import ACTION_NAMES, GROUND_NAMES
from ml.serving.pages.views.standing import GROUP_NAMES
from ml.serving.words import Words
from tests.support.serving_fixtures import clients_of, own_record, serving
from warehouse.core.errors import SettingsError
from warehouse.engines.raw_rows import read_raw_rows
from warehouse.snapshots.raw_rows import raw_database

OWN = {"origin": "http://localhost"}
SCRIPT = '<script>alert("1")</script>'
TEMPLATES = Path(errors.__file__).parent / "templates"


@pytest.fixture(scope="module")
def web(serving_store, tmp_path_factory):
    with serving(own_record(serving_store, tmp_path_factory.mktemp("record"))) as client:
        yield client


@pytest.fixture(scope="module")
def ids(serving_store) -> list[int]:
    return clients_of(serving_store.snapshot, 40)


@pytest.fixture(scope="module")
def refused_page(web, ids) -> str:
    """Address of the page of a refused client, without its language."""
    decisions = web.post("/v1/decisions/batch", json={"client_ids": ids}).json()["decisions"]
    return next(f"decisions/{one['decision_id']}" for one in decisions if one["decision"] == "refuse")


@pytest.fixture(scope="module")
def raw(web) -> dict:
    generation = web.app.state.context.live.now
    client = clients_of(generation.snapshot, 1)[0]
    return read_raw_rows(raw_database(generation.snapshot), [client], generation.engine.raw_tables)[0]


def sent(web: TestClient, path: str, status: int = 200, headers: dict | None = None, **form) -> str:
    answer = web.post(path, data=form, headers=OWN if headers is None else headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8"), answer.text
    return unescape(answer.text)


def read(web: TestClient, path: str, status: int = 200) -> str:
    answer = web.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8"), answer.text
    assert len(answer.content) < 500_000
    return unescape(answer.text)


def shown_value(page: str, column: str) -> str:
    return re.search(rf'name="{column}" value="([^"]*)"', page)[1]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_whole_journey_without_script(web, ids, lang):
    assert 'name="client_id"' in read(web, f"/pages/{lang}")
    page = sent(web, f"/pages/{lang}/decisions", client_id=str(ids[0]))
    assert f'<html lang="{lang}">' in page
    decision_id = re.search(r"/decisions/([0-9a-f]{32})/outcome", page)[1]
    path = f"/pages/{lang}/decisions/{decision_id}"
    document = web.get(f"/v1/decisions/{decision_id}").json()
    words = Words(language(lang))
    assert words.percent(document["probability"]) in page
    assert words.percent(document["threshold"]) in page
    for reason in document["reasons"]:
        assert unescape(str(words.sentence(reason["text"]))) in page
        assert words.points(reason["points"]) in page

    amount = "60000" if lang == "en" else "60 000,50"
    page = sent(web, f"{path}/simulation", AMT_CREDIT=amount)
    assert 'class="result"' in page
    assert shown_value(page, "AMT_CREDIT") == amount

    page = sent(web, f"{path}/outcome", action="override", ground="documents_seen", note="seen by me")
    assert words.text(ACTION_NAMES["override"]) in page
    assert "seen by me" in page
    assert web.get(f"/v1/decisions/{decision_id}").json()["trail"][0]["ground"] == "documents_seen"
    assert f'lang="{lang}"' in web.get(f"{path}/letter").text
    assert web.get(f"{path}/letter.pdf").content.startswith(b"%PDF")
    assert decision_id in read(web, f"/pages/{lang}/recent?overridden=true")


def test_what_would_have_to_change_is_looked_for_and_stays(web, refused_page):
    page = sent(web, f"/pages/fr/{refused_page}/counterfactuals")
    assert "Limites de la recherche" in page
    assert "Limits of the search" in read(web, f"/pages/en/{refused_page}")


def test_any_feature_is_shown_among_others_with_its_table(web, refused_page):
    for feature in ("amt_income_total", "occupation_type"):
        page = read(web, f"/pages/en/{refused_page}?feature={feature}")
        assert f'<option value="{feature}" selected>' in page
        assert "Accepted applicants" in page


def test_a_new_applicant_from_the_form_as_from_the_same_raw_rows(web, raw):
    generation = web.app.state.context.live.now
    page = read(web, "/pages/en/new")
    form = _typed_as(raw["application"])
    assert shown_value(page, "REGION_POPULATION_RELATIVE")
    from_form = sent(web, "/pages/en/new", **form)
    assert "New applicant" in from_form
    decision_id = re.search(r"/decisions/([0-9a-f]{32})/outcome", from_form)[1]
    made = web.get(f"/v1/decisions/{decision_id}").json()
    assert (made["kind"], made["snapshot_id"]) == ("applicant", generation.snapshot.snapshot_id)
    stored = json.loads(web.app.state.context.records.decision(decision_id).row["given"])["application"]
    typed = {field.column for section in fields.SECTIONS.values() for field in section} - {fields.NOT_EMPLOYED}
    assert {name: stored.get(name) for name in typed} == {name: raw["application"].get(name) for name in typed}

    answer = web.post("/pages/en/new", files={"file": ("a.json", json.dumps(raw))}, headers=OWN)
    decision_id = re.search(r"/decisions/([0-9a-f]{32})/outcome", answer.text)[1]
    by_api = web.post("/v1/applications", json=raw).json()
    assert web.get(f"/v1/decisions/{decision_id}").json()["probability"] == by_api["probability"]


def _typed_as(application: dict) -> dict[str, str]:
    """What a person types for an application."""
    typed = {}
    for field in (field for section in fields.SECTIONS.values() for field in section):
        value = application.get(field.column)
        if value is None or (field.kind == "tick" and not value):
            continue
        if field.column == "DAYS_EMPLOYED" and value == fields.NOT_EMPLOYED_DAYS:
            typed[fields.NOT_EMPLOYED] = "1"
        elif field.kind == "date":
            typed[field.column] = (datetime.now(UTC).date() + timedelta(days=value)).isoformat()
        else:
            typed[field.column] = str(value)
    return typed


@pytest.mark.parametrize(
    ("path", "form", "kept"),
    [
        ("decisions", {"client_id": "12 monkeys"}, 'value="12 monkeys"'),
        ("decisions", {"client_id": "7"}, 'value="7"'),
        ("new", {"AMT_CREDIT": "a lot", "CNT_CHILDREN": "2"}, 'value="a lot"'),
        ("new", {"json": "{not json"}, "{not json"),
        ("new", {"json": '{"application": {"AMT_CREDIT": NaN}}'}, "NaN"),
        ("new", {"json": '{"application": {}, "bureau": 5}'}, '"bureau": 5'),
        ("new", {"json": '{"application": {"AMT_CREDIT": 1}}'}, '{"application": {"AMT_CREDIT": 1}}'),
    ],
)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_was_typed_is_still_there_when_it_cannot_be_used(web, lang, path, form, kept):
    answer = web.post(f"/pages/{lang}/{path}", data=form, headers=OWN)
    assert answer.status_code in (404, 422)
    assert kept in unescape(answer.text)
    assert 'role="alert"' in answer.text


def test_a_simulation_that_cannot_be_computed_says_why_and_keeps_what_was_typed(web, refused_page):
    path = f"/pages/en/{refused_page}/simulation"
    page = sent(web, path, 422, AMT_CREDIT="much", AMT_INCOME_TOTAL="70000")
    assert "This is not a number" in page
    assert shown_value(page, "AMT_INCOME_TOTAL") == "70000"
    assert "Change at least one field." in sent(web, path, 422)
    page = sent(web, path, 422, AMT_ANNUITY="1000", PAYMENTS="12")
    assert shown_value(page, "PAYMENTS") == "12"


def test_an_override_without_its_ground_is_refused_and_its_note_kept(web, refused_page):
    page = sent(web, f"/pages/fr/{refused_page}/outcome", 422, action="override", note="parce que")
    assert "Une décision contre la proposition a besoin d'un motif." in page
    assert "parce que" in page


def test_a_review_is_requested_and_answered(web, ids):
    page = sent(web, "/pages/en/decisions", client_id=str(ids[1]))
    path = re.search(r'"(/pages/en/decisions/[0-9a-f]{32}/outcome)', page)[1]
    sent(web, path, action="agree", ground="agreed")
    sent(web, path, action="request_review", note="the client calls")
    page = sent(web, path, action="answer_review", final_decision="grant")
    assert "Final decision: granted" in page


def test_nothing_of_a_client_is_markup(web, ids, monkeypatch):
    live = web.app.state.context.live
    monkeypatch.setattr(live, "_generation", replace(live.now, rows=_Scripted(live.now.rows)))
    page = web.post("/pages/en/decisions", data={"client_id": str(ids[2])}, headers=OWN)
    path = re.search(r'"(/pages/en/decisions/[0-9a-f]{32})/outcome', page.text)[1]
    web.post(f"{path}/outcome", data={"action": "agree", "note": SCRIPT}, headers=OWN)
    texts = live.now.rows.layout.texts
    pages = [web.get(f"{path}?feature={feature}") for feature in ("amt_credit", *texts[:2])]
    pages += [web.get(f"{path}?feature={SCRIPT}"), web.get(path.replace("/en/", "/fr/"))]
    pages += [web.post(f"{path}/simulation", data={"AMT_CREDIT": SCRIPT, "OCCUPATION_TYPE": SCRIPT}, headers=OWN)]
    pages += [web.post("/pages/en/decisions", data={"client_id": SCRIPT}, headers=OWN)]
    pages += [web.post("/pages/en/new", data={"json": SCRIPT, "AMT_CREDIT": SCRIPT}, headers=OWN)]
    pages += [web.get(f"/pages/en/{SCRIPT}"), web.get(f"/pages/en/login?next={SCRIPT}"), web.get(f"{path}/letter")]
    assert not [one.url for one in pages if "<script>alert" in one.text]
    assert "&lt;script&gt;" in pages[0].text
    assert all("script-src 'self'" in one.headers["content-security-policy"] for one in pages[:-1])


class _Scripted:
    """Clients all of whose texts are markup."""

    def __init__(self, rows) -> None:
        self._rows, self.layout = rows, rows.layout

    def find(self, clients):
        found, features = self._rows.find(clients)
        texts = tuple(tuple(SCRIPT for _ in row) for row in features.texts)
        return found, Features(features.layout, features.values, texts)


def test_a_form_of_another_site_changes_nothing(web, ids):
    form, before = {"client_id": str(ids[3])}, _decisions(web)
    for headers in ({}, {"origin": "http://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}):
        assert "another site" in sent(web, "/pages/en/decisions", 403, headers, **form)
    assert _decisions(web) == before
    sent(web, "/pages/en/decisions", 200, {"sec-fetch-site": "same-origin"}, **form)


def _decisions(web: TestClient) -> int:
    return len(web.get("/v1/decisions?limit=500").json()["decisions"])


def test_the_key_is_asked_for_and_kept_from_scripts(serving_store, ids, tmp_path):
    file = tmp_path / "keys.json"
    key = add_key(file, "adviser", ["read", "decide", "simulate"])
    with serving(replace(own_record(serving_store, tmp_path), keys_file=file)) as web:
        page = read(web, "/pages/fr/model")
        assert 'name="key"' in page
        assert 'value="/pages/fr/model"' in page
        assert "Cette clé est inconnue" in sent(web, "/pages/fr/login", 401, key="credit_wrong")
        answer = web.post(
            "/pages/fr/login", data={"key": key, "next": "//evil.example"}, headers=OWN, follow_redirects=False
        )
        assert answer.headers["location"] == "/pages/fr"
        cookie = answer.headers["set-cookie"].lower()
        assert {"httponly", "samesite=strict", "path=/pages"} <= {part.strip() for part in cookie.split(";")}
        assert "Pourquoi" in sent(web, "/pages/fr/decisions", client_id=str(ids[0]))
        assert web.post("/v1/decisions", json={"client_id": ids[0]}, headers=OWN).status_code == 401
        assert "La clé ne le permet pas" in read(web, "/pages/fr/recent", 403)
        sent(web, "/pages/fr/logout")
        assert 'name="key"' in read(web, "/pages/fr")


def test_a_record_that_is_away_decides_nothing_and_loses_nothing(web, ids, monkeypatch):
    def fail(*_: object) -> None:
        raise RecordError("away")

    monkeypatch.setattr(web.app.state.context.records, "write", fail)
    page = sent(web, "/pages/en/decisions", 503, client_id=str(ids[0]))
    assert "nothing was decided" in page
    assert f'value="{ids[0]}"' in page


def test_model_and_data_away_or_old_are_said_with_the_time(web, refused_page, monkeypatch):
    live = web.app.state.context.live
    monkeypatch.setattr("ml.serving.pages.rendering.STALE_AFTER", timedelta(0))
    monkeypatch.setattr(live, "_problem", "a damaged snapshot")
    page = read(web, "/pages/en")
    assert "The data are old: they were published on" in page
    assert "could not be taken over" in page
    assert "a damaged snapshot" not in page
    monkeypatch.setattr(live, "_generation", None)
    page = read(web, f"/pages/en/{refused_page}")
    assert "Model and data do not answer" in page
    assert "Simulations are away" in page
    assert "Proposal: refuse" in page
    assert 'value="5"' in sent(web, "/pages/en/decisions", 503, client_id="5")


def test_what_there_is_not_is_a_page(web):
    assert "Cette page n'existe pas" in read(web, "/pages/fr/nowhere", 404)
    assert "The decision is not known" in read(web, f"/pages/en/decisions/{'0' * 32}", 404)
    assert web.get("/pages/static/none.css").status_code == 404
    assert (
        web.get("/pages", headers={"accept-language": "fr-FR,en;q=0.5"}, follow_redirects=False).headers["location"]
        == "/pages/fr"
    )


def test_an_error_that_nobody_foresaw_is_a_page_without_traceback(web, monkeypatch):
    monkeypatch.setattr("ml.serving.pages.routes.model_view", lambda *_: 1 / 0)
    page = read(web, "/pages/en/model", 500)
    assert "The server failed" in page
    assert "ZeroDivisionError" not in page


def test_the_model_page_shows_what_its_run_has_logged(web, monkeypatch):
    assert "Model version 1 refuses from" in read(web, "/pages/en/model")

    def away(*_: object) -> None:
        raise SettingsError(expected="a registry", found="none", remedy="wait")

    monkeypatch.setattr("ml.serving.pages.views.model.Registry", away)
    assert "The figures of the model lie in the registry" in read(web, "/pages/en/model")


def test_every_text_of_the_pages_has_its_french():
    known = language(FRENCH).translations
    texts: set[str] = set()
    for template in TEMPLATES.iterdir():
        source = template.read_text(encoding="utf-8")
        texts |= set(re.findall(r'\bt\("([^"]+)"', source)) | set(re.findall(r"\bt\('([^']+)'", source))
    texts |= {field.label for section in (*fields.SECTIONS.values(), fields.SIMULATED) for field in section}
    texts |= {*fields.SECTIONS, *errors.TITLES.values(), *errors.REMEDIES.values(), *GROUND_NAMES.values()}
    texts |= {*ACTION_NAMES.values(), *GROUP_NAMES.values()}
    assert len(texts) > 200
    assert not sorted(texts - set(known))


def test_names_and_sentences_of_the_catalogue_are_said_in_french(web):
    words = Words(language(FRENCH))
    catalog = web.app.state.context.live.now.catalog
    untold = [one.label for one in catalog.values() if one.may_be_reason and "<span" in words.name(one.label)]
    assert len(untold) < len(catalog) / 20, untold
    sentence = "Largest debt over credit, loans elsewhere: 2,811 times, higher than that of 95 % of applicants"
    assert words.sentence(sentence) == (
        "Dette rapportée au crédit (maximum), crédits ailleurs\u00a0: 2\u00a0811 fois, plus élevé que pour 95\u00a0% "
        "des demandeurs"
    )
    assert words.sentence("No record of start of the present employment") == "Sans emploi"
    assert words.name("a <new> feature") == '<span lang="en">a &lt;new&gt; feature</span>'
    assert errors.explained(Refusal("unusable-input", "of the API alone"), language(FRENCH)).count(".") == 1
