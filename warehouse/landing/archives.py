"""What a folder or a zip archive offers for landing: the files of the tables, found by name and checked."""

import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from warehouse.core.errors import RawDataError
from warehouse.loading.contract import Contract
from warehouse.loading.file_kinds import HEAD_BYTES, SUFFIX_OF, SUFFIXES, content_kind, printable, refuse_disguise

RELEASE = "home-credit-default-risk"
OTHER_FILES = frozenset({"homecredit_columns_description.csv", "sample_submission.csv"})
ZIP_SUFFIXES = (".csv.zip", ".zip")
MAX_RATIO = 200
RATIO_MATTERS_FROM = 1 << 20
FOLDER_DEPTH = 2
ARCHIVE_DEPTH = 2
READ_ERRORS = (
    OSError,
    EOFError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)  # RuntimeError: unknown packing, password
FETCH = "download it again"

Opener = Callable[[], AbstractContextManager[BinaryIO]]


@dataclass(frozen=True)
class Item:
    """A file of one table, wherever it lies.

    Attributes
    ----------
    table : str
    label : str
        Where it was found: path, and member after a colon.
    size : int
        Bytes that it announces.
    suffix : str
        Suffix that fits its content.
    open : Callable
        Opens it for reading.
    """

    table: str
    label: str
    size: int
    suffix: str
    open: Opener

    @property
    def file_name(self) -> str:
        """Name in the raw folder."""
        return self.table + self.suffix


@dataclass
class Stock:
    """What was found: at most one file per table, and names that were passed over."""

    items: dict[str, Item] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(item.size for item in self.items.values())


def take_stock(source: Path, contract: Contract) -> Stock:
    """Find the file of every table in a folder, in a zip archive, or in zip archives inside either.

    Raises
    ------
    RawDataError
        A table is missing or offered twice, or an archive is damaged, encrypted or not to be trusted.
    """
    finder = _Finder(contract)
    if source.is_dir():
        try:
            finder.add_folder(source)
        except PermissionError as error:
            raise _damaged(str(source), error, f"a readable folder at {source}") from error
    elif source.is_file() and _head(str(source), _file_opener(source)).startswith(b"PK"):
        finder.add_archive(source.name, _file_opener(source), 1)
    else:
        raise RawDataError(
            expected=f"the archive {RELEASE}.zip or a folder of files at {source}",
            found="another file" if source.is_file() else "nothing there",
            remedy="give the folder it lies in" if source.is_file() else "check the path",
        )
    missing = [name for name in contract.tables if name not in finder.stock.items]
    if missing:
        raise RawDataError(
            expected=f"a file for each of the {len(contract.tables)} tables in {source}",
            found=f"none for {', '.join(missing)}",
            remedy=f"get the whole release: https://www.kaggle.com/c/{RELEASE}/data",
        )
    finder.stock.items = {name: finder.stock.items[name] for name in contract.tables}
    return finder.stock


class _Finder:
    def __init__(self, contract: Contract) -> None:
        self.stock = Stock()
        self._tables = {
            name.lower() + suffix: name for name in contract.tables for suffix in (*SUFFIXES, *ZIP_SUFFIXES)
        }

    def add_folder(self, folder: Path, depth: int = 1) -> None:
        """Take what is wanted from a folder, and from the folders in it."""
        for path in sorted(folder.iterdir()):
            if path.name.startswith((".", "__MACOSX")):
                continue
            if path.is_dir() and depth < FOLDER_DEPTH:
                self.add_folder(path, depth + 1)
            elif path.is_file() and self._is_wanted(path.name):
                self._add(path.name, str(path), path.stat().st_size, _file_opener(path), 0)
            elif not path.is_dir():
                self.stock.ignored.append(path.name)

    def add_archive(self, label: str, opener: Opener, depth: int) -> None:
        """Take what is wanted from an archive, and from the archives in it."""
        try:
            with opener() as file, zipfile.ZipFile(file) as archive:
                members = archive.infolist()
        except (NotImplementedError, *READ_ERRORS) as error:
            raise _damaged(label, error, f"a complete zip archive in {printable(label)}") from error
        for member in members:
            _check_member(label, member)
        for member in members:
            parts = re.split(r"[/\\]", member.filename)
            if member.is_dir() or parts[0] == "__MACOSX" or parts[-1].startswith("."):
                continue
            if self._is_wanted(parts[-1]):
                where = f"{label}: {member.filename}"
                self._add(parts[-1], where, member.file_size, _member_opener(opener, member), depth)
            else:
                self.stock.ignored.append(parts[-1])

    def _is_wanted(self, name: str) -> bool:
        return name.lower() in self._tables or name.lower() == f"{RELEASE}.zip"

    def _add(self, name: str, label: str, size: int, opener: Opener, depth: int) -> None:
        head = _head(label, opener)
        kind = content_kind(head)
        if kind == "zip" and depth < ARCHIVE_DEPTH:
            self.add_archive(label, opener, depth + 1)
            return
        refuse_disguise(printable(label), head)
        if kind == "zip" or name.lower() not in self._tables:
            raise RawDataError(
                expected=f"a table in {printable(label)}",
                found="an archive in an archive in an archive" if kind == "zip" else "no zip archive",
                remedy="unpack it and land the folder",
            )
        if size == 0:
            raise RawDataError(expected=f"rows in {printable(label)}", found="an empty file (0 bytes)", remedy=FETCH)
        self._take(Item(self._tables[name.lower()], label, size, SUFFIX_OF[kind], opener))

    def _take(self, item: Item) -> None:
        other = self.stock.items.get(item.table)
        if other:
            raise RawDataError(
                expected=f"one file for {item.table}",
                found=f"{printable(other.label)} and {printable(item.label)}",
                remedy="keep the one that is meant",
            )
        self.stock.items[item.table] = item


def read_chunks(item: Item, size: int) -> Iterator[bytes]:
    """Bytes of a file; stops when more comes than it announced.

    Raises
    ------
    RawDataError
        It is damaged, or has another size than it announced.
    """
    done = 0
    try:
        with item.open() as file:
            while chunk := file.read(size):
                done += len(chunk)
                if done > item.size:
                    break
                yield chunk
    except (NotImplementedError, *READ_ERRORS) as error:
        raise _damaged(item.label, error, f"to read {printable(item.label)}") from error
    if done != item.size:
        raise RawDataError(
            expected=f"{item.size:,} bytes in {printable(item.label)}, as announced",
            found="more" if done > item.size else f"{done:,}",
            remedy=FETCH,
        )


def _check_member(label: str, member: zipfile.ZipInfo) -> None:
    """Refuse a member that leaves the folder, links elsewhere, is encrypted or grows out of all proportion."""
    name = member.filename
    if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name) or ".." in re.split(r"[/\\]", name):
        found = "a path outside the folder"
    elif stat.S_ISLNK(member.external_attr >> 16):
        found = "a symbolic link"
    elif member.flag_bits & 0x1:
        found = "an encrypted member"
    elif member.file_size > max(RATIO_MATTERS_FROM, MAX_RATIO * member.compress_size):
        found = f"a member of {member.compress_size:,} bytes that announces {member.file_size:,}"
    else:
        return
    remedy = "unpack it with its password and land the folder" if member.flag_bits & 0x1 else FETCH
    raise RawDataError(
        expected=f"plain files in {printable(label)}", found=f"{found}: {printable(name[:200])}", remedy=remedy
    )


def _head(label: str, opener: Opener) -> bytes:
    try:
        with opener() as file:
            return file.read(HEAD_BYTES)
    except (NotImplementedError, *READ_ERRORS) as error:
        raise _damaged(label, error, f"to read {printable(label)}") from error


def _file_opener(path: Path) -> Opener:
    return lambda: path.open("rb")


def _member_opener(archive: Opener, member: zipfile.ZipInfo) -> Opener:
    @contextmanager
    def open_member() -> Iterator[BinaryIO]:
        """Open the archive anew for each reading."""
        with archive() as file, zipfile.ZipFile(file) as opened, opened.open(member) as stream:
            yield stream  # type: ignore[misc]

    return open_member


def _damaged(label: str, error: Exception, expected: str) -> RawDataError:
    if isinstance(error, NotImplementedError):
        return RawDataError(
            expected=expected, found="a packing method that is not read", remedy="unpack it and land the folder"
        )
    if isinstance(error, PermissionError):
        return RawDataError(expected=expected, found="no permission", remedy="make it readable")
    reason = printable(str(error)) or type(error).__name__
    return RawDataError(expected=expected, found=f"a damaged or cut file ({reason})", remedy=FETCH)
