"""A published snapshot of generated clients with two versions of a small model, and an application that serves them."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
from fastapi import FastAPI
from starlette.testclient import TestClient

from ml.data.source import Source
from ml.data.training_set import TrainingData, read_training_data
from ml.modelling.pipeline import fit_members
from ml.modelling.recipe import LOGISTIC, MemberSpec, TrainingConfig
from ml.registry.record import ModelRecord
from ml.registry.registry import Registry
from ml.served.calibration import Calibration
from ml.served.scorer import CreditScorer
from ml.serving.api import create_app
from ml.serving.live.generation import Generation, load_generation
from ml.serving.live.models import model_source
from ml.serving.live.prepared import Prepared
from ml.serving.settings import ServingSettings
from tests.support.ml_fixtures import settings_in
from tests.support.tiny_warehouse import approve
from warehouse.snapshots.publication import publish
from warehouse.snapshots.snapshot import CURRENT, Snapshot, resolve_snapshot

THRESHOLD = 1 / 11
MEMBERS = (MemberSpec(LOGISTIC), MemberSpec())


@dataclass(frozen=True)
class Store:
    """A folder with a snapshot, a registry whose champion is version 1, and version 2 beside it."""

    folder: Path

    @property
    def settings(self) -> ServingSettings:
        """Settings whose record and tables lie in the same folder."""
        project = settings_in(self.folder)
        return ServingSettings(
            project, f"sqlite:///{self.folder / 'decisions.db'}", self.folder / "prepared", poll_seconds=0.2
        )

    @property
    def snapshot(self) -> Snapshot:
        """The current snapshot."""
        return resolve_snapshot(CURRENT, self.settings.project.published_dir)


def fill_store(folder: Path, warehouse: Path) -> None:
    """Publish a built warehouse, and register two versions."""
    settings = settings_in(folder)
    shutil.copy(warehouse, settings.duckdb_path)
    approve(settings.duckdb_path)
    snapshot, *_ = publish(settings.duckdb_path, settings.published_dir)
    registry = Registry(settings)
    data = read_training_data(Source(snapshot.database, snapshot))
    for seed in (1, 2):
        registered = registry.register(_record(data, seed))
        if seed == 1:
            registry.promote(registered, "the first")
    prepare(Store(folder))


def prepare(store: Store) -> Generation:
    """Compute what is computed once, and open the generation."""
    source = model_source(store.settings)
    key = source.current()
    prepared = Prepared(store.settings.prepared, store.snapshot, key)
    generation = load_generation(source, source.open(key), prepared)
    prepared.compute(generation.scorer, generation.stats)
    return load_generation(source, generation.model, prepared)


def copied(store: Store, folder: Path) -> Store:
    """The same with a snapshot folder and tables of its own; the registry is shared and must not be changed."""
    settings = store.settings.project
    shutil.copytree(settings.published_dir, folder / "published", symlinks=True)
    shutil.copytree(store.settings.prepared, folder / "prepared")
    return Store(folder)


@contextmanager
def serving(settings: ServingSettings) -> Iterator[TestClient]:
    """A client of an application that is ready, on the same machine."""
    app: FastAPI = create_app(settings)
    with TestClient(app, "http://localhost", client=("127.0.0.1", 50_000), raise_server_exceptions=False) as client:
        app.state.context.live.refresh()
        assert not app.state.context.live.problem, app.state.context.live.problem
        yield client


def own_record(store: Store, folder: Path) -> ServingSettings:
    """Settings of a store with a record of decisions in another folder."""
    return replace(store.settings, decisions=f"sqlite:///{folder / 'decisions.db'}")


def clients_of(snapshot: Snapshot, count: int) -> list[int]:
    """Some clients of a snapshot."""
    with duckdb.connect(str(snapshot.database), read_only=True) as con:
        query = "select sk_id_curr from marts.client_features order by hash(sk_id_curr + 1) limit ?"
        return [client for (client,) in con.execute(query, [count]).fetchall()]


def _record(data: TrainingData, seed: int) -> ModelRecord:
    config = TrainingConfig(seed=seed, rounds=40, members=MEMBERS)
    members, weights = fit_members(data, config)
    scorer = CreditScorer(members, Calibration("sigmoid", slope=0.9, intercept=-0.1), THRESHOLD, weights)
    manifest = {"threshold": THRESHOLD, "data": {"snapshot": "of the tests"}, "git": {}}
    return ModelRecord(scorer, data, manifest)
