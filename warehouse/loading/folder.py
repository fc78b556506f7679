"""The folder of the raw files: which file holds a table, and whether it has changed."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from warehouse.core.errors import RawDataError
from warehouse.loading.file_kinds import SUFFIXES

LANDING = ".landing"
LANDING_JOURNAL = "swap.json"
SETTLED_SECONDS = 1.0  # time stamps of file systems are coarser than they look


def find_raw_file(raw_dir: Path, table_name: str) -> Path:
    """Path of the one file that holds `table_name`.

    Raises
    ------
    RawDataError
        None, or more than one, or an empty one, or one that is no file; or a landing was stopped half-way.
    """
    require_whole_landing(raw_dir)
    found = raw_files_of(raw_dir, table_name)
    if not found:
        raise RawDataError(
            expected=f"{table_name}.csv (or {', '.join(SUFFIXES[1:])}) in {raw_dir}",
            found=_folder_content(raw_dir),
            remedy="set CREDIT_RAW_DIR, land the release (python -m warehouse.land ARCHIVE), "
            "or generate files (python -m warehouse.generate --out DIR)",
        )
    if len(found) > 1:
        raise RawDataError(
            expected=f"one file for {table_name} in {raw_dir}",
            found=" and ".join(path.name for path in found),
            remedy="keep the one that is meant",
        )
    _check_is_file(found[0])
    return found[0]


def require_whole_landing(raw_dir: Path) -> None:
    """Stop when a landing was stopped half-way: its files belong to two releases.

    Raises
    ------
    RawDataError
    """
    if (raw_dir / LANDING / LANDING_JOURNAL).exists():
        raise RawDataError(
            expected=f"a complete set of raw files in {raw_dir}",
            found="a landing that was stopped while it swapped them",
            remedy=f"run: python -m warehouse.land --resume --raw-dir {raw_dir}",
        )


def raw_files_of(raw_dir: Path, table_name: str) -> list[Path]:
    """Everything in the folder that is named like a file of the table, in any format and case."""
    names = {table_name.lower() + suffix for suffix in SUFFIXES}
    return sorted(path for path in _entries(raw_dir) if path.name.lower() in names)


def holds_raw_files(raw_dir: Path) -> bool:
    """Is there anything in the folder that looks like raw data, or a landing that only has to be finished."""
    return (raw_dir / LANDING / LANDING_JOURNAL).exists() or any(
        path.name.lower().endswith(SUFFIXES) for path in _entries(raw_dir) if path.is_file()
    )


def file_identity(path: Path) -> str:
    """Name, size, place on the disk and times of a file, without reading it.

    The time of change of the inode is among them, which no program can set back: equal identities mean equal bytes,
    unless the clock was set back or the file was written past the file system.
    """
    stat = path.stat()
    return f"{path.name}|{stat.st_size}|{stat.st_dev}:{stat.st_ino}|{stat.st_mtime_ns}|{stat.st_ctime_ns}"


def is_settled(path: Path, moment: float) -> bool:
    """Was a file last changed so long before `moment` (seconds since 1970) that a later change has another time."""
    return path.stat().st_ctime < moment - SETTLED_SECONDS


@contextmanager
def reading(raw_dir: Path) -> Iterator[None]:
    """Hold the folder against a landing; any number of builds may read it at once.

    Raises
    ------
    RawDataError
        A landing is at work there.
    """
    if not raw_dir.is_dir():
        yield
        return
    descriptor = os.open(raw_dir, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RawDataError(
                expected=f"raw files at rest in {raw_dir}", found="a landing at work there", remedy="wait for its end"
            ) from error
        yield
    finally:
        os.close(descriptor)


def _entries(raw_dir: Path) -> list[Path]:
    try:
        return list(raw_dir.iterdir()) if raw_dir.is_dir() else []
    except PermissionError as error:
        raise RawDataError(
            expected=f"a readable folder at {raw_dir}", found="no permission", remedy="make it readable"
        ) from error


def _check_is_file(path: Path) -> None:
    if path.is_file() and path.stat().st_size > 0:
        return
    if path.is_symlink() and not path.exists():
        found, remedy = f"a link to {path.readlink()}, where nothing is", "put the file there"
    elif path.is_dir():
        found, remedy = (
            "a folder of that name",
            "move the file out of it",
        )
    elif path.is_file():
        found, remedy = "an empty file (0 bytes)", "fetch the file again"
    else:
        found, remedy = "something that is no file", "put the file there"
    raise RawDataError(expected=f"rows in {path}", found=found, remedy=remedy)


def _folder_content(raw_dir: Path) -> str:
    if not raw_dir.is_dir():
        return "no such folder"
    names = sorted(path.name for path in _entries(raw_dir))
    if not names:
        return "an empty folder"
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
