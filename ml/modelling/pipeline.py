"""The models of the blend: one recipe for a fold, for the final fit and for serving."""

from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

from ml.data.training_set import TrainingData
from ml.modelling.recipe import LIGHTGBM, MemberSpec, TrainingConfig
from ml.served.transformers import LinearInputs, NeighbourRate, TargetEncodings
from warehouse.core.errors import SettingsError, TrainingDataError

NEIGHBOUR_COLUMNS = ("ext_source_1", "ext_source_2", "ext_source_3", "application_credit_to_annuity_ratio")
SEED_STEP = 1_000


@dataclass(frozen=True)
class PlannedMember:
    """One model to fit: its specification, its own seed, and its share of the blend (all shares sum to 1)."""

    spec: MemberSpec
    seed: int
    weight: float


def planned_members(config: TrainingConfig) -> list[PlannedMember]:
    """The models of a recipe: a member that draws random numbers is repeated for each seed and shares its weight."""
    total = sum(member.weight for member in config.members)
    planned = []
    for member in config.members:
        seeds = config.seeds if member.family == LIGHTGBM else 1
        share = member.weight / total / seeds
        planned += [PlannedMember(member, config.seed + SEED_STEP * number, share) for number in range(seeds)]
    return planned


def binned_dataset(data: TrainingData, config: TrainingConfig) -> lgb.Dataset:
    """All applicants, binned once; the folds train on subsets of it.

    Bins are quantiles of the features alone, so they carry nothing of the labels from fold to fold.
    """
    return lgb.Dataset(
        data.matrix,
        label=data.target,
        feature_name=list(data.features),
        categorical_feature=data.categorical_positions,
        params=config.lightgbm_parameters(),
    ).construct()


def fit_on_rows(
    dataset: lgb.Dataset, rows: NDArray[np.int64], config: TrainingConfig, member: PlannedMember | None = None
) -> lgb.Booster:
    """Train on some rows of a binned data set.

    Parameters
    ----------
    dataset : lightgbm.Dataset
        From `binned_dataset`.
    rows : ndarray of int64
        Positions of the rows to train on, ascending.
    config : TrainingConfig
        The recipe.
    member : PlannedMember, optional
        Which member of it; the parameters of `config` alone when omitted.

    Returns
    -------
    lightgbm.Booster
        Its `predict` gives default probabilities of rows of `TrainingData.matrix`.
    """
    parameters = _lightgbm_parameters(config, member)
    rounds = parameters.pop("n_estimators")
    return lgb.train(parameters, dataset.subset(rows), num_boost_round=rounds)


def build_pipeline(data: TrainingData, config: TrainingConfig, member: PlannedMember | None = None) -> Pipeline:
    """The model that is registered and served, not fitted yet: raw features in, default probability out.

    A text that was not seen in training counts as missing.

    Parameters
    ----------
    data : TrainingData
        Gives the names and the categories.
    config : TrainingConfig
        The recipe.
    member : PlannedMember, optional
        Which member of it; the first when omitted.

    Returns
    -------
    sklearn.pipeline.Pipeline
        `predict_proba(frame)[:, 1]` is the default probability.

    Raises
    ------
    TrainingDataError
        The training set lacks columns that an extra needs.
    SettingsError
        The family does not know a parameter.
    """
    planned = member or planned_members(config)[0]
    steps = [("features", _encoder(data)), *_extra_steps(data, config), *_family_steps(data, config, planned)]
    return Pipeline(steps)


def fit_pipeline(data: TrainingData, config: TrainingConfig, member: PlannedMember | None = None) -> Pipeline:
    """Fit one member on all applicants given.

    It trains on `data.matrix`, which holds what the first step gives, so that the features exist once in memory.
    """
    pipeline = build_pipeline(data, config, member)
    pipeline.named_steps["features"].fit(data.frame(slice(0, 1)))
    inputs, target = encoded(data), data.target.astype(np.int64)
    for _, step in pipeline.steps[1:-1]:
        inputs = step.fit_transform(inputs, target)
    classifier = pipeline.named_steps["classifier"]
    if isinstance(classifier, lgb.LGBMClassifier):
        classifier.fit(
            inputs.to_numpy(),
            target,
            feature_name=list(inputs.columns),
            categorical_feature=data.categorical_positions,
        )
    else:
        classifier.fit(inputs, target)
        # sums of float32 differ by 1e-7 between one row and many: one client, one probability
        classifier.coef_ = classifier.coef_.astype(np.float64)
        classifier.intercept_ = classifier.intercept_.astype(np.float64)
    return pipeline


def fit_members(data: TrainingData, config: TrainingConfig) -> tuple[tuple[Pipeline, ...], tuple[float, ...]]:
    """Fit every member of the blend on all applicants given; the pipelines and their weights, which sum to 1."""
    planned = planned_members(config)
    return tuple(fit_pipeline(data, config, member) for member in planned), tuple(member.weight for member in planned)


def encoded(data: TrainingData, rows: NDArray[np.int64] | None = None) -> pd.DataFrame:
    """What the first step of a pipeline gives for some rows or, without a copy, for all: texts as positions."""
    matrix = data.matrix if rows is None else data.take(rows).matrix  # by columns: the matrix is stored by columns
    return pd.DataFrame(matrix, columns=list(data.features), copy=False)


def predict_encoded(pipeline: Pipeline, frame: pd.DataFrame) -> NDArray[np.float64]:
    """Default probabilities from what the first step gives."""
    return pipeline[1:].predict_proba(frame)[:, 1]


def _encoder(data: TrainingData) -> ColumnTransformer:
    steps: list[tuple[str, object, list[str]]] = [("numeric", "passthrough", list(data.numeric))]
    if data.categories:
        encoder = OrdinalEncoder(
            categories=[np.array(values, dtype=object) for values in data.categories.values()],
            handle_unknown="use_encoded_value",
            unknown_value=np.nan,
            encoded_missing_value=np.nan,
        )
        steps.append(("categorical", encoder, list(data.categories)))
    return ColumnTransformer(steps, verbose_feature_names_out=False).set_output(transform="pandas")


def _extra_steps(data: TrainingData, config: TrainingConfig) -> list[tuple[str, object]]:
    steps: list[tuple[str, object]] = []
    if "target-encoding" in config.extras and data.categories:
        steps.append(("target_encodings", TargetEncodings(data.categorical_positions, config.seed)))
    if "neighbours" in config.extras:
        absent = [name for name in NEIGHBOUR_COLUMNS if name not in data.numeric]
        if absent:
            raise TrainingDataError(
                expected=f"{', '.join(NEIGHBOUR_COLUMNS)} in marts.training_set, for the default rate of neighbours",
                found=f"no {', '.join(absent)}",
                remedy="build the marts again, or leave neighbours out of --extras",
            )
        steps.append(("neighbours", NeighbourRate([data.numeric.index(name) for name in NEIGHBOUR_COLUMNS])))
    return steps


def _family_steps(data: TrainingData, config: TrainingConfig, member: PlannedMember) -> list[tuple[str, object]]:
    if member.spec.family == LIGHTGBM:
        return [("classifier", lgb.LGBMClassifier(**_lightgbm_parameters(config, member)))]
    classifier = LogisticRegression(C=5e-4, max_iter=500)
    given = dict(member.spec.parameters)
    unknown = sorted(set(given) - set(classifier.get_params()))
    if unknown:
        raise SettingsError(
            expected=f"parameters of {type(classifier).__name__} for a member of family {member.spec.family}",
            found=", ".join(unknown),
            remedy="change the recipe",
        )
    return [("inputs", LinearInputs(data.categorical_positions)), ("classifier", classifier.set_params(**given))]


def _lightgbm_parameters(config: TrainingConfig, member: PlannedMember | None) -> dict[str, Any]:
    return config.lightgbm_parameters(member.spec, member.seed) if member else config.lightgbm_parameters()


def shares_bins(config: TrainingConfig) -> bool:
    """Whether the folds can train on subsets of one binned data set: all features, none of them made from labels."""
    return config.select == "none" and not config.extras
