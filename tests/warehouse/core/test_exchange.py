"""Folders change places without a moment in between."""

import ctypes
import threading
from pathlib import Path

import pytest

import warehouse.core.exchange
from warehouse.core.exchange import exchange, recover


def folder(path: Path, content: str) -> Path:
    path.mkdir()
    (path / "file").write_text(content)
    return path


@pytest.fixture(params=[True, False], ids=["at once", "by two renames"])
def at_once(request, monkeypatch):
    if not request.param:
        monkeypatch.setattr(warehouse.core.exchange, "_exchanged_at_once", lambda *_: False)
    return request.param


def test_two_folders_change_places(tmp_path, at_once):
    incoming, out = folder(tmp_path / "incoming", "new"), folder(tmp_path / "out", "old")
    exchange(incoming, out)
    assert [(path / "file").read_text() for path in (out, incoming)] == ["new", "old"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["incoming", "out"]


def test_a_first_folder_only_moves(tmp_path, at_once):
    incoming, out = folder(tmp_path / "incoming", "new"), tmp_path / "out"
    exchange(incoming, out)
    assert (out / "file").read_text() == "new"
    assert not incoming.exists()


def test_what_fails_leaves_the_old_folder(tmp_path, at_once):
    out = folder(tmp_path / "out", "old")
    with pytest.raises(OSError, match="never_came"):
        exchange(tmp_path / "never_came", out)
    assert (out / "file").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "renameat2"), reason="the system cannot exchange two names at once")
def test_a_reader_finds_a_folder_at_every_moment(tmp_path):
    incoming, out = folder(tmp_path / "incoming", "new"), folder(tmp_path / "out", "old")
    stop, absent = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            if not out.exists():
                absent.append(1)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(2_000):
        exchange(incoming, out)
    stop.set()
    reader.join()
    assert not absent


def test_a_kill_between_two_renames_is_repaired(tmp_path):
    folder(tmp_path / ".out.previous", "old")
    folder(tmp_path / ".out-abc", "half of the new one")
    recover(tmp_path / "out")
    assert (tmp_path / "out" / "file").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_kill_after_two_renames_keeps_the_new_folder(tmp_path):
    folder(tmp_path / ".out.previous", "old")
    folder(tmp_path / "out", "new")
    recover(tmp_path / "out")
    assert (tmp_path / "out" / "file").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
