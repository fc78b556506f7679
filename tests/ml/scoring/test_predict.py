"""Scoring a population: the answers of the served model, written whole, beside what was scored before."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import lightgbm as lgb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import ml.data.clients
import ml.predict
import ml.scoring.store
from ml.data.training_set import read_training_data
from ml.modelling.pipeline import fit_members
from ml.modelling.recipe import MemberSpec, TrainingConfig
from ml.predict import main
from ml.scoring.batch import BatchScorer
from ml.scoring.flat_trees import FlatTrees
from ml.scoring.store import REASONS, SCHEMA
from ml.served.calibration import Calibration
from ml.served.scorer import CreditScorer
from ml.serving.deciding.decisions import documents
from tests.support.ml_fixtures import name_store, synthetic_applicants, trained_once
from tests.support.serving_fixtures import prepare
from tests.support.tiny_warehouse import approve, query
from warehouse.core.errors import ModelError
from warehouse.snapshots.publication import publish
from warehouse.snapshots.scores import NO_SCORES
from warehouse.snapshots.snapshot import current_snapshot

FEATURES = ["external_score", "cnt_children", "owns_car", "amt_income", "education", "region"]


def write_clients(path: Path, clients: pd.DataFrame, select: str = "*") -> Path:
    """A warehouse with one mart of clients: two in three have a label."""
    with duckdb.connect(str(path)) as con:
        con.register("clients", clients)
        population = "case when sk_id_curr % 3 = 0 then 'scoring' else 'training' end as population"
        con.execute("create schema marts")
        con.execute(
            f"create table marts.client_features as select {select} from "
            f"(select sk_id_curr, {population}, * exclude (sk_id_curr, target) from clients order by hash(sk_id_curr))"
        )
    return path


@dataclass
class Place:
    """Clients in a warehouse and in a snapshot, and a registry with a champion; the environment names them."""

    warehouse: Path
    published: Path
    scores: Path
    clients: pd.DataFrame
    model_dir: Path

    def files(self) -> list[str]:
        """Names of what scoring wrote; the file without rows is of publication."""
        return sorted(path.name for path in self.scores.iterdir() if path.name != NO_SCORES)

    def table(self) -> pd.DataFrame:
        with duckdb.connect(str(self.scores / ml.scoring.store.DATABASE_FILE), read_only=True) as con:
            return con.sql("select * from scores order by model_version, snapshot_id, sk_id_curr").df()


@pytest.fixture(scope="module")
def clients() -> pd.DataFrame:
    frame = synthetic_applicants(500, seed=5)
    frame.loc[:20, "education"] = "doctorate"  # never seen in training
    return frame


@pytest.fixture
def place(tmp_path_factory, tmp_path, clients, monkeypatch) -> Place:
    trained = trained_once(tmp_path_factory)
    warehouse = write_clients(tmp_path / "home_credit.duckdb", clients)
    approve(warehouse)
    published = tmp_path / "marts" / "published"
    publish(warehouse, published)
    monkeypatch.setenv("CREDIT_PUBLISHED_DIR", str(published))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", trained.settings.tracking_uri)
    monkeypatch.setattr(ml.data.clients, "BATCH_ROWS", 128)
    return Place(warehouse, published, tmp_path / "marts" / "scores", clients, trained.model_dir)


@pytest.fixture
def scorer(tmp_path_factory) -> CreditScorer:
    return CreditScorer.load(next(trained_once(tmp_path_factory).model_dir.rglob("decision.json")).parent)


def decided(scorer: CreditScorer, clients: pd.DataFrame) -> pd.DataFrame:
    """What the served model says, by key."""
    frame = clients[FEATURES].astype(dict.fromkeys(FEATURES[:4], "float64"))
    return scorer.decide(frame).set_index(clients["sk_id_curr"])


def test_scores_of_a_snapshot_are_those_of_the_served_model(place, scorer):
    assert main(["--population", "all"]) == 0
    scores = place.table()
    expected = decided(scorer, place.clients).loc[scores["sk_id_curr"]]
    assert len(scores) == len(place.clients)
    assert np.abs(scores["probability"].to_numpy() - expected["probability"].to_numpy()).max() < 1e-12
    assert scores["decision"].tolist() == expected["decision"].tolist()
    assert set(scores["threshold"]) == {scorer.threshold}
    assert set(scores["model_version"]) == {1}
    assert set(scores["snapshot_id"]) == {current_snapshot(place.published).snapshot_id}
    assert scores["scored_at"].nunique() == 1


def test_the_parquet_file_is_sorted_by_key_and_holds_the_same(place):
    assert main(["--population", "scoring"]) == 0
    snapshot = current_snapshot(place.published).snapshot_id
    written = pq.read_table(place.scores / f"scores_v1_{snapshot}_scoring.parquet")
    assert written.schema.equals(SCHEMA)
    keys = written["sk_id_curr"].to_pylist()
    assert keys == sorted(keys)
    assert all(key % 3 == 0 for key in keys)
    assert written.select(REASONS).to_pandas().isna().to_numpy().all(), "nobody asked for reasons"
    left_out = ["scored_at", *REASONS]
    pd.testing.assert_frame_equal(
        written.to_pandas().drop(columns=left_out), place.table().drop(columns=left_out), check_dtype=False
    )
    assert place.files() == [
        "credit_scores.duckdb",
        f"scores_v1_{snapshot}_scoring.parquet",
    ]


def test_reasons_are_those_of_the_decision_about_the_client(serving_store, tmp_path, monkeypatch):
    name_store(monkeypatch, serving_store.settings.project)
    assert main(["--population", "scoring", "--reasons", "--out", str(tmp_path)]) == 0
    (path,) = tmp_path.glob("*.parquet")
    written = {row["sk_id_curr"]: row for row in pq.read_table(path).to_pylist()}
    generation = prepare(serving_store)
    clients = sorted(written)[:40]
    served = documents(generation, generation.rows.find(clients)[1])
    assert {document["decision"] for document in served} == {"grant", "refuse"}
    for client, document in zip(clients, served, strict=True):
        reasons = [written[client][f"reason_{place}"] for place in range(1, 5)]
        assert [text for text in reasons if text] == [reason["text"] for reason in document["reasons"]]


def test_a_table_of_before_there_were_reasons_gets_their_columns_and_keeps_its_rows(place):
    assert main(["--population", "scoring"]) == 0
    before = place.table()
    with duckdb.connect(str(place.scores / ml.scoring.store.DATABASE_FILE)) as con:
        for name in REASONS:
            con.execute(f"alter table scores drop column {name}")
    assert main(["--population", "training"]) == 0
    after = place.table()
    assert list(after) == SCHEMA.names
    assert set(before["sk_id_curr"]) < set(after["sk_id_curr"])


def test_the_same_clients_version_and_snapshot_are_replaced_and_older_scores_stay(place, capsys):
    assert main(["--population", "scoring"]) == 0
    first = place.table()
    assert main(["--population", "training"]) == 0
    assert len(place.table()) == len(place.clients), "another population of the snapshot stands beside the first"
    assert main(["--population", "scoring"]) == 0
    assert f"{len(first)} older rows replaced" in capsys.readouterr().out
    again = place.table()
    assert len(again) == len(place.clients)
    assert again["scored_at"].nunique() == 2
    assert main(["--population", "scoring", "--database", str(place.warehouse)]) == 0
    ids = place.table()["snapshot_id"].unique().tolist()
    assert len(ids) == 2
    assert any(name.startswith("unpublished-") for name in ids)


def test_a_write_that_fails_leaves_the_older_scores(place, monkeypatch, capsys):
    assert main(["--population", "scoring"]) == 0
    before, files = place.table(), place.files()
    with monkeypatch.context() as patch:
        patch.setattr(ml.scoring.store.Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
        assert main(["--population", "all"]) == 1
    error = capsys.readouterr().err
    assert "disk full" in error
    assert len(error.splitlines()) == 1
    pd.testing.assert_frame_equal(place.table(), before)
    assert place.files() == files


def test_an_exported_model_scores_without_a_registry(place, monkeypatch, tmp_path, scorer):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense://x")
    out = tmp_path / "elsewhere"
    arguments = ["--population", "training", "--model", str(place.model_dir), "--out", str(out)]
    snapshot = current_snapshot(place.published)
    assert main([*arguments, "--database", str(snapshot.database)]) == 0
    assert query(out / "credit_scores.duckdb", "select distinct model_version, snapshot_id from scores") == [
        (1, snapshot.snapshot_id)
    ]
    assert place.files() == []


def test_the_shipped_shell_reads_the_scores_also_those_of_an_earlier_release(place):
    assert main(["--population", "scoring"]) == 0
    database = place.scores / "credit_scores.duckdb"
    before = place.table()
    assert shell(database) == len(before)
    newer = place.scores / "newer.duckdb"
    with duckdb.connect() as con:
        con.execute(f"attach '{database}' as old (read_only)")
        con.execute(f"attach '{newer}' as new (storage_version 'latest'); copy from database old to new")
    newer.replace(database)
    assert shell(database) is None, "the shell must be too old for this file"
    assert main(["--population", "training"]) == 0
    assert shell(database) == len(place.clients)
    assert set(before["sk_id_curr"]) <= set(place.table()["sk_id_curr"])


def shell(database: Path) -> int | None:
    """Rows of the table as the DuckDB shell of the project counts them; None when it cannot open the file."""
    words = [str(Path(sys.executable).parent / "duckdb"), "-readonly", "-csv", "-noheader", str(database)]
    answer = subprocess.run([*words, "-c", "select count(*) from scores"], capture_output=True, text=True)
    return int(answer.stdout) if answer.returncode == 0 else None


def test_the_table_says_what_its_columns_mean(place):
    assert main(["--population", "scoring"]) == 0
    described = dict(
        query(
            place.scores / "credit_scores.duckdb",
            "select column_name, comment from duckdb_columns() where table_name = 'scores'",
        )
    )
    assert list(described) == SCHEMA.names
    assert all(described.values())


@pytest.mark.parametrize(
    ("select", "found"),
    [
        ("* exclude (region, education)", "no education, region"),
        ("* replace ('much' as amt_income)", "amt_income VARCHAR (number expected)"),
        ("* replace (1 as region)", "region INTEGER (text expected)"),
        ("* exclude (population)", "no population"),
        ("* replace (1 as sk_id_curr)", "key that is null or repeated"),
        ("* replace ('training' as population)", "found none"),
    ],
)
def test_a_mart_that_does_not_fit_the_model_is_one_line_that_names_the_columns(place, tmp_path, capsys, select, found):
    other = write_clients(tmp_path / "other.duckdb", place.clients, select)
    assert main(["--population", "scoring", "--database", str(other)]) == 1
    error = capsys.readouterr().err
    assert found in error
    assert len(error.splitlines()) == 1
    assert place.files() == []


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--version", "99"], "no such version"),
        (["--snapshot", "20200101T000000Z-00000000"], "expected a snapshot"),
        (["--database", "none.duckdb"], "no such file"),
        (["--model", "nowhere"], "expected an exported model in"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line(place, capsys, arguments, found):
    assert main(["--population", "scoring", *arguments]) == 1
    error = capsys.readouterr().err
    assert found in error
    assert len(error.splitlines()) == 1
    assert place.files() == []


def test_a_damaged_snapshot_is_not_scored(place, capsys):
    snapshot = current_snapshot(place.published)
    snapshot.database.chmod(0o644)
    with snapshot.database.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x01")
    assert main(["--population", "scoring"]) == 1
    assert "another sha256" in capsys.readouterr().err


def test_nothing_published_yet_is_one_line(place, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CREDIT_PUBLISHED_DIR", str(tmp_path / "empty"))
    assert main(["--population", "scoring"]) == 1
    assert "run: python -m warehouse.publish" in capsys.readouterr().err


def batch_of(data, rows=slice(None)) -> pa.RecordBatch:
    return pa.RecordBatch.from_pandas(data.frame(rows), preserve_index=False)


@pytest.mark.parametrize(
    "config",
    [
        TrainingConfig(rounds=30, seeds=2),
        TrainingConfig(rounds=30, num_leaves=40, max_depth=-1, min_child_samples=5),
        TrainingConfig(rounds=30, members=(MemberSpec(), MemberSpec("logistic", 2.0)), extras=("target-encoding",)),
    ],
    ids=["two seeds of small trees", "large trees", "a blend with features from labels"],
)
def test_batches_are_scored_as_frames_are(tmp_path_factory, config):
    data = read_training_data(trained_once(tmp_path_factory).warehouse)
    members, weights = fit_members(data, config)
    scorer = CreditScorer(members, Calibration("sigmoid", slope=1.2, intercept=-0.3), 0.1, weights)
    batches = BatchScorer.of(scorer)
    flat = [trees is not None for trees in batches.flat]
    assert flat == [len(member.steps) == 2 and config.num_leaves == 8 for member in members]
    difference = batches.probability(batch_of(data)) - scorer.probability(data.frame())
    assert np.abs(difference).max() < 1e-12


def test_flat_trees_that_are_wrong_are_noticed_and_not_used(tmp_path_factory, scorer, monkeypatch):
    data = read_training_data(trained_once(tmp_path_factory).warehouse)
    expected = scorer.probability(data.frame())
    monkeypatch.setattr(FlatTrees, "probability", lambda self, block: np.full(block.shape[1], 0.5))
    said: list[str] = []
    checked = BatchScorer.of(scorer).checked(batch_of(data), said.append)
    (line,) = said
    assert "flat trees differ from the model by" in line
    assert checked.flat == (None,) * len(scorer.members)
    assert np.array_equal(checked.probability(batch_of(data)), expected)


def test_batches_that_are_scored_wrongly_even_without_flat_trees_are_an_error(tmp_path_factory, scorer, monkeypatch):
    data = read_training_data(trained_once(tmp_path_factory).warehouse)
    monkeypatch.setattr(BatchScorer, "probability", lambda self, batch: np.full(batch.num_rows, np.nan))
    with pytest.raises(ModelError, match="batch by batch"):
        BatchScorer.of(scorer).checked(batch_of(data), lambda line: None)


def test_trees_that_only_lightgbm_evaluates_are_reported(tmp_path_factory):
    data = read_training_data(trained_once(tmp_path_factory).warehouse)
    for leaves, notes in ((8, 0), (40, 1)):
        config = TrainingConfig(rounds=5, num_leaves=leaves, max_depth=-1, min_child_samples=5)
        members, weights = fit_members(data, config)
        scorer = BatchScorer.of(CreditScorer(members, Calibration("none"), 0.1, weights))
        assert len(scorer.notes) == notes


@pytest.fixture(scope="module")
def awkward() -> tuple[np.ndarray, np.ndarray]:
    """Numbers with and without nulls, zeros of both signs, infinities, and categories with codes never trained on."""
    random = np.random.default_rng(1)
    values = random.normal(size=(3000, 5)).round(1)
    values[random.random(3000) < 0.3, 0] = np.nan
    values[random.random(3000) < 0.1, 1] = -0.0
    values[:, 3] = random.integers(0, 30, 3000)
    values[random.random(3000) < 0.2, 3] = np.nan
    values[:, 4] = random.integers(0, 4, 3000)
    logit = (
        np.nan_to_num(values[:, 0], nan=1.0) + values[:, 1] + np.isin(values[:, 3], [1, 5, 7]) * 2 + values[:, 4] / 3
    )
    return values, (random.random(3000) < 1 / (1 + np.exp(-logit))).astype(int)


def boosted(values, target, **parameters) -> lgb.Booster:
    settings = {"objective": "binary", "num_leaves": 8, "verbosity": -1, "min_data_per_group": 5} | parameters
    return lgb.train(settings, lgb.Dataset(values, target, categorical_feature=[3, 4]), num_boost_round=60)


def test_flat_trees_answer_like_lightgbm_whatever_is_missing(awkward):
    values, target = awkward
    booster = boosted(values, target)
    other = values.copy()
    other[::3] = np.nan
    other[1::7, 1] = np.inf
    other[2::7, 2] = -np.inf
    other[::5, 4] = 4  # the last category, absent from training
    trees = FlatTrees.of(booster, {3: 30, 4: 5})
    assert len(trees.trees) == 60
    for rows in (values, other):
        assert np.abs(trees.probability(np.ascontiguousarray(rows.T)) - booster.predict(rows)).max() < 1e-12


@pytest.mark.parametrize(
    "parameters",
    [
        {"num_leaves": 31},
        {"zero_as_missing": True},
        {"boosting": "rf", "bagging_fraction": 0.5, "bagging_freq": 1},
        {"objective": "cross_entropy"},
    ],
    ids=lambda parameters: next(iter(parameters)),
)
def test_what_flat_trees_cannot_answer_is_left_to_lightgbm(awkward, parameters):
    assert FlatTrees.of(boosted(*awkward, **parameters), {3: 30, 4: 5}) is None


def test_a_model_of_single_leaves_is_flat_too():
    values = np.zeros((50, 1))
    booster = lgb.train({"objective": "binary", "verbosity": -1}, lgb.Dataset(values, np.arange(50) % 2), 3)
    trees = FlatTrees.of(booster, {})
    assert np.allclose(trees.probability(values.T.copy()), booster.predict(values), rtol=0, atol=1e-12)


def test_help_says_where_the_results_go(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    out = capsys.readouterr().out
    for words in ("credit_scores.duckdb", "CREDIT_PUBLISHED_DIR", "scoring,training,all"):
        assert words in out
