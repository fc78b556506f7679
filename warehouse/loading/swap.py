"""Replacing the files of the raw folder, all or none.

New files are staged in a hidden folder inside the raw folder, so on the same file system. Up to the journal nothing
has happened: what a stopped landing leaves is swept by the next one. With the journal the landing is decided: the few
renames that follow can be repeated, and until they are done `find_raw_file` refuses the folder as half changed.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from warehouse.core.errors import RawDataError
from warehouse.loading.folder import LANDING, LANDING_JOURNAL, raw_files_of

GENERATED_MARKER = "generated.json"


@contextmanager
def staging_folder(raw_dir: Path) -> Iterator[Path]:
    """Empty hidden folder inside `raw_dir`, for one landing at a time; removed at the end, come what may.

    Raises
    ------
    RawDataError
        Another landing is at work in this folder.
    """
    made = [folder for folder in (raw_dir, *raw_dir.parents) if not folder.exists()]
    raw_dir.mkdir(parents=True, exist_ok=True)
    try:
        with _locked(raw_dir):
            finish_swap(raw_dir)
            staging = raw_dir / LANDING
            shutil.rmtree(staging, ignore_errors=True)
            staging.mkdir()
            try:
                yield staging
            finally:
                if not (staging / LANDING_JOURNAL).exists():
                    shutil.rmtree(staging, ignore_errors=True)
    finally:
        for folder in made:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


def check_replaceable(raw_dir: Path, tables: Iterable[str]) -> None:
    """Raise `RawDataError` when a folder lies where a file is to go."""
    for path in (path for table in tables for path in raw_files_of(raw_dir, table)):
        if path.is_dir():
            raise RawDataError(
                expected=f"a file or nothing at {path}", found="a folder", remedy="move it out of the raw folder"
            )


def swap(raw_dir: Path, file_names: dict[str, str]) -> list[str]:
    """Put the staged files in the place of all files of their tables.

    Parameters
    ----------
    raw_dir : Path
    file_names : dict of str to str
        Table to the name of its staged file.

    Returns
    -------
    list of str
        Names of old files that are gone because the new ones are called differently.
    """
    staging = raw_dir / LANDING
    draft = staging / f"{LANDING_JOURNAL}.draft"
    draft.write_text(json.dumps({"files": file_names, "generated": (staging / GENERATED_MARKER).exists()}))
    _sync(draft)
    _sync(staging)
    draft.replace(staging / LANDING_JOURNAL)
    _sync(staging)
    return finish_swap(raw_dir)


def finish_swap(raw_dir: Path) -> list[str]:
    """Do, or do again, what the journal says; without a journal nothing. Gives the names of removed files."""
    staging, journal = raw_dir / LANDING, raw_dir / LANDING / LANDING_JOURNAL
    if not journal.exists():
        return []
    plan = json.loads(journal.read_text())
    for name in (*plan["files"].values(), GENERATED_MARKER):
        if (staging / name).exists():
            (staging / name).replace(raw_dir / name)
    old = [
        path
        for table, name in plan["files"].items()
        for path in raw_files_of(raw_dir, table)
        if path.name != name and not _same(path, raw_dir / name)
    ]
    marker = raw_dir / GENERATED_MARKER
    if not plan["generated"] and marker.exists():
        old.append(marker)
    for path in old:
        path.unlink()
    _sync(raw_dir)
    journal.unlink()
    shutil.rmtree(staging, ignore_errors=True)
    return [path.name for path in old]


def _same(path: Path, other: Path) -> bool:
    """Are these one file, as on a file system that does not tell case apart."""
    return path.exists() and path.samefile(other) and not path.is_symlink()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder; the lock goes with the process, however it ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RawDataError(
                expected=f"to change {folder} alone",
                found="another command that reads or changes it",
                remedy="wait for its end",
            ) from error
        yield
    finally:
        os.close(descriptor)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
