"""The folder of the raw files: which file holds a table, and whether it has changed."""

import hashlib
from pathlib import Path

from warehouse.core.errors import RawDataError
from warehouse.loading.file_kinds import SUFFIXES

LANDING = ".landing"
LANDING_JOURNAL = "swap.json"
FINGERPRINT_BYTES = 1 << 20


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


def fingerprint(path: Path) -> str:
    """Digest of name, size, time of change, head and tail: changes when the file does, without reading all of it."""
    stat = path.stat()
    digest = hashlib.blake2b(f"{path.name}|{stat.st_size}|{stat.st_mtime_ns}".encode(), digest_size=16)
    with path.open("rb") as file:
        digest.update(file.read(FINGERPRINT_BYTES))
        file.seek(max(0, stat.st_size - FINGERPRINT_BYTES))
        digest.update(file.read(FINGERPRINT_BYTES))
    return digest.hexdigest()


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
