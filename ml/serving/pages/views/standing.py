"""Where a client stands among all, accepted and similar clients."""

from typing import Any

from ml.data.population import ACCEPTED, ALL
from ml.serving.clients import SIMILAR, population, populations, similar
from ml.serving.deciding.decisions import Document
from ml.serving.deciding.refusals import Refusal
from ml.serving.live.generation import Generation, NotReadyError
from ml.serving.pages.views import charts
from warehouse.core.errors import CreditWarehouseError

AWAY = (NotReadyError, CreditWarehouseError, Refusal)
MAIN_FEATURES = (
    "amt_credit",
    "amt_annuity",
    "amt_goods_price",
    "amt_income_total",
    "days_employed",
    "ext_source_1",
    "ext_source_2",
    "ext_source_3",
)
EMPLOYMENT = "days_employed"
GROUP_NAMES = {ALL: "all applicants", ACCEPTED: "accepted applicants", SIMILAR: "similar clients"}


def standing_of(generation: Generation, document: Document, client: int | None) -> list[dict[str, Any]] | None:
    """Where the client stands in the main features and in those of the reasons."""
    if client is None:
        return None
    named = dict.fromkeys([*(reason["feature"] for reason in document.get("reasons", ())), *MAIN_FEATURES])
    try:
        found = populations(generation, [name for name in named if name in generation.stats.catalog], client)
    except AWAY:
        return None
    rows = []
    for shown in found:
        name = shown["feature"]
        own = shown["client"]
        rows.append(
            {
                "feature": name,
                "label": shown["label"],
                "words": _value_words(name, own),
                "sentence": own["sentence"],
                "below": own["share_below"] | {SIMILAR: _below_similar(shown)},
                "is_number": shown["kind"] == "number",
            }
        )
    return rows


def _below_similar(shown: Document) -> float | None:
    """Share of similar clients below the client's bin and half of those in it: only the bins are known."""
    shares, own = shown["groups"].get(SIMILAR), shown["client"]["value"]
    if shown["kind"] != "number" or shares is None or own is None:
        return None
    edges = shown["edges"]
    at = min(sum(own >= edge for edge in edges[1:-1]), len(shares) - 1)
    return float(sum(shares[:at]) + shares[at] / 2)


def shown_among(generation: Generation, name: str, client: int | None) -> dict[str, Any] | None:
    """One feature among all, accepted and similar clients, with its chart."""
    try:
        shown = population(generation, name, client)
    except AWAY:
        return None
    own = shown["client"]
    value = own["value"] if own and isinstance(own["value"], int | float) else None
    chart = None
    if shown["kind"] == "number" and shown["edges"] and shown["groups"]:
        chart = charts.histogram(shown["edges"], shown["groups"], value)
    return shown | {"chart": chart, "words": _value_words(name, own) if own else None}


def _value_words(name: str, own: Document) -> str:
    return "not employed" if name == EMPLOYMENT and own["value"] is None else own["words"]


def similar_to(generation: Generation, client: int | None) -> Document | None:
    """Clients like one, and how many of them repaid; None when that cannot be told."""
    if client is None:
        return None
    try:
        return similar(generation, client)
    except AWAY:
        return None


def features_by_theme(generation: Generation) -> list[tuple[str, list[tuple[str, str]]]]:
    """Features that can be shown, by theme."""
    by_theme: dict[str, list[tuple[str, str]]] = {}
    for feature in generation.stats.catalog.values():
        by_theme.setdefault(feature.theme_title, []).append((feature.name, feature.label))
    return [(title, sorted(listed, key=lambda one: one[1])) for title, listed in by_theme.items()]


def first_feature(generation: Generation, document: Document) -> str:
    """The feature that is shown until another one is chosen."""
    named = [reason["feature"] for reason in document.get("reasons", ())] + list(MAIN_FEATURES)
    catalog = generation.stats.catalog
    return next((name for name in named if name in catalog), next(iter(catalog)))
