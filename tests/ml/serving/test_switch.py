"""A new champion and a new snapshot take over under load: no request fails, and no answer is mixed."""

import json
import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from ml.registry.registry import Registry
from ml.serving.deciding.decisions import decide
from ml.serving.deciding.records import Records
from ml.serving.live.generation import Generation, NotReadyError
from ml.serving.live.models import model_source
from ml.serving.live.rows import SnapshotRows
from ml.serving.live.watch import Live
from tests.support.ml_fixtures import settings_in
from tests.support.serving_fixtures import Store, clients_of
from warehouse.core.files import file_sha256
from warehouse.snapshots.snapshot import CURRENT, DATABASE_FILE, MANIFEST_FILE

NEW_SNAPSHOT = "20990101T000000Z-00000000"
LONGEST_WAIT = 180
CLIENTS = 20


@pytest.fixture
def store(serving_store, tmp_path) -> Store:
    """The store with a registry and snapshots of its own; versions' files stay where they are."""
    shutil.copytree(serving_store.folder / "published", tmp_path / "published", symlinks=True)
    shutil.copytree(serving_store.folder / "prepared", tmp_path / "prepared")
    shutil.copy(serving_store.folder / "mlflow.db", tmp_path / "mlflow.db")
    return Store(tmp_path)


def publish_other_marts(published: Path) -> None:
    """A second snapshot, in which a feature of every client is another one."""
    folder = published / NEW_SNAPSHOT
    shutil.copytree((published / CURRENT).resolve(), folder)
    for path in folder.iterdir():
        path.chmod(0o644)
    with duckdb.connect(str(folder / DATABASE_FILE)) as con:
        con.execute("update marts.client_features set ext_source_2 = 0.5 * ext_source_2, ext_source_3 = 0.9")
    manifest = json.loads((folder / MANIFEST_FILE).read_text())
    manifest["file"] |= {
        "sha256": file_sha256(folder / DATABASE_FILE),
        "bytes": (folder / DATABASE_FILE).stat().st_size,
    }
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest | {"snapshot_id": NEW_SNAPSHOT}))
    pointer = published / ".new"
    pointer.symlink_to(NEW_SNAPSHOT)
    pointer.replace(published / CURRENT)


def wait_for(live: Live, version: int, snapshot: str) -> None:
    deadline = time.monotonic() + LONGEST_WAIT
    while (live.now.model.version, live.now.snapshot.snapshot_id) != (version, snapshot):
        assert time.monotonic() < deadline, live.problem
        live.refresh()
        time.sleep(0.1)


def probabilities(generation: Generation, clients: list[int]) -> dict[int, float]:
    """What the generation's own model says to the clients of its own snapshot."""
    found, features = SnapshotRows.open(generation.snapshot).find(clients)
    return dict(zip(found, generation.scorer.probability(features).tolist(), strict=True))


def test_champion_and_snapshot_take_over_under_load(store, serving_store, tmp_path):
    settings = replace(store.settings, project=settings_in(tmp_path))
    first_snapshot, registry = store.snapshot.snapshot_id, Registry(settings.project)
    clients = clients_of(store.snapshot, CLIENTS)
    live, records = Live(settings), Records(settings.decisions)
    live.refresh()
    answers, failures, done, generations = [], [], threading.Event(), [live.now]

    def ask(number: int) -> None:
        while not done.is_set():
            number += 1
            try:
                answers.append(decide(live.now, records, clients[number % CLIENTS], "tests").document)
            except Exception as error:  # whatever it is, it is a failed request
                failures.append(error)

    askers = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for asker in askers:
        asker.start()
    try:
        registry.promote(registry.version(2), "under load")
        wait_for(live, 2, first_snapshot)
        generations.append(live.now)
        publish_other_marts(settings.project.published_dir)
        wait_for(live, 2, NEW_SNAPSHOT)
        generations.append(live.now)
        seen = len(answers)
        while len(answers) < seen + 50:
            time.sleep(0.02)
    finally:
        done.set()
        for asker in askers:
            asker.join()
        live.stop()
        records.close()
    assert failures == []
    expected = {
        (generation.model.version, generation.snapshot.snapshot_id): probabilities(generation, clients)
        for generation in generations
    }
    assert len({json.dumps(list(known.values())) for known in expected.values()}) == 3, "the three must differ"
    given = {(answer["model_version"], answer["snapshot_id"]) for answer in answers}
    assert given == set(expected)
    for answer in answers:
        known = expected[answer["model_version"], answer["snapshot_id"]]
        assert answer["probability"] == pytest.approx(known[answer["client_id"]], abs=1e-9)


def test_what_answers_now_stays_when_the_next_one_is_damaged(store, tmp_path):
    settings = replace(store.settings, project=settings_in(tmp_path))
    live = Live(settings)
    live.refresh()
    now = live.now
    folder = settings.project.published_dir / NEW_SNAPSHOT
    publish_other_marts(settings.project.published_dir)
    with (folder / DATABASE_FILE).open("r+b") as file:
        file.seek(-10, 2)
        file.write(b"changed")
    deadline = time.monotonic() + LONGEST_WAIT
    while not live.problem:
        assert time.monotonic() < deadline
        live.refresh()
        time.sleep(0.2)
    assert live.now is now
    assert "as its manifest says" in live.problem
    live.stop()


def test_without_a_snapshot_or_a_champion_nothing_is_answered_and_the_reason_is_said(tmp_path):
    settings = Store(tmp_path).settings
    live = Live(settings)
    with pytest.raises(NotReadyError, match="being opened"):
        _ = live.now
    live.refresh()
    with pytest.raises(NotReadyError, match=r"ml\.train"):
        _ = live.now
    with pytest.raises(NotReadyError, match=r"champion"):
        _ = live.now


def test_an_exported_folder_is_served_too_and_a_planted_pickle_is_refused(store, tmp_path):
    from ml.registry.export import export_model  # noqa: PLC0415

    settings = replace(store.settings, project=settings_in(tmp_path), model_folder=tmp_path / "model")
    live = Live(settings)
    live.refresh()
    assert "no MLmodel" in live.problem or "found none" in live.problem
    export_model(Registry(settings.project), tmp_path / "model")
    assert str(model_source(settings).current()).startswith("v1-")
    live.refresh()
    assert live.now.model.version == 1
    (tmp_path / "model" / "data" / "scorer" / "member_9.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    another = Live(settings)
    another.refresh()
    assert "member_9.pkl" in another.problem
    live.stop()
    another.stop()
