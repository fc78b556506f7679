"""Reason codes: at most four different things that point towards the decision about a client, in plain words.

Contributions are added up by theme (`ml.wording.themes`), so that many columns about one thing are one reason. For a
refusal only themes that raise the risk count, for a grant only those that lower it. The words are a fact about the
client: that of the theme's feature which adds most in the same direction and may be a reason by the catalogue, those
whose value lies on the side of the median that goes with the direction before others.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.data.population import ALL, GRID, PopulationStats
from ml.explanation.contributions import Contributions
from ml.wording.sentences import Row, sentence
from ml.wording.themes import Theme, Themes, themes_of
from ml.wording.values import value_words

MOST_REASONS = 4
MIN_SHARE = 0.08  # smaller themes change with every fit; larger limits leave clients with too few reasons
CONTRARY_WEIGHT = 0.2
FEATURES_SHOWN = 3
RAW_SCORES = frozenset({"ext_source_1", "ext_source_2", "ext_source_3"})
EXTERNAL_SCORES = "external_scores"


@dataclass(frozen=True)
class Reason:
    """One reason.

    Attributes
    ----------
    code, title : str
        The theme, for programs and for people.
    text : str
        A fact about the client, in plain words.
    feature : str
        The feature that it is about.
    contribution : float
        What the theme adds to the log-odds of default; above 0 raises the risk.
    share : float
        Of all that themes which may be reasons add in this direction; 0 to 1.
    features : tuple of dict
        The theme's strongest features in this direction: name, label, value, words for the value, contribution.
    """

    code: str
    title: str
    text: str
    feature: str
    contribution: float
    share: float
    features: tuple[dict[str, object], ...]


@dataclass(frozen=True)
class Ranking:
    """Reasons of many clients as numbers.

    Attributes
    ----------
    listed : tuple of Theme
        The themes of the model's features.
    themes : ndarray of int of shape (n_clients, MOST_REASONS)
        Positions in `listed`, the strongest first; -1 for none.
    representatives : ndarray of int of shape (n_clients, n_themes)
        Position of the feature whose words stand for the theme; meaningless where the theme is no reason.
    contribution : ndarray of float of shape (n_clients, n_themes)
        Log-odds that each theme adds.
    share : ndarray of float of shape (n_clients, n_themes)
        Of all that eligible themes add towards the decision; 0 elsewhere.
    direction : ndarray of int of shape (n_clients,)
        1 for a refusal, -1 for a grant.
    """

    listed: tuple[Theme, ...]
    themes: NDArray[np.int64]
    representatives: NDArray[np.int64]
    contribution: NDArray[np.float64]
    share: NDArray[np.float64]
    direction: NDArray[np.int64]

    @property
    def codes(self) -> list[tuple[str, ...]]:
        """Codes of each client's reasons, the strongest first."""
        return [tuple(self.listed[theme].code for theme in row if theme >= 0) for row in self.themes]


def rank(parts: Contributions, frame: pd.DataFrame, refused: NDArray[np.bool_], stats: PopulationStats) -> Ranking:
    """Choose the reasons of many clients at once.

    A theme is a reason when it adds at least `MIN_SHARE` of what points towards the decision. The order of the codes
    decides a draw.

    Parameters
    ----------
    parts : Contributions
        Of the clients.
    frame : DataFrame of shape (n_clients, n_features)
        Their raw features.
    refused : ndarray of bool of shape (n_clients,)
        The decisions.
    stats : PopulationStats
        Medians to compare with.

    Returns
    -------
    Ranking
    """
    about = _themes(parts, stats)
    may_be_named = np.array([feature.may_be_reason for feature in about.features])
    direction = np.where(refused, 1, -1)
    signed = direction[:, None] * parts.values
    moved = _moved(signed, about, frame)
    total = signed @ about.membership + moved
    unprotected = np.array([not feature.is_protected for feature in about.features])
    named = np.maximum(signed * may_be_named, 0)
    eligible = (total > 0) & (signed @ (about.membership & unprotected[:, None]) > 0)
    eligible &= (named @ about.membership > 0) | (moved > 0)
    eligible &= ~np.array([theme.protected for theme in about.listed])
    counted = np.where(eligible, total, 0.0)
    towards = counted.sum(axis=1, keepdims=True)
    share = np.divide(counted, towards, out=np.zeros_like(counted), where=towards > 0)
    order = np.argsort(-share, axis=1, kind="stable")[:, :MOST_REASONS]
    themes = np.where(np.take_along_axis(share, order, axis=1) >= MIN_SHARE, order, -1)
    representatives = _representatives(parts.features, about, signed * may_be_named, frame, direction, stats)
    return Ranking(about.listed, themes, representatives, direction[:, None] * total, share, direction)


def _themes(parts: Contributions, stats: PopulationStats) -> Themes:
    return themes_of([stats.feature(name) for name in parts.features])


def reason_texts(
    parts: Contributions, frame: pd.DataFrame, ranking: Ranking, stats: PopulationStats
) -> list[tuple[Reason, ...]]:
    """The reasons of each client, in words; arguments as in `rank`."""
    about = _themes(parts, stats)
    return [
        tuple(
            _reason(parts, row, ranking, client, int(theme), about, stats)
            for theme in ranking.themes[client]
            if theme >= 0
        )
        for client, row in enumerate(client_rows(frame))
    ]


class ClientRow(Mapping[str, float | str | None]):
    """One client's values by feature, looked up in the columns of all: only what is said is read."""

    def __init__(self, columns: "_Columns", client: int) -> None:
        self._columns = columns
        self._client = client

    def __getitem__(self, name: str) -> float | str | None:
        value = self._columns[name][self._client]
        return value.item() if isinstance(value, np.generic) else value

    def __iter__(self) -> Iterator[str]:
        return iter(str(name) for name in self._columns.frame.columns)

    def __len__(self) -> int:
        return self._columns.frame.shape[1]


class _Columns(dict[str, NDArray]):
    """Columns of a frame as arrays, each made when it is first asked for."""

    def __init__(self, frame: pd.DataFrame) -> None:
        super().__init__()
        self.frame = frame

    def __missing__(self, name: str) -> NDArray:
        self[name] = self.frame[name].to_numpy()
        return self[name]


def client_rows(frame: pd.DataFrame) -> list[ClientRow]:
    """The clients of a frame, in its order."""
    columns = _Columns(frame)
    return [ClientRow(columns, client) for client in range(len(frame))]


def withheld(ranking: Ranking, client: int) -> list[dict[str, object]]:
    """Protected themes that point towards a client's decision and may not be a reason, the strongest first."""
    contribution = ranking.contribution[client]
    found = [
        at
        for at, theme in enumerate(ranking.listed)
        if theme.protected and contribution[at] * ranking.direction[client] > 0
    ]
    return [
        {
            "code": ranking.listed[at].code,
            "title": ranking.listed[at].title,
            "contribution": float(contribution[at]),
        }
        for at in sorted(found, key=lambda at: -abs(contribution[at]))
    ]


def _moved(signed: NDArray[np.float64], about: Themes, frame: pd.DataFrame) -> NDArray[np.float64]:
    """What moves between themes, shape (n_clients, n_themes), because a source knows nothing of a client.

    Debt, lateness and history at other lenders are then one thing to say: that there is no record of them.
    """
    moved = np.zeros((len(frame), len(about.listed)))
    emptied = np.zeros(signed.shape, dtype=bool)
    for flag, columns, theme in _histories(about, frame):
        rows = (frame[flag] == 0).to_numpy()
        moving = np.where(rows[:, None] & columns & ~emptied, signed, 0.0)
        emptied |= rows[:, None] & columns
        moved[:, theme] += moving.sum(axis=1)
        moved -= moving @ about.membership
    return moved


def _histories(about: Themes, frame: pd.DataFrame) -> Iterator[tuple[str, NDArray[np.bool_], int]]:
    """Flags of the model, the widest first, each with the features that it empties and the theme that says so."""
    theme_of = {feature.name: int(theme) for feature, theme in zip(about.features, about.at, strict=True)}
    for flag, columns in about.histories.items():
        if flag in frame and flag in theme_of:
            yield flag, columns, theme_of[flag]


def _representatives(
    features: tuple[str, ...],
    about: Themes,
    signed: NDArray[np.float64],
    frame: pd.DataFrame,
    direction: NDArray[np.int64],
    stats: PopulationStats,
) -> NDArray[np.int64]:
    """Position of the feature whose words stand for each theme, shape (n_clients, n_themes)."""
    weighted = signed * np.where(_contrary(features, frame, direction, stats), CONTRARY_WEIGHT, 1.0)
    representatives = np.zeros((len(frame), len(about.listed)), dtype=np.int64)
    for theme in range(len(about.listed)):
        columns = np.flatnonzero(about.at == theme)
        representatives[:, theme] = columns[np.argmax(weighted[:, columns], axis=1)]
    scores = [at for at, name in enumerate(features) if name in RAW_SCORES]
    if scores:
        # what the combinations of the scores say is said best by the score itself that lies farthest out
        depth = np.column_stack([_depth(frame[features[at]], direction, stats) for at in scores])
        farthest = np.array(scores)[np.argmax(depth, axis=1)]
        external = about.position(EXTERNAL_SCORES)
        representatives[:, external] = np.where(depth.max(axis=1) > 0, farthest, representatives[:, external])
    for flag, _, theme in _histories(about, frame):
        representatives[(frame[flag] == 0).to_numpy(), theme] = features.index(flag)
    return representatives


def _contrary(
    features: Sequence[str], frame: pd.DataFrame, direction: NDArray[np.int64], stats: PopulationStats
) -> NDArray[np.bool_]:
    """Values on the side of the median that goes against the decision, shape (n_clients, n_features).

    By the catalogue's AUC of the feature alone; texts, what is not known and the median itself go against nothing.
    """
    contrary = np.zeros((len(frame), len(features)), dtype=bool)
    rows = {at: row for at, name in enumerate(features) if (row := stats.row_of(name)) is not None}
    numeric = list(rows)
    names = [features[at] for at in numeric]
    median = stats.quantiles[ALL][list(rows.values()), GRID // 2]
    riskier = np.array([_riskier(stats, name) for name in names])
    contrary[:, numeric] = (frame[names].to_numpy(dtype=np.float64) - median) * riskier * direction[:, None] < 0
    return contrary


def _depth(values: pd.Series, direction: NDArray[np.int64], stats: PopulationStats) -> NDArray[np.float64]:
    """How far values lie from the median of applicants on the decision's side: -0.5 to 0.5 in ranks; 0 for null."""
    name = str(values.name)
    numbers = values.to_numpy(dtype=np.float64)
    rank_of = np.searchsorted(stats.quantiles[ALL][stats.row_of(name)], numbers) / GRID
    return np.where(np.isnan(numbers), 0.0, (rank_of - 0.5) * _riskier(stats, name) * direction)


def _riskier(stats: PopulationStats, name: str) -> float:
    """1 when larger values are riskier, -1 when they are safer, 0 when the catalogue does not know."""
    area = stats.feature(name).auc
    return 0.0 if area is None else float(np.sign(area - 0.5))


def _reason(
    parts: Contributions,
    row: Row,
    ranking: Ranking,
    client: int,
    theme: int,
    about: Themes,
    stats: PopulationStats,
) -> Reason:
    representative = parts.features[ranking.representatives[client, theme]]
    own = np.flatnonzero(about.at == theme)
    signed = parts.values[client, own] * ranking.direction[client]
    strongest = [int(own[at]) for at in np.argsort(-signed, kind="stable")[:FEATURES_SHOWN] if signed[at] > 0]
    return Reason(
        ranking.listed[theme].code,
        ranking.listed[theme].title,
        sentence(stats.feature(representative), row, stats),
        representative,
        float(ranking.contribution[client, theme]),
        float(ranking.share[client, theme]),
        tuple(feature_entry(parts, row, client, at, stats) for at in strongest),
    )


def feature_entry(parts: Contributions, row: Row, client: int, at: int, stats: PopulationStats) -> dict[str, object]:
    """One feature of one client for a program or a figure."""
    name = parts.features[at]
    feature = stats.feature(name)
    value = row.get(name)
    return {
        "feature": name,
        "label": feature.label,
        "theme": feature.theme,
        "may_be_said": feature.may_be_reason,
        "value": None if pd.isna(value) else value,
        "value_words": value_words(feature, value),
        "contribution": float(parts.values[client, at]),
    }
