"""What a model card says, gathered from the run that made a version: words and rounded numbers for a template."""

import json
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ml.card.words import (
    CALIBRATIONS,
    EXTRAS,
    NOT_MEASURED,
    SELECTIONS,
    brier,
    cost,
    measure,
    members_in_words,
    share,
    training_command,
    with_interval,
)
from ml.data.catalog import CatalogRow
from ml.data.protected import is_protected
from ml.data.training_set import TARGET
from ml.evaluation.bootstrap import LEVEL, RESAMPLES, Interval
from ml.evaluation.judged import Judged
from ml.evaluation.metrics import THEORETICAL_THRESHOLD
from ml.modelling.guards import (
    ANY_SIZE_AUC_LIMIT,
    ANY_SIZE_GAP_LIMIT,
    REAL_SIZE,
    REAL_SIZE_AUC_LIMIT,
    REAL_SIZE_GAP_LIMIT,
)
from ml.registry.registry import (
    CHALLENGER,
    CHAMPION,
    GUARD_TAG,
    MODEL_NAME,
    REFUSED,
    VERDICT_TAG,
    RegisteredModel,
    Registry,
)

MARTS = {
    "feat_application": "the application itself",
    "feat_bureau": "loans of other lenders, from the credit bureau",
    "feat_previous_application": "earlier applications to Home Credit",
    "feat_installments": "instalments paid on earlier loans",
    "feat_pos_cash": "monthly records of point-of-sale and cash loans",
    "feat_credit_card": "monthly records of credit cards",
    "feat_cross_source": "several of these sources at once",
}
PERFORMANCE = (
    ("auc", "AUC", measure, "chance that a defaulter is ranked riskier than a good payer; 0.5 is guessing, 1 perfect"),
    ("gini", "Gini", measure, "2 x AUC - 1; 0 is guessing, 1 perfect"),
    ("ks", "KS", measure, "greatest distance between the two classes' cumulated scores; 0 to 1, higher is better"),
    ("brier_score", "Brier score", brier, "mean squared error of the probabilities; lower is better"),
)
COST, SCORE, MONEY = "cost_per_1000", "normalised_score", "amount_weighted_cost"
TOP_FEATURES, TOP_THEMES = 10, 8
CLEAR_DIRECTION = 0.3
EXPLAIN_FOLDER = "explain"


NOT_IN_CATALOG = CatalogRow("not in the catalogue", "")


def gather(registry: Registry, model: RegisteredModel, catalog: Mapping[str, CatalogRow] | None) -> dict[str, Any]:
    """All sections of the card but fairness.

    Parameters
    ----------
    registry : Registry
        Holds the run.
    model : RegisteredModel
        The version that the card is of.
    catalog : mapping of str to CatalogRow, optional
        By feature, from `marts.feature_catalog`; None when there is no catalogue at hand.

    Raises
    ------
    ModelError
        The run has lost its manifest or its predictions.
    """
    manifest = registry.manifest(model)
    predictions = registry.out_of_fold(model)
    aliases = registry.aliases()
    standing = [alias for alias in (CHAMPION, CHALLENGER) if aliases.get(alias) == model.version]
    return {
        "model": {
            "name": MODEL_NAME,
            "version": model.version,
            "run": model.run_id,
            "standing": standing[0] if standing else "neither champion nor challenger",
            "trained": f"{registry.trained_at(model):%d %B %Y, %H:%M} UTC",
        },
        "data": _data(manifest),
        "method": _method(manifest, catalog),
        "results": _results(model.metrics, manifest, predictions),
        "threshold": _threshold(model.metrics, manifest),
        "calibration": _calibration(manifest),
        "variables": _variables(registry, model),
        "guards": _guards(model, manifest),
        "reproduction": _reproduction(manifest),
    }


def _data(manifest: Mapping[str, Any]) -> dict[str, Any]:
    data = manifest["data"]
    return {
        "rows": f"{data['rows']:,}",
        "defaulters": f"{data['defaulters']:,}",
        "rate": share(data["defaulters"] / data["rows"], 2),
        "features": f"{data['columns'] - 2:,}",
        "development": f"{data['development_rows']:,}",
        "holdout": f"{data['holdout_rows']:,}" if data["holdout_rows"] else None,
        "fingerprint": data["fingerprint"],
        "folds_fingerprint": data["folds_fingerprint"],
        "duckdb": data["duckdb_version"],
        "small": data["rows"] < REAL_SIZE,
    }


def _method(manifest: Mapping[str, Any], catalog: Mapping[str, CatalogRow] | None) -> dict[str, Any]:
    config, names = manifest["config"], manifest["model_features"]
    return {
        "members": members_in_words(config),
        "features": f"{len(names):,}",
        "numbers": f"{len(set(names) & set(manifest['features']['numeric'])):,}",
        "texts": f"{len(set(names) & set(manifest['features']['categorical'])):,}",
        "protected": f"{sum(is_protected(name, _row(catalog, name).description) for name in names):,}",
        "selection": SELECTIONS.get(config["select"], config["select"]),
        "extras": [EXTRAS.get(name, name) for name in config["extras"]],
        "marts": None if catalog is None else _by_mart(names, catalog),
        "folds": config["folds"],
        "repeats": config["repeats"],
        "holdout": share(config["holdout"], 0) if config["holdout"] else None,
        "fitted_on": manifest["fitted_on"],
    }


def _row(catalog: Mapping[str, CatalogRow] | None, name: str) -> CatalogRow:
    return (catalog or {}).get(name, NOT_IN_CATALOG)


def _by_mart(names: Sequence[str], catalog: Mapping[str, CatalogRow]) -> list[list[str]]:
    counts = Counter(_row(catalog, name).mart for name in names)
    return [[mart, MARTS.get(mart, "-"), f"{count:,}"] for mart, count in counts.most_common()]


def _results(metrics: Mapping[str, float], manifest: Mapping[str, Any], predictions: pd.DataFrame) -> dict[str, Any]:
    held_out = {name: Interval(**ends) for name, ends in (manifest["holdout"] or {}).items()}
    folded = out_of_fold_intervals(metrics, manifest, predictions)
    rate = float(predictions[TARGET].mean())
    spread = {name.removesuffix("_sd"): value for name, value in metrics.items() if name.endswith("_sd")}

    def row(name: str, words: Any) -> list[str]:  # noqa: ANN401 - a function of this module's table
        """A measure on the hold-out and out of fold, with its intervals."""
        aside = with_interval(held_out.get(name), words) if held_out else "no hold-out"
        return [aside, with_interval(folded.get(name), words)]

    money = share(metrics[MONEY], 2) if MONEY in metrics else NOT_MEASURED
    return {
        "performance": [[label, *row(name, words), meaning] for name, label, words, meaning in PERFORMANCE]
        + [["Cost per 1,000", *row(COST, cost), "10 per defaulter granted, 1 per good payer refused; lower is better"]],
        "views": [
            ["Cost per 1,000 applications", *row(COST, cost), cost(metrics["cost_per_1000_accept_all"])],
            ["Normalised score, best 1 + 9 x default rate", *row(SCORE, measure), measure(1 - 11 * rate)],
            [
                "Money lost, share of credit asked for",
                with_interval(held_out.get(MONEY), lambda value: share(value, 2)) if held_out else "no hold-out",
                money,
                "-",
            ],
        ],
        "money_missing": manifest["not_measured"]["amount_weighted_cost"],
        "level": share(LEVEL, 0),
        "resamples": f"{RESAMPLES:,}",
        "spread": f"AUC {spread['auc']:.4f}, cost {spread[COST]:.1f}" if "auc" in spread else None,
        "auc": share(metrics["auc"]),
        "cost": cost(metrics[COST]),
        "accept_all": cost(metrics["cost_per_1000_accept_all"]),
        "saved": share(1 - metrics[COST] / metrics["cost_per_1000_accept_all"], 0),
        "holdout_rows": manifest["data"]["holdout_rows"],
        "wide": 0 < manifest["data"]["holdout_rows"] < REAL_SIZE // 5,
    }


def out_of_fold_intervals(
    metrics: Mapping[str, float],
    manifest: Mapping[str, Any],
    predictions: pd.DataFrame,
    resamples: int = RESAMPLES,
) -> dict[str, Interval]:
    """Intervals around the logged out-of-fold measures, by name.

    The logged measures are means over the repeats of the cross-validation; the intervals have the width that resampling
    the applicants gives the mean prediction and the mean cost of each.
    """
    target, costs = predictions[TARGET].to_numpy(), predictions["cost"].to_numpy()
    judged = Judged(target, predictions["default_probability"].to_numpy(), costs)
    drawn = judged.intervals(manifest["config"]["seed"], resamples)
    return {name: interval.around(metrics[name]) for name, interval in drawn.items()}


def _threshold(metrics: Mapping[str, float], manifest: Mapping[str, Any]) -> dict[str, Any]:
    chosen = manifest["threshold"]
    return {
        "value": share(chosen, 2),
        "theory": share(THEORETICAL_THRESHOLD, 2),
        "is_theory": bool(np.isclose(chosen, THEORETICAL_THRESHOLD)),
        "rows": [
            ["Chosen threshold, judged on folds that had no part in choosing it", cost(metrics[COST])],
            ["Chosen threshold, on the rows that chose it (optimistic)", cost(metrics["cost_per_1000_same_rows"])],
            ["1/11, the best for exact probabilities", cost(metrics["cost_per_1000_at_theoretical"])],
            ["Everyone is granted credit", cost(metrics["cost_per_1000_accept_all"])],
        ],
        "refused": share(metrics["refusal_share"]),
        "recall": share(metrics["recall"]),
        "precision": share(metrics["precision"]),
    }


def _calibration(manifest: Mapping[str, Any]) -> dict[str, Any]:
    chosen = manifest["calibration"]
    names = {"none": "uncalibrated", "sigmoid": "logistic curve", "isotonic": "isotonic"}
    return {
        "words": CALIBRATIONS.get(chosen["method"], chosen["method"]),
        "error": share(chosen["measured"][chosen["method"]]["expected_calibration_error"], 2),
        "rows": [
            [
                names.get(method, method) + (" (chosen)" if method == chosen["method"] else ""),
                brier(measured["brier_score"]),
                share(measured["expected_calibration_error"], 2),
            ]
            for method, measured in chosen["measured"].items()
        ],
    }


def _variables(registry: Registry, model: RegisteredModel) -> dict[str, Any] | None:
    """What `ml.explain` logged to the run; None when it has not been run."""
    names = ("features", "themes", "beeswarm", "summary")
    with tempfile.TemporaryDirectory() as folder:
        found = {name: registry.fetch(model, f"{EXPLAIN_FOLDER}/{name}.json", Path(folder)) for name in names}
        read = {name: json.loads(path.read_text("utf-8")) for name, path in found.items() if path}
    if len(read) < len(names):
        return None
    titles = {theme["code"]: theme["title"] for theme in read["themes"]}
    directions = {dots["feature"]: _direction(dots["values"], dots["contributions"]) for dots in read["beeswarm"]}
    return {
        "applicants": f"{read['summary']['applicants']:,}",
        "explained": share(read["summary"]["explained_share"], 0),
        "features": [
            [
                one["label"],
                titles.get(one["theme"], one["theme"]),
                f"x {np.exp(one['mean_absolute']):.2f}",
                directions.get(one["feature"], "-"),
            ]
            for one in read["features"][:TOP_FEATURES]
        ],
        "themes": [
            f"{theme['title'].lower()} (x {np.exp(theme['mean_absolute']):.2f})"
            for theme in read["themes"][:TOP_THEMES]
        ],
    }


def _direction(values: Sequence[Any], contributions: Sequence[float]) -> str:
    """Whether larger values raise the risk, by the rank correlation of value and contribution."""
    if any(isinstance(value, str) for value in values):
        return "depends on the category"
    known = pd.DataFrame({"value": values, "contribution": contributions}).astype(float).dropna()
    if known["value"].nunique() < 2 or known["contribution"].nunique() < 2:
        return "-"
    correlation = known["value"].rank().corr(known["contribution"].rank())
    if abs(correlation) < CLEAR_DIRECTION:
        return "no single direction"
    return "higher is riskier" if correlation > 0 else "higher is safer"


def _guards(model: RegisteredModel, manifest: Mapping[str, Any]) -> dict[str, Any]:
    real = manifest["data"]["development_rows"] >= REAL_SIZE
    own_limit = manifest["config"]["max_auc_gap"]
    tags = model.tags
    return {
        "auc": measure(model.metrics["auc"]),
        "auc_limit": measure(REAL_SIZE_AUC_LIMIT if real else ANY_SIZE_AUC_LIMIT),
        "gap": measure(model.metrics["auc_gap"]),
        "gap_limit": measure(own_limit or (REAL_SIZE_GAP_LIMIT if real else ANY_SIZE_GAP_LIMIT)),
        "passed": tags.get(GUARD_TAG) != REFUSED,
        "guard": tags.get(GUARD_TAG, "unknown"),
        "verdict": tags.get(VERDICT_TAG, "not recorded"),
        "promoted": {name: tags.get(f"promoted_{name}") for name in ("when", "who", "how", "reason", "from")},
    }


def _reproduction(manifest: Mapping[str, Any]) -> dict[str, Any]:
    git = manifest["git"]
    command, complete = training_command(manifest["config"], manifest["data"]["rows"])
    return {
        "revision": git["revision"],
        "dirty": git["dirty"] == "true",
        "known": git["revision"] != "unknown",
        "seed": manifest["config"]["seed"],
        "command": command,
        "complete": complete,
        "versions": ", ".join(f"{name} {number}" for name, number in manifest["versions"].items()),
    }
