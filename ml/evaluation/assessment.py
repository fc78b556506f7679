"""Out-of-fold predictions judged: calibration, threshold, and the honest cost of both."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.amounts import Amounts, amount_weighted_cost
from ml.evaluation.calibration import (
    CalibrationChoice,
    FoldCalibration,
    Prediction,
    choose_calibration,
    cross_calibrated,
    cross_fit,
    expected_calibration_error,
    pooled,
)
from ml.evaluation.metrics import THEORETICAL_THRESHOLD, Confusion, auc, brier_score, decision_costs, kolmogorov_smirnov
from ml.evaluation.threshold import CostCurve, cost_curve, one_standard_error_threshold

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Assessment:
    """What the out-of-fold predictions of a recipe say.

    Attributes
    ----------
    calibration : CalibrationChoice
        The map from raw to calibrated probability, fitted on all predictions.
    threshold : float
        Chosen by cost on all calibrated predictions (`one_standard_error_threshold`), to decide new applications by.
    curve : CostCurve
        Cost against threshold on the same.
    metrics : dict of str to float
        Mean over the repeats. Cost, recall and the like judge each fold by a calibration and a threshold chosen on the
        other folds; `cost_per_1000_same_rows` is the optimistic cost of `threshold` on the very rows that chose it.
        AUC, Gini and KS are of raw, Brier score and calibration error of cross-calibrated probabilities.
    deviations : dict of str to float
        Standard deviation over the repeats; empty when there is only one.
    probability : ndarray of shape (n_applicants,)
        Cross-calibrated out-of-fold probability, mean over the repeats.
    refused : ndarray of bool of shape (n_repeats, n_applicants)
        Decision on each applicant.
    """

    calibration: CalibrationChoice
    threshold: float
    curve: CostCurve
    metrics: dict[str, float]
    deviations: dict[str, float]
    probability: FloatArray
    refused: NDArray[np.bool_]

    def costs(self, target: NDArray[np.int8]) -> FloatArray:
        """Cost of the decision on each applicant, mean over the repeats, shape (n_applicants,), 0 to 10."""
        return decision_costs(target, self.refused).mean(axis=0)


def assess(target: NDArray[np.int8], predictions: Sequence[Prediction], amounts: Amounts | None = None) -> Assessment:
    """Choose calibration and threshold on out-of-fold predictions, and measure what they are worth.

    Parameters
    ----------
    target : ndarray of shape (n_applicants,)
        Labels.
    predictions : sequence of (ndarray of shape (n_applicants,), ndarray of shape (n_applicants,))
        Raw probability and fold of each applicant, per repeat of the cross-validation.
    amounts : Amounts, optional
        For the amount-weighted cost, which is left out without them.

    Returns
    -------
    Assessment
    """
    fitted = cross_fit(target, predictions)
    choice = choose_calibration(target, predictions, fitted)
    everyone = np.ones(len(target), dtype=bool)
    labels, raw = pooled(target, predictions, everyone)
    curve = cost_curve(labels, choice.calibration(raw))
    threshold = one_standard_error_threshold(labels, choice.calibration(raw), len(predictions))
    calibrated = cross_calibrated(choice.method, fitted, predictions)
    refused = nested_refusals(choice.method, fitted, predictions)
    repeats = [
        _measures(target, scores, values, decisions, amounts)
        | {"cost_per_1000_same_rows": _cost(target, choice.calibration(scores) >= threshold)}
        for (scores, _), values, decisions in zip(predictions, calibrated, refused, strict=True)
    ]
    names = repeats[0].keys()
    fixed = {
        "threshold": threshold,
        "threshold_theoretical": THEORETICAL_THRESHOLD,
        "cost_per_1000_accept_all": _cost(target, ~everyone),
    }
    deviations = {name: float(np.std([one[name] for one in repeats], ddof=1)) for name in names if len(repeats) > 1}
    return Assessment(
        choice,
        threshold,
        curve,
        {name: float(np.mean([one[name] for one in repeats])) for name in names} | fixed,
        deviations,
        np.mean(calibrated, axis=0),
        refused,
    )


def nested_refusals(
    method: str, fitted: Sequence[FoldCalibration], predictions: Sequence[Prediction]
) -> NDArray[np.bool_]:
    """Decide each fold by a calibration and a threshold that its applicants had no part in choosing.

    Both are chosen on the predictions, in all repeats, of applicants outside the fold.

    Returns
    -------
    ndarray of bool of shape (n_repeats, n_applicants)
    """
    refused = np.empty((len(predictions), len(predictions[0][0])), dtype=bool)
    for fold in fitted:
        calibration = fold.maps[method]
        threshold = one_standard_error_threshold(fold.labels, calibration(fold.raw), len(predictions))
        raw, _ = predictions[fold.repeat]
        refused[fold.repeat, fold.inside] = calibration(raw[fold.inside]) >= threshold
    return refused


def _measures(
    target: NDArray[np.int8],
    raw: FloatArray,
    calibrated: FloatArray,
    refused: NDArray[np.bool_],
    amounts: Amounts | None,
) -> dict[str, float]:
    decided = Confusion.of(target, refused)
    area = auc(target, raw)
    measures = {
        "auc": area,
        "gini": 2 * area - 1,
        "ks": kolmogorov_smirnov(target, raw),
        "brier_score": brier_score(target, calibrated),
        "expected_calibration_error": expected_calibration_error(target, calibrated),
        "cost_per_1000": decided.cost_per_1000,
        "cost_per_1000_at_theoretical": _cost(target, calibrated >= THEORETICAL_THRESHOLD),
        "normalised_score": decided.normalised_score,
        "recall": decided.recall,
        "precision": decided.precision,
        "f2": decided.f2,
        "accuracy": decided.accuracy,
        "refusal_share": (decided.true_positives + decided.false_positives) / decided.applicants,
    }
    if amounts is not None:
        measures["amount_weighted_cost"] = amount_weighted_cost(target, refused, amounts)
    return measures


def _cost(target: NDArray[np.int8], refused: NDArray[np.bool_]) -> float:
    return Confusion.of(target, refused).cost_per_1000
