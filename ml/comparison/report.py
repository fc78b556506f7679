"""The comparison as a table, a page and a figure."""

import html
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ml.comparison.candidates import MEASURES, AgainstBest, Judged
from ml.evaluation.bootstrap import Difference
from ml.reporting.plots import INK, MUTED

COLOURS = ("#8a949c", "#1f5f8b", "#5a8f3c", "#8f5aa8", "#c8502d", "#c99a1e")
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
    "auc_gap": "AUC train - valid",
    "fit_seconds": "fit s",
}
NOTES = (
    "Mean and standard deviation over the folds. Cost (10 per defaulter granted, 1 per good payer refused), F1, F2, "
    "recall and precision: each fold judged by the threshold chosen on the others.",
    "Against the best: difference of cost per 1,000 with its 95 % interval, applicants resampled, the same for both; p "
    "is the chance that the model costs more than the best. The best of many was chosen by the same figures, so a "
    "close second may be as good.",
    "Class weights and resampling shift probabilities upwards: their Brier score shows it, their threshold allows "
    "for it.",
)
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #22303c; margin: 2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid #e6e9ec; white-space: nowrap; }
th { background: #f4f6f7; position: sticky; top: 0; }
td:nth-child(1), td:nth-child(2), th:nth-child(1), th:nth-child(2) { text-align: left; }
tr.best { font-weight: 600; background: #fbf3ef; }
p { max-width: 60rem; } img { max-width: 100%; }
"""


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
        row = {"family": one.candidate.family, "imbalance": one.candidate.treatment}
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
        shown[TITLES[name]] = [_cell(row, name, spread=spread) for row in table.to_dict("records")]
    shown["cost against the best"] = [_verdict(row) for row in table.to_dict("records")]
    return shown.to_string(index=False, justify="right")


def as_page(table: pd.DataFrame, subtitle: str, figure_file: str) -> str:
    """The table as an HTML page, with every spread."""
    titles = ["family", "imbalance", *(TITLES[name] for name in MEASURES), "cost against the best"]
    rows = []
    for position, row in enumerate(table.to_dict("records")):
        cells = [row["family"], row["imbalance"], *(_cell(row, name, spread=True) for name in MEASURES), _verdict(row)]
        opening = '<tr class="best">' if position == 0 else "<tr>"
        rows.append(opening + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>")
    head = "".join(f"<th>{html.escape(title)}</th>" for title in titles)
    notes = "".join(f"<p>{html.escape(note)}</p>" for note in NOTES)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Comparison of models</title>'
        f"<style>{STYLE}</style>"
        f"<h1>Comparison of models</h1><p>{html.escape(subtitle)}</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>{notes}"
        f'<img src="{figure_file}" alt="Cost per 1,000 applications and AUC of every model"></html>\n'
    )


def comparison_figure(table: pd.DataFrame, subtitle: str) -> Figure:
    """Cost per 1,000 and AUC of every candidate, mean and standard deviation over the folds, cheapest on top."""
    families = sorted(table["family"].unique())
    colour = {family: COLOURS[position % len(COLOURS)] for position, family in enumerate(families)}
    figure = Figure(figsize=(10.5, 1.8 + 0.29 * len(table)), dpi=130, layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    heights = np.arange(len(table))[::-1]
    for panel, name, title in zip(axes, ("cost_per_1000", "auc"), ("cost per 1,000 applications", "AUC"), strict=True):
        for height, row in zip(heights, table.to_dict("records"), strict=True):
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
        panel.axvline(best, color=MUTED, linewidth=1, linestyle=":", zorder=0)
        panel.set_xlabel(title, color=INK)
        panel.spines[["top", "right", "left"]].set_visible(False)
        panel.grid(axis="x", color="#e6e9ec", linewidth=0.8)
        panel.tick_params(axis="y", length=0)
        panel.set_axisbelow(True)
    axes[0].set_yticks(heights, [f"{family} / {treatment}" for family, treatment in _names(table)], fontsize=9)
    for label, (family, _) in zip(axes[0].get_yticklabels(), _names(table), strict=True):
        label.set_color(colour[family])
    axes[0].set_title("lower is better", loc="left", color=MUTED, fontsize=10)
    axes[1].set_title("higher is better", loc="left", color=MUTED, fontsize=10)
    figure.suptitle(f"Models compared on the same folds\n{subtitle}", color=INK, fontsize=12, x=0.02, ha="left")
    return figure


def _names(table: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(table["family"], table["imbalance"], strict=True))


def _columns(name: str, difference: Difference) -> dict[str, float]:
    return {
        name: difference.estimate,
        f"{name}_low": difference.low,
        f"{name}_high": difference.high,
        f"{name}_probability_above_0": difference.probability_greater,
    }


def _cell(row: dict[str, float], name: str, *, spread: bool) -> str:
    digits = DECIMALS.get(name, 3)
    mean, deviation = row[f"{name}_mean"], row[f"{name}_std"]
    if np.isnan(mean):
        return "-"
    return f"{mean:.{digits}f} ± {deviation:.{digits}f}" if spread else f"{mean:.{digits}f}"


def _verdict(row: dict[str, float]) -> str:
    low, high = row["cost_difference_low"], row["cost_difference_high"]
    if low == high == 0:
        return "decides alike" if row["auc_difference"] else "the best"
    kind = "real" if low > 0 or high < 0 else "may be luck"
    chance = row["cost_difference_probability_above_0"]
    return f"{row['cost_difference']:+.1f} [{low:+.1f}, {high:+.1f}] p {chance:.2f} {kind}"
