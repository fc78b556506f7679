"""Which model may become the champion: the guards, and the comparison on the same applicants and folds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.data.training_set import TrainingData
from ml.evaluation.assessment import assess
from ml.evaluation.bootstrap import Difference, paired_mean_difference
from ml.modelling.cross_validation import cross_validate_repeatedly
from ml.modelling.folds import Folds, folds_fingerprint
from ml.modelling.recipe import TrainingConfig
from ml.registry.registry import Registry
from ml.registry.versions import CHECKSUMS_TAG, RegisteredModel
from warehouse.core.errors import SettingsError

LEVEL = 0.9  # of the interval that a promotion is argued with


@dataclass(frozen=True)
class Candidate:
    """A model as it is compared.

    Attributes
    ----------
    costs : ndarray of shape (n_applicants,)
        Cost of the out-of-fold decision on each applicant; see `Assessment.costs`.
    auc : float
        Out of fold.
    """

    costs: NDArray[np.float64]
    auc: float

    @property
    def cost_per_1000(self) -> float:
        """Mean cost of 1,000 decisions."""
        return float(1000 * self.costs.mean())


@dataclass(frozen=True)
class Incumbent:
    """The present champion on the present applicants; `candidate` is None when it cannot be compared (see `how`)."""

    model: RegisteredModel
    candidate: Candidate | None
    how: str


@dataclass(frozen=True)
class Verdict:
    """Whether a model becomes the champion, and why; `refused` when a guard objects.

    `difference` is its cost per 1,000 minus the champion's, with a 90 % interval; None without a champion to compare.
    """

    promoted: bool
    reason: str
    refused: bool = False
    difference: Difference | None = None


def measure_incumbent(
    registry: Registry,
    data: TrainingData,
    development: TrainingData,
    splits: tuple[Folds, ...],
    say: Callable[[object], None] = lambda line: None,
) -> Incumbent | None:
    """Measure the present champion on the same applicants and folds.

    Its logged out-of-fold decisions are taken when data and folds are the same; otherwise its logged recipe and feature
    list are cross-validated again.

    Parameters
    ----------
    registry : Registry
        Knows the champion.
    data, development : TrainingData
        The present training set, and its rows outside the hold-out.
    splits : tuple of Folds
        The splits of the development rows that the new model was judged on.
    say : callable, optional
        Takes a line about each step that takes long.

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
    if CHECKSUMS_TAG not in model.tags:
        return Incumbent(model, None, "was stored by an earlier release and cannot be loaded any more")
    manifest = registry.manifest(model)
    logged = manifest["data"]
    if (logged["fingerprint"], logged["folds_fingerprint"]) == (data.fingerprint, folds_fingerprint(splits)):
        candidate = Candidate(registry.out_of_fold(model)["cost"].to_numpy(), model.metrics["auc"])
        return Incumbent(model, candidate, "compared by its logged decisions on the same applicants in the same folds")
    features = manifest["features"]["numeric"] + manifest["features"]["categorical"]
    gone = sorted(set(features) - set(data.features))
    if gone:
        return Incumbent(model, None, f"needs {len(gone)} features that the mart no longer has, such as {gone[0]}")
    say(f"cross-validating champion version {model.version} on the same applicants and folds")
    recipe = _recipe(model, manifest["config"])
    validations = cross_validate_repeatedly(development.select(features), recipe, splits, say)
    predictions = [(one.probability, folds.fold_of) for one, folds in zip(validations, splits, strict=True)]
    assessment = assess(development.target, predictions)
    candidate = Candidate(assessment.costs(development.target), assessment.metrics["auc"])
    return Incumbent(model, candidate, "compared by its recipe, cross-validated on the present applicants and folds")


def judge(
    candidate: Candidate,
    objections: Sequence[str],
    incumbent: Incumbent | None,
    seed: int,
    *,
    override_guard: bool = False,
) -> Verdict:
    """Decide whether a model becomes the champion.

    It must cost less than the champion on the same applicants; at the same cost, its AUC must be higher. Where the 90 %
    interval of the difference in cost, by a paired bootstrap over applicants, does not lie below zero, its AUC, which
    is the less noisy measure, may not be lower either: otherwise two equally good models would take turns by chance.

    Parameters
    ----------
    candidate : Candidate
        The new model.
    objections : sequence of str
        Of the guards.
    incumbent : Incumbent or None
        The champion on the same applicants and folds.
    seed : int
        Of the bootstrap.
    override_guard : bool
        Let a model pass that a guard objects to.

    Returns
    -------
    Verdict
    """
    if objections and not override_guard:
        return Verdict(False, "; ".join(objections), refused=True)
    if incumbent is None:
        return Verdict(True, "the first model")
    name = f"version {incumbent.model.version}"
    champion = incumbent.candidate
    if champion is None:
        return Verdict(True, f"{name} {incumbent.how}")
    difference = paired_mean_difference(1000 * candidate.costs, 1000 * champion.costs, seed, level=LEVEL)
    compared = (
        f"cost {candidate.cost_per_1000:.1f} per 1,000 against {champion.cost_per_1000:.1f} of {name} (difference "
        f"{difference.estimate:+.1f}, 90 % interval {difference.low:+.1f} to {difference.high:+.1f}), "
        f"AUC {candidate.auc:.4f} against {champion.auc:.4f}"
    )
    significant, ranks_no_worse = difference.high < 0, candidate.auc >= champion.auc
    if np.isclose(candidate.cost_per_1000, champion.cost_per_1000):
        lower = candidate.auc > champion.auc
    else:
        lower = candidate.cost_per_1000 < champion.cost_per_1000
    promoted = lower and (significant or ranks_no_worse)
    caveat = ": the difference in cost may be chance, and the AUC is lower" if lower and not promoted else ""
    return Verdict(promoted, compared + caveat, difference=difference)


def _recipe(model: RegisteredModel, values: dict[str, float]) -> TrainingConfig:
    try:
        return TrainingConfig.from_dict(values)
    except SettingsError as error:
        raise SettingsError(
            expected=f"a recipe of champion version {model.version} that this release knows",
            found=error.found,
            remedy="remove the alias champion from that version",
        ) from error
