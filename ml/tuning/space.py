"""What tuning may change: the boosted trees of a recipe, and how they treat the imbalance."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import optuna

from ml.modelling.recipe import LIGHTGBM, MemberSpec, TrainingConfig

NONE, WEIGHTS, UNDER = "none", "weights", "under"
TREATMENTS = (NONE, WEIGHTS, UNDER)
IMBALANCE, ROUNDS = "imbalance", "n_estimators"


def suggest(trial: optuna.Trial, base: TrainingConfig, repaid_per_defaulter: float) -> dict[str, Any]:
    """Values of one trial, see `lightgbm_parameters`.

    The imbalance is left alone ("none"), or a defaulter weighs more, up to all good payers together ("weights"), or
    each tree sees only some of the good payers, drawn anew for every tree ("under"). Rows that are repeated or made up
    (see `ml.compare`) would need more than LightGBM's own parameters, which is what training takes.

    Parameters
    ----------
    trial : optuna.Trial
        Asked for values.
    base : TrainingConfig
        Its number of trees is the middle of the range.
    repaid_per_defaulter : float
        Good payers for each defaulter.
    """
    rounds = _rounds(base)
    values = {
        ROUNDS: trial.suggest_int(ROUNDS, max(1, rounds // 3), 3 * rounds, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 0.005, 0.2, log=True),
        "max_depth": trial.suggest_int("max_depth", 2, 6),
        "num_leaves": trial.suggest_int("num_leaves", 3, 31, log=True),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.01, 1.0, log=True),
        "subsample": trial.suggest_float("subsample", 0.3, 1.0),
        "min_child_samples": trial.suggest_int("min_child_samples", 5, 300, log=True),
        "reg_lambda": trial.suggest_float("reg_lambda", 0.1, 300.0, log=True),
        IMBALANCE: trial.suggest_categorical(IMBALANCE, TREATMENTS),
    }
    if values[IMBALANCE] == WEIGHTS:
        values["scale_pos_weight"] = trial.suggest_float("scale_pos_weight", 1.0, max(1.001, repaid_per_defaulter))
    if values[IMBALANCE] == UNDER:
        values["neg_bagging_fraction"] = trial.suggest_float("neg_bagging_fraction", 0.05, 0.95)
    return values


def lightgbm_parameters(values: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of LightGBM for the values of a trial.

    Examples
    --------
    >>> lightgbm_parameters({"max_depth": 3, "imbalance": "under", "neg_bagging_fraction": 0.2})
    {'max_depth': 3, 'neg_bagging_fraction': 0.2, 'pos_bagging_fraction': 1.0, 'subsample_freq': 1}
    """
    parameters = {name: value for name, value in values.items() if name != IMBALANCE}
    if values.get(IMBALANCE) == UNDER:
        parameters |= {"pos_bagging_fraction": 1.0, "subsample_freq": 1}
    return parameters


def starting_point(base: TrainingConfig) -> dict[str, Any]:
    """The recipe that needs no tuning, as the first trial: a study that finds nothing better says so."""
    parameters = base.lightgbm_parameters(_trees(base))
    names = (
        "learning_rate",
        "max_depth",
        "num_leaves",
        "colsample_bytree",
        "subsample",
        "min_child_samples",
        "reg_lambda",
    )
    return {ROUNDS: _rounds(base), IMBALANCE: NONE} | {name: parameters[name] for name in names}


def with_values(base: TrainingConfig, values: Mapping[str, Any]) -> TrainingConfig:
    """The recipe with the values of a trial for its boosted trees; other members stay as they are."""
    parameters = lightgbm_parameters(values)

    def changed(member: MemberSpec) -> MemberSpec:
        """The member with the values, when it is boosted trees."""
        if member.family != LIGHTGBM:
            return member
        return replace(member, parameters=dict(member.parameters) | parameters)

    return replace(base, members=tuple(changed(member) for member in base.members))


def _trees(base: TrainingConfig) -> MemberSpec:
    return next(member for member in base.members if member.family == LIGHTGBM)


def _rounds(base: TrainingConfig) -> int:
    return int(base.lightgbm_parameters(_trees(base))["n_estimators"])
