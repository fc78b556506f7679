"""The generation that answers now, and the thread that brings the next one.

A new champion or snapshot is prepared by a process of its own while the old one answers; it takes over in one
assignment, and only when a known client gets the answer that the model itself gives.
"""

import logging
import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace

from ml.serving.live.generation import Generation, NotReadyError, load_generation
from ml.serving.live.models import ModelKey, ModelSource, model_source
from ml.serving.live.prepared import Prepared
from ml.serving.live.rows import SnapshotRows
from ml.serving.settings import ServingSettings
from warehouse.core.errors import CreditWarehouseError
from warehouse.snapshots.snapshot import CURRENT, list_snapshots, resolve_snapshot

LOG = logging.getLogger("ml.serving")
OPENING = "the model and the snapshot are being opened"


class Live:
    """What answers now.

    Parameters
    ----------
    settings : ServingSettings
    on_switch : callable
        Takes each new generation once it answers.
    """

    def __init__(self, settings: ServingSettings, on_switch: Callable[[Generation], None] = lambda _: None) -> None:
        self._settings = settings
        self._on_switch = on_switch
        self._generation: Generation | None = None
        self._opened: Generation | None = None
        self._key: ModelKey | None = None
        self._source: ModelSource | None = None
        self._problem = OPENING
        self._preparing: subprocess.Popen[bytes] | None = None
        self._failed: Prepared | None = None
        self._stop = threading.Event()
        self._one_at_a_time = threading.Lock()
        self._thread = threading.Thread(target=self._watch, name="generations", daemon=True)

    @property
    def now(self) -> Generation:
        """The generation that answers; `NotReadyError` before the first one."""
        if self._generation is None:
            raise NotReadyError(self._problem)
        return self._generation

    @property
    def problem(self) -> str:
        """Why the present champion or snapshot does not answer; empty when it does."""
        return self._problem

    def start(self) -> None:
        """Begin to look for champion and snapshot."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(5)
        if self._preparing is not None and self._preparing.poll() is None:
            self._preparing.terminate()
            self._preparing.wait(5)

    def refresh(self) -> None:
        """Take over a new champion or snapshot; what answers now stays when the new one cannot."""
        try:
            with self._one_at_a_time:
                self._refresh()
            self._problem = ""
        except (CreditWarehouseError, NotReadyError) as error:
            if str(error) != self._problem:
                LOG.error("%s", error)
            self._problem = str(error)

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                self.refresh()
                self._open_the_rest()
            except Exception:  # the thread must outlive whatever a damaged file raises
                LOG.exception("looking for champion and snapshot failed")
            self._stop.wait(self._settings.poll_seconds)

    def _open_the_rest(self) -> None:
        """Open what simulations need before the first one asks."""
        if self._generation is not None and self._generation is not self._opened:
            self._opened = self._generation
            self._generation.open_the_rest()

    def _refresh(self) -> None:
        self._source = self._source or model_source(self._settings)
        published = self._settings.project.published_dir
        key, snapshot = self._source.current(), resolve_snapshot(CURRENT, published)
        prepared, now = Prepared(self._settings.prepared, snapshot, key), self._generation
        if now is None or (key, snapshot) != (self._key, now.snapshot):
            if now is not None and not self._is_prepared(prepared):
                return
            model = now.model if now is not None and key == self._key else self._source.open(key)
            self._take_over(load_generation(self._source, model, prepared), key)
            prepared.forget_others({kept.snapshot_id for kept in list_snapshots(published)})
        elif isinstance(now.rows, SnapshotRows) and prepared.has_rows:
            self._take_over(replace(now, rows=prepared.open_rows()), key)
        self._is_prepared(prepared)

    def _is_prepared(self, prepared: Prepared) -> bool:
        """Whether everything is computed; begins to compute it when nobody does.

        What could not be computed is not tried again: the new generation then answers more slowly.
        """
        if prepared.is_complete or prepared == self._failed:
            return True
        if self._preparing is None:
            self._preparing = prepared.begin(self._settings)
        elif self._preparing.poll() is not None:
            code, self._preparing = self._preparing.returncode, None
            if code and not prepared.is_complete:
                LOG.error("python -m ml.serve prepare ended with exit code %s: answering without its tables", code)
                self._failed = prepared
        return False

    def _take_over(self, generation: Generation, key: ModelKey) -> None:
        generation.check()
        self._generation, self._key = generation, key
        self._on_switch(generation)
