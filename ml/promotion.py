"""Which model may become the champion: the guard against leakage, and the comparison on the same folds."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ml.config import TrainingConfig
from ml.data import TARGET, TrainingData
from ml.metrics import Evaluation, evaluate
from ml.registry import RegisteredModel, Registry
from ml.validation import Folds, cross_validate
from warehouse.errors import SettingsError

REAL_SIZE = 50_000
REAL_SIZE_AUC_LIMIT = 0.82
ANY_SIZE_AUC_LIMIT = 0.95


@dataclass(frozen=True)
class Incumbent:
    """The present champion on the present applicants; `evaluation` is None when its features are gone."""

    model: RegisteredModel
    evaluation: Evaluation | None
    how: str


@dataclass(frozen=True)
class Verdict:
    """Whether a model becomes the champion, and why; `refused` when the guard said no."""

    promoted: bool
    reason: str
    refused: bool = False


def suspicion(auc: float, applicants: int) -> str | None:
    """Why an AUC is too good to be true; None when it is not.

    Published models reach 0.80 on the real release. An AUC above 0.82 on 50,000 applicants or more, or above 0.95 on
    any number, says that a feature knows the outcome.

    Examples
    --------
    >>> suspicion(0.80, 307_511) is None, suspicion(0.90, 5_000) is None
    (True, True)
    >>> suspicion(0.83, 307_511)
    'AUC 0.8300 above 0.82 on 307,511 applicants'
    """
    limit = REAL_SIZE_AUC_LIMIT if applicants >= REAL_SIZE else ANY_SIZE_AUC_LIMIT
    return f"AUC {auc:.4f} above {limit} on {applicants:,} applicants" if auc > limit else None


def measure_incumbent(
    registry: Registry,
    data: TrainingData,
    folds: Folds,
    say: Callable[[str], None] = lambda line: None,
) -> Incumbent | None:
    """Measure the present champion on the same applicants and folds.

    Its logged out-of-fold predictions are taken when data and folds are the same; otherwise its logged recipe and
    feature list are cross-validated anew.

    Parameters
    ----------
    registry : Registry
        Knows the champion.
    data : TrainingData
        The present training set.
    folds : Folds
        The split that the new model was judged on.
    say : callable, optional
        Told what goes on, line by line, when it takes long.

    Returns
    -------
    Incumbent or None
        None when there is no champion.

    Raises
    ------
    ModelError
        The champion's run has lost its manifest or its predictions.
    """
    model = registry.champion()
    if model is None:
        return None
    manifest = registry.manifest(model)
    logged = manifest["data"]
    if (logged["fingerprint"], logged["folds_fingerprint"]) == (data.fingerprint, folds.fingerprint):
        predictions = registry.out_of_fold(model)
        evaluation = evaluate(predictions[TARGET], predictions["default_probability"], predictions["fold"])
        return Incumbent(
            model, evaluation, "compared by its logged predictions of the same applicants in the same folds"
        )
    features = manifest["features"]["numeric"] + manifest["features"]["categorical"]
    gone = sorted(set(features) - set(data.features))
    if gone:
        return Incumbent(model, None, f"needs {len(gone)} features that the mart no longer has, such as {gone[0]}")
    say(f"cross-validating champion version {model.version} on the same applicants and folds")
    validation = cross_validate(
        data.select(features), _recipe(model, manifest["config"]), folds, lambda fold: say(str(fold))
    )
    evaluation = evaluate(data.target, validation.probability, folds.fold_of)
    return Incumbent(model, evaluation, "compared by its recipe, cross-validated on the present applicants and folds")


def judge(
    evaluation: Evaluation, applicants: int, incumbent: Incumbent | None, *, allow_high_auc: bool = False
) -> Verdict:
    """Decide whether a model becomes the champion: the lower cost wins, the AUC decides a draw.

    Cost is per 1,000 applications with each fold judged by the threshold chosen on the others.

    Parameters
    ----------
    evaluation : Evaluation
        Of the new model.
    applicants : int
        On how many applicants.
    incumbent : Incumbent or None
        The champion on the same applicants and folds.
    allow_high_auc : bool
        Let an AUC pass that looks like leakage.

    Returns
    -------
    Verdict
    """
    suspect = suspicion(evaluation.metrics["auc"], applicants)
    if suspect and not allow_high_auc:
        return Verdict(False, f"suspected leakage: {suspect}", refused=True)
    if incumbent is None:
        return Verdict(True, "the first model")
    name = f"version {incumbent.model.version}"
    if incumbent.evaluation is None:
        return Verdict(True, f"{name} {incumbent.how}")
    ours, theirs = evaluation.metrics, incumbent.evaluation.metrics
    compared = (
        f"cost {ours['cost_per_1000']:.1f} per 1,000 against {theirs['cost_per_1000']:.1f} of {name}, "
        f"AUC {ours['auc']:.4f} against {theirs['auc']:.4f}"
    )
    if np.isclose(ours["cost_per_1000"], theirs["cost_per_1000"]):
        return Verdict(ours["auc"] > theirs["auc"], compared)
    return Verdict(ours["cost_per_1000"] < theirs["cost_per_1000"], compared)


def _recipe(model: RegisteredModel, values: dict[str, float]) -> TrainingConfig:
    try:
        return TrainingConfig.from_dict(values)
    except SettingsError as error:
        raise SettingsError(
            expected=f"a recipe of champion version {model.version} that this release knows",
            found=error.found,
            remedy="remove the alias champion from that version",
        ) from error
