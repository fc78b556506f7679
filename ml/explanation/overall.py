"""A model explained as a whole: which features and themes move the score, and how."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ml.data.population import PopulationStats
from ml.explanation.contributions import Contributions, Encoded, additivity_error, contributions
from ml.explanation.figures import (
    DEPENDENCE_SHOWN,
    SHOWN,
    bar_figure,
    beeswarm_figure,
    dependence_figure,
    feature_labels,
)
from ml.explanation.population import POPULATION_FILE
from ml.served.scorer import CreditScorer
from ml.wording.themes import themes_of

DIGITS = 6


@dataclass(frozen=True)
class GlobalExplanation:
    """Figures and the data behind them, by file name without suffix."""

    figures: dict[str, Figure]
    documents: dict[str, Any]


def explain_model(
    scorer: CreditScorer, sample: pd.DataFrame, stats: PopulationStats, subtitle: str
) -> GlobalExplanation:
    """Explain a model by its contributions on a sample of applicants.

    Parameters
    ----------
    scorer : CreditScorer
        The model.
    sample : DataFrame of shape (n_applicants, n_features)
        Raw features.
    stats : PopulationStats
        Gives the names of the features.
    subtitle : str
        Which model on whom, in a few words.

    Returns
    -------
    GlobalExplanation
        `beeswarm`, `features`, `themes`, `dependence`, and the document `summary`.
    """
    parts = contributions(scorer, Encoded(sample))
    mean = np.abs(parts.values).mean(axis=0)
    order = np.argsort(-mean, kind="stable")
    shown = order[: min(SHOWN, len(order))]
    names = [parts.features[at] for at in shown]
    labels = feature_labels(stats, names)
    top, few = shown[:DEPENDENCE_SHOWN], names[:DEPENDENCE_SHOWN]
    data = _values(sample, names)
    themes = themes_of([stats.feature(name) for name in parts.features])
    theme_values = parts.values @ themes.membership
    theme_mean = np.abs(theme_values).mean(axis=0)
    theme_order = [int(at) for at in np.argsort(-theme_mean, kind="stable") if theme_mean[at] > 0]
    subtitle = subtitle + _share_words(parts)
    figures = {
        "beeswarm": beeswarm_figure(parts.values[:, shown], _numbers(data), labels, subtitle),
        "features": bar_figure(mean[shown], labels, "Features that move the score most", subtitle),
        "themes": bar_figure(
            theme_mean[theme_order],
            [themes.listed[at].title for at in theme_order],
            "What the score is about",
            f"{subtitle}; contributions of a theme's features added up per client",
        ),
        "dependence": dependence_figure(parts.values[:, top], data[few], labels[:DEPENDENCE_SHOWN], subtitle),
    }
    documents = {
        "summary": _summary(scorer, sample, parts),
        "features": [_feature_row(parts, stats, at, mean) for at in order],
        "themes": [
            {"code": themes.listed[at].code, "title": themes.listed[at].title, "mean_absolute": float(theme_mean[at])}
            for at in theme_order
        ],
        "beeswarm": [_dots(parts, data, at, name) for at, name in zip(shown, names, strict=True)],
        "dependence": [_dots(parts, data, at, name) for at, name in zip(top, few, strict=True)],
    }
    return GlobalExplanation(figures, documents)


def write(explanation: GlobalExplanation, stats: PopulationStats, folder: Path) -> None:
    """Write figures, documents and the population to compare clients with into a folder."""
    for name, figure in explanation.figures.items():
        figure.savefig(folder / f"{name}.png")
    for name, document in explanation.documents.items():
        text = json.dumps(document, indent=1, allow_nan=False)
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    stats.save(folder / POPULATION_FILE)


def _summary(scorer: CreditScorer, sample: pd.DataFrame, parts: Contributions) -> dict[str, Any]:
    return {
        "applicants": len(sample),
        "features": len(parts.features),
        "features_without_contribution": int(np.sum(~parts.values.any(axis=0))),
        "base_log_odds": parts.base,
        "explained_share": parts.explained_share,
        "left_out": list(parts.left_out),
        "additivity_error": additivity_error(scorer, sample, parts),
        "unit": "log-odds of default; with several members the weighted mean of their log-odds, before calibration",
    }


def _feature_row(parts: Contributions, stats: PopulationStats, at: int, mean: NDArray[np.float64]) -> dict[str, Any]:
    feature = stats.feature(parts.features[at])
    return {
        "feature": feature.name,
        "label": feature.label,
        "description": feature.description,
        "theme": feature.theme,
        "mean_absolute": float(mean[at]),
    }


def _dots(parts: Contributions, data: pd.DataFrame, at: int, name: str) -> dict[str, Any]:
    """Value and contribution of each applicant, without the key."""
    values = [None if pd.isna(value) else value for value in data[name].tolist()]
    return {"feature": name, "values": values, "contributions": np.round(parts.values[:, at], DIGITS).tolist()}


def _values(sample: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Values of features; null throughout for one that the model makes itself."""
    return sample.reindex(columns=names).reset_index(drop=True)


def _numbers(data: pd.DataFrame) -> NDArray[np.float64]:
    """Values for the colour scale: texts as positions among their sorted values."""
    columns = [
        column if pd.api.types.is_numeric_dtype(column) else pd.Series(pd.factorize(column, sort=True)[0])
        for _, column in data.items()
    ]
    return np.column_stack([column.to_numpy(dtype=np.float64) for column in columns])


def _share_words(parts: Contributions) -> str:
    if parts.explained_share == 1:
        return ""
    return f"; {parts.explained_share:.0%} of the model by weight, without {', '.join(parts.left_out)}"
