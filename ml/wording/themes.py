"""What a feature is about: themes, so that four reasons are four different things, and what may not be a reason.

The catalogue gives every feature its theme. Clusters of correlated columns were not taken: they move with every sample
and re-fit, and nobody can name them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ml.data.catalog import Feature

PROTECTED_RULE = (
    "Gender, age and family status are never a reason: a theme of them is left out and the next one takes its place; "
    "a feature computed with one of them counts in its theme but is never named, and a theme is a reason only when its "
    "other features alone point the same way. What was left out is listed in `withheld`."
)


@dataclass(frozen=True)
class Theme:
    """One thing that a reason can be about.

    Attributes
    ----------
    code : str
        Stable name for programs.
    title : str
        Name for people.
    protected : bool
        Whether every feature of it is protected, so that it may never be a reason.
    """

    code: str
    title: str
    protected: bool


@dataclass(frozen=True)
class Themes:
    """The themes of some features.

    Attributes
    ----------
    features : tuple of Feature
        In the order of the model's.

    Examples
    --------
    >>> score = Feature("s", "number", "score 0..1", "", "mart", "external_scores", "Scores", "score")
    >>> debt = Feature("d", "number", "ratio", "", "mart", "debt", "Debt", "debt over credit")
    >>> themes = Themes((score, debt, score))
    >>> [theme.code for theme in themes.listed], themes.at.tolist()
    (['debt', 'external_scores'], [1, 0, 1])
    """

    features: tuple[Feature, ...]

    @cached_property
    def listed(self) -> tuple[Theme, ...]:
        """Every theme once, by code."""
        own: dict[str, list[Feature]] = {}
        for feature in self.features:
            own.setdefault(feature.theme, []).append(feature)
        return tuple(
            Theme(code, own[code][0].theme_title, all(feature.is_protected for feature in own[code]))
            for code in sorted(own)
        )

    @cached_property
    def at(self) -> NDArray[np.int64]:
        """Position in `listed` of the theme of each feature."""
        return np.array([self.position(feature.theme) for feature in self.features], dtype=np.int64)

    @cached_property
    def membership(self) -> NDArray[np.bool_]:
        """Whether a feature is of a theme, shape (n_features, n_themes)."""
        return self.at[:, None] == np.arange(len(self.listed))

    @cached_property
    def histories(self) -> dict[str, NDArray[np.bool_]]:
        """Features that a flag of 0 empties, by flag, shape (n_features,); the widest flag first."""
        flags = {flag: rank for feature in self.features for rank, flag in enumerate(feature.histories)}
        return {
            flag: np.array([flag in feature.histories for feature in self.features])
            for flag in sorted(flags, key=lambda flag: (flags[flag], flag))
        }

    def position(self, code: str) -> int | None:
        """Position of a theme in `listed`; None when no feature is of it."""
        return self._positions.get(code)

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {theme.code: position for position, theme in enumerate(self.listed)}


def themes_of(features: Sequence[Feature]) -> Themes:
    """The themes of some features."""
    return Themes(tuple(features))
