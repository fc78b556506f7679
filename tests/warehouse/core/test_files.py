"""Files and folders are replaced whole or not at all."""

import multiprocessing
from pathlib import Path

import pytest

from warehouse.core.errors import SettingsError, WarehouseLockedError
from warehouse.core.files import file_sha256, locked, replace_folder, replaced_file, write_text


def left_behind(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_file_takes_the_place_of_the_old_one_when_it_is_complete(tmp_path):
    path = tmp_path / "deep" / "report.txt"
    write_text(path, "first")
    write_text(path, "second")
    assert path.read_text() == "second"
    assert left_behind(path.parent) == {"report.txt"}


def test_a_file_that_fails_half_way_leaves_the_old_one(tmp_path):
    path = tmp_path / "report.txt"
    write_text(path, "first")
    with pytest.raises(RuntimeError), replaced_file(path) as unfinished:
        unfinished.write_text("half")
        raise RuntimeError
    assert path.read_text() == "first"
    assert left_behind(tmp_path) == {"report.txt"}


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"expected to write .*report\.txt; found .*; choose another place"):
        write_text(tmp_path / "file" / "report.txt", "text")


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    folder = tmp_path / "out"
    replace_folder(folder, lambda empty: (empty / "old").touch())
    replace_folder(folder, lambda empty: (empty / "new").touch())
    assert left_behind(folder) == {"new"}
    assert left_behind(tmp_path) == {"out", ".out.lock"}


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("stopped")])
def test_a_folder_that_cannot_be_filled_leaves_the_old_one(tmp_path, error):
    folder = tmp_path / "out"
    replace_folder(folder, lambda empty: (empty / "old").touch())

    def fill(empty: Path) -> None:
        (empty / "new").touch()
        raise error

    with pytest.raises((SettingsError, RuntimeError)):
        replace_folder(folder, fill)
    assert left_behind(folder) == {"old"}


def test_a_folder_that_cannot_be_moved_into_place_brings_the_old_one_back(tmp_path, monkeypatch):
    folder = tmp_path / "out"
    replace_folder(folder, lambda empty: (empty / "old").touch())
    rename = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if path.name == "incoming":
            raise OSError(5, "Input/output error")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(SettingsError, match="Input/output error"):
        replace_folder(folder, lambda empty: (empty / "new").touch())
    assert left_behind(folder) == {"old"}


def hold(path: Path, held: multiprocessing.Event, release: multiprocessing.Event) -> None:
    with locked(path, "to test"):
        held.set()
        release.wait(60)


def test_a_lock_keeps_other_processes_out_and_ends_with_its_holder(tmp_path):
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    holder = context.Process(target=hold, args=(tmp_path / ".lock", held, release))
    holder.start()
    assert held.wait(60)
    with (
        pytest.raises(WarehouseLockedError, match="to publish alone; found another process"),
        locked(tmp_path / ".lock", "to publish"),
    ):
        pass
    holder.kill()
    holder.join()
    with locked(tmp_path / ".lock", "to publish"):
        pass


def test_the_checksum_is_that_of_the_bytes(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    assert file_sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
