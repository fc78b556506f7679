"""What a file really holds, told from its bytes and not from its name."""

import gzip
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from warehouse.core.errors import RawDataError

SUFFIXES = (".csv", ".csv.gz", ".csv.zst", ".parquet")
HEAD_BYTES = 1 << 16
CHUNK_BYTES = 1 << 22
SHOWN_CHARACTERS = 60
LINE_ENDS = (b"", b"\n", b"\r\n", b"\r")
UNPACK_ERRORS = (OSError, EOFError, ValueError, zlib.error)
MAGIC = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PAR1", "parquet"),
)
SUFFIX_OF = {"text": ".csv", "gzip": ".csv.gz", "zstd": ".csv.zst", "parquet": ".parquet"}
PACKED = {kind: suffix for kind, suffix in SUFFIX_OF.items() if kind != "text"}
NAME_OF = {"text": "plain text", "gzip": "gzip data", "zstd": "zstd data", "parquet": "a Parquet file"}
FETCH = "download the file again"


@dataclass(frozen=True)
class Disguise:
    """Something that is saved under the name of a raw file and is none: how it starts, what it is, what to do."""

    start: re.Pattern[bytes]
    is_really: str
    remedy: str


DISGUISES = tuple(
    Disguise(re.compile(start, re.IGNORECASE | re.DOTALL), is_really, remedy)
    for start, is_really, remedy in (
        (rb"version https://git-lfs", "a Git LFS pointer, not the data", "run: git lfs pull"),
        (rb"(\.\./)*(\.git)?/?annex/objects/", "a git-annex pointer, not the data", "run: git annex get"),
        (
            rb"\s*(<!doctype html|<html|<head|<body)",
            "a web page, not the data",
            f"{FETCH}, signed in (an error page was saved)",
        ),
        (rb"\s*<\?xml|\s*<error", "an XML message, not the data", f"{FETCH} (an error message was saved)"),
        (rb"\s*[{\[]\s*[\"{\]}]", "JSON, not CSV", f"{FETCH} (an error message may have been saved)"),
        (rb"\xff\xfe|\xfe\xff|\0[\x20-\x7e]\0|[\x20-\x7e]\0[\x20-\x7e]\0", "UTF-16 text", "save it as UTF-8"),
        (rb"\xd0\xcf\x11\xe0", "an Excel workbook", "save it as CSV (UTF-8)"),
        (rb"bzh\d1ay|\xfd7zxz|7z\xbc\xaf|rar!", "an archive of a kind that is not read", "unpack it"),
        (rb"arrow1|fea1", "a Feather file", "write it as Parquet"),
        (rb"\0{16}", "zeros: space that was never written", FETCH),
    )
)


def content_kind(head: bytes) -> str:
    """Kind of a file that starts with `head`: text, zip, gzip, zstd or parquet."""
    return next((kind for magic, kind in MAGIC if head.startswith(magic)), "text")


def suffix_kind(name: str) -> str:
    """Kind that a file's name promises: text, gzip, zstd or parquet."""
    return next((kind for kind, suffix in PACKED.items() if name.lower().endswith(suffix)), "text")


def check_content(path: Path) -> None:
    """Refuse a file that does not hold what its name says.

    Raises
    ------
    RawDataError
        It is a pointer, an error page, text in UTF-16, or something else that was renamed.
    """
    head = read_start(path, HEAD_BYTES)
    refuse_disguise(path.name, head)
    kind, promised = content_kind(head), suffix_kind(path.name)
    if kind == promised:
        return
    if kind == "zip":
        found, remedy = "a zip archive", f"unpack it, or run: python -m warehouse.land {path.parent}"
    else:
        stem = path.name[: -len(SUFFIX_OF[promised])]
        found, remedy = NAME_OF[kind], f"rename it to {stem}{SUFFIX_OF[kind]}, or fetch it again"
    raise RawDataError(expected=f"{NAME_OF[promised]} in {path.name}", found=found, remedy=remedy)


def refuse_disguise(name: str, head: bytes) -> None:
    """Raise `RawDataError` when `head` is the start of something that is no data at all."""
    for disguise in DISGUISES:
        if disguise.start.match(head):
            raise RawDataError(expected=f"the data in {name}", found=disguise.is_really, remedy=disguise.remedy)


def read_start(path: Path, size: int) -> bytes:
    """First bytes of a file as they are on disk; `RawDataError` when it cannot be opened."""
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError as error:
        raise _unreadable(path, error) from error


def read_first_line(path: Path) -> str:
    """First line of a CSV file, without its end and its byte order mark.

    Raises
    ------
    RawDataError
        The file cannot be read or unpacked, holds something else, or the line is not UTF-8.
    """
    try:
        with open_text(path) as file:
            head = file.read(HEAD_BYTES)
    except UNPACK_ERRORS as error:
        raise _unreadable(path, error) from error
    if content_kind(head) != "text":
        found = f"{content_kind(head)} data inside"
        raise RawDataError(expected=f"CSV in {path.name}", found=found, remedy="unpack it once more")
    refuse_disguise(path.name, head)
    try:
        return re.split(rb"[\r\n]", head, maxsplit=1)[0].decode("utf-8").lstrip("\ufeff")
    except UnicodeDecodeError as error:
        found = f"byte 0x{error.object[error.start]:02x} at place {error.start + 1} of line 1"
        raise RawDataError(expected=f"UTF-8 text in {path.name}", found=found, remedy="save it as UTF-8") from error


def open_text(path: Path) -> BinaryIO:
    """Open a CSV file for reading its bytes, unpacked."""
    kind = suffix_kind(path.name)
    if kind == "gzip":
        return gzip.open(path, "rb")  # type: ignore[return-value]
    if kind == "zstd":
        import pyarrow

        return pyarrow.input_stream(str(path), compression="zstd")
    return path.open("rb")


def check_packed(path: Path) -> None:
    """Unpack a gzip or zstd file to its end: DuckDB neither compares checksums nor misses the end of a zstd file.

    A zstd file without checksums (the writer's choice) is only known to be complete.

    Raises
    ------
    RawDataError
        The file is cut or damaged.
    """
    try:
        with open_text(path) as file:
            while file.read(CHUNK_BYTES):
                pass
    except UNPACK_ERRORS as error:
        raise _unreadable(path, error) from error


def ends_with_line_end(path: Path) -> bool:
    """Does the last line of an uncompressed file end like the others; a file that was cut does not."""
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) in b"\r\n"


def mixed_line_ends(path: Path) -> str | None:
    """First line of a CSV file that ends in an unusual way, or in another than line 1, in words; reads all of it."""
    first: bytes | None = None
    with open_text(path) as file:
        for number, line in enumerate(file, 1):
            body = line.rstrip(b"\r\n")
            end = b"\r" if b"\r" in body else line[len(body) :]
            first = first or end
            if end not in {first, b""}:
                return f"line {number:,} ends in {_named(end)}, line 1 in {_named(first)}"
            if first not in LINE_ENDS:
                return f"line {number:,} ends in {_named(first)}"
    return None


def shown(text: str, limit: int = SHOWN_CHARACTERS) -> str:
    """Text from a file for a message: quoted, on one line, and not too long."""
    return repr(text if len(text) <= limit else text[:limit] + "…")


def printable(text: str) -> str:
    """Text without line breaks and control characters, which are written as escapes."""
    return repr(text)[1:-1]


def _named(line_end: bytes) -> str:
    return line_end.decode("ascii", "replace").replace("\r", "CR").replace("\n", "LF")


def _unreadable(path: Path, error: Exception) -> RawDataError:
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error).splitlines()[0]
    remedy = "make it readable" if isinstance(error, PermissionError) else "fetch the file again"
    return RawDataError(expected=f"a readable file at {path}", found=reason, remedy=remedy)
