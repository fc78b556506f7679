"""Figures of the decision about one client: what adds up to it, and where the client stands among others."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ml.data.population import ACCEPTED, ALL, PopulationStats
from ml.explanation.client import TOP_FEATURES, Explanation
from ml.explanation.figures import wrapped
from ml.reporting.style import CHOSEN, CURVE, DASHED, GRID, INK, MUTED, SMALL, new_figure, styled, titled
from ml.served.calibration import log_odds
from ml.served.scorer import REFUSE
from ml.wording.values import number

THEMES_SHOWN = 12
STRIPS_SHOWN = 8
MOST_TICKS = 9
PROBABILITY_TICKS = (
    *(0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.1, 0.12, 0.15),
    *(0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99),
)


@styled
def waterfall_figure(explanation: Explanation, steps: Sequence[tuple[str, float]], title: str) -> Figure:
    """From the average applicant to this client: contributions one after the other, in log-odds.

    Parameters
    ----------
    explanation : Explanation
        Gives start, end and threshold.
    steps : sequence of (str, float)
        Labels and contributions, the strongest first; what they leave to the end is added as one last step.
    title : str
        Of what.

    Returns
    -------
    matplotlib.figure.Figure
    """
    start, end = explanation.base_log_odds, _log_odds(explanation.probability)
    rest = end - explanation.adjustment - start - sum(size for _, size in steps)
    shown = [*steps]
    if abs(rest) > 1e-9:
        shown.append(("Everything else", rest))
    if abs(explanation.adjustment) > 1e-9:
        shown.append(("Averaging and calibration", explanation.adjustment))
    figure = new_figure(2.0 + 0.45 * len(shown))
    axes = figure.add_subplot()
    _draw_steps(axes, start, [size for _, size in shown])
    at = np.arange(len(shown))[::-1]
    axes.set_yticks(at, [wrapped(text, 58) for text, _ in shown], fontsize=SMALL)
    axes.axvline(_log_odds(explanation.threshold), color=INK, linewidth=1.2, linestyle=":")
    axes.use_sticky_edges = False
    axes.margins(x=0.1)
    _probability_ticks(axes)
    axes.set_xlabel("default probability (scale of log-odds)")
    titled(figure, title, _decision_words(explanation))
    return figure


@styled
def position_figure(explanation: Explanation, stats: PopulationStats) -> Figure:
    """Where score and values lie among all applicants and accepted ones: those of the reasons, then the strongest."""
    spoken = {reason.feature for reason in explanation.reasons}
    entries = sorted(explanation.features, key=lambda entry: entry["feature"] not in spoken)
    entries = [entry for entry in entries if isinstance(entry["value"], float | int)]
    entries = [entry for entry in entries if stats.row_of(entry["feature"]) is not None][:STRIPS_SHOWN]
    rows = 1 + (len(entries) + 1) // 2
    figure = new_figure(1 + 2.1 * rows)
    grid = figure.add_gridspec(rows, 2)
    axes = figure.add_subplot(grid[0, :])
    _histogram(axes, stats.scores[ALL], stats.scores[ACCEPTED], explanation.probability)
    axes.axvline(explanation.threshold, color=INK, linewidth=1.2, linestyle=":")
    axes.set_title(f"Default probability: {_score_words(explanation)}")
    axes.legend(loc="upper right")
    for at, entry in enumerate(entries):
        axes = figure.add_subplot(grid[1 + at // 2, at % 2])
        row = stats.row_of(entry["feature"])
        _histogram(axes, stats.quantiles[ALL][row], stats.quantiles[ACCEPTED][row], float(entry["value"]))
        title = wrapped(f"{entry['label']}: {entry['value_words']}", 62)
        axes.set_title(f"{title}\n{_place_words(entry)}", fontsize=SMALL)
    titled(figure, "Where this client stands", "compared with all applicants and with those accepted")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.06)
    return figure


def feature_steps(explanation: Explanation) -> list[tuple[str, float]]:
    """Steps of a waterfall: the strongest features with their values."""
    return [
        (f"{entry['label']}: {entry['value_words']}", entry["contribution"])
        for entry in explanation.features[:TOP_FEATURES]
    ]


def theme_steps(explanation: Explanation) -> list[tuple[str, float]]:
    """Steps of a waterfall: the strongest themes."""
    return [(theme["title"], theme["contribution"]) for theme in explanation.themes[:THEMES_SHOWN]]


def _draw_steps(axes: Axes, start: float, sizes: Sequence[float]) -> None:
    left = start
    for position, size in zip(range(len(sizes) - 1, -1, -1), sizes, strict=True):
        axes.barh(position, size, left=left, color=CHOSEN if size > 0 else CURVE, height=0.62)
        after = left + size
        axes.annotate(
            f"{size:+.2f}",
            (max(left, after), position),
            (4, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
        )
        if position:
            axes.plot([after, after], [position - 0.69, position + 0.31], color=MUTED, linewidth=0.8)
        left = after
    axes.axvline(start, color=MUTED, linewidth=0.8, linestyle=DASHED)
    axes.plot(left, -0.62, marker="^", color=INK, markersize=8, clip_on=False)
    axes.set_ylim(-0.8, len(sizes) - 0.4)


def _histogram(axes: Axes, everyone: NDArray[np.float64], accepted: NDArray[np.float64], client: float) -> None:
    """Shares of applicants by value, the accepted ones in front, and the client's value as a line."""
    low, high = np.nanquantile(everyone, [0.01, 0.99])
    low, high = min(low, client), max(high, client)
    edges = np.linspace(low, high if high > low else low + 1, 41)
    for values, colour, name in ((everyone, GRID, "all applicants"), (accepted, CURVE, "accepted applicants")):
        known = np.clip(values[~np.isnan(values)], low, high)
        if known.size:
            kind = {"histtype": "stepfilled"} if name == "all applicants" else {"histtype": "step", "linewidth": 1.6}
            axes.hist(known, edges, weights=np.full(known.size, 1 / known.size), color=colour, label=name, **kind)
    axes.axvline(client, color=CHOSEN, linewidth=2.2, label="this client")
    axes.set_yticks([])
    axes.xaxis.set_major_formatter(lambda value, _: number(value))
    axes.spines["left"].set_visible(False)


def _probability_ticks(axes: Axes) -> None:
    """Probabilities as ticks on an axis of log-odds: about as many as can be read."""
    low, high = axes.get_xlim()
    inside = [tick for tick in PROBABILITY_TICKS if low <= _log_odds(tick) <= high]
    shown = inside[:: max(1, math.ceil(len(inside) / MOST_TICKS))]
    axes.set_xticks([_log_odds(tick) for tick in shown], [f"{100 * tick:g} %" for tick in shown])


def _decision_words(explanation: Explanation) -> str:
    decided = "refused" if explanation.decision == REFUSE else "granted"
    words = (
        f"from the average client ({_percent(1 / (1 + np.exp(-explanation.base_log_odds)))}, dashed) to this one "
        f"({_percent(explanation.probability)}, {decided}); dotted: refused from {_percent(explanation.threshold)} on"
    )
    if explanation.explained_share < 1:
        words += (
            f"\ncontributions of {explanation.explained_share:.0%} of the model by weight; "
            f"left out: {', '.join(explanation.left_out)}"
        )
    return words


def _score_words(explanation: Explanation) -> str:
    parts = []
    for group, name in ((ALL, "all applicants"), (ACCEPTED, "accepted applicants")):
        place = explanation.score_place[group]
        if place is not None and place.below is not None:
            parts.append(f"higher than that of {100 * place.below:.0f} % of {name}")
    return f"{_percent(explanation.probability)}, {' and '.join(parts)} (dotted: threshold)"


def _place_words(entry: dict[str, Any]) -> str:
    parts = []
    for group, name in ((ALL, "applicants"), (ACCEPTED, "accepted")):
        place = entry["place"][group]
        if place is not None:
            parts.append(f"above {100 * place.below:.0f} % and below {100 * place.above:.0f} % of {name}")
    return "; ".join(parts)


def _log_odds(probability: float) -> float:
    """As the explanation has them: an isotonic calibration gives exactly 0 and 1, whose log-odds are infinite."""
    return float(log_odds(np.array([probability]))[0])


def _percent(probability: float) -> str:
    return f"{100 * probability:.1f} %"
