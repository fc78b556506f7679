"""What the store reports: no passwords, and a remedy that fits the cause."""

import errno
import os
import shutil
from dataclasses import replace

import pytest
from mlflow.exceptions import MlflowException

from ml.export import main as export_main
from ml.promote import main as promote_main
from ml.registry.registry import Registry
from ml.registry.store import disk_remedy, store_errors, without_password
from tests.support.ml_fixtures import settings_in, trained_once
from warehouse.core.errors import ModelError
from warehouse.core.settings import Settings


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://anna:s3cret@db/mlflow", "postgresql://anna:***@db/mlflow"),
        ("postgresql+psycopg2://anna:s3:c/r@et@db:5432/mlflow", "postgresql+psycopg2://anna:***@db:5432/mlflow"),
        ("https://:s3cret@host/mlflow", "https://:***@host/mlflow"),
        ("mysql://db/mlflow?user=anna&password=s3cret&ssl=1", "mysql://db/mlflow?user=anna&password=***&ssl=1"),
        (
            "cannot reach http://a:s3cret@h:1 nor http://b:s3cret@h:2",
            "cannot reach http://a:***@h:1 nor http://b:***@h:2",
        ),
        ("http://host:5000", "http://host:5000"),
        ("sqlite:////data/mlflow.db", "sqlite:////data/mlflow.db"),
    ],
)
def test_an_address_is_shown_without_its_password(address, shown):
    assert without_password(address) == shown


@pytest.mark.parametrize("uri", ["http://anna:s3cret@127.0.0.1:9/", "nonsense://anna:s3cret@host/x"])
def test_no_command_prints_the_password_of_the_store(tmp_path, monkeypatch, capsys, uri):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    for command, arguments in ((promote_main, ["--list"]), (export_main, ["--out", str(tmp_path / "model")])):
        assert command(arguments) == 1
        out = capsys.readouterr()
        assert "anna:***@" in out.err
        assert "s3cret" not in out.err + out.out
        assert len(out.err.splitlines()) == 1


def test_what_a_registry_has_not_got_is_named_with_an_address_without_password(tmp_path_factory):
    registry = Registry(trained_once(tmp_path_factory).settings)
    registry.address = without_password("postgresql://anna:s3cret@db/mlflow")
    with pytest.raises(ModelError, match=r"anna:\*\*\*@db"):
        registry.version(99)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "make room"),
        (MlflowException("(sqlite3.OperationalError) database or disk is full"), "make room"),
        (MlflowException("[Errno 28] No space left on device: '/x'"), "make room"),
        (MlflowException("attempt to write a readonly database"), "right to read and write"),
        (MlflowException("(sqlite3.OperationalError) database is locked"), "wait"),
    ],
)
def test_the_remedy_fits_the_cause(error, words):
    assert words in disk_remedy(error)
    if isinstance(error, MlflowException):
        with pytest.raises(ModelError, match=words) as report, store_errors("sqlite:////data/mlflow.db"):
            raise error
        assert "MLFLOW_TRACKING_URI" not in str(report.value)


def test_the_cause_behind_an_error_counts():
    try:
        try:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise MlflowException("could not copy") from error
    except MlflowException as error:
        assert "make room" in disk_remedy(error)
    assert disk_remedy(MlflowException("no such run")) is None


def test_a_missing_driver_is_one_line():
    with pytest.raises(ModelError, match="install the driver"), store_errors("postgresql://h/db"):
        raise ModuleNotFoundError("No module named 'psycopg2'")


@pytest.fixture
def moved(tmp_path_factory, tmp_path, monkeypatch):
    """A store whose files went elsewhere without it, as when a repository is moved."""
    trained = trained_once(tmp_path_factory)
    folder = tmp_path / "store"
    folder.mkdir()
    database = folder / "mlflow.db"
    shutil.copy(trained.settings.duckdb_path.parent / "mlflow.db", database)
    settings = replace(settings_in(folder), duckdb_path=trained.settings.duckdb_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", settings.tracking_uri)
    monkeypatch.setenv("CREDIT_DUCKDB", str(settings.duckdb_path))
    old = trained.settings.duckdb_path.parent / "mlruns"
    hidden = old.with_name("mlruns_elsewhere")
    old.rename(hidden)
    yield old
    hidden.rename(old)


def test_files_that_were_left_behind_are_named_with_the_place_where_they_should_lie(moved, tmp_path, capsys):
    assert export_main(["--out", str(tmp_path / "model")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    registry = Registry(Settings.from_environment())
    with pytest.raises(ModelError) as report:
        registry.manifest(registry.resolve())
    for text in (line, str(report.value)):
        assert str(moved) in text
        assert "no such folder" in text
        assert "bring that folder back" in text


def test_a_full_disk_while_a_file_of_a_run_is_read_says_so(tmp_path_factory, tmp_path, monkeypatch):
    registry = Registry(trained_once(tmp_path_factory).settings)
    champion = registry.champion()

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("mlflow.artifacts.download_artifacts", full)
    with pytest.raises(ModelError, match="No space left on device; make room"):
        registry.artifact(champion, "calibration.png", str(tmp_path))
