"""The model card: every section from the run, in three formats, and one line when something is missing."""

import json
import re
import shutil
from html.parser import HTMLParser

import pytest

from ml.card.facts import COST, PERFORMANCE, SCORE, gather, out_of_fold_intervals
from ml.card.pdf import FEWEST_PAGES, MOST_PAGES, to_pdf
from ml.card.render import to_body, to_html, to_markdown
from ml.card.words import members_in_words, training_command
from ml.card.workflow import write_card
from ml.data.catalog import find_catalog
from ml.data.source import Source
from ml.data.training_set import read_training_data
from ml.explanation.overall import explain_model
from ml.explanation.population import read_population
from ml.fair_lending.report import ARTIFACTS, judge_fairness, write
from ml.model_card import main
from ml.modelling.recipe import MemberSpec, TrainingConfig, default_recipe
from ml.registry.loading import open_scorer
from ml.registry.registry import Registry
from ml.training.workflow import train
from tests.support.explain_fixtures import write_explained_warehouse
from tests.support.ml_fixtures import prepare_store
from warehouse.core.errors import SettingsError
from warehouse.core.page import Head

SECTIONS = (
    *("Purpose", "Data", "Method", "Results", "Threshold", "Calibration", "Main variables", "Fairness"),
    *("Limits", "Guards and verdict", "Reproduction"),
)


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("card")
    settings = prepare_store(tmp_path_factory, folder)
    write_explained_warehouse(settings.duckdb_path)
    data = read_training_data(settings.duckdb_path)
    train(data, TrainingConfig(rounds=15, folds=2), Registry(settings), folder / "model")
    return settings


@pytest.fixture
def registry(settings):
    return Registry(settings)  # MLflow's address is of the process: whoever opens another store changes it


@pytest.fixture(scope="module")
def bare(settings, tmp_path_factory):
    """The card of a version that was neither explained nor judged by group."""
    registry, out = Registry(settings), tmp_path_factory.mktemp("bare") / "card"
    return write_card(registry, registry.champion(), None, out)


@pytest.fixture(scope="module")
def full(settings, bare, tmp_path_factory):
    """The card of the same version after `ml.explain` and `ml.fairness`; made after `bare`."""
    registry, folder = Registry(settings), tmp_path_factory.mktemp("full")
    model, scorer = registry.resolve(), open_scorer(registry).scorer
    stats, frame = read_population(Source(settings.duckdb_path), scorer)
    explanation = explain_model(scorer, frame[:100], stats, "")
    explain = folder / "explain"
    explain.mkdir()
    for name, document in explanation.documents.items():
        (explain / f"{name}.json").write_text(json.dumps(document))
    explanation.figures["themes"].savefig(explain / "themes.png")
    registry.attach(model, explain, "explain")
    fairness = folder / "fairness"
    fairness.mkdir()
    write(judge_fairness(registry, model, settings.duckdb_path), fairness)
    registry.attach(model, fairness, ARTIFACTS)
    return write_card(registry, model, find_catalog(settings.duckdb_path), folder / "card")


def markdown_of(folder):
    return (folder / "model_card.md").read_text(encoding="utf-8")


def pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b", pdf))


def pictures_of(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.png")}


def run(settings, monkeypatch, capsys, *arguments):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", settings.tracking_uri)
    monkeypatch.setenv("CREDIT_DUCKDB", str(settings.duckdb_path))
    code = main(list(arguments))
    return code, capsys.readouterr()


def test_the_card_has_every_section_and_no_hole(bare, full):
    for card in (bare, full):
        text = markdown_of(card)
        found = re.findall(r"^## \d+\. (.*)$", text, re.MULTILINE)
        assert tuple(found) == SECTIONS
        assert not re.search(r"\{[{%]|\bNone\b|\bnan\b|Undefined", text)


def test_what_was_not_made_is_said_in_one_line_with_its_command(bare):
    text = markdown_of(bare)
    assert "`python -m ml.explain --version 1`" in text
    assert "`python -m ml.fairness --version 1`" in text
    assert "without the warehouse's `marts.feature_catalog`" in text


def test_the_numbers_are_those_of_the_run(bare, registry):
    model = registry.champion()
    manifest = registry.manifest(model)
    text = markdown_of(bare)
    assert f"| AUC | {model.metrics['holdout_auc']:.3f} (" in text
    assert f" {model.metrics['auc']:.3f} (" in text
    assert f"**{100 * manifest['threshold']:.2f} %**" in text
    assert f"| Everyone is granted credit | {model.metrics['cost_per_1000_accept_all']:,.0f} |" in text
    for key in (manifest["data"]["fingerprint"], manifest["git"]["revision"], model.run_id):
        assert key in text
    assert f"{manifest['data']['rows']:,}" in text
    assert "Guards: **passed**. Verdict: the first model." in text


def test_out_of_fold_intervals_hold_the_logged_measures(registry):
    model = registry.champion()
    found = out_of_fold_intervals(model.metrics, registry.manifest(model), registry.out_of_fold(model))
    assert set(found) == {name for name, *_ in PERFORMANCE} | {COST, SCORE}
    for name, interval in found.items():
        assert interval.estimate == pytest.approx(model.metrics[name])
        assert interval.low < interval.estimate < interval.high


def test_main_variables_and_groups_are_shown_once_they_are_made(full, settings, registry):
    text = markdown_of(full)
    assert "| Feature | Theme | Effect on the odds | Direction |" in text
    assert re.search(r"External scores \| x 1\.\d\d \| higher is safer", text)
    for group in judge_fairness(registry, registry.champion(), settings.duckdb_path).groups:
        shown = next(row for row in text.splitlines() if row.startswith(f"| {group.attribute} | {group.group}"))
        assert f"| {group.applicants:,} | {100 * group.default_rate:.1f} % |" in shown
        assert f"| {group.cost_per_1000.estimate:,.0f} (" in shown
        assert (" ! |" in shown) == group.fails_four_fifths
        assert ("* |" in shown) == group.is_small
    assert re.search(r"feat_bureau \| loans of other lenders, from the credit bureau \| \d+ \|", text)


def test_the_page_needs_no_other_file(full):
    class Sources(HTMLParser):
        found: tuple = ()

        def handle_starttag(self, tag, attrs):
            wanted = {"src", "href"} & dict(attrs).keys()
            self.found += tuple(dict(attrs)[name] for name in wanted)
            assert tag not in {"script", "link"}

    reader = Sources()
    page = (full / "model_card.html").read_text(encoding="utf-8")
    reader.feed(page)
    pictures = [source for source in reader.found if not source.startswith("#")]
    assert len(pictures) == 4
    assert all(source.startswith("data:image/png;base64,iVBOR") for source in pictures)
    assert "<style>" in page


def test_the_pdf_has_two_or_three_pages(bare, full):
    for card in (bare, full):
        pdf = (card / "model_card.pdf").read_bytes()
        assert FEWEST_PAGES <= pages(pdf) <= MOST_PAGES
        assert pdf.count(b"/Subtype /Image") >= 2


def test_a_longer_card_is_set_in_smaller_type(full):
    text = markdown_of(full)
    longer = text.replace("## 9. Limits", "Words that fill the page. " * 100 + "\n\n## 9. Limits")
    assert pages(to_pdf(longer, "longer", pictures_of(full))) == MOST_PAGES


def test_the_card_is_logged_on_the_run(full, registry, tmp_path):
    for kind in ("md", "html", "pdf"):
        logged = registry.fetch(registry.champion(), f"model_card/model_card.{kind}", tmp_path)
        assert logged.read_bytes() == (full / logged.name).read_bytes()


def test_a_bar_in_a_text_does_not_break_the_table(full):
    rows = to_body(markdown_of(full), {}).html.split("<table>")
    assert all(
        len({row.count("<td") for row in re.findall(r"<tr>.*?</tr>", one, re.DOTALL)[1:]}) == 1 for one in rows[1:]
    )


HOSTILE = (
    "see <ticket 12>",
    "<script>alert(1)</script>",
    '<img src="/etc/hostname" onerror="alert(1)">',
    "![x](/etc/hostname) [y](javascript:alert(1))",
    "</td></table> | `code` **bold** & &lt; \n\n## heading",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_is_shown_as_it_is_and_can_be_no_markup(registry, full, text):
    facts = gather(registry, registry.champion(), None) | {"fairness": None}
    facts["figures"] = {"calibration": "calibration.png", "cost_curve": "cost_curve.png", "themes": None}
    facts["guards"]["promoted"] = {"when": "2026-11-24T10:00", "who": text, "how": "by hand", "reason": text}
    facts["data"]["rate"] = text
    facts["calibration"]["rows"][0][0] = text
    facts["method"]["members"] = [text]
    pictures = pictures_of(full)
    markdown = to_markdown(facts)
    page = to_html(markdown, Head("card", text), pictures)

    class Reader(HTMLParser):
        tags, sources, words = [], [], ""

        def handle_starttag(self, tag, attrs):
            self.tags.append(tag)
            self.sources += [value for name, value in attrs if name in {"src", "href"}]

        def handle_data(self, data):
            self.words += data

    reader = Reader()
    Reader.tags, Reader.sources = [], []
    reader.feed(page)
    assert not {"script", "ticket"} & set(reader.tags)
    assert reader.tags.count("img") == 2
    assert all(source.startswith(("#", "data:image/png;base64,")) for source in reader.sources)
    assert " ".join(text.split()) in " ".join(reader.words.split())
    assert FEWEST_PAGES <= pages(to_pdf(markdown, "card", pictures)) <= MOST_PAGES


def test_a_figure_of_the_run_that_is_no_picture_is_refused(full):
    with pytest.raises(SettingsError, match=r"PNG picture in calibration\.png"):
        to_html(markdown_of(full), Head("card", ""), {"calibration.png": b"<svg onload='alert(1)'/>"})


def test_the_training_command_gives_the_recipe_back():
    quick = default_recipe(5_000, quick=True)
    assert training_command(quick.to_dict(), 5_000) == (
        "python -m ml.train --seed 42 --folds 5 --repeats 1 --holdout 0.2 --default-recipe --quick",
        True,
    )
    other = TrainingConfig(seed=7, rounds=77, members=default_recipe(5_000).members, num_leaves=99)
    command, complete = training_command(other.to_dict(), 5_000)
    assert command.startswith("python -m ml.train --seed 7") and not complete


def test_members_are_told_with_their_own_parameters():
    blend = (MemberSpec("logistic", 1.0, {"C": 0.5}), MemberSpec("lightgbm", 3.0, {"n_estimators": 1234}))
    first, second = members_in_words(TrainingConfig(members=blend, seeds=2).to_dict())
    assert first == "penalised logistic regression with C = 0.5 (the smaller, the stronger the penalty); weight 25 %"
    assert "1,234 trees" in second and "mean of 2 random seeds; weight 75 %" in second


def test_the_command_writes_and_says_where(settings, full, tmp_path, monkeypatch, capsys):
    code, said = run(settings, monkeypatch, capsys, "--version", "1", "--out", str(tmp_path / "card"))
    assert code == 0
    assert str(tmp_path / "card" / "model_card") in said.out
    assert {path.suffix for path in (tmp_path / "card").iterdir()} >= {".md", ".html", ".pdf", ".png"}


def test_no_champion_and_no_such_version_are_one_line(settings, tmp_path_factory, tmp_path, monkeypatch, capsys):
    code, said = run(settings, monkeypatch, capsys, "--version", "99", "--out", str(tmp_path / "card"))
    assert code == 1 and said.err.startswith("error: expected version 99") and said.err.count("\n") == 1
    empty = prepare_store(tmp_path_factory, tmp_path)
    code, said = run(empty, monkeypatch, capsys, "--out", str(tmp_path / "card"))
    assert code == 1 and "expected a champion" in said.err and said.err.count("\n") == 1
    assert not (tmp_path / "card").exists()


def test_a_lost_artefact_is_one_line_and_the_old_card_stays(settings, full, tmp_path, monkeypatch, capsys):
    out = tmp_path / "card"
    shutil.copytree(full, out)
    before = markdown_of(out)
    figure = next((settings.duckdb_path.parent / "mlruns").rglob("artifacts/calibration.png"))
    shutil.move(figure, tmp_path / "aside.png")
    try:
        code, said = run(settings, monkeypatch, capsys, "--out", str(out))
    finally:
        shutil.move(tmp_path / "aside.png", figure)
    assert code == 1 and "calibration.png" in said.err and said.err.count("\n") == 1
    assert markdown_of(out) == before
