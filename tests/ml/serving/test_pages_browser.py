"""The pages in a real browser: the journey by keyboard alone, accessibility in both languages and themes."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from ml.serving.api import create_app
from ml.serving.language import LANGUAGES
from tests.support.serving_fixtures import clients_of, own_record

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM} (apt install chromium)")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync")
FLAGS += ("--disable-background-networking", "--disable-component-update")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RULES = {"runOnly": TAGS, "resultTypes": ["violations"]}
COLOURS = {
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
    "resultTypes": ["violations"],
}
MOST_TABS = 80


@pytest.fixture(scope="module")
def address(serving_store, tmp_path_factory) -> Iterator[str]:
    """A server on a port of this machine."""
    app = create_app(own_record(serving_store, tmp_path_factory.mktemp("record")))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [free]})
        thread.start()
        while not (server.started and hasattr(app.state, "context")):
            time.sleep(0.05)
        app.state.context.live.refresh()
        yield f"http://127.0.0.1:{free.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def client(serving_store) -> str:
    return str(clients_of(serving_store.snapshot, 1)[0])


def focus(page, selector: str) -> None:
    """Go to an element by the tabulator alone, as somebody without a mouse does."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"{selector} is not reached by {MOST_TABS} tabulators")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_journey_by_keyboard_alone(address, browser, client, lang):
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    complaints = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{address}/pages/{lang}")
    page.keyboard.type(client)  # the field has the focus already
    page.keyboard.press("Enter")
    page.wait_for_url("**/decisions/*")
    here = page.url

    focus(page, "#sim-AMT_CREDIT")
    page.keyboard.press("Control+A")
    page.keyboard.type("50000")
    page.keyboard.press("Enter")
    page.wait_for_selector(".result table")
    assert page.url == here  # nothing but the answer was replaced
    assert page.evaluate("document.activeElement.id") == "simulation"
    assert page.input_value("#sim-AMT_CREDIT") == "50000"

    focus(page, "#change button")
    page.keyboard.press("Enter")
    page.wait_for_selector("#change p")

    focus(page, "#agree, #override")
    page.keyboard.press("ArrowDown")
    focus(page, "#ground")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    focus(page, "#note")
    page.keyboard.type("seen")
    focus(page, "#outcome button")
    page.keyboard.press("Enter")
    page.wait_for_selector(".trail")
    assert "seen" in page.inner_text(".trail")

    focus(page, "#letter a")
    page.keyboard.press("Enter")
    page.wait_for_url("**/letter")
    assert page.inner_text("h1")
    assert not complaints
    page.close()


def test_no_page_has_a_barrier_in_either_language_and_theme(address, browser, client):
    axe_playwright = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    axe = axe_playwright.Axe()
    page = browser.new_context(viewport={"width": 1200, "height": 900}, bypass_csp=True).new_page()
    page.goto(f"{address}/pages/en")
    page.fill("#client_id", client)
    page.press("#client_id", "Enter")
    page.wait_for_url("**/decisions/*")
    decision = re.search("decisions/[0-9a-f]+", page.url)[0]
    found = {}
    for lang in LANGUAGES:
        for path in ("", "/new", "/model", "/recent", "/login", "/nowhere", f"/{decision}/letter", f"/{decision}"):
            page.goto(f"{address}/pages/{lang}{path}")
            found |= _violations(axe, page, f"{lang} {path[:9]}")
        for typed, answer in (("nothing", ".fault"), ("50000", ".result")):
            page.fill("#sim-AMT_CREDIT", typed)
            page.press("#sim-AMT_CREDIT", "Enter")
            page.wait_for_selector(answer)
            found |= _violations(axe, page, f"{lang} {answer}")
    page.context.close()
    assert not found


def _violations(axe, page, where: str) -> dict[str, list[str]]:
    """What is wrong in the light theme, and with the colours of the dark one: all else is the same page."""
    found = {}
    for theme, rules in (("light", RULES), ("dark", COLOURS)):
        page.emulate_media(color_scheme=theme)
        listed = axe.run(page, options=rules).response["violations"]
        if listed:
            found[f"{where} {theme}"] = [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in listed]
    return found


@pytest.mark.parametrize("width", [320, 600])  # a phone; 1200 px at 200 %
def test_nothing_lies_beyond_a_narrow_window(address, browser, client, width):
    page = browser.new_page(viewport={"width": width, "height": 700})
    page.goto(f"{address}/pages/fr")
    page.fill("#client_id", client)
    page.press("#client_id", "Enter")
    page.wait_for_url("**/decisions/*")
    for path in (page.url, *(f"{address}/pages/fr{path}" for path in ("", "/new", "/model", "/recent"))):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page.close()


def test_a_server_that_does_not_answer_is_said_and_nothing_typed_is_lost(address, browser, client):
    page = browser.new_page()
    page.goto(f"{address}/pages/en")
    page.fill("#client_id", client)
    page.press("#client_id", "Enter")
    page.wait_for_url("**/decisions/*")
    page.fill("#sim-AMT_CREDIT", "51000")
    page.route("**/simulation", lambda route: route.abort())
    page.click("#simulation form button")
    page.wait_for_selector("#alert:not(:empty)")
    assert re.search(r"did not answer at \d", page.inner_text("#alert"))
    assert page.input_value("#sim-AMT_CREDIT") == "51000"
    page.unroute("**/simulation")
    page.route("**/simulation", lambda route: (time.sleep(2.5), route.continue_()))
    page.click("#simulation form button")
    page.wait_for_selector(".working:not(:empty)")
    page.wait_for_selector(".result")
    assert not page.inner_text("#alert")
    page.close()
