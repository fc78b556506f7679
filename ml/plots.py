"""Figures of a training run, drawn without a display."""

import numpy as np
from matplotlib.figure import Figure

from ml.metrics import THEORETICAL_THRESHOLD, CostCurve

INK = "#22303c"
CURVE = "#1f5f8b"
CHOSEN = "#c8502d"
MUTED = "#8a949c"
RIGHT_EDGE_COST = 0.995


def cost_curve_figure(curve: CostCurve, honest_cost_per_1000: float, subtitle: str) -> Figure:
    """Cost per 1,000 applications against the threshold, with the chosen and the theoretical one.

    Parameters
    ----------
    curve : CostCurve
        On out-of-fold predictions.
    honest_cost_per_1000 : float
        Cost when each fold is judged by the threshold chosen on the others.
    subtitle : str
        What the curve is of, in a few words.

    Returns
    -------
    matplotlib.figure.Figure
    """
    accept_all = float(curve.costs_per_1000[-1])
    figure = Figure(figsize=(9, 5.4), dpi=130, layout="constrained")
    axes = figure.add_subplot()
    axes.axhline(accept_all, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    axes.plot(curve.thresholds, curve.costs_per_1000, color=CURVE, linewidth=2)
    axes.axvline(THEORETICAL_THRESHOLD, color=MUTED, linewidth=1.2, linestyle=":")
    lowest = float(curve.costs_per_1000.min())
    axes.plot(curve.best_threshold, lowest, "o", color=CHOSEN, markersize=9, zorder=5, clip_on=False)
    right = _right_edge(curve, accept_all)
    axes.set_xlim(0, right)
    axes.set_ylim(0, 1.15 * max(accept_all, float(curve.costs_per_1000[0])))
    leftwards = curve.best_threshold > 0.6 * right
    axes.annotate(
        f"chosen threshold {curve.best_threshold:.3f}\n{lowest:,.0f} on the rows that chose it\n"
        f"{honest_cost_per_1000:,.0f} when chosen on the other folds",
        xy=(curve.best_threshold, lowest),
        xytext=(-18 if leftwards else 18, -26),
        textcoords="offset points",
        ha="right" if leftwards else "left",
        va="top",
        color=CHOSEN,
        fontsize=10,
    )
    axes.annotate(
        f"accept everyone: {accept_all:,.0f}",
        xy=(right, accept_all),
        xytext=(-4, 5),
        textcoords="offset points",
        ha="right",
        color=INK,
        fontsize=9,
    )
    axes.text(THEORETICAL_THRESHOLD, axes.get_ylim()[1], " 1/11, best if calibrated", va="top", color=INK, fontsize=9)
    figure.suptitle("Cost of decisions against the threshold", color=INK, fontsize=14, x=0.02, ha="left")
    axes.set_title(subtitle, loc="left", color=MUTED, fontsize=10)
    axes.set_xlabel("threshold: refuse from this default probability on (0 to 1)", color=INK)
    axes.set_ylabel("cost per 1,000 applications\n(1 = one good payer refused)", color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e6e9ec", linewidth=0.8)
    axes.set_axisbelow(True)
    return figure


def _right_edge(curve: CostCurve, accept_all: float) -> float:
    """Threshold from which on the cost is nearly that of accepting everyone: nothing is to be seen beyond."""
    away = np.abs(curve.costs_per_1000 - accept_all) > (1 - RIGHT_EDGE_COST) * accept_all
    last = float(curve.thresholds[np.flatnonzero(away)[-1]]) if away.any() else 1.0
    return min(1.0, max(1.1 * last, 2.5 * THEORETICAL_THRESHOLD))
