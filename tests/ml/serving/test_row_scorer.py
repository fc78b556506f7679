"""The fast way gives what the model gives: probabilities, contributions, reasons; without a single frame."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ml.data.training_set import read_training_data
from ml.explanation.client import reasons_for
from ml.explanation.contributions import Encoded, contributions
from ml.modelling.pipeline import fit_members
from ml.modelling.recipe import TrainingConfig
from ml.served.calibration import Calibration
from ml.served.scorer import CreditScorer
from ml.served.transformers import _normal_scores, _normal_scores_of_row
from ml.serving.deciding.decisions import documents
from ml.serving.live.generation import Generation
from ml.serving.live.row_scorer import RowScorer
from ml.serving.live.rows import RowFile, SnapshotRows
from tests.support.serving_fixtures import MEMBERS, clients_of, prepare
from warehouse.core.errors import ModelError

CLIENTS = 150


@pytest.fixture(scope="module")
def generation(serving_store) -> Generation:
    return prepare(serving_store)


@pytest.fixture(scope="module")
def clients(serving_store) -> list[int]:
    return clients_of(serving_store.snapshot, CLIENTS)


@pytest.fixture(scope="module")
def frame(serving_store, generation, clients) -> pd.DataFrame:
    """The same clients as the model itself takes them."""
    _, features = SnapshotRows.open(serving_store.snapshot).find(clients)
    columns = {name: features.column(name) for name in generation.model.scorer.features}
    kinds = {name: "float64" if name in features.layout.number_at else "str" for name in columns}
    return pd.DataFrame(columns).astype(kinds)


def test_one_client_gets_the_probability_that_the_model_gives_among_many(generation, clients, frame):
    expected = generation.model.scorer.probability(frame)
    found = [generation.scorer.probability(generation.rows.find([client])[1])[0] for client in clients]
    assert found == pytest.approx(expected, abs=1e-9)
    assert len(set(found)) > CLIENTS / 2


def test_contributions_are_those_of_the_explanation(generation, clients, frame):
    expected = contributions(generation.model.scorer, Encoded(frame))
    _, found = generation.scorer.scored(generation.rows.find(clients)[1])
    assert found.features == expected.features
    assert found.values == pytest.approx(expected.values, abs=1e-9)
    assert found.base == pytest.approx(expected.base)


def test_reasons_are_those_of_the_explanation_word_for_word(generation, clients, frame):
    expected = reasons_for(generation.model.scorer, frame, generation.stats)
    found = documents(generation, generation.rows.find(clients)[1])
    one_by_one = [documents(generation, generation.rows.find([client])[1])[0] for client in clients]
    words = [[reason.text for reason in reasons] for reasons in expected]
    assert [[reason["text"] for reason in document["reasons"]] for document in found] == words
    assert [[reason["text"] for reason in document["reasons"]] for document in one_by_one] == words
    assert sum(map(len, words)) > 2 * CLIENTS


def test_no_frame_is_made_for_a_decision(generation, clients, monkeypatch):
    made = []
    original = pd.DataFrame.__init__
    monkeypatch.setattr(pd.DataFrame, "__init__", lambda self, *a, **k: (made.append(1), original(self, *a, **k))[1])
    pd.DataFrame({"seen": [1]})
    assert made == [1], "the count must see frames"
    documents(generation, generation.rows.find(clients[:1])[1])
    documents(generation, generation.rows.find(clients[:1])[1], reasons=False)
    assert made == [1]


def test_rows_are_the_same_from_the_file_and_from_the_snapshot(serving_store, generation, clients):
    assert isinstance(generation.rows, RowFile)
    wanted = [clients[0], 5, *clients[1:20]]
    slow, quick = SnapshotRows.open(serving_store.snapshot).find(wanted), generation.rows.find(wanted)
    assert slow[0] == quick[0] == [client for client in wanted if client != 5]
    assert slow[1].layout.names == quick[1].layout.names
    assert np.array_equal(slow[1].values, quick[1].values, equal_nan=True)
    assert slow[1].texts == quick[1].texts


def test_a_text_that_training_has_not_seen_counts_as_missing(generation, clients):
    _, features = generation.rows.find(clients[:1])
    place = features.layout.text_at["name_education_type"]
    texts = [list(features.texts[0]), list(features.texts[0])]
    texts[0][place], texts[1][place] = "never seen", None
    odd, absent = (replace(features, texts=(tuple(row),)) for row in texts)
    assert generation.scorer.probability(odd) == generation.scorer.probability(absent)


def test_features_fitted_on_labels_need_no_frame_either(serving_store, generation, clients, frame):
    data = read_training_data(serving_store.snapshot.database)
    config = TrainingConfig(rounds=10, members=MEMBERS, extras=("target-encoding", "neighbours"))
    members, weights = fit_members(data, config)
    scorer = CreditScorer(members, Calibration(), 0.1, weights)
    quick, few = RowScorer.of(scorer), frame.iloc[:20]
    _, features = generation.rows.find(clients[:20])
    assert quick.probability(features) == pytest.approx(scorer.probability(few), abs=1e-9)
    expected = contributions(scorer, Encoded(few))
    _, found = quick.scored(features)
    assert (found.features, found.values) == (expected.features, pytest.approx(expected.values, abs=1e-9))


def test_a_model_of_other_steps_is_refused_in_one_line(generation):
    scorer = generation.model.scorer
    without_inputs = replace(scorer, members=(scorer.members[0][1:], scorer.members[1]))
    with pytest.raises(ModelError, match="same encoding of texts"):
        RowScorer.of(without_inputs)


def test_normal_scores_of_a_row_are_those_of_a_column_in_every_bit():
    random = np.random.default_rng(0)
    columns = [
        random.normal(size=300),
        random.integers(0, 4, 300).astype(float),
        np.full(300, 3.0),
        np.round(random.lognormal(5, 2, 300), 1),
    ]
    table = np.array(columns * 10).T
    quantiles = np.asfortranarray(np.quantile(table, np.linspace(0, 1, 200), axis=0))
    quantiles[:, 5] = np.nan  # a feature that nobody had in training
    rows = table[random.integers(0, 300, 40)] + random.choice([0.0, 0.3], (40, 40))
    rows[random.random(rows.shape) < 0.1] = np.nan
    rows = np.vstack([rows, quantiles[[0, 77, -1]], quantiles[[0]] - 1])
    with np.errstate(invalid="ignore"):
        expected = np.array([_normal_scores(rows[:, at], quantiles[:, at]) for at in range(40)]).T
    assert np.array_equal(np.array([_normal_scores_of_row(row, quantiles) for row in rows]), expected)
