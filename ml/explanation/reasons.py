"""Reason codes: at most four different things that point towards the decision about a client, in plain words.

Contributions are added up by theme (`ml.wording.themes`), so that many columns about one thing are one reason. For a
refusal only themes that raise the risk count, for a grant only those that lower it. The words are a fact about the
client: that of the theme's feature which adds most in the same direction and may be a reason by the catalogue, those
whose value lies on the side of the median that goes with the direction before others.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.data.population import ALL, GRID, PopulationStats
from ml.explanation.columns import ClientRow, Columns, FrameColumns
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


@dataclass(frozen=True)
class ReasonRules:
    """How reasons are chosen from some features: what depends on the features alone is prepared once.

    A theme is a reason when it adds at least `MIN_SHARE` of what points towards the decision. The order of the codes
    decides a draw.

    Attributes
    ----------
    features : tuple of str
        Those of `Contributions`, in its order.
    stats : PopulationStats
        What features mean, and the medians to compare with.
    """

    features: tuple[str, ...]
    stats: PopulationStats

    def rank(self, parts: Contributions, clients: Columns, refused: NDArray[np.bool_]) -> Ranking:
        """Choose the reasons of many clients at once.

        Parameters
        ----------
        parts : Contributions
            Of the clients.
        clients : Columns
            Their raw features.
        refused : ndarray of bool of shape (n_clients,)
            The decisions.
        """
        about = self.about
        direction = np.where(refused, 1, -1)
        signed = direction[:, None] * parts.values
        moved = self._moved(signed, clients)
        total = signed @ self._membership + moved
        named = np.maximum(signed * self._may_be_named, 0)
        eligible = (total > 0) & (signed @ self._unprotected_membership > 0)
        eligible &= (named @ self._membership > 0) | (moved > 0)
        eligible &= self._themes_that_may_be_reasons
        counted = np.where(eligible, total, 0.0)
        towards = counted.sum(axis=1, keepdims=True)
        share = np.divide(counted, towards, out=np.zeros_like(counted), where=towards > 0)
        order = np.argsort(-share, axis=1, kind="stable")[:, :MOST_REASONS]
        themes = np.where(np.take_along_axis(share, order, axis=1) >= MIN_SHARE, order, -1)
        representatives = self._representatives(signed * self._may_be_named, clients, direction)
        return Ranking(about.listed, themes, representatives, direction[:, None] * total, share, direction)

    def texts(
        self, parts: Contributions, clients: Columns, ranking: Ranking, *, with_features: bool = True
    ) -> list[tuple[Reason, ...]]:
        """The reasons of each client, in words; arguments as in `rank`.

        Without the features that make up each theme it takes half the time.
        """
        return [
            tuple(
                self._reason(parts, row, ranking, client, int(theme), with_features)
                for theme in ranking.themes[client]
                if theme >= 0
            )
            for client, row in enumerate(client_rows(clients))
        ]

    @cached_property
    def about(self) -> Themes:
        """The themes of the features."""
        return themes_of([self.stats.feature(name) for name in self.features])

    @cached_property
    def _membership(self) -> NDArray[np.float64]:
        return self.about.membership.astype(np.float64)

    @cached_property
    def _unprotected_membership(self) -> NDArray[np.float64]:
        unprotected = np.array([not feature.is_protected for feature in self.about.features])
        return self._membership * unprotected[:, None]

    @cached_property
    def _may_be_named(self) -> NDArray[np.bool_]:
        return np.array([feature.may_be_reason for feature in self.about.features])

    @cached_property
    def _themes_that_may_be_reasons(self) -> NDArray[np.bool_]:
        return np.array([not theme.protected for theme in self.about.listed])

    @cached_property
    def _histories(self) -> tuple[tuple[str, NDArray[np.bool_], int], ...]:
        """Flags of the model, the widest first, each with the features that it empties and the theme that says so."""
        theme_of = dict(zip(self.features, self.about.at.tolist(), strict=True))
        return tuple(
            (flag, columns, theme_of[flag]) for flag, columns in self.about.histories.items() if flag in theme_of
        )

    @cached_property
    def _position(self) -> dict[str, int]:
        return {name: at for at, name in enumerate(self.features)}

    @cached_property
    def _in_theme(self) -> tuple[NDArray[np.int64], ...]:
        return tuple(np.flatnonzero(self.about.at == theme) for theme in range(len(self.about.listed)))

    @cached_property
    def _numeric(self) -> tuple[list[int], list[str], NDArray[np.float64], NDArray[np.float64]]:
        """Positions and names of numbers, their medians, and 1 where larger values are riskier, -1 where safer."""
        rows = {at: row for at, name in enumerate(self.features) if (row := self.stats.row_of(name)) is not None}
        names = [self.features[at] for at in rows]
        median = self.stats.quantiles[ALL][list(rows.values()), GRID // 2]
        return list(rows), names, median, np.array([self._riskier(name) for name in names])

    def _moved(self, signed: NDArray[np.float64], clients: Columns) -> NDArray[np.float64]:
        """What moves between themes, shape (n_clients, n_themes), because a source knows nothing of a client.

        Debt, lateness and history at other lenders are then one thing to say: that there is no record of them.
        """
        moved = np.zeros((len(clients), len(self.about.listed)))
        emptied = np.zeros(signed.shape, dtype=bool)
        for flag, columns, theme in self._histories:
            rows = _is_zero(clients, flag)
            if not rows.any():
                continue
            moving = np.where(rows[:, None] & columns & ~emptied, signed, 0.0)
            emptied |= rows[:, None] & columns
            moved[:, theme] += moving.sum(axis=1)
            moved -= moving @ self._membership
        return moved

    def _representatives(
        self, signed: NDArray[np.float64], clients: Columns, direction: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Position of the feature whose words stand for each theme, shape (n_clients, n_themes)."""
        weighted = signed * np.where(self._contrary(clients, direction), CONTRARY_WEIGHT, 1.0)
        representatives = np.zeros((len(clients), len(self.about.listed)), dtype=np.int64)
        if len(clients) == 1:
            representatives[0] = np.where(self.about.membership.T, weighted[0], -np.inf).argmax(axis=1)
        else:
            for theme, columns in enumerate(self._in_theme):
                representatives[:, theme] = columns[np.argmax(weighted[:, columns], axis=1)]
        scores = [at for at, name in enumerate(self.features) if name in RAW_SCORES]
        if scores:
            # what the combinations of the scores say is said best by the score itself that lies farthest out
            depth = np.column_stack([self._depth(self.features[at], clients, direction) for at in scores])
            farthest = np.array(scores)[np.argmax(depth, axis=1)]
            external = self.about.position(EXTERNAL_SCORES)
            representatives[:, external] = np.where(depth.max(axis=1) > 0, farthest, representatives[:, external])
        for flag, _, theme in self._histories:
            representatives[_is_zero(clients, flag), theme] = self._position[flag]
        return representatives

    def _contrary(self, clients: Columns, direction: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Values on the side of the median that goes against the decision, shape (n_clients, n_features).

        By the catalogue's AUC of the feature alone; texts, what is not known and the median itself go against nothing.
        """
        contrary = np.zeros((len(clients), len(self.features)), dtype=bool)
        positions, names, median, riskier = self._numeric
        contrary[:, positions] = (clients.numbers(names) - median) * riskier * direction[:, None] < 0
        return contrary

    def _depth(self, name: str, clients: Columns, direction: NDArray[np.int64]) -> NDArray[np.float64]:
        """How far values lie from the median of applicants on the decision's side: -0.5 to 0.5 in ranks; 0 for null."""
        numbers = clients.numbers([name])[:, 0]
        rank_of = np.searchsorted(self.stats.quantiles[ALL][self.stats.row_of(name)], numbers) / GRID
        return np.where(np.isnan(numbers), 0.0, (rank_of - 0.5) * self._riskier(name) * direction)

    def _riskier(self, name: str) -> float:
        """1 when larger values are riskier, -1 when they are safer, 0 when the catalogue does not know."""
        area = self.stats.feature(name).auc
        return 0.0 if area is None else float(np.sign(area - 0.5))

    def _reason(
        self, parts: Contributions, row: Row, ranking: Ranking, client: int, theme: int, with_features: bool
    ) -> Reason:
        representative = self.features[ranking.representatives[client, theme]]
        strongest = self._strongest(parts, ranking, client, theme) if with_features else []
        return Reason(
            ranking.listed[theme].code,
            ranking.listed[theme].title,
            sentence(self.stats.feature(representative), row, self.stats),
            representative,
            float(ranking.contribution[client, theme]),
            float(ranking.share[client, theme]),
            tuple(feature_entry(parts, row, client, at, self.stats) for at in strongest),
        )

    def _strongest(self, parts: Contributions, ranking: Ranking, client: int, theme: int) -> list[int]:
        """Features of a theme that point towards the decision, the strongest first."""
        own = self._in_theme[theme]
        signed = parts.values[client, own] * ranking.direction[client]
        return [int(own[at]) for at in np.argsort(-signed, kind="stable")[:FEATURES_SHOWN] if signed[at] > 0]


def rank(parts: Contributions, frame: pd.DataFrame, refused: NDArray[np.bool_], stats: PopulationStats) -> Ranking:
    """Choose the reasons of the clients of a frame; see `ReasonRules`."""
    return ReasonRules(parts.features, stats).rank(parts, FrameColumns(frame), refused)


def client_rows(clients: Columns) -> list[ClientRow]:
    """The clients one by one, in their order."""
    return [ClientRow(clients, client) for client in range(len(clients))]


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


def _is_zero(clients: Columns, flag: str) -> NDArray[np.bool_]:
    return np.asarray(clients.column(flag) == 0, dtype=bool)


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
