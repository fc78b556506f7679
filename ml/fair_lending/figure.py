"""Figure of decisions by group."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ml.evaluation.bootstrap import Interval
from ml.fair_lending.groups import FOUR_FIFTHS, GroupMeasures
from ml.reporting.style import CHOSEN, CURVE, DASHED, MUTED, SMALL, new_figure, styled, titled, without_frame

ROW_HEIGHT = 0.34
PANELS = (
    ("impact_ratio", "approval rate against the\ngroup approved most"),
    ("true_positive_rate", "defaulters refused"),
    ("false_positive_rate", "good payers refused"),
)


@styled
def fairness_figure(measured: list[GroupMeasures], subtitle: str) -> Figure:
    """Impact ratio with the four-fifths line, and both error rates, by group with 95 % intervals.

    Parameters
    ----------
    measured : list of GroupMeasures
        By attribute.
    subtitle : str
        Whose decisions, on whom.

    Returns
    -------
    matplotlib.figure.Figure
    """
    places = _places(measured)
    figure = new_figure(1.9 + ROW_HEIGHT * (places[-1] + 1))
    panels = figure.subplots(1, len(PANELS), sharey=True)
    for axes, (measure, title) in zip(panels, PANELS, strict=True):
        _draw(axes, measured, places, measure)
        axes.set_title(title)
    panels[0].axvline(FOUR_FIFTHS, color=CHOSEN, linewidth=1.2, linestyle=DASHED)
    panels[0].set_xlabel("ratio; four-fifths rule: at least 0.8", fontsize=SMALL)
    for axes in panels[1:]:
        axes.set_xlim(0, 1)
        axes.set_xlabel("share of them (0 to 1)", fontsize=SMALL)
    panels[0].set_yticks(places, [_label(group) for group in measured], fontsize=SMALL)
    panels[0].set_ylim(places[-1] + 0.7, -0.7)
    titled(figure, "Decisions by group", subtitle)
    return figure


def _draw(axes: Axes, measured: list[GroupMeasures], places: list[float], measure: str) -> None:
    for group, place in zip(measured, places, strict=True):
        value: Interval = getattr(group, measure)
        if np.isnan(value.estimate):
            continue
        color = MUTED if group.is_small else CURVE
        axes.plot([value.low, value.high], [place, place], color=color, linewidth=2, solid_capstyle="butt")
        axes.plot(value.estimate, place, "o", color=color, markersize=5)
    without_frame(axes)


def _places(measured: list[GroupMeasures]) -> list[float]:
    """Height of each group, with a gap between attributes."""
    places: list[float] = []
    for number, group in enumerate(measured):
        new = number > 0 and group.attribute != measured[number - 1].attribute
        places.append(number if number == 0 else places[-1] + (1.6 if new else 1.0))
    return places


def _label(group: GroupMeasures) -> str:
    few = ", few" if group.is_small else ""
    return f"{group.group} ({group.applicants:,}{few})"
