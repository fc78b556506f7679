"""Figures of a model as a whole, drawn without a display: what moves the score, and how."""

import textwrap
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ml.data.population import PopulationStats
from ml.reporting.style import CHOSEN, CURVE, DASHED, INK, MUTED, SMALL, WIDE, new_figure, styled, titled
from ml.wording.sentences import label

LABEL_WIDTH = 44
SHOWN = 20
DEPENDENCE_SHOWN = 10
LOG_ODDS = "contribution to the log-odds of default (right raises the risk)"


def wrapped(text: str, width: int = LABEL_WIDTH) -> str:
    """A label on as many lines as it needs, beginning with a capital."""
    return textwrap.fill(text[:1].upper() + text[1:], width)


@styled
def beeswarm_figure(
    values: NDArray[np.float64], data: NDArray[np.float64], labels: Sequence[str], subtitle: str
) -> Figure:
    """One dot per applicant and feature: contribution across, value by colour.

    Parameters
    ----------
    values, data : ndarray of shape (n_applicants, n_shown)
        Contributions, and values (texts as positions), the strongest feature first.
    labels : sequence of str
        Names of the features.
    subtitle : str
        Of what, in a few words.

    Returns
    -------
    matplotlib.figure.Figure
    """
    import shap  # seconds of compiling that nothing else here needs

    names = [wrapped(text) for text in labels]
    figure = plt.figure(figsize=(WIDE, 1.6 + 0.5 * len(names)), layout="constrained")
    axes = figure.add_subplot()
    explanation = shap.Explanation(values, data=data, feature_names=names)
    shap.plots.beeswarm(
        explanation, max_display=len(names), order=np.arange(len(names)), ax=axes, show=False, plot_size=None
    )
    axes.tick_params(axis="both", labelsize=SMALL)
    axes.set_xlabel(LOG_ODDS, fontsize=plt.rcParams["axes.labelsize"])
    titled(figure, "What moves the score", subtitle)
    return _released(figure)


@styled
def bar_figure(sizes: NDArray[np.float64], labels: Sequence[str], title: str, subtitle: str) -> Figure:
    """Mean absolute contribution of features or themes, the strongest first."""
    figure = new_figure(1.4 + 0.4 * len(labels))
    axes = figure.add_subplot()
    at = np.arange(len(labels))[::-1]
    axes.barh(at, sizes, color=CURVE, height=0.68)
    for position, size in zip(at, sizes, strict=True):
        axes.annotate(f"{size:.3f}", (size, position), (4, 0), textcoords="offset points", va="center", fontsize=SMALL)
    axes.set_yticks(at, [wrapped(text) for text in labels], fontsize=SMALL)
    axes.margins(x=0.1, y=0.02)
    axes.grid(axis="x")
    axes.set_xlabel("mean absolute contribution to the log-odds of default")
    titled(figure, title, subtitle)
    return figure


@styled
def dependence_figure(values: NDArray[np.float64], data: pd.DataFrame, labels: Sequence[str], subtitle: str) -> Figure:
    """Contribution of each of a few features against its value, with the median contribution of tenths of applicants.

    Parameters
    ----------
    values : ndarray of shape (n_applicants, n_shown)
        Contributions.
    data : DataFrame of shape (n_applicants, n_shown)
        Values; texts stand as categories.
    labels : sequence of str
        Names of the features.
    subtitle : str
        Of what, in a few words.

    Returns
    -------
    matplotlib.figure.Figure
    """
    rows = (len(labels) + 1) // 2
    figure = new_figure(1 + 2.5 * rows)
    grid = figure.subplots(rows, 2, squeeze=False)
    for at, (axes, text) in enumerate(zip(grid.flat, labels, strict=False)):
        column = data.iloc[:, at]
        if pd.api.types.is_numeric_dtype(column):
            _dependence_of_number(axes, column.to_numpy(dtype=float), values[:, at])
        else:
            _dependence_of_text(axes, column, values[:, at])
        axes.set_title(wrapped(text, 62))
    for axes in list(grid.flat)[len(labels) :]:
        axes.set_visible(False)
    figure.supylabel("contribution to the log-odds of default", fontsize=SMALL)
    titled(figure, "How the score depends on a feature", subtitle)
    return figure


def feature_labels(stats: PopulationStats, features: Sequence[str]) -> list[str]:
    """Names of features for people."""
    return [label(stats.feature(name)) for name in features]


def _dependence_of_number(axes: Axes, numbers: NDArray[np.float64], values: NDArray[np.float64]) -> None:
    known = ~np.isnan(numbers)
    if not known.any():
        axes.text(0.5, 0.5, "nobody has a value", transform=axes.transAxes, ha="center", color=MUTED)
        return
    low, high = np.nanquantile(numbers, [0.005, 0.995])
    inside = known & (numbers >= low) & (numbers <= high)
    axes.axhline(0, color=MUTED, linewidth=0.8)
    axes.scatter(numbers[inside], values[inside], s=6, alpha=0.25, color=CURVE, linewidths=0)
    edges = np.unique(np.quantile(numbers[inside], np.linspace(0, 1, 11)))
    tenth = np.clip(np.searchsorted(edges, numbers[inside], side="right") - 1, 0, max(len(edges) - 2, 0))
    line = pd.DataFrame({"tenth": tenth, "x": numbers[inside], "y": values[inside]}).groupby("tenth").median()
    axes.plot(line["x"], line["y"], "o-", color=CHOSEN, linewidth=1.6, markersize=4)
    if not known.all():
        missing = float(np.median(values[~known]))
        axes.axhline(missing, color=INK, linewidth=1, linestyle=DASHED)
        axes.annotate(
            f"no record: {missing:+.2f}",
            (1, missing),
            (-2, 3),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="right",
            fontsize=SMALL,
        )


def _dependence_of_text(axes: Axes, texts: pd.Series, values: NDArray[np.float64]) -> None:
    words = texts.astype("object").where(texts.notna(), "no record")
    frequent = words.value_counts().index[:8]
    medians = pd.Series(values).groupby(words.to_numpy()).median().reindex(frequent).sort_values()
    axes.barh(np.arange(len(medians)), medians, color=CURVE, height=0.65)
    axes.axvline(0, color=MUTED, linewidth=0.8)
    axes.set_yticks(np.arange(len(medians)), [str(word) for word in medians.index], fontsize=SMALL)


def _released(figure: Figure) -> Figure:
    """A figure that pyplot, which shap draws through, no longer keeps."""
    plt.close(figure)
    return figure
