"""What the page of the model shows: what its run has logged to the registry."""

import json
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from ml.evaluation.calibration import reliability
from ml.registry.registry import RegisteredModel, Registry
from ml.serving.live.generation import Generation
from ml.serving.pages.views import charts
from ml.wording.sentences import capitalised
from warehouse.core.errors import CreditWarehouseError
from warehouse.core.settings import Settings

CARD = "model_card/model_card.html"
THEMES, FEATURES, COSTS = "explain/themes.json", "explain/features.json", "cost_curve.csv"
SHOWN_FEATURES, SHOWN_COSTS, MOST_THRESHOLD = 15, 120, 0.5
TABLE_COSTS = (0.02, 0.05, 1 / 11, 0.1, 0.15, 0.2, 0.3, 0.5)
# Of the metrics of the run: name for people, what it means, and whether it is a share.
MEASURES = (
    ("holdout_auc", "AUC", "0.5 is guessing, 1 perfect; on clients who had no part in training"),
    ("holdout_gini", "Gini", "2 x AUC - 1"),
    ("holdout_ks", "KS", "greatest distance between the two classes; higher is better"),
    ("holdout_brier_score", "Brier score", "mean squared error of the probabilities; lower is better"),
    ("holdout_cost_per_1000", "Cost per 1,000 applications", "10 for a loan that fails, 1 for a good client refused"),
)


def model_view(settings: Settings, generation: Generation) -> dict[str, Any]:
    """The figures of the version that answers; `logged` is None when the registry holds none of them."""
    model = generation.model
    about = {
        "model_version": model.version,
        "threshold": model.threshold,
        "features": len(model.scorer.features),
        "manifest": model.manifest,
        "logged": None,
    }
    if model.registered is None:
        return about
    try:
        return about | {"logged": _logged(settings, model.registered, model.threshold)}
    except CreditWarehouseError:
        return about


def model_card(settings: Settings, generation: Generation) -> str | None:
    """The card that was written for the version, as HTML; None when none was."""
    registered = generation.model.registered
    if registered is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Registry(settings).fetch(registered, CARD, Path(folder))
        return None if path is None else path.read_text(encoding="utf-8")


def _logged(settings: Settings, model: RegisteredModel, threshold: float) -> dict[str, Any]:
    registry = Registry(settings)
    with tempfile.TemporaryDirectory() as folder:
        texts = {
            name: None if path is None else path.read_text(encoding="utf-8")
            for name in (THEMES, FEATURES, COSTS)
            for path in [registry.fetch(model, name, Path(folder))]
        }
        has_card = registry.fetch(model, CARD, Path(folder)) is not None
    return {
        "has_card": has_card,
        "measures": _measures(model.metrics),
        "metrics": model.metrics,
        "themes": _ranked(texts[THEMES], "title"),
        "top_features": _ranked(texts[FEATURES], "label")[:SHOWN_FEATURES],
        "costs": _costs(texts[COSTS], threshold),
        "calibration": _calibration(registry, model),
    }


def _measures(metrics: dict[str, float]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "meaning": meaning,
            "value": metrics[key],
            "low": metrics.get(f"{key}_low"),
            "high": metrics.get(f"{key}_high"),
            "digits": 0 if "cost" in key else 3,
        }
        for key, name, meaning in MEASURES
        if key in metrics
    ]


def _ranked(text: str | None, name: str) -> list[dict[str, Any]]:
    """Names with their mean contribution, as a share of the largest."""
    listed = json.loads(text) if text else []
    largest = max((one["mean_absolute"] for one in listed), default=1.0) or 1.0
    return [
        {"name": capitalised(one[name]), "size": one["mean_absolute"], "of_largest": one["mean_absolute"] / largest}
        for one in listed
    ]


def _costs(text: str | None, threshold: float) -> dict[str, Any] | None:
    """Cost by threshold, thinned for the chart."""
    if not text:
        return None
    rows = [line.split(",") for line in text.strip().splitlines()[1:]]
    pairs = [(float(one), float(two)) for one, two in rows if float(one) <= MOST_THRESHOLD]
    thinned = pairs[:: max(1, len(pairs) // SHOWN_COSTS)]
    chart = charts.line([one for one, _ in thinned], [two for _, two in thinned], marked=threshold)

    def cost_at(share: float) -> float:
        """Cost at the nearest threshold that was measured."""
        return min(pairs, key=lambda pair: abs(pair[0] - share))[1]

    return {
        "chart": chart,
        "at_threshold": cost_at(threshold),
        "least": min(two for _, two in pairs),
        "rows": [(share, cost_at(share)) for share in sorted({*TABLE_COSTS, threshold})],
    }


def _calibration(registry: Registry, model: RegisteredModel) -> dict[str, Any] | None:
    """Predicted against observed default rate, in ten groups of clients, out of fold."""
    try:
        frame: pd.DataFrame = registry.out_of_fold(model)
    except CreditWarehouseError:
        return None
    groups = reliability(frame["target"].to_numpy(), frame["default_probability"].to_numpy())
    predicted, observed = groups.predicted.tolist(), groups.observed.tolist()
    return {
        "chart": charts.line(predicted, observed, most_x=max(*predicted, *observed)),
        "rows": list(zip(predicted, observed, groups.applicants.tolist(), strict=True)),
        "error": model.metrics.get("expected_calibration_error"),
    }
