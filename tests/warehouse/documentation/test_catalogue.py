"""The catalogue as a page: complete, self-contained, and found by the words of the field in a browser."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.tiny_warehouse import approve, build_tiny_warehouse, query
from warehouse import catalogue
from warehouse.snapshots.publication import publish
from warehouse.snapshots.snapshot import Snapshot

SEARCHES = ("late payments", "debt to income", "unemployed", "delinquency", "seniority", "card limit", "zebra")
CHROMIUM = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-component-update",
    "--disable-background-networking", "--disable-sync", "--allow-file-access-from-files", "--virtual-time-budget=3000",
]  # fmt: skip


@pytest.fixture(scope="module")
def page(published_snapshot: Snapshot, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("catalogue") / "catalogue.html"
    assert catalogue.main(["--published", str(published_snapshot.folder.parent), "--out", str(path)]) == 0
    return path


def test_every_feature_is_there_with_meaning_rates_and_lineage(page: Path, published_snapshot: Snapshot):
    text = page.read_text(encoding="utf-8")
    features = [name for (name,) in query(published_snapshot.database, "select feature from feature_catalog")]
    assert sorted(re.findall(r'<details class="feature" id="(\w+)"', text)) == sorted(features)
    assert text.count("<h3>Default rate</h3>") == text.count("<h3>Computed from</h3>") == len(features)
    assert not re.search(r"@import|url\(|https?:|<link|<script src", text)


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium on this machine")
def test_the_page_finds_what_find_feature_finds(page: Path, published_snapshot: Snapshot, tmp_path: Path):
    # one start of the browser for all searches: a page of frames, each of which searches for something
    frames = "".join(f'<iframe src="{page.as_uri()}#q={words.replace(" ", "+")}"></iframe>' for words in SEARCHES)
    script = """<script>onload = () => setTimeout(() => { document.title = [...document.querySelectorAll('iframe')]
        .map((one) => one.contentDocument.getElementById('found').textContent).join(', ') }, 500)</script>"""
    (tmp_path / "frames.html").write_text(f"<title></title>{frames}{script}")
    command = ["chromium", *CHROMIUM, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    done = subprocess.run([*command, (tmp_path / "frames.html").as_uri()], capture_output=True, text=True, timeout=120)
    shown = re.findall(r"(\d+) features?", re.search("<title>(.*?)</title>", done.stdout)[1])
    expected = [
        query(published_snapshot.database, f"select count(*) from find_feature('{words}')")[0][0] for words in SEARCHES
    ]
    assert [int(count) for count in shown] == expected
    assert all(expected[:-1]) and expected[-1] == 0


def test_a_snapshot_without_a_catalogue_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    warehouse = build_tiny_warehouse(tmp_path / "home_credit.duckdb")
    approve(warehouse)
    publish(warehouse, tmp_path / "published")
    assert catalogue.main(["--published", str(tmp_path / "published"), "--out", str(tmp_path / "page.html")]) == 1
    error = capsys.readouterr().err
    assert "expected marts.feature_catalog in the warehouse" in error and len(error.splitlines()) == 1
