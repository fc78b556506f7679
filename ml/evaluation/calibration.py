"""Calibrated probabilities: fitted on out-of-fold predictions of the other folds, judged on the fold left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from ml.evaluation.metrics import brier_score
from ml.served.calibration import Calibration, log_odds

METHODS = ("none", "sigmoid", "isotonic")  # the simpler one wins a draw
DRAW = 0.001
BINS = 10

FloatArray = NDArray[np.float64]
Prediction = tuple[FloatArray, NDArray[np.signedinteger]]


@dataclass(frozen=True)
class CalibrationChoice:
    """The chosen map and what was measured to choose it.

    Attributes
    ----------
    calibration : Calibration
        Fitted on all predictions.
    measured : dict of str to dict of str to float
        `brier_score` and `expected_calibration_error` by method, cross-validated.
    """

    calibration: Calibration
    measured: dict[str, dict[str, float]]

    @property
    def method(self) -> str:
        """One of `METHODS`."""
        return self.calibration.method


def fit_calibration(method: str, target: NDArray[np.int8], probability: FloatArray) -> Calibration:
    """Fit a rising map from raw to calibrated probability.

    Parameters
    ----------
    method : str
        "none", "sigmoid" (logistic regression on the log-odds [1]_) or "isotonic" [2]_.
    target, probability : ndarray of shape (n,)
        Labels and raw probabilities, 0 to 1.

    Returns
    -------
    Calibration

    References
    ----------
    .. [1] J. Platt, "Probabilistic outputs for support vector machines", Advances in Large Margin Classifiers, 1999.
    .. [2] B. Zadrozny and C. Elkan, "Transforming classifier scores into accurate multiclass probability estimates",
       KDD, 2002.
    """
    if method == "sigmoid":
        line = LogisticRegression(C=np.inf).fit(log_odds(probability)[:, None], target)
        if line.coef_[0, 0] <= 0:  # worse than guessing: a falling map would turn the ranking round
            return Calibration("sigmoid", slope=0.0, intercept=float(log_odds(np.array([target.mean()]))[0]))
        return Calibration("sigmoid", slope=float(line.coef_[0, 0]), intercept=float(line.intercept_[0]))
    if method == "isotonic":
        steps = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(probability, target)
        return Calibration("isotonic", (tuple(steps.X_thresholds_.tolist()), tuple(steps.y_thresholds_.tolist())))
    return Calibration()


@dataclass(frozen=True)
class FoldCalibration:
    """Maps of one method for one fold, fitted on the applicants of the other folds.

    Attributes
    ----------
    repeat : int
        Which repeat of the cross-validation the fold is of.
    inside : ndarray of bool of shape (n_applicants,)
        Applicants of the fold.
    labels, raw : ndarray of shape (n_repeats * n_outside,)
        What the maps are fitted on: see `pooled`.
    maps : dict of str to Calibration
        By method.
    """

    repeat: int
    inside: NDArray[np.bool_]
    labels: NDArray[np.int8]
    raw: FloatArray
    maps: dict[str, Calibration]


def cross_fit(target: NDArray[np.int8], predictions: Sequence[Prediction]) -> list[FoldCalibration]:
    """Fit every method once for every fold of every repeat.

    Parameters
    ----------
    target : ndarray of shape (n_applicants,)
        Labels.
    predictions : sequence of (ndarray of shape (n_applicants,), ndarray of shape (n_applicants,))
        Raw out-of-fold probabilities and fold of each applicant, per repeat of the cross-validation. A map is fitted on
        the predictions of all repeats, of applicants outside the fold.
    """
    fitted = []
    for repeat, (_, fold_of) in enumerate(predictions):
        for fold in np.unique(fold_of):
            inside = fold_of == fold
            labels, raw = pooled(target, predictions, ~inside)
            maps = {method: fit_calibration(method, labels, raw) for method in METHODS}
            fitted.append(FoldCalibration(repeat, inside, labels, raw, maps))
    return fitted


def cross_calibrated(method: str, fitted: Sequence[FoldCalibration], predictions: Sequence[Prediction]) -> FloatArray:
    """Probability of each applicant, calibrated by the map of the own fold; shape (n_repeats, n_applicants)."""
    calibrated = np.array([raw for raw, _ in predictions])
    for fold in fitted:
        row = calibrated[fold.repeat]
        row[fold.inside] = fold.maps[method](row[fold.inside])
    return calibrated


def pooled(
    target: NDArray[np.int8], predictions: Sequence[Prediction], rows: NDArray[np.bool_]
) -> tuple[NDArray[np.int8], FloatArray]:
    """Labels and raw probabilities of some applicants in all repeats, one after the other."""
    return np.tile(target[rows], len(predictions)), np.concatenate([raw[rows] for raw, _ in predictions])


def choose_calibration(
    target: NDArray[np.int8], predictions: Sequence[Prediction], fitted: Sequence[FoldCalibration]
) -> CalibrationChoice:
    """Method of least cross-validated Brier score; the expected calibration error decides a draw.

    Scores within 0.1 % of the least are a draw. Among these the simplest method wins whose calibration error is no
    greater than chance gives a perfectly calibrated one; where there is none, the least calibration error.

    Parameters
    ----------
    target, predictions
        See `cross_fit`.
    fitted : sequence of FoldCalibration
        From `cross_fit` of the same.
    """
    measured = {}
    for method in METHODS:
        calibrated = cross_calibrated(method, fitted, predictions)
        measured[method] = {
            "brier_score": float(np.mean([brier_score(target, values) for values in calibrated])),
            "expected_calibration_error": float(
                np.mean([expected_calibration_error(target, values) for values in calibrated])
            ),
        }
    least = min(scores["brier_score"] for scores in measured.values())
    drawn = [method for method in METHODS if measured[method]["brier_score"] <= least * (1 + DRAW)]
    chance = chance_calibration_error(predictions[0][0])
    perfect = [method for method in drawn if measured[method]["expected_calibration_error"] <= chance]
    chosen = perfect[0] if perfect else min(drawn, key=lambda method: measured[method]["expected_calibration_error"])
    everyone = np.ones(len(target), dtype=bool)
    return CalibrationChoice(fit_calibration(chosen, *pooled(target, predictions, everyone)), measured)


@dataclass(frozen=True)
class Reliability:
    """Predicted against observed default rate in groups of equal size, by ascending probability.

    Attributes
    ----------
    predicted, observed : ndarray of shape (n_groups,)
        Mean probability and share of defaulters, 0 to 1.
    applicants : ndarray of int of shape (n_groups,)
    """

    predicted: FloatArray
    observed: FloatArray
    applicants: NDArray[np.int64]


def reliability(target: NDArray[np.int8], probability: FloatArray, bins: int = BINS) -> Reliability:
    """Group applicants by probability and compare prediction and outcome in each group."""
    groups = [group for group in np.array_split(np.argsort(probability, kind="stable"), bins) if group.size]
    return Reliability(
        np.array([probability[group].mean() for group in groups]),
        np.array([target[group].mean() for group in groups]),
        np.array([group.size for group in groups]),
    )


def expected_calibration_error(target: NDArray[np.int8], probability: FloatArray, bins: int = BINS) -> float:
    """Mean distance of predicted and observed default rate over groups of equal size; 0 to 1, lower is better.

    References
    ----------
    .. [1] M. P. Naeini, G. Cooper and M. Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning",
       AAAI, 2015.

    Examples
    --------
    >>> float(round(expected_calibration_error(np.array([0, 1, 1, 1]), np.array([0.5, 0.5, 0.9, 0.9]), bins=2), 3))
    0.05
    """
    groups = reliability(target, probability, bins)
    return float(np.average(np.abs(groups.predicted - groups.observed), weights=groups.applicants))


def chance_calibration_error(probability: FloatArray, bins: int = BINS) -> float:
    """Expected calibration error of probabilities that are right: observed rates scatter around them.

    The mean distance of a normal variable from its mean is its standard deviation times the root of 2 / pi.

    Examples
    --------
    >>> float(round(chance_calibration_error(np.full(1000, 0.5)), 4))
    0.0399
    """
    groups = [probability[group].mean() for group in np.array_split(np.argsort(probability, kind="stable"), bins)]
    rates = np.array(groups)
    return float(np.mean(np.sqrt(2 / np.pi * rates * (1 - rates) * bins / len(probability))))
