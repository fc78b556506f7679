"""The comparison as a table, a page and a figure."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ml.comparison.candidates import MEASURES, AgainstBest, Judged
from ml.evaluation.bootstrap import Difference
from ml.reporting.style import DASHED, FAMILIES, MUTED, SMALL, new_figure, styled, titled, without_frame
from warehouse.core.page import Head, Verdict, png_uri, render

DECIMALS = {"cost_per_1000": 1, "fit_seconds": 2, "brier_score": 4, "auc": 4, "gini": 4, "ks": 4}
TITLES = {
    "auc": "AUC",
    "gini": "Gini",
    "ks": "KS",
    "f1": "F1",
    "f2": "F2",
    "recall": "recall",
    "precision": "precision",
    "brier_score": "Brier",
    "cost_per_1000": "cost per 1,000",
    "auc_gap": "AUC gap to training",
    "fit_seconds": "seconds to fit",
}
NOTES = (
    "Mean and standard deviation over the folds. Cost (10 per defaulter granted, 1 per good payer refused), F1, F2, "
    "recall and precision: each fold judged by the threshold chosen on the others.",
    "Difference to the best: cost per 1,000 with its 95 % interval from paired resampling of the applicants; p is the "
    "probability that the model costs more than the best. The best was chosen by the same figures, so a close second "
    "may be as good.",
    "Class weights and resampling raise the predicted probabilities: the Brier score shows it, the threshold allows "
    "for it.",
)
TEMPLATE = Path(__file__).resolve().parent / "templates" / "comparison.html.j2"
COST, AUC = "cost_per_1000", "auc"
DECIDING = (COST, AUC, "brier_score", "auc_gap", "fit_seconds")
OTHERS = tuple(name for name in MEASURES if name not in DECIDING)


def results_table(judged: Sequence[Judged], differences: Sequence[AgainstBest]) -> pd.DataFrame:
    """Every figure of the comparison, cheapest candidate first.

    Returns
    -------
    pandas.DataFrame
        `family`, `imbalance`, mean and standard deviation over the folds of each of `MEASURES`, and for cost and AUC
        the difference to the best with its interval and the probability that it is above 0.
    """
    rows = []
    for one, against in zip(judged, differences, strict=True):
        mean, spread = one.by_fold.mean(), one.by_fold.std(ddof=1)
        row: dict[str, Any] = {"family": one.candidate.family, "imbalance": one.candidate.treatment}
        for name in MEASURES:
            row |= {f"{name}_mean": float(mean[name]), f"{name}_std": float(spread[name])}
        row |= _columns("cost_difference", against.cost_per_1000) | _columns("auc_difference", against.auc)
        rows.append(row)
    return pd.DataFrame(rows).sort_values(["cost_per_1000_mean", "auc_mean"], ascending=[True, False], kind="stable")


def as_text(table: pd.DataFrame) -> str:
    """The table for a terminal: means, spreads of AUC and cost, and what the differences are worth."""
    shown = pd.DataFrame({"family": table["family"], "imbalance": table["imbalance"]})
    for name in MEASURES:
        spread = name in {"auc", "cost_per_1000"}
        shown[TITLES[name]] = [_cell(row, name, spread=spread) for row in _records(table)]
    shown["cost against the best"] = [_verdict(row) for row in _records(table)]
    return shown.to_string(index=False, justify="right")


def as_page(table: pd.DataFrame, subtitle: str, provenance: str) -> str:
    """The comparison as one HTML file: the measures that decide first, then the others, and the figure.

    Parameters
    ----------
    table : pandas.DataFrame
        As `results_table` makes it.
    subtitle : str
        What was compared on, in words.
    provenance : str
        Run, revision and time.
    """
    records = _records(table)
    picture = io.BytesIO()
    comparison_figure(table, subtitle).savefig(picture, format="png")
    return render(
        TEMPLATE,
        Head(
            title="Comparison of models",
            provenance=f"{subtitle}; {provenance}",
            verdict=Verdict(f"Lowest cost: {_model(records[0])}", "good"),
        ),
        columns=[
            ("Model", "t"),
            (_title(COST), "n"),
            ("Difference to the best (95 % interval)", "n"),
            ("Verdict", "t"),
            *((_title(name), "n") for name in DECIDING[1:]),
        ],
        rows=[(*_costs(row), *_cells(row, DECIDING[1:])) for row in records],
        other_columns=[("Model", "t"), *((_title(name), "n") for name in OTHERS)],
        other_rows=[(_model(row), *_cells(row, OTHERS)) for row in records],
        figure=png_uri(picture.getvalue(), "the comparison"),
        notes=NOTES,
    )


def _title(name: str) -> str:
    return TITLES[name][:1].upper() + TITLES[name][1:]


def _model(row: dict[str, Any]) -> str:
    return f"{row['family']} / {row['imbalance']}"


def _costs(row: dict[str, Any]) -> tuple[str, ...]:
    """Model, cost, its difference to the best, and what that difference is worth."""
    low, high = row["cost_difference_low"], row["cost_difference_high"]
    difference = f"{row['cost_difference']:+.1f} ({low:+.1f} to {high:+.1f})" if low or high else "-"
    return _model(row), _cell(row, COST, spread=True), difference, _kind(row)


def _cells(row: dict[str, Any], names: Sequence[str]) -> tuple[str, ...]:
    return tuple(_cell(row, name, spread=name != "fit_seconds") for name in names)


@styled
def comparison_figure(table: pd.DataFrame, subtitle: str) -> Figure:
    """Cost per 1,000 and AUC of every candidate, mean and standard deviation over the folds, cheapest on top."""
    families = sorted(table["family"].unique())
    colour = {family: FAMILIES[position % len(FAMILIES)] for position, family in enumerate(families)}
    figure = new_figure(1.8 + 0.29 * len(table))
    axes = figure.subplots(1, 2, sharey=True)
    heights = np.arange(len(table))[::-1]
    for panel, name, title in zip(axes, ("cost_per_1000", "auc"), ("cost per 1,000 applications", "AUC"), strict=True):
        for height, row in zip(heights, _records(table), strict=True):
            panel.errorbar(
                row[f"{name}_mean"],
                height,
                xerr=row[f"{name}_std"],
                fmt="o",
                color=colour[row["family"]],
                markersize=6,
                elinewidth=1.4,
                capsize=2.5,
            )
        best = table.iloc[0][f"{name}_mean"]
        panel.axvline(best, color=MUTED, linewidth=1, linestyle=DASHED, zorder=0)
        panel.set_xlabel(title)
        without_frame(panel)
    axes[0].set_yticks(heights, [f"{family} / {treatment}" for family, treatment in _names(table)], fontsize=SMALL)
    for label, (family, _) in zip(axes[0].get_yticklabels(), _names(table), strict=True):
        label.set_color(colour[family])
    axes[0].set_title("lower is better", color=MUTED)
    axes[1].set_title("higher is better", color=MUTED)
    titled(figure, "Models compared on the same folds", subtitle)
    return figure


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _names(table: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(table["family"], table["imbalance"], strict=True))


def _columns(name: str, difference: Difference) -> dict[str, float]:
    return {
        name: difference.estimate,
        f"{name}_low": difference.low,
        f"{name}_high": difference.high,
        f"{name}_probability_above_0": difference.probability_greater,
    }


def _cell(row: dict[str, Any], name: str, *, spread: bool) -> str:
    digits = DECIMALS.get(name, 3)
    mean, deviation = row[f"{name}_mean"], row[f"{name}_std"]
    if np.isnan(mean):
        return "-"
    return f"{mean:.{digits}f} ± {deviation:.{digits}f}" if spread else f"{mean:.{digits}f}"


def _verdict(row: dict[str, Any]) -> str:
    low, high = row["cost_difference_low"], row["cost_difference_high"]
    if low == high == 0:
        return _kind(row)
    chance = row["cost_difference_probability_above_0"]
    return f"{row['cost_difference']:+.1f} [{low:+.1f}, {high:+.1f}] p {chance:.2f} {_kind(row)}"


def _kind(row: dict[str, Any]) -> str:
    """What the difference to the best is worth."""
    low, high = row["cost_difference_low"], row["cost_difference_high"]
    if low == high == 0:
        return "same decisions" if row["auc_difference"] else "the best"
    return "significant" if low > 0 or high < 0 else "may be chance"
