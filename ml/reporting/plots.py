"""Figures of a training run, drawn without a display."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from ml.evaluation.calibration import Reliability
from ml.evaluation.metrics import THEORETICAL_THRESHOLD
from ml.evaluation.threshold import CostCurve
from ml.reporting.style import CHOSEN, CURVE, DASHED, MUTED, NARROW, SMALL, new_figure, styled, titled

RIGHT_EDGE_COST = 0.995


@styled
def cost_curve_figure(curve: CostCurve, threshold: float, honest_cost_per_1000: float, subtitle: str) -> Figure:
    """Cost per 1,000 applications against the threshold, with the chosen and the theoretical one.

    Parameters
    ----------
    curve : CostCurve
        On out-of-fold predictions.
    threshold : float
        The chosen one.
    honest_cost_per_1000 : float
        Cost when each fold is judged by the threshold chosen on the others.
    subtitle : str
        What the curve is of, in a few words.

    Returns
    -------
    matplotlib.figure.Figure
    """
    accept_all = float(curve.costs_per_1000[-1])
    figure = new_figure(4.9, NARROW)
    axes = figure.add_subplot()
    axes.axhline(accept_all, color=MUTED, linewidth=1, linestyle=DASHED)
    axes.plot(curve.thresholds, curve.costs_per_1000, color=CURVE, linewidth=2)
    axes.axvline(THEORETICAL_THRESHOLD, color=MUTED, linewidth=1.2, linestyle=":")
    cost = float(np.interp(threshold, curve.thresholds, curve.costs_per_1000))
    axes.plot(threshold, cost, "o", color=CHOSEN, markersize=9, zorder=5, clip_on=False)
    right = _right_edge(curve, accept_all)
    axes.set_xlim(0, right)
    axes.set_ylim(0, 1.15 * max(accept_all, float(curve.costs_per_1000[0])))
    leftwards = threshold > 0.6 * right
    axes.annotate(
        f"chosen threshold {threshold:.3f}\n{cost:,.0f} on the rows that chose it\n"
        f"{honest_cost_per_1000:,.0f} when chosen on the other folds",
        xy=(threshold, cost),
        xytext=(-18 if leftwards else 18, -26),
        textcoords="offset points",
        ha="right" if leftwards else "left",
        va="top",
        color=CHOSEN,
    )
    axes.annotate(
        f"accept everyone: {accept_all:,.0f}",
        xy=(right, accept_all),
        xytext=(-4, 5),
        textcoords="offset points",
        ha="right",
        fontsize=SMALL,
    )
    axes.text(THEORETICAL_THRESHOLD, axes.get_ylim()[1], " 1/11, best if calibrated", va="top", fontsize=SMALL)
    titled(figure, "Cost of decisions against the threshold", subtitle)
    axes.grid(axis="y")
    axes.set_xlabel("threshold: refuse from this default probability on (0 to 1)")
    axes.set_ylabel("cost per 1,000 applications\n(1 = one good payer refused)")
    return figure


@styled
def reliability_figure(curves: Mapping[str, Reliability], subtitle: str) -> Figure:
    """Observed against predicted default rate in groups of equal size, with 95 % intervals of the observed rate.

    Parameters
    ----------
    curves : mapping of str to Reliability
        By what they show; the first is drawn in grey, the second is the one that counts.
    subtitle : str
        What they are of, in a few words.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = new_figure(4.9, NARROW)
    axes = figure.add_subplot()
    highest = 0.0
    for (name, groups), color in zip(curves.items(), (MUTED, CURVE), strict=False):
        rates = groups.observed
        error = 1.96 * np.sqrt(rates * (1 - rates) / groups.applicants)
        axes.errorbar(groups.predicted, rates, np.minimum(error, [rates, 1 - rates]), fmt="o-", color=color, label=name)
        highest = max(highest, float(groups.predicted.max()), float((rates + error).max()))
    axes.plot([0, 1], [0, 1], color=CHOSEN, linewidth=1, linestyle=DASHED, label="perfectly calibrated")
    axes.axvline(THEORETICAL_THRESHOLD, color=MUTED, linewidth=1.2, linestyle=":")
    axes.set_xlim(0, 1.05 * highest)
    axes.set_ylim(0, 1.05 * highest)
    axes.text(THEORETICAL_THRESHOLD, axes.get_ylim()[1], " 1/11", va="top", fontsize=SMALL)
    titled(figure, "Predicted and observed default rate", subtitle)
    axes.grid(axis="y")
    axes.set_xlabel("mean predicted default probability of a tenth of the applicants")
    axes.set_ylabel("share of them that defaulted")
    axes.legend(loc="lower right")
    return figure


def _right_edge(curve: CostCurve, accept_all: float) -> float:
    """Threshold from which on the cost is nearly that of accepting everyone: nothing is to be seen beyond."""
    away = np.abs(curve.costs_per_1000 - accept_all) > (1 - RIGHT_EDGE_COST) * accept_all
    last = float(curve.thresholds[np.flatnonzero(away)[-1]]) if away.any() else 1.0
    return min(1.0, max(1.1 * last, 2.5 * THEORETICAL_THRESHOLD))
