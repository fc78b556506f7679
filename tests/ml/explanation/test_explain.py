"""Explanations of the model and of one client, as objects and as a command."""

import json
import shutil
import time
from dataclasses import replace
from pathlib import Path

import duckdb
import mlflow
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.pipeline import Pipeline

from ml.data.clients import find_client
from ml.data.population import ACCEPTED, ALL, PopulationStats
from ml.data.source import Source
from ml.data.training_set import read_training_data
from ml.explain import main
from ml.explanation.client import explain_client, reasons_for
from ml.explanation.client_figures import feature_steps, position_figure, theme_steps, waterfall_figure
from ml.explanation.contributions import Encoded, additivity_error, contributions, decide
from ml.explanation.overall import explain_model
from ml.explanation.population import logged_population, read_population
from ml.modelling.pipeline import encoded
from ml.modelling.recipe import MemberSpec, TrainingConfig
from ml.registry.registry import Registry
from ml.served.calibration import Calibration, log_odds
from ml.served.scorer import GRANT, REFUSE
from ml.training.workflow import train
from tests.support.explain_fixtures import (
    FEATURES,
    applicants_frame,
    fitted_scorer,
    population,
    training_data,
    write_explained_warehouse,
)
from tests.support.ml_fixtures import name_store, prepare_store
from warehouse.core.database import connect
from warehouse.core.errors import CreditWarehouseError, ModelError, TrainingDataError
from warehouse.snapshots.publication import publish

BLEND = (MemberSpec("lightgbm", 3.0), MemberSpec("logistic", 1.0))


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory):
    return write_explained_warehouse(tmp_path_factory.mktemp("explain") / "w.duckdb")


@pytest.fixture(scope="module")
def data(warehouse):
    return training_data(warehouse)


@pytest.fixture(scope="module")
def scorer(data):
    return fitted_scorer(data)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return applicants_frame()


@pytest.fixture(scope="module")
def stats(scorer, frame) -> PopulationStats:
    return population(scorer, frame)


@pytest.fixture(scope="module")
def place(tmp_path_factory, warehouse):
    """A store with one champion trained on the warehouse."""
    folder = tmp_path_factory.mktemp("store")
    settings = prepare_store(tmp_path_factory, folder)
    shutil.copy(warehouse, settings.duckdb_path)
    publish(settings.duckdb_path, settings.published_dir)
    config = TrainingConfig(rounds=30, folds=2)
    train(read_training_data(settings.duckdb_path), config, Registry(settings), folder / "model", override_guard=True)
    return settings


@pytest.fixture
def run(place, monkeypatch, tmp_path):
    name_store(monkeypatch, place)
    return lambda *arguments: main(["--out", str(tmp_path / "out"), *arguments])


def test_contributions_and_base_add_up_to_the_log_odds_of_the_model(scorer, frame):
    bare = replace(scorer, calibration=Calibration())
    parts = contributions(bare, Encoded(frame))
    assert set(parts.features) == set(scorer.features)
    assert parts.explained_share == 1
    assert parts.log_odds == pytest.approx(log_odds(bare.probability(frame)), abs=1e-9)


def test_contributions_of_a_blend_add_up_to_the_weighted_log_odds_of_its_members(data, frame):
    blend = fitted_scorer(data, members=BLEND, seeds=2)
    assert len(blend.members) == 3
    parts = contributions(blend, Encoded(frame))
    raw = [log_odds(member.predict_proba(frame)[:, 1]) for member in blend.members]
    assert parts.log_odds == pytest.approx(np.average(raw, axis=0, weights=blend.weights), abs=1e-5)
    assert additivity_error(blend, frame, parts) < 1e-5
    assert parts.explained_share == 1
    assert set(parts.features) == set(blend.features)


def test_decisions_that_share_the_encoding_are_those_of_the_scorer(data, scorer, frame):
    blend = fitted_scorer(data, members=BLEND, seeds=2)
    for model in (scorer, blend):
        pd.testing.assert_frame_equal(decide(model, Encoded(frame)), model.decide(frame), check_exact=True)
    odd = fitted_scorer(data.select([name for name in data.features if name != "amt_credit"]))
    mixed = replace(blend, members=(*blend.members[:1], *odd.members), weights=())
    pd.testing.assert_frame_equal(decide(mixed, Encoded(frame)), mixed.decide(frame), check_exact=True)
    parts = contributions(mixed, Encoded(frame))
    assert additivity_error(mixed, frame, parts) < 1e-5


def test_members_that_cannot_be_split_are_named_with_their_share(data, scorer, frame, stats):
    forest = ExtraTreesClassifier(n_estimators=5, random_state=0).fit(encoded(data), data.target)
    member = Pipeline([("features", scorer.members[0][0]), ("classifier", forest)])
    partly = replace(scorer, members=(*scorer.members, member), weights=())
    explanation = explain_client(partly, frame[:1], stats)
    assert explanation.explained_share == pytest.approx(0.5)
    assert explanation.left_out == ("ExtraTreesClassifier",)
    alone = replace(partly, members=partly.members[1:], weights=())
    with pytest.raises(ModelError, match="found ExtraTreesClassifier"):
        contributions(alone, Encoded(frame[:1]))


def test_an_explanation_is_what_the_scorer_decides_and_adds_up_to_it(scorer, frame, stats):
    decided = scorer.decide(frame)
    for client in (0, 1, 2, 3):
        explanation = explain_client(scorer, frame[client : client + 1], stats)
        assert explanation.probability == pytest.approx(decided["probability"][client])
        assert explanation.decision == decided["decision"][client]
        total = explanation.base_log_odds + explanation.adjustment
        total += sum(theme["contribution"] for theme in explanation.themes)
        assert total == pytest.approx(log_odds(np.array([explanation.probability]))[0])
        assert explanation.reasons == reasons_for(scorer, frame, stats)[client]
        assert "never a reason" in explanation.protected_rule
        assert {entry["code"] for entry in explanation.withheld} <= {"gender", "age", "family"}
        assert json.dumps(explanation.to_dict(), allow_nan=False)


def test_places_are_shares_of_those_with_a_record(scorer, frame, stats):
    probability = scorer.probability(frame)
    place = stats.score_place(ALL, float(np.median(probability)))
    assert place.below == pytest.approx(0.5, abs=0.01)
    granted = probability < scorer.threshold
    assert stats.clients == {ALL: len(frame), ACCEPTED: int(granted.sum())}
    assert stats.score_place(ACCEPTED, scorer.threshold).below == 1
    known = frame["ext_source_1"].dropna()
    place = stats.place(ALL, "ext_source_1", 0.4)
    assert place.below == pytest.approx((known < 0.4).mean(), abs=0.005)
    assert place.below + place.same + place.above == pytest.approx(1)
    count = stats.place(ALL, "previous_count", 3.0)
    assert count.same == pytest.approx((frame["previous_count"] == 3).mean(), abs=0.01)


def test_a_population_is_the_same_after_it_was_written(stats, tmp_path):
    stats.save(tmp_path / "population.npz")
    again = PopulationStats.load(tmp_path / "population.npz")
    assert again.catalog == stats.catalog
    assert again.categories == stats.categories
    for group in (ALL, ACCEPTED):
        assert np.array_equal(again.quantiles[group], stats.quantiles[group], equal_nan=True)
        assert np.array_equal(again.scores[group], stats.scores[group])
    (tmp_path / "population.npz").write_bytes(b"no archive")
    with pytest.raises(ModelError, match=r"run: python -m ml\.explain"):
        PopulationStats.load(tmp_path / "population.npz")


def test_rows_that_cannot_be_explained_are_refused(scorer, frame, stats):
    with pytest.raises(TrainingDataError, match="found 2 rows"):
        explain_client(scorer, frame[:2], stats)
    with pytest.raises(TrainingDataError, match="found no amt_credit"):
        explain_client(scorer, frame[:1].drop(columns="amt_credit"), stats)


def test_a_population_in_which_nobody_is_accepted_still_explains(scorer, frame):
    strict = replace(scorer, threshold=0.0)
    explanation = explain_client(strict, frame[:1], population(strict, frame))
    assert explanation.decision == REFUSE
    assert explanation.score_place[ACCEPTED] is None
    assert position_figure(explanation, population(strict, frame)).axes


def test_one_client_takes_less_than_fifty_milliseconds_of_cpu_time(scorer, frame, stats):
    explain_client(scorer, frame[:1], stats)
    taken = []
    for client in range(10):
        started = time.process_time()  # other programs do not count
        explain_client(scorer, frame[client : client + 1], stats)
        taken.append(time.process_time() - started)
    assert min(taken) < 0.05


def test_clients_are_found_in_both_marts_and_read_sorted(scorer, warehouse):
    source = Source(warehouse)
    _, frame = read_population(source, scorer)
    assert frame["days_id_publish"].tolist() == applicants_frame()["days_id_publish"].tolist()
    assert find_client(source, FEATURES, 600_000)[0] == "marts.scoring_set"
    assert find_client(source, FEATURES, 100_000)[0] == "marts.training_set"


def test_figures_of_the_model_show_the_strongest_features_with_readable_names(scorer, frame, stats):
    explanation = explain_model(scorer, frame, stats, "a model")
    means = [row["mean_absolute"] for row in explanation.documents["features"]]
    assert means == sorted(means, reverse=True)
    assert explanation.documents["summary"]["additivity_error"] < 1e-9
    assert len(explanation.documents["beeswarm"]) == 20
    assert len(explanation.documents["beeswarm"][0]["values"]) == len(frame)
    assert len([axes for axes in explanation.figures["dependence"].axes if axes.get_visible()]) == 10
    names = " ".join(tick.get_text() for tick in explanation.figures["features"].axes[0].get_yticklabels())
    assert "External score 2" in names
    assert "_" not in names


def test_a_waterfall_ends_at_the_probability_of_the_client(scorer, frame, stats):
    explanation = explain_client(scorer, frame[:1], stats)
    figure = waterfall_figure(explanation, theme_steps(explanation), "one client")
    last = figure.axes[0].patches[-1]
    end = last.get_x() + last.get_width()
    assert end == pytest.approx(log_odds(np.array([explanation.probability]))[0])
    assert "average client" in figure.get_suptitle()


def test_the_command_explains_the_model_and_logs_it_to_its_run(run, place, tmp_path, capsys):
    assert run("--sample", "200") == 0
    assert "explained credit_scoring_model version 1" in capsys.readouterr().out
    folder = tmp_path / "out" / "model"
    figures = {f"{name}.png" for name in ("beeswarm", "features", "themes", "dependence")}
    documents = {f"{name}.json" for name in ("beeswarm", "features", "themes", "dependence", "summary")}
    assert {path.name for path in folder.iterdir()} == figures | documents | {"population.npz"}
    assert json.loads((folder / "summary.json").read_text())["applicants"] == 200
    logged = mlflow.MlflowClient(place.tracking_uri).list_artifacts(Registry(place).champion().run_id, "explain")
    assert {item.path.removeprefix("explain/") for item in logged} == {path.name for path in folder.iterdir()}


def test_the_command_explains_one_client_again_and_again(run, tmp_path, capsys):
    assert run("--client", "600003") == 0
    out = capsys.readouterr().out
    folder = tmp_path / "out" / "client_600003"
    first = (folder / "explanation.json").read_bytes()
    document = json.loads(first)
    assert document["found_in"] == "marts.scoring_set"
    assert document["decision"] in {GRANT, REFUSE}
    assert document["reasons"][0]["text"] in out
    assert 0 < document["probability"] < 1
    assert {path.suffix for path in folder.iterdir()} == {".png", ".json"}
    assert run("--client", "600003", "--version", "1") == 0
    assert (folder / "explanation.json").read_bytes() == first
    assert not list((tmp_path / "out").glob(".explain-*"))
    assert run("--client", "100001") == 0
    assert json.loads((tmp_path / "out/client_100001/explanation.json").read_text())["found_in"] == "marts.training_set"


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--client", "7"], "client 7 in marts.scoring_set or marts.training_set of"),
        (["--version", "9"], "no such version"),
        (["--sample", "0"], "1 applicant or more for --sample; found 0"),
        (["--database", "none.duckdb"], "no such file"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line_and_nothing_is_written(run, tmp_path, capsys, arguments, found):
    assert run(*arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: expected ")
    assert len(error.splitlines()) == 1
    assert found in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("drop table marts.feature_catalog", "marts.feature_catalog"),
        ("alter table marts.feature_catalog drop column theme", "found a catalogue of an older build, without them"),
        ("delete from marts.feature_catalog where feature = 'amt_credit'", "found no amt_credit"),
        ("alter table marts.scoring_set drop column amt_credit", "found no amt_credit"),
        ("delete from marts.scoring_set", "no rows"),
    ],
)
def test_a_warehouse_that_does_not_fit_is_one_line(scorer, warehouse, tmp_path, change, found):
    broken = changed(warehouse, tmp_path, change)
    with pytest.raises(CreditWarehouseError, match=found) as raised:
        read_population(Source(broken), scorer)
    assert len(str(raised.value).splitlines()) == 1


def changed(warehouse, folder, change) -> Path:
    """A copy of a warehouse after a statement."""
    copy = Path(shutil.copy(warehouse, folder / "other.duckdb"))
    with duckdb.connect(str(copy)) as con:
        con.execute(change)
    return copy


def test_the_logged_explanation_is_never_replaced_by_one_of_other_clients(run, place, tmp_path, capsys):
    assert run("--sample", "200") == 0
    registry = Registry(place)

    def logged() -> tuple:
        """Number of applicants and clients as they are logged."""
        summary = registry.fetch(registry.champion(), "explain/summary.json", tmp_path)
        return json.loads(summary.read_text())["applicants"], logged_population(registry, registry.champion()).clients

    before = logged()
    other = changed(place.duckdb_path, tmp_path, "delete from marts.scoring_set where sk_id_curr % 2 = 0")
    capsys.readouterr()
    assert run("--database", str(other), "--sample", "100") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "expected the marts that version 1 was trained on" in line
    assert "found others in warehouse file other.duckdb" in line
    assert logged() == before


def test_one_client_is_read_as_one_row_and_compared_with_the_logged_population(run, monkeypatch, tmp_path, capsys):
    assert run("--sample", "50") == 0
    opened = []
    monkeypatch.setattr("ml.data.source.connect", lambda path: opened.append(path) or connect(path))
    monkeypatch.setattr("ml.explanation.population.read_population", lambda *_: pytest.fail("all clients were scored"))
    capsys.readouterr()
    assert run("--client", "600003") == 0
    assert "no logged population" not in capsys.readouterr().out
    assert len(opened) == 1
    assert json.loads((tmp_path / "out/client_600003/explanation.json").read_text())["population"][ALL] == 500


def test_a_client_of_a_version_that_was_never_explained_is_compared_with_a_population_measured_now(
    run, place, monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr("ml.explanation.population.logged_population", lambda *_: None)
    assert run("--client", "600003") == 0
    assert "version 1 has no logged population: measured now on snapshot" in capsys.readouterr().out
    assert json.loads((tmp_path / "out/client_600003/explanation.json").read_text())["population"][ALL] == 500


@pytest.mark.parametrize("certain", [0.0, 1.0])
def test_a_client_whose_probability_is_exactly_zero_or_one_is_drawn(scorer, frame, certain):
    steps = Calibration("isotonic", ((0.0, 1.0), (certain, certain)))
    model = replace(scorer, calibration=steps)
    stats = population(model, frame)
    explanation = explain_client(model, frame[:1], stats)
    assert explanation.probability == certain
    for steps in (feature_steps(explanation), theme_steps(explanation)):
        figure = waterfall_figure(explanation, steps, "one client")
        figure.draw_without_rendering()
        texts = " ".join(text.get_text() for text in figure.findobj(Text))
        assert "inf" not in texts and "nan" not in texts
        drawn = [patch.get_x() + patch.get_width() for patch in figure.axes[0].patches]
        assert np.isfinite(drawn).all()
    position_figure(explanation, stats).draw_without_rendering()


def test_a_folder_that_cannot_be_written_is_one_line(run, tmp_path, capsys):
    (tmp_path / "out").write_text("a file")
    assert run("--client", "600003") == 1
    assert "choose another with --out" in capsys.readouterr().err


def test_help_explains_itself(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    out = capsys.readouterr().out
    assert "reasons in plain words" in out
    assert "ml/reports/explain" in out
