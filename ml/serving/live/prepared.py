"""What is computed once, for a snapshot or for a model on it, and kept beside the snapshots.

    <prepared>/<snapshot>/sound                   the file is, byte for byte, what its manifest says
    <prepared>/<snapshot>/rows/                   clients row after row, see `rows`
    <prepared>/<snapshot>/<model>/population.npz  whom clients are compared with, when it was not logged
    <prepared>/<snapshot>/<model>/themes/         labelled clients by theme, see `neighbours`

`python -m ml.serve prepare` computes it; a server starts that by itself and answers meanwhile.
"""

import logging
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ml.data.population import PopulationStats
from ml.data.source import Source
from ml.explanation.population import read_population
from ml.registry.loading import LoadedModel
from ml.registry.store import waiting_lock
from ml.serving.live.models import ModelKey
from ml.serving.live.neighbours import Neighbours, write_neighbours
from ml.serving.live.row_scorer import RowScorer
from ml.serving.live.rows import RowFile, write_rows
from ml.serving.settings import ServingSettings
from warehouse.core.errors import SnapshotError
from warehouse.core.files import replaced_file, write_text
from warehouse.core.settings import PROJECT_ROOT
from warehouse.snapshots.raw_rows import raw_faults
from warehouse.snapshots.snapshot import SNAPSHOT_ID, Snapshot
from warehouse.snapshots.verification import file_faults

LOG = logging.getLogger("ml.serving")


@dataclass(frozen=True)
class Prepared:
    """The tables of one model on one snapshot.

    Attributes
    ----------
    root : Path
        Folder of all of them.
    snapshot : Snapshot
    key : ModelKey
    """

    root: Path
    snapshot: Snapshot
    key: ModelKey

    @property
    def has_rows(self) -> bool:
        """Whether clients can be read row by row."""
        return self._rows.is_dir()

    @property
    def has_neighbours(self) -> bool:
        """Whether similar clients can be looked up."""
        return self._themes.is_dir()

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to compute."""
        return self.has_rows and self.has_neighbours

    def open_rows(self) -> RowFile:
        """Clients row by row."""
        return RowFile.open(self._rows)

    def open_neighbours(self) -> Neighbours:
        """Labelled clients by theme."""
        return Neighbours.open(self._themes)

    def require_sound(self) -> None:
        """Refuse a snapshot whose file is not, byte for byte, what its manifest says; asked once per snapshot.

        Raises
        ------
        SnapshotError
            It was changed or cut.
        """
        mark = self._folder / "sound"
        if mark.is_file():
            return
        faults = file_faults(self.snapshot) + raw_faults(self.snapshot)
        if faults:
            raise SnapshotError(
                expected=f"snapshot {self.snapshot.snapshot_id} as its manifest says",
                found="; ".join(faults),
                remedy="publish again: python -m warehouse.publish",
            )
        write_text(mark, "")

    def population(self, model: LoadedModel) -> PopulationStats:
        """Whom clients are compared with, measured on the snapshot when that has not been done before."""
        path = self._folder / str(self.key) / "population.npz"
        if path.is_file():
            return PopulationStats.load(path)
        LOG.warning("the population of version %s was not logged: measured now (ml.explain logs it)", model.version)
        stats, _ = read_population(Source(self.snapshot.database, self.snapshot), model.scorer)
        with replaced_file(path) as unfinished:
            stats.save(unfinished)
        return stats

    def compute(self, scorer: RowScorer, stats: PopulationStats) -> None:
        """Compute what is missing, once another process that computes it has ended."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with waiting_lock(self._folder / ".lock", f"to prepare {self.snapshot.snapshot_id}"):
            if not self.has_rows:
                write_rows(self.snapshot, self._rows)
            if not self.has_neighbours:
                write_neighbours(self.open_rows(), scorer, stats, self._themes)

    @staticmethod
    def begin(settings: ServingSettings) -> subprocess.Popen[bytes]:
        """Compute what is missing in a process of its own."""
        command = [sys.executable, "-m", "ml.serve", "prepare", "--background"]
        environment = os.environ | settings.to_environment()
        return subprocess.Popen(
            command, env=environment, cwd=PROJECT_ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )

    def forget_others(self, kept: set[str]) -> None:
        """Remove what was computed for snapshots that are gone."""
        for folder in self.root.glob("*") if self.root.is_dir() else ():
            if SNAPSHOT_ID.fullmatch(folder.name) and folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)

    @property
    def _folder(self) -> Path:
        return self.root / self.snapshot.snapshot_id

    @property
    def _rows(self) -> Path:
        return self._folder / "rows"

    @property
    def _themes(self) -> Path:
        return self._folder / str(self.key) / "themes"
