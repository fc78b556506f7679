"""The tuned recipe as a document."""

import json

import pytest

from ml.modelling.recipe import MemberSpec, TrainingConfig
from ml.registry.recipes import StoredRecipe, read_recipe, recipe_path, write_recipe
from tests.support.ml_fixtures import settings_in
from warehouse.core.errors import SettingsError

RECIPE = StoredRecipe(
    TrainingConfig(
        rounds=77, members=(MemberSpec(), MemberSpec("logistic", 0.5, {"C": 0.01})), extras=("target-encoding",)
    ),
    study="trees",
    data_fingerprint="abc",
    objective="auc",
    value=0.76,
)


def test_what_was_written_is_read_and_nothing_else_is_left(tmp_path):
    settings = settings_in(tmp_path)
    assert read_recipe(settings) is None
    assert write_recipe(settings, RECIPE) == recipe_path(settings)
    assert read_recipe(settings) == RECIPE
    assert [path.name for path in tmp_path.iterdir()] == ["best_parameters.json"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", json.dumps({"config": {"dropout": 1}}), json.dumps({"config": {"folds": "x"}})]
)
def test_a_document_of_something_else_is_one_line_with_a_remedy(tmp_path, text):
    recipe_path(settings_in(tmp_path)).write_text(text)
    with pytest.raises(SettingsError, match="--default-recipe") as error:
        read_recipe(settings_in(tmp_path))
    assert len(str(error.value).splitlines()) == 1


def test_a_recipe_replaces_the_models_and_leaves_the_split_alone():
    told = TrainingConfig(seed=7, folds=3, repeats=2, holdout=0.1)
    taken = told.with_recipe(RECIPE.config)
    assert (taken.seed, taken.folds, taken.repeats, taken.holdout) == (7, 3, 2, 0.1)
    assert (taken.rounds, taken.members, taken.extras) == (77, RECIPE.config.members, ("target-encoding",))


@pytest.mark.parametrize("wrong", [{"family": "oracle"}, {"weight": 0}])
def test_a_member_that_cannot_be_is_refused(wrong):
    with pytest.raises(SettingsError):
        MemberSpec(**wrong)
