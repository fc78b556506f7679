"""Features fitted on labels, inputs of linear models, feature selection, and blends of all of them."""

import ast
import tracemalloc
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import QuantileTransformer

import ml.served.transformers
from ml.data.training_set import read_training_data
from ml.evaluation.assessment import assess
from ml.evaluation.metrics import auc
from ml.modelling.cross_validation import cross_validate
from ml.modelling.folds import assign_folds
from ml.modelling.pipeline import NEIGHBOUR_COLUMNS, fit_members, planned_members
from ml.modelling.recipe import MemberSpec, TrainingConfig
from ml.modelling.selection import select_features
from ml.registry.packaging import SERVED
from ml.served.calibration import Calibration
from ml.served.scorer import CreditScorer
from ml.served.transformers import LinearInputs, NeighbourRate, TargetEncodings
from ml.training.workflow import fit_scorer
from tests.support.ml_fixtures import synthetic_applicants, write_warehouse
from warehouse.core.errors import SettingsError, TrainingDataError

RANDOM = np.random.default_rng(0)
LABELS = (RANDOM.random(1000) < 0.3).astype(int)
FAMILIES = (MemberSpec(), MemberSpec("logistic", 2.0), MemberSpec(parameters={"num_leaves": 4}))
CONFIG = TrainingConfig(rounds=20, members=FAMILIES)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "w.duckdb"
    columns = ", ".join(f"external_score * {n} + (hash(sk_id_curr * {n}) % 100) / 50.0 as {name}"
                        for n, name in enumerate(NEIGHBOUR_COLUMNS, start=1))  # fmt: skip
    noise = ", ".join(f"(hash(sk_id_curr * 31 + {n}) % 1000)::double as noise_{n}" for n in range(10))
    return read_training_data(write_warehouse(path, synthetic_applicants(1200), f"*, {columns}, {noise}"))


def frame(**columns) -> pd.DataFrame:
    return pd.DataFrame({name: np.asarray(values, dtype=float) for name, values in columns.items()})


def test_a_text_with_a_name_for_nearly_everyone_teaches_nothing_of_the_own_label():
    codes = RANDOM.integers(0, 600, 1000).astype(float)
    encoded = TargetEncodings([0], seed=1).fit_transform(frame(name=codes), LABELS)
    assert list(encoded) == ["name", "name_default_rate"]
    assert auc(LABELS, encoded["name_default_rate"]) == pytest.approx(0.5, abs=0.08)


def test_a_category_gets_its_default_rate_and_null_has_one_of_its_own():
    codes = np.where(LABELS == 1, 1.0, RANDOM.integers(0, 2, 1000))
    codes[::10] = np.nan
    encoder = TargetEncodings([0]).fit(frame(kind=codes), LABELS)
    rates = encoder.transform(frame(kind=[0, 1, np.nan, 7]))["kind_default_rate"].to_numpy()
    known = codes == 1
    assert rates[0] < 0.02
    assert rates[1] == pytest.approx(LABELS[known].mean(), abs=0.02)
    assert rates[2] == pytest.approx(LABELS[::10].mean(), abs=0.05)
    assert rates[3] == pytest.approx(LABELS.mean(), abs=0.02)


def test_neighbours_are_the_nearest_and_a_training_row_is_not_its_own():
    points = RANDOM.normal(size=(300, 2))
    X, labels = frame(a=points[:, 0], b=5 * points[:, 1], other=RANDOM.normal(size=300)), LABELS[:300]
    rate = NeighbourRate([0, 1], neighbours=7)
    trained = rate.fit_transform(X, labels)["neighbours_default_rate"].to_numpy()
    scaled = points / points.std(axis=0)
    distance = np.linalg.norm(scaled[:, None] - scaled[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert trained == pytest.approx(labels[np.argsort(distance, axis=1)[:, :7]].mean(axis=1))
    turned = labels.copy()
    turned[5] = 1 - turned[5]
    again = NeighbourRate([0, 1], neighbours=7).fit_transform(X, turned)["neighbours_default_rate"].to_numpy()
    assert again[5] == trained[5]
    np.fill_diagonal(distance, 0)
    assert rate.transform(X)["neighbours_default_rate"].to_numpy() == pytest.approx(
        labels[np.argsort(distance, axis=1)[:, :7]].mean(axis=1)
    )


def test_neighbours_are_the_same_however_many_rows_are_queried_at_once(monkeypatch):
    X, labels = frame(a=RANDOM.normal(size=300), b=RANDOM.integers(0, 3, 300)), LABELS[:300]
    together = NeighbourRate([0, 1], neighbours=20)
    trained, served = together.fit_transform(X, labels), together.transform(X)
    monkeypatch.setattr(ml.served.transformers, "ROWS_AT_ONCE", 7)
    in_blocks = NeighbourRate([0, 1], neighbours=20)
    pd.testing.assert_frame_equal(in_blocks.fit_transform(X, labels), trained)
    pd.testing.assert_frame_equal(in_blocks.transform(X), served)


@pytest.mark.parametrize("transform", ["fit_transform", "transform"])
def test_memory_for_neighbours_does_not_grow_with_the_rows(monkeypatch, transform):
    rows, neighbours = 4_000, 200
    monkeypatch.setattr(ml.served.transformers, "ROWS_AT_ONCE", 100)
    X, labels = frame(a=RANDOM.normal(size=rows), b=RANDOM.normal(size=rows)), np.arange(rows) % 2
    rate = NeighbourRate([0, 1], neighbours=neighbours).fit(X, labels)
    tracemalloc.start()
    rate.fit_transform(X, labels) if transform == "fit_transform" else rate.transform(X)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < rows * neighbours * 8 / 4, "the positions alone of all neighbours at once take four times that"


def test_more_twins_than_neighbours_and_nulls_everywhere_are_no_obstacle():
    twins = frame(a=np.zeros(50), b=np.full(50, np.nan))
    rates = NeighbourRate([0, 1], neighbours=5).fit_transform(twins, LABELS[:50])["neighbours_default_rate"]
    assert rates.between(0, 1).all()
    assert NeighbourRate([0], neighbours=500).fit(twins, LABELS[:50]).transform(twins).notna().iloc[:, -1].all()


def test_ranks_are_those_of_scikit_learn_within_three_deviations():
    column = np.round(np.exp(RANDOM.normal(size=1000)), 1)
    column[RANDOM.random(1000) < 0.3] = 0.0
    column[::9] = np.nan
    inputs = LinearInputs()
    inputs.fit(frame(skewed=column))
    ranks = QuantileTransformer(n_quantiles=200, output_distribution="normal", subsample=None).fit(column[:, None])
    new = np.concatenate([column, [-5.0, 1e9, np.nan]])
    expected = np.nan_to_num(np.clip(ranks.transform(new[:, None])[:, 0], -3, 3))
    raw = inputs.transform(frame(skewed=new))[:, 0] * inputs.scale_ + inputs.centre_
    assert raw == pytest.approx(expected, abs=1e-5)


def test_linear_inputs_are_centred_scaled_and_without_nulls():
    X = frame(skewed=np.exp(RANDOM.normal(size=1000)), text=RANDOM.integers(0, 3, 1000), constant=np.ones(1000))
    X.iloc[::7, 0] = np.nan
    X.iloc[:5, 1] = 3  # fewer than `rarest`
    inputs = LinearInputs([1], rarest=20)
    fitted = inputs.fit_transform(X)
    assert fitted.shape == (1000, 2 + 3)
    assert np.abs(fitted.mean(axis=0)).max() < 1e-4
    assert fitted.std(axis=0) == pytest.approx([1, 0, 1, 1, 1], abs=1e-3)
    assert np.array_equal(fitted, inputs.transform(X))
    far = inputs.transform(frame(skewed=[1e9], text=[np.nan], constant=[5]))
    assert np.isfinite(far).all()
    assert np.abs(far[0, 0]) < 4


@pytest.mark.parametrize("extras", [(), ("target-encoding",), ("neighbours",), ("target-encoding", "neighbours")])
def test_a_blend_is_stored_without_pickle_and_answers_the_same_when_read(data, tmp_path, extras):
    config = replace(CONFIG, extras=extras, seeds=2)
    members, weights = fit_members(data, config)
    assert len(members) == 5
    assert weights == pytest.approx((0.125, 0.125, 0.5, 0.125, 0.125))
    scorer = CreditScorer(members, Calibration("sigmoid", slope=1.1, intercept=0.2), 0.1, weights)
    scorer.save(tmp_path)
    read = CreditScorer.load(tmp_path)
    rows = data.frame(slice(0, 40))
    assert np.array_equal(read.probability(rows), scorer.probability(rows))
    parts = np.average([member.predict_proba(rows)[:, 1] for member in members], axis=0, weights=weights)
    assert scorer.probability(rows) == pytest.approx(scorer.calibration(parts))
    assert read.features == data.features


@pytest.mark.parametrize("extras", [(), ("target-encoding", "neighbours")])
def test_labels_of_a_fold_have_no_part_in_its_predictions(data, extras):
    config = replace(CONFIG, extras=extras, select="null-importance")
    folds = assign_folds(data, 3, seed=1)
    held_out = folds.fold_of == 1
    flipped = replace(data, target=np.where(held_out, 1 - data.target, data.target).astype(np.int8))
    before, after = (cross_validate(rows, config, folds).probability for rows in (data, flipped))
    assert np.array_equal(before[held_out], after[held_out])
    assert not np.array_equal(before[~held_out], after[~held_out])
    assert auc(data.target, before) > 0.7


def test_selection_keeps_what_tells_and_drops_most_noise(data):
    kept = select_features(data, TrainingConfig(rounds=50))
    assert "external_score" in kept
    assert sum(name.startswith("noise") for name in kept) <= 5
    assert kept == select_features(data, TrainingConfig(rounds=50))


def test_a_model_of_selected_features_asks_for_no_others(data):
    config = TrainingConfig(rounds=20, select="null-importance")
    folds = assign_folds(data, 3, seed=1)
    validation = cross_validate(data, config, folds)
    assert all(result.features < len(data.features) for result in validation.results)
    scorer = fit_scorer(data, config, assess(data.target, [(validation.probability, folds.fold_of)]))
    assert 0 < len(scorer.features) < len(data.features)
    assert scorer.decide(data.frame()[list(scorer.features)])["decision"].isin(["grant", "refuse"]).all()


def test_a_member_of_many_seeds_shares_its_weight_and_the_first_seed_is_that_of_the_run():
    planned = planned_members(TrainingConfig(seed=7, seeds=3))
    assert [member.weight for member in planned] == pytest.approx([1 / 3] * 3)
    assert planned[0].seed == 7
    assert len({member.seed for member in planned}) == 3


def test_columns_and_parameters_that_are_not_there_are_one_line(data):
    with pytest.raises(TrainingDataError, match="no ext_source_1"):
        fit_members(data.select(["external_score", "region"]), TrainingConfig(extras=("neighbours",)))
    with pytest.raises(SettingsError, match="found depth"):
        fit_members(data, TrainingConfig(members=(MemberSpec("logistic", parameters={"depth": 1}),)))


def test_what_travels_with_a_model_imports_nothing_that_does_not():
    for path in SERVED.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        own = {module for module in imported if module.split(".")[0] in {"ml", "warehouse", "monitoring"}}
        assert all(module.startswith("ml.served") for module in own), path
