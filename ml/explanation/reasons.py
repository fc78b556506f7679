"""Reason codes: at most four different things that point towards the decision about a client, in plain words.

Contributions are added up by theme (`ml.wording.themes`), so that many columns about one thing are one reason. For a
refusal only themes that raise the risk count, for a grant only those that lower it. The words are a fact about the
client: that of the theme's feature which adds most in the same direction, plain features and those whose value lies on
the side of the median that goes with the direction before others.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.data.population import ALL, GRID, PopulationStats
from ml.explanation.contributions import Contributions
from ml.wording.sentences import Row, label, sentence
from ml.wording.themes import BY_CODE, HISTORIES, THEMES, may_speak, theme_of
from ml.wording.values import value_words

MOST_REASONS = 4
MIN_SHARE = 0.08  # smaller themes change with every fit; larger limits leave clients with too few reasons
OBSCURE = (
    *("_slope", "_std", "_difference", "_product", "_weighted_sum", "_standard_score", "_times_", "_minus_"),
    *("ext_source_sum", "product_term", "sellerplace", "per_day_employed"),
)
OBSCURE_WEIGHT = 0.4
CONTRARY_WEIGHT = 0.2
FEATURES_SHOWN = 3
RAW_SCORES = frozenset({"ext_source_1", "ext_source_2", "ext_source_3"})
CODES = tuple(theme.code for theme in THEMES)


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
    themes : ndarray of int of shape (n_clients, MOST_REASONS)
        Positions in `THEMES`, the strongest first; -1 for none.
    representatives : ndarray of int of shape (n_clients, n_themes)
        Position of the feature whose words stand for the theme; meaningless where the theme is no reason.
    contribution : ndarray of float of shape (n_clients, n_themes)
        Log-odds that each theme adds.
    share : ndarray of float of shape (n_clients, n_themes)
        Of all that eligible themes add towards the decision; 0 elsewhere.
    direction : ndarray of int of shape (n_clients,)
        1 for a refusal, -1 for a grant.
    """

    themes: NDArray[np.int64]
    representatives: NDArray[np.int64]
    contribution: NDArray[np.float64]
    share: NDArray[np.float64]
    direction: NDArray[np.int64]

    @property
    def codes(self) -> list[tuple[str, ...]]:
        """Codes of each client's reasons, the strongest first."""
        return [tuple(CODES[theme] for theme in row if theme >= 0) for row in self.themes]


def rank(parts: Contributions, frame: pd.DataFrame, refused: NDArray[np.bool_], stats: PopulationStats) -> Ranking:
    """Choose the reasons of many clients at once.

    A theme is a reason when it adds at least `MIN_SHARE` of what points towards the decision. The order of `THEMES`
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
    theme_at = themes_of(parts.features)
    stated = np.array([may_speak(name) for name in parts.features])
    direction = np.where(refused, 1, -1)
    signed = direction[:, None] * parts.values
    in_theme = theme_at[:, None] == np.arange(len(THEMES))
    total = signed @ in_theme + _moved(signed, parts.features, theme_at, frame)
    eligible = (total > 0) & (signed @ (in_theme & stated[:, None]) > 0)
    eligible &= ~np.array([theme.protected for theme in THEMES])
    counted = np.where(eligible, total, 0.0)
    towards = counted.sum(axis=1, keepdims=True)
    share = np.divide(counted, towards, out=np.zeros_like(counted), where=towards > 0)
    order = np.argsort(-share, axis=1, kind="stable")[:, :MOST_REASONS]
    themes = np.where(np.take_along_axis(share, order, axis=1) >= MIN_SHARE, order, -1)
    representatives = _representatives(parts.features, theme_at, signed * stated, frame, direction, stats)
    return Ranking(themes, representatives, direction[:, None] * total, share, direction)


def themes_of(features: tuple[str, ...]) -> NDArray[np.int64]:
    """Position in `THEMES` of the theme of each feature."""
    return np.array([CODES.index(theme_of(name).code) for name in features])


def reason_texts(
    parts: Contributions, frame: pd.DataFrame, ranking: Ranking, stats: PopulationStats
) -> list[tuple[Reason, ...]]:
    """The reasons of each client, in words; arguments as in `rank`."""
    theme_at = themes_of(parts.features)
    return [
        tuple(
            _reason(parts, row, ranking, client, int(theme), theme_at, stats)
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
        at for at, theme in enumerate(THEMES) if theme.protected and contribution[at] * ranking.direction[client] > 0
    ]
    return [
        {"code": THEMES[at].code, "title": THEMES[at].title, "contribution": float(contribution[at])}
        for at in sorted(found, key=lambda at: -abs(contribution[at]))
    ]


def _moved(
    signed: NDArray[np.float64], features: Sequence[str], theme_at: NDArray[np.int64], frame: pd.DataFrame
) -> NDArray[np.float64]:
    """What moves between themes, shape (n_clients, n_themes), because a source knows nothing of a client.

    Debt, lateness and history at other lenders are then one thing to say: that there is no record of them.
    """
    moved = np.zeros((len(frame), len(THEMES)))
    emptied = np.zeros((len(frame), len(features)), dtype=bool)
    for flag, code, prefixes in HISTORIES:
        if flag not in frame:
            continue
        rows = (frame[flag] == 0).to_numpy()
        columns = np.array([name.startswith(prefixes) for name in features])
        moving = np.where(rows[:, None] & columns & ~emptied, signed, 0.0)
        emptied |= rows[:, None] & columns
        moved[:, CODES.index(code)] += moving.sum(axis=1)
        moved -= moving @ (theme_at[:, None] == np.arange(len(THEMES)))
    return moved


def _representatives(
    features: tuple[str, ...],
    theme_at: NDArray[np.int64],
    signed: NDArray[np.float64],
    frame: pd.DataFrame,
    direction: NDArray[np.int64],
    stats: PopulationStats,
) -> NDArray[np.int64]:
    """Position of the feature that represents each theme in words, shape (n_clients, n_themes)."""
    contrary = _contrary(features, frame, direction, stats)
    plain = np.array([OBSCURE_WEIGHT if any(part in name for part in OBSCURE) else 1.0 for name in features])
    weighted = signed * plain * np.where(contrary, CONTRARY_WEIGHT, 1.0)
    representatives = np.zeros((len(frame), len(THEMES)), dtype=np.int64)
    for theme in np.unique(theme_at):
        columns = np.flatnonzero(theme_at == theme)
        representatives[:, theme] = columns[np.argmax(weighted[:, columns], axis=1)]
    scores = [at for at, name in enumerate(features) if name in RAW_SCORES]
    if scores:
        # what the combinations of the scores say is said best by the score itself that lies farthest out
        depth = np.column_stack([_depth(frame[features[at]], direction, stats) for at in scores])
        farthest = np.array(scores)[np.argmax(depth, axis=1)]
        external = CODES.index("external_scores")
        representatives[:, external] = np.where(depth.max(axis=1) > 0, farthest, representatives[:, external])
    for flag, code, prefixes in HISTORIES:
        theme = CODES.index(code)
        own = [at for at, name in enumerate(features) if name.startswith(prefixes) and theme_at[at] == theme]
        if flag in frame and own:
            representatives[(frame[flag] == 0).to_numpy(), theme] = own[0]
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
    theme_at: NDArray[np.int64],
    stats: PopulationStats,
) -> Reason:
    representative = parts.features[ranking.representatives[client, theme]]
    own = np.flatnonzero(theme_at == theme)
    signed = parts.values[client, own] * ranking.direction[client]
    strongest = [int(own[at]) for at in np.argsort(-signed, kind="stable")[:FEATURES_SHOWN] if signed[at] > 0]
    return Reason(
        CODES[theme],
        BY_CODE[CODES[theme]].title,
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
        "label": label(feature),
        "theme": theme_of(name).code,
        "may_be_said": may_speak(name),
        "value": None if pd.isna(value) else value,
        "value_words": value_words(feature, value),
        "contribution": float(parts.values[client, at]),
    }
