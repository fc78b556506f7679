"""Which marts a command reads, and what the quality gate said of them."""

import shutil
from pathlib import Path

import pytest

from ml.data.source import Source, find_source, require_trained_on, training_source
from ml.data.training_set import read_training_data
from tests.support.ml_fixtures import settings_in, synthetic_applicants, write_warehouse
from tests.support.tiny_warehouse import approve, change
from warehouse.core.errors import QualityGateError, SnapshotError, TrainingDataError, WarehouseMissingError
from warehouse.core.settings import Settings
from warehouse.snapshots.publication import publish


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Settings:
    """A warehouse that is approved and published."""
    settings = settings_in(tmp_path_factory.mktemp("source"))
    write_warehouse(settings.duckdb_path, synthetic_applicants(100))
    publish(settings.duckdb_path, settings.published_dir)
    return settings


@pytest.fixture
def settings(published, tmp_path) -> Settings:
    """A copy of it to be changed at will."""
    settings = settings_in(tmp_path)
    shutil.copy(published.duckdb_path, settings.duckdb_path)
    shutil.copytree(published.published_dir, settings.published_dir, symlinks=True)
    return settings


def rebuilt(settings: Settings) -> Path:
    """The warehouse after its marts were built again: one income has changed."""
    change(settings.duckdb_path, "update marts.training_set set amt_income = 1 where sk_id_curr = 100000")
    return settings.duckdb_path


def test_without_an_option_the_current_snapshot_is_read(settings):
    rebuilt(settings)
    source = find_source(settings)
    assert source.database == (settings.published_dir / "current").resolve() / "credit_marts.duckdb"
    assert str(source) == f"snapshot {source.snapshot_id}"
    data = read_training_data(source, approved=True)
    assert data.column("amt_income")[0] != 1
    assert data.origin == source.origin
    assert data.origin.quality_gate.startswith("passed 20") and data.origin.quality_gate.endswith("UTC, 2 warnings")


def test_a_snapshot_is_named_by_id_folder_or_its_file(settings):
    current = find_source(settings)
    for named in (
        {"snapshot": "current"},
        {"snapshot": current.snapshot_id},
        {"snapshot": str(current.database.parent)},
        {"database": current.database},
    ):
        assert find_source(settings, **named) == current


def test_without_a_snapshot_the_line_says_how_to_get_one(settings):
    shutil.rmtree(settings.published_dir)
    with pytest.raises(SnapshotError, match=r"found none; run: python -m warehouse\.publish, or name .* --database"):
        find_source(settings)


def test_a_snapshot_that_was_changed_is_not_read(settings):
    database = find_source(settings).database
    database.chmod(0o644)
    with database.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x01")
    for named in ({}, {"database": database}):
        with pytest.raises(SnapshotError, match="another sha256"):
            find_source(settings, **named)


def test_an_approved_warehouse_file_is_read_and_says_so(settings):
    source = find_source(settings, database=settings.duckdb_path)
    assert source == Source(settings.duckdb_path)
    assert str(source) == "warehouse file warehouse.duckdb"
    assert source.snapshot_id.startswith("unpublished-20")
    origin = read_training_data(source, approved=True).origin
    assert origin.approved
    assert origin.marts_fingerprint == find_source(settings).origin.marts_fingerprint
    assert set(origin.tags) == {"source", "snapshot", "quality_gate"}


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        (["drop table meta.quality_runs"], "the gate never ran on them"),
        (["update marts.training_set set amt_income = 1"], "marts that changed since the gate of"),
        (["update meta.quality_runs set passed = false, failures = 3"], "3 failed expectations"),
    ],
)
def test_marts_that_the_gate_has_not_approved_are_trained_on_by_nobody(settings, statements, found):
    change(settings.duckdb_path, *statements)
    source = Source(settings.duckdb_path)
    with pytest.raises(QualityGateError, match=rf"found .*{found}.*; run: python -m warehouse\.quality, or leave out"):
        read_training_data(source, approved=True)
    data = read_training_data(source)
    assert not data.origin.approved
    assert data.origin.quality_gate.startswith("not approved: ")
    assert found in data.origin.quality_gate


def test_a_file_that_is_missing_or_empty_is_an_error(settings, tmp_path):
    with pytest.raises(WarehouseMissingError, match="no such file"):
        _ = find_source(settings, database=tmp_path / "none.duckdb").origin
    change(tmp_path / "empty.duckdb", "select 1")
    with pytest.raises(WarehouseMissingError, match="tables in the schema marts"):
        _ = Source(tmp_path / "empty.duckdb").origin


def test_the_marts_of_a_version_are_found_by_snapshot_or_by_content(settings):
    current = find_source(settings)
    by_file = Source(settings.duckdb_path).origin.to_dict()
    assert training_source(current.origin.to_dict(), settings) == current
    assert training_source(by_file, settings) == current, "published after the training"
    shutil.rmtree(settings.published_dir)
    assert training_source(by_file, settings) == Source(settings.duckdb_path), "never published, but still there"
    rebuilt(settings)
    with pytest.raises(SnapshotError, match="the marts that the version was trained on"):
        training_source(by_file, settings)


def test_a_version_that_does_not_say_what_it_was_trained_on_has_no_marts(settings):
    manifest = find_source(settings).database.with_name("manifest.json")
    manifest.chmod(0o644)
    manifest.write_text("{}")
    with pytest.raises(SnapshotError, match="the marts that the version was trained on"):
        training_source({}, settings)


def test_other_marts_than_those_of_a_version_are_refused(settings):
    trained_on = find_source(settings).origin.to_dict()
    require_trained_on(Source(settings.duckdb_path), trained_on, 1)
    rebuilt(settings)
    approve(settings.duckdb_path)
    with pytest.raises(TrainingDataError, match=r"found others in warehouse file warehouse\.duckdb"):
        require_trained_on(Source(settings.duckdb_path), trained_on, 1)


def test_fewer_rows_or_features_come_from_the_same_marts(settings):
    data = read_training_data(find_source(settings))
    assert data.select(["amt_income"]).origin == data.take([0, 1]).origin == data.origin
