"""The one style of all figures: colours, type, sizes, titles. Figures are drawn without a display.

The colours are dark on white: pages turn them round for readers who prefer a dark screen.
"""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, CURVE, CHOSEN, MUTED, GRID = "#22303c", "#1f5f8b", "#c8502d", "#75808a", "#e6e9ec"
FAMILIES = (MUTED, CURVE, "#5a8f3c", "#8f5aa8", CHOSEN, "#a87c00")
DASHED = (0, (4, 3))
NARROW, WIDE = 6.6, 10.5  # inches; two narrow figures stand side by side on a page
DOTS_PER_INCH = 150
SMALL = 8.5
STYLE: dict[Any, Any] = {
    "figure.dpi": DOTS_PER_INCH,
    "figure.titlesize": 11.5,
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9.5,
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": SMALL,
}

P = ParamSpec("P")
R = TypeVar("R")


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Let a function draw in the one style, and leave the style of others as it is."""

    @functools.wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> R:
        """Draw."""
        with matplotlib.rc_context(STYLE):
            return draw(*args, **kwargs)

    return drawn


def new_figure(height: float, width: float = WIDE) -> Figure:
    """An empty figure, in inches."""
    return Figure(figsize=(width, height), layout="constrained")


def titled(figure: Figure, title: str, subtitle: str) -> None:
    """What the figure shows, and of what, above it at the left."""
    figure.suptitle(f"{title}\n{subtitle}", x=0.01, ha="left", linespacing=1.4)


def without_frame(axes: Axes) -> None:
    """Panel whose rows are named at the left: no line there, no ticks, a grid to read values from."""
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
