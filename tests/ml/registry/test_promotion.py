"""Promotion by hand: logged, refused after the guard's no, rolled back, and never half done."""

import errno
import os
import pwd
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import mlflow
import pytest

from ml.export import main as export_main
from ml.promote import main
from ml.registry.export import holds
from ml.registry.loading import VERSION_KEY
from ml.registry.promotion import alone, reconcile
from ml.registry.registry import Registry
from ml.train import main as train_main
from tests.support.ml_fixtures import prepare_store, settings_in, synthetic_applicants, write_warehouse
from warehouse.core.settings import Settings

USER = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Settings:
    """Version 1 was champion, version 2 is, version 3 has been refused by the guard."""
    folder = tmp_path_factory.mktemp("promote")
    settings = prepare_store(tmp_path_factory, folder)
    out = ["--out", str(folder / "model"), "--quick", "--database", str(settings.duckdb_path)]
    write_warehouse(settings.duckdb_path, synthetic_applicants())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CREDIT_DUCKDB", str(settings.duckdb_path))
        patch.setenv("MLFLOW_TRACKING_URI", settings.tracking_uri)
        assert train_main([*out, "--rounds", "1"]) == 0
        assert train_main([*out, "--rounds", "60"]) == 0
        assert train_main([*out, "--rounds", "60", "--max-auc-gap", "0.0001"]) == 1
    return settings


@dataclass
class Place:
    """A copy of the store to be changed at will, with the exported champion."""

    registry: Registry
    model_dir: Path
    run: Callable[..., int]

    def exported(self) -> int:
        return mlflow.models.get_model_info(str(self.model_dir)).metadata[VERSION_KEY]

    def state(self) -> tuple:
        return self.registry.aliases(), self.registry.promotions(), self.exported()


@pytest.fixture
def place(store, tmp_path, monkeypatch) -> Place:
    folder = store.duckdb_path.parent
    shutil.copy(folder / "mlflow.db", tmp_path / "mlflow.db")  # its runs stay where they are
    shutil.copytree(folder / "model", tmp_path / "model")
    settings = replace(settings_in(tmp_path), duckdb_path=store.duckdb_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", settings.tracking_uri)
    model_dir = tmp_path / "model"
    return Place(Registry(settings), model_dir, lambda *arguments: main(["--out", str(model_dir), *arguments]))


def test_the_newest_version_need_not_be_the_champion(place):
    resolve = place.registry.resolve
    assert [resolve(version).version for version in (None, "newest", 1)] == [2, 3, 1]
    assert export_main(["--version", "newest", "--out", str(place.model_dir)]) == 0
    assert place.exported() == 3
    assert place.registry.champion().version == 2


def test_a_version_is_promoted_and_the_log_says_by_whom_and_why(place, capsys):
    assert place.run("--version", "1", "--reason", "the newer one\n refuses too many") == 0
    assert place.registry.aliases() == {"champion": 1, "challenger": 2}
    assert place.exported() == 1
    logged = place.registry.promotions()[-1]
    assert (logged.who, logged.how, logged.previous, logged.version) == (USER, "by hand", 2, 1)
    assert logged.reason == "the newer one refuses too many"
    assert logged.when.endswith("+00:00")
    tags = place.registry.version(1).tags
    assert {name: tags[f"promoted_{name}"] for name in ("who", "how", "reason", "from", "to")} == {
        "who": USER,
        "how": "by hand",
        "reason": "the newer one refuses too many",
        "from": "2",
        "to": "1",
    }
    assert tags["verdict"] == "the first model", "what training said about the version is still there"
    assert "2 -> 1  by hand by" in capsys.readouterr().out


def test_training_logs_its_changes_of_champion_too(place):
    assert [(change.how, change.previous, change.version) for change in place.registry.promotions()] == [
        ("trained", None, 1),
        ("trained", 1, 2),
    ]


def test_one_command_calls_the_champion_before_back_and_a_second_one_the_one_before_that(place):
    assert place.run("--version", "3", "--reason", "try it", "--override-guard") == 0
    assert place.run("--rollback", "--reason", "it was a leak") == 0
    assert (place.registry.champion().version, place.exported()) == (2, 2)
    assert place.run("--rollback", "--reason", "further back") == 0
    assert (place.registry.champion().version, place.exported()) == (1, 1)
    assert place.registry.promotions()[-1].how == "rollback"


def test_a_rollback_past_the_first_champion_is_one_line(place, capsys):
    assert place.run("--rollback", "--reason", "back") == 0
    before = place.state()
    capsys.readouterr()
    assert place.run("--rollback", "--reason", "back again") == 1
    error = capsys.readouterr().err
    assert "none in the log" in error
    assert len(error.splitlines()) == 1
    assert place.state() == before


def test_what_the_guard_has_refused_needs_an_override(place, capsys):
    before = place.state()
    assert place.run("--version", "3", "--reason", "its AUC is splendid") == 1
    error = capsys.readouterr().err
    assert "overfitting" in error
    assert "--override-guard" in error
    assert len(error.splitlines()) == 1
    assert place.state() == before
    assert place.run("--version", "3", "--reason", "checked by hand", "--override-guard") == 0
    assert place.registry.promotions()[-1].guard == "refused"
    assert "guard overridden: checked by hand" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--version", "1"], "found 0 characters"),
        (["--version", "1", "--reason", "  "], "found 0 characters"),
        (["--version", "1", "--reason", "x" * 501], "found 501 characters"),
        (["--version", "99", "--reason", "why"], "no such version"),
        (["--version", "2", "--reason", "why"], "version 2, the champion"),
        (["--rollback", "--reason", ""], "found 0 characters"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line_and_changes_nothing(place, capsys, arguments, found):
    before = place.state()
    assert place.run(*arguments) == 1
    error = capsys.readouterr().err
    assert found in error
    assert len(error.splitlines()) == 1
    assert place.state() == before


def test_a_version_that_cannot_be_exported_changes_nothing(place, tmp_path, monkeypatch, capsys):
    before = place.state()

    def lose_a_file(registry, model, folder):
        shutil.copytree(place.model_dir, folder, dirs_exist_ok=True)
        (folder / "MLmodel").unlink()

    monkeypatch.setattr(Registry, "download", lose_a_file)
    assert place.run("--version", "1", "--reason", "why") == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert place.state() == before
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".lock") == ["mlflow.db", "model"]


def test_a_store_that_fails_while_the_champion_changes_brings_export_and_aliases_back(place, monkeypatch, capsys):
    before = place.state()
    client = type(place.registry._client)

    def refuse(*_):
        raise mlflow.exceptions.MlflowException("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(client, "set_registered_model_tag", refuse)
        assert place.run("--version", "1", "--reason", "why") == 1
    assert "disk full" in capsys.readouterr().err
    assert place.state() == before


def test_the_list_shows_alias_auc_cost_and_verdict_of_every_version(place, capsys):
    assert place.run("--list") == 0
    header, three, two, one, *log = capsys.readouterr().out.splitlines()
    assert header.split()[:4] == ["version", "alias", "AUC", "cost"]
    assert three.split()[:2] == ["3", "challenger"]
    assert "refused  overfitting" in three
    assert two.split()[:2] == ["2", "champion"]
    metrics = place.registry.version(2).metrics
    assert two.split()[2:4] == [f"{metrics['auc']:.4f}", f"{metrics['cost_per_1000']:,.1f}"]
    assert one.split()[:2] == ["1", "-"]
    assert "1 -> 2  trained by" in log[2]


def test_an_empty_registry_has_nothing_to_list_or_to_call_back(tmp_path_factory, tmp_path, monkeypatch, capsys):
    settings = prepare_store(tmp_path_factory, tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", settings.tracking_uri)
    assert main(["--list"]) == 1
    assert main(["--rollback", "--reason", "why"]) == 1
    assert all(line.startswith("error: expected ") for line in capsys.readouterr().err.splitlines())


def test_a_kill_between_promotion_and_export_is_repaired_by_the_next_promotion(place, capsys):
    place.registry.promote(place.registry.version(1), "killed before the export")
    assert place.exported() == 2
    assert place.run("--version", "1", "--reason", "why") == 1
    out, error = capsys.readouterr()
    assert f"{place.model_dir} did not hold the champion: exported version 1 again" in out
    assert "version 1, the champion" in error
    assert place.exported() == 1


def test_an_export_of_the_champion_that_was_changed_is_made_again(place):
    champion = place.registry.champion()
    assert holds(place.model_dir, champion)
    (place.model_dir / "data" / "scorer" / "decision.json").write_text("{}")
    assert not holds(place.model_dir, champion)
    with alone(place.registry, place.model_dir):
        assert reconcile(place.registry, place.model_dir).model == champion
        assert reconcile(place.registry, place.model_dir) is None
    assert holds(place.model_dir, champion)


def test_a_damaged_champion_can_be_replaced(place, monkeypatch, capsys):
    place.registry.promote(place.registry.version(3), "its files are lost")
    download = Registry.download

    def lose(registry, model, folder):
        download(registry, model, folder)
        if model.version == 3:
            (folder / "MLmodel").unlink()
        return folder

    monkeypatch.setattr(Registry, "download", lose)
    assert place.run("--version", "1", "--reason", "why") == 0
    assert "warning" in capsys.readouterr().out
    assert (place.registry.champion().version, place.exported()) == (1, 1)


def test_a_full_disk_leaves_champion_and_export_as_they_were(place, monkeypatch, capsys):
    before = place.state()

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copy2", full)
        patch.setattr(shutil, "copyfile", full)
        assert place.run("--version", "1", "--reason", "why") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "No space left on device" in line
    assert place.state() == before


@pytest.mark.parametrize("out", ["file", "file/model", "thesis"])
def test_a_folder_that_cannot_be_replaced_is_refused_before_anything_else(place, tmp_path, capsys, out):
    (tmp_path / "file").write_text("a file")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.txt").write_text("years of work")
    before = place.state()
    assert main(["--out", str(tmp_path / out), "--version", "1", "--reason", "why"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert place.state() == before


def test_two_promotions_wait_for_each_other(place, monkeypatch, capsys):
    monkeypatch.setattr("ml.registry.store.LONGEST_WAIT", 0.3)
    before = place.state()
    with alone(place.registry, place.model_dir):
        assert place.run("--version", "1", "--reason", "why") == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert "wait until it has ended" in line
        assert place.state() == before
    assert place.run("--version", "1", "--reason", "why") == 0


@pytest.mark.parametrize("arguments", [[], ["--version", "1", "--rollback"], ["--version", "one"]])
def test_a_command_line_that_makes_no_sense_is_a_usage_error(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
