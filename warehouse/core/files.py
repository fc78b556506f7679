"""Files and folders that are written whole or not at all, locks between processes, checksums."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from warehouse.core.errors import SettingsError, WarehouseLockedError, first_line

WORKSHOP = ".{name}-"


@contextmanager
def replaced_file(path: Path, *, remedy: str = "choose another place, or make room there") -> Iterator[Path]:
    """A temporary file beside `path` that takes its place when the block ends without an error.

    Readers see the old file or the new one, never a part; a block that fails leaves the old file as it was.

    Raises
    ------
    SettingsError
        The place cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _workshop(path) as workshop:
            unfinished = workshop / path.name
            yield unfinished
            flush(unfinished)
            unfinished.replace(path)
        flush(path.parent)
    except OSError as error:
        raise cannot_write(path, error, remedy) from error


def write_text(path: Path, text: str, *, remedy: str = "choose another place, or make room there") -> None:
    """Write a text file in UTF-8, whole or not at all; see `replaced_file`."""
    with replaced_file(path, remedy=remedy) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def replace_folder(
    folder: Path, fill: Callable[[Path], None], *, remedy: str = "choose another place, or make room there"
) -> Path:
    """Fill a new folder and put it in the place of the old one.

    The old folder stays until the new one is complete, and comes back when the new one cannot be moved into its place.

    Parameters
    ----------
    folder : Path
        Made when it is missing.
    fill : callable
        Takes an empty folder.
    remedy : str
        What to do when the place cannot be written.

    Raises
    ------
    SettingsError
        The place cannot be written, or another process replaces the same folder at this moment.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with locked(folder.parent / f".{folder.name}.lock", f"to replace {folder}"), _workshop(folder) as workshop:
            incoming, outgoing = workshop / "incoming", workshop / "outgoing"
            incoming.mkdir()
            fill(incoming)
            if folder.exists():
                folder.rename(outgoing)
            try:
                incoming.rename(folder)
            except BaseException:
                if outgoing.exists():
                    outgoing.rename(folder)
                raise
    except OSError as error:
        raise cannot_write(folder, error, remedy) from error
    return folder


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Hold a lock file for the length of the block; the lock is released with the process, however it ends.

    Parameters
    ----------
    path : Path
        The lock file; it stays behind, empty.
    what : str
        What is done alone, as in "to publish into /data".

    Raises
    ------
    WarehouseLockedError
        Another process holds it.
    """
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise WarehouseLockedError(
            expected=f"{what} alone", found="another process doing the same", remedy="wait until it has ended"
        ) from error
    try:
        yield
    finally:
        lock.release()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def flush(path: Path) -> None:
    """Write a file or a folder's entries through to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def cannot_write(path: Path, error: OSError, remedy: str) -> SettingsError:
    """The one line for a place that cannot be written."""
    return SettingsError(expected=f"to write {path}", found=first_line(error), remedy=remedy)


@contextmanager
def _workshop(target: Path) -> Iterator[Path]:
    """A temporary folder on the file system of `target`, removed at the end."""
    folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=WORKSHOP.format(name=target.name)))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
