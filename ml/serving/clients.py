"""What is known of a client, where it stands among others, and who is like it."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.data.catalog import Feature
from ml.data.population import ACCEPTED, ALL, GRID
from ml.serving.deciding.decisions import Document, unknown_client
from ml.serving.deciding.refusals import UNKNOWN_FEATURE, Refusal
from ml.serving.live.features import Features
from ml.serving.live.generation import Generation, NotReadyError
from ml.serving.live.neighbours import NEAREST, Similar, theme_points
from ml.serving.live.rows import RowFile
from ml.wording.sentences import capitalised, sentence
from ml.wording.values import known, value_words

SIMILAR = "similar"
BINS = 20
EDGE = 5  # of the quantiles: what lies beyond 1 and 99 % is counted in the outer bins
SHOWN_TEXTS = 15


def facts(generation: Generation, client: int) -> Document:
    """Every feature of a client with its meaning, by theme.

    Raises
    ------
    Refusal
        There is no such client.
    """
    features = find(generation, client)
    row = Row(features)
    listed = [
        {
            "feature": feature.name,
            "theme": feature.theme,
            "label": capitalised(feature.label),
            "description": feature.description,
            "unit": feature.unit,
            "value": known(row[feature.name]),
            "words": value_words(feature, row[feature.name]),
            "protected": feature.is_protected,
        }
        for feature in generation.catalog.values()
        if feature.name in features
    ]
    titles = {feature.theme: feature.theme_title for feature in generation.catalog.values()}
    return {
        "client_id": client,
        "snapshot_id": generation.snapshot.snapshot_id,
        "themes": [{"code": code, "title": title} for code, title in titles.items()],
        "facts": sorted(listed, key=lambda fact: (list(titles).index(fact["theme"]), fact["label"])),
    }


def population(generation: Generation, name: str, client: int | None = None) -> Document:
    """How a feature is distributed among all applicants, the accepted and those like a client; where the client stands.

    Raises
    ------
    Refusal
        The model does not know the feature, or there is no such client.
    """
    return populations(generation, [name], client)[0]


def populations(generation: Generation, names: Sequence[str], client: int | None = None) -> list[Document]:
    """The same of several features; similar clients are looked for once.

    Raises
    ------
    Refusal
        The model does not know one of the features, or there is no such client.
    """
    if not set(names) <= set(generation.stats.catalog):
        raise Refusal(UNKNOWN_FEATURE, "the model reads no feature of this name; GET /v1/clients/{id} lists them")
    if client is None:
        return [_distribution(generation, name, None) | {"client": None} for name in names]
    features = find(generation, client)
    alike = _alike(generation, client, features)
    return [
        _distribution(generation, name, alike) | {"client": _place(generation, name, client, features)}
        for name in names
    ]


def similar(generation: Generation, client: int) -> Document:
    """The 50 nearest clients whose outcome is known, by what each theme adds to their score: how many repaid.

    Raises
    ------
    Refusal
        There is no such client.
    NotReadyError
        Similar clients are still being computed.
    """
    features = find(generation, client)
    found = _similar(generation, client, features)
    count = len(found.places)
    return {
        "client_id": client,
        "clients": count,
        "repaid": found.repaid,
        "repaid_share": found.repaid / count,
        "interval": {"level": 0.95, "low": found.interval[0], "high": found.interval[1]},
        "space": "what each theme adds to the log-odds of default; gender, age and family left out",
        "model_version": generation.model.version,
        "snapshot_id": generation.snapshot.snapshot_id,
    }


def find(generation: Generation, client: int) -> Features:
    """Features of a client; `Refusal` when the snapshot does not hold it."""
    found, features = generation.rows.find([client])
    if not found:
        raise unknown_client(generation)
    return features


class Row(dict[str, Any]):
    """One client's values by feature, each looked up when it is asked for."""

    def __init__(self, features: Features) -> None:
        super().__init__()
        self._features = features

    def __missing__(self, name: str) -> float | str | None:
        value = self._features.column(name)[0]
        self[name] = value.item() if isinstance(value, np.generic) else value
        found: float | str | None = self[name]
        return found

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - as of dict
        """The value; the default of a feature that there is not."""
        return self[name] if name in self._features else default


def _distribution(generation: Generation, name: str, alike: Features | None) -> Document:
    feature = generation.stats.catalog[name]
    is_number = generation.stats.row_of(name) is not None
    about = {
        "feature": name,
        "label": capitalised(feature.label),
        "description": feature.description,
        "unit": feature.unit,
        "protected": feature.is_protected,
        "model_version": generation.model.version,
        "snapshot_id": generation.snapshot.snapshot_id,
    }
    return about | (_numeric(generation, feature, alike) if is_number else _texts(generation, feature, alike))


def _place(generation: Generation, name: str, client: int, features: Features) -> Document:
    """A client's value, and the share of others with a lower one."""
    stats, row = generation.stats, Row(features)
    value = known(row[name])
    places = {}
    for group in (ALL, ACCEPTED):
        is_placed = stats.row_of(name) is not None
        place = stats.place(group, name, float(value)) if is_placed and value is not None else None
        places[group] = None if place is None else place.below
    feature = stats.catalog[name]
    words, fact = value_words(feature, value), sentence(feature, row, stats)
    return {"client_id": client, "value": value, "words": words, "sentence": fact, "share_below": places}


def _similar(generation: Generation, client: int, features: Features) -> Similar:
    rows = generation.rows
    if not isinstance(rows, RowFile):
        raise NotReadyError("similar clients are being computed for this model and snapshot")
    _, parts = generation.scorer.scored(features)
    place = int(np.searchsorted(rows.keys, client))
    return generation.neighbours.nearest(theme_points(parts, generation.rules.about)[0], place, NEAREST)


def _alike(generation: Generation, client: int, features: Features) -> Features | None:
    """Features of similar clients; None while they are being computed."""
    try:
        found = _similar(generation, client, features)
    except NotReadyError:
        return None
    rows = generation.rows
    return rows.at(found.places) if isinstance(rows, RowFile) else None


def _numeric(generation: Generation, feature: Feature, alike: Features | None) -> Document:
    stats = generation.stats
    row = stats.row_of(feature.name)
    quantiles = {group: stats.quantiles[group][row] for group in (ALL, ACCEPTED)}
    whole = quantiles[ALL]
    low, high = float(whole[EDGE]), float(whole[GRID - 1 - EDGE])
    if np.isnan(low):
        return {"kind": "number", "edges": [], "groups": {}}
    edges = np.linspace(low, high, BINS + 1) if high > low else np.array([low, low + 1.0])
    groups = {group: list(_shares(values, edges)) for group, values in quantiles.items() if not np.isnan(values[0])}
    known_shares = {group: float(stats.known[group][row]) for group in quantiles}
    clients: dict[str, int] = dict(stats.clients)
    if alike is not None:
        values = alike.column(feature.name)
        there = values[~np.isnan(values)]
        known_shares[SIMILAR], clients[SIMILAR] = len(there) / max(len(values), 1), len(values)
        if len(there):
            groups[SIMILAR] = list(_shares(np.sort(there), edges))
    return {
        "kind": "number",
        "edges": edges.tolist(),
        "groups": groups,
        "known": known_shares,
        "clients": clients,
    }


def _shares(ordered: NDArray[np.float64], edges: NDArray[np.float64]) -> Iterator[float]:
    """Share of ascending values in each bin; the outer bins take what lies beyond them."""
    reached = np.searchsorted(ordered, edges[1:-1], side="left") / len(ordered)
    return iter(np.diff([0.0, *reached, 1.0]).tolist())


def _texts(generation: Generation, feature: Feature, alike: Features | None) -> Document:
    stats = generation.stats
    groups = {group: dict(stats.categories[group].get(feature.name, {})) for group in (ALL, ACCEPTED)}
    clients: dict[str, int] = dict(stats.clients)
    if alike is not None:
        given = [text for text in alike.column(feature.name) if text is not None]
        groups[SIMILAR] = {text: given.count(text) / len(given) for text in set(given)}
        clients[SIMILAR] = len(alike)
    words = sorted(groups[ALL], key=lambda text: -groups[ALL][text])[:SHOWN_TEXTS]
    return {
        "kind": "text",
        "values": words,
        "groups": {group: [float(shares.get(text, 0.0)) for text in words] for group, shares in groups.items()},
        "clients": clients,
    }
