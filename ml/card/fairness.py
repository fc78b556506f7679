"""The model card's section on fairness: what `ml.fairness` logged to the run, in words."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml.card.words import cost, share, with_interval
from ml.evaluation.bootstrap import Interval
from ml.fair_lending.report import ARTIFACTS, FIGURE_FILE, GROUPS_FILE, PRICE_FILE
from ml.registry.registry import RegisteredModel, Registry
from warehouse.core.errors import ModelError, first_line

GROUPS, PRICE, FIGURE = (f"{ARTIFACTS}/{name}" for name in (GROUPS_FILE, PRICE_FILE, FIGURE_FILE))


def fairness_section(registry: Registry, model: RegisteredModel) -> dict[str, Any] | None:
    """Rows of the table by group, and which groups fall below four fifths; None when the run has no such artefact.

    Raises
    ------
    ModelError
        The artefact is not what `ml.fairness` writes.
    """
    with tempfile.TemporaryDirectory() as folder:
        measured, priced = (registry.fetch(model, name, Path(folder)) for name in (GROUPS, PRICE))
        if measured is None:
            return None
        try:
            document = json.loads(measured.read_text("utf-8"))
            price = json.loads(priced.read_text("utf-8")) if priced else None
            line, groups = document["four_fifths"], document["groups"]
            return {
                "judged_on": document["judged_on"],
                "applicants": f"{document['applicants']:,}",
                "rows": [_row(group, line) for group in groups],
                "failing": [f"{one['attribute']}: {one['group']}" for one in groups if _fails(one, line)],
                "small": any(one["is_small"] for one in groups),
                "line": f"{line:.2f}",
                "price": _price(price) if price else None,
            }
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                expected=f"measures by group in {GROUPS} of the run of version {model.version}",
                found=f"{type(error).__name__} {first_line(error)}",
                remedy=f"make them again: python -m ml.fairness --version {model.version}",
            ) from error


def _row(group: Mapping[str, Any], line: float) -> list[str]:
    impact = _interval(group["impact_ratio"])
    return [
        group["attribute"],
        group["group"] + (" *" if group["is_small"] else ""),
        f"{group['applicants']:,}",
        share(group["default_rate"]),
        _per_cent(group["approval_rate"]),
        _per_cent(group["true_positive_rate"]),
        _per_cent(group["false_positive_rate"]),
        with_interval(_interval(group["cost_per_1000"]), cost),
        "-" if impact is None else f"{impact.estimate:.2f}" + (" !" if _fails(group, line) else ""),
    ]


def _price(document: Mapping[str, Any]) -> str:
    ends = ("estimate", "low", "high")
    area, spent = (Interval(*(document[name][end] for end in ends)) for name in ("auc_difference", "cost_difference"))
    return (
        f"Without the {len(document['dropped'])} of {document['features']} features made of gender, age or family, on "
        f"the same folds, the AUC changes by {area.estimate:+.3f} ({area.low:+.3f} to {area.high:+.3f}) and the cost "
        f"per 1,000 by {spent.estimate:+.0f} ({spent.low:+.0f} to {spent.high:+.0f}; 95 % intervals)."
    )


def _interval(ends: Mapping[str, float | None]) -> Interval | None:
    """None where a group has nothing to measure: no defaulters, say."""
    known = {name: end for name, end in ends.items() if end is not None}
    return Interval(**known) if len(known) == len(ends) else None


def _per_cent(ends: Mapping[str, float | None]) -> str:
    """Per cent without the sign, which stands in the column's head."""
    interval = _interval(ends)
    return "-" if interval is None else with_interval(interval, lambda value: f"{100 * value:.0f}")


def _fails(group: Mapping[str, Any], line: float) -> bool:
    estimate = group["impact_ratio"]["estimate"]
    return estimate is not None and estimate < line
