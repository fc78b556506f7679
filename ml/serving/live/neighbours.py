"""Labelled clients in the space of themes: who is like a client in what the model looks at."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree
from scipy.stats import binomtest

from ml.data.population import PopulationStats
from ml.explanation.contributions import Contributions
from ml.serving.live.row_scorer import RowScorer
from ml.serving.live.rows import RowFile
from ml.wording.themes import Themes, themes_of
from warehouse.core.files import replace_folder

MOST_CLIENTS = 30_000  # a larger sample moves the rate of 50 neighbours less than its interval is wide
ROWS_AT_ONCE = 500
SEED = 42
NEAREST = 50


@dataclass(frozen=True)
class Similar:
    """Clients whose outcome is known and who are like another.

    Attributes
    ----------
    places : ndarray of int of shape (n_similar,)
        In the file of rows, the nearest first.
    repaid : int
        How many of them have repaid.
    interval : tuple of float
        95 % interval (Wilson) of the share that repays.
    """

    places: NDArray[np.intp]
    repaid: int
    interval: tuple[float, float]


@dataclass(frozen=True)
class Neighbours:
    """Labelled clients by what each theme adds to their log-odds.

    Attributes
    ----------
    codes : tuple of str
        Themes, by which the space is measured.
    points : ndarray of float32 of shape (n_clients, n_themes)
    places : ndarray of int64 of shape (n_clients,)
        In the file of rows.
    targets : ndarray of float32 of shape (n_clients,)
    """

    codes: tuple[str, ...]
    points: NDArray[np.float32]
    places: NDArray[np.int64]
    targets: NDArray[np.float32]

    @classmethod
    def open(cls, folder: Path) -> "Neighbours":
        """Read what `write_neighbours` wrote."""
        codes = tuple(json.loads((folder / "codes.json").read_text(encoding="utf-8")))
        return cls(codes, *(np.load(folder / f"{name}.npy") for name in ("points", "places", "targets")))

    def nearest(self, point: NDArray[np.float64], own_place: int | None, count: int = NEAREST) -> Similar:
        """The clients nearest to a point, the client at `own_place` left out."""
        wanted = min(count + 1, len(self.places))
        _, found = self._tree.query(point, k=range(1, wanted + 1))
        others = [at for at in found.tolist() if self.places[at] != own_place][:count]
        repaid = int((self.targets[others] == 0).sum())
        interval = binomtest(repaid, len(others)).proportion_ci(method="wilson")
        return Similar(self.places[others], repaid, (float(interval.low), float(interval.high)))

    @cached_property
    def _tree(self) -> KDTree:
        return KDTree(self.points)


def theme_points(parts: Contributions, about: Themes) -> NDArray[np.float64]:
    """What each theme that is not protected adds to the log-odds, shape (n_clients, n_themes)."""
    points: NDArray[np.float64] = parts.values @ about.membership[:, _compared(about)].astype(np.float64)
    return points


def _compared(about: Themes) -> list[int]:
    """Themes by which clients are compared: never gender, age or family."""
    return [at for at, theme in enumerate(about.listed) if not theme.protected]


def write_neighbours(rows: RowFile, scorer: RowScorer, stats: PopulationStats, folder: Path) -> None:
    """Compute the themes of a sample of the labelled clients; a folder, whole or not at all."""
    about = themes_of([stats.feature(name) for name in scorer.features])
    places = rows.labelled
    if len(places) > MOST_CLIENTS:
        places = np.sort(np.random.default_rng(SEED).choice(places, MOST_CLIENTS, replace=False))
    codes = [about.listed[at].code for at in _compared(about)]
    points = np.empty((len(places), len(codes)), dtype=np.float32)
    for start in range(0, len(places), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        points[part] = theme_points(scorer.scored(rows.at(places[part]))[1], about)

    def fill(unfinished: Path) -> None:
        """Write all files."""
        (unfinished / "codes.json").write_text(json.dumps(codes), encoding="utf-8")
        np.save(unfinished / "points.npy", points)
        np.save(unfinished / "places.npy", places.astype(np.int64))
        np.save(unfinished / "targets.npy", rows.targets[places])

    folder.parent.mkdir(parents=True, exist_ok=True)
    replace_folder(folder, fill)
