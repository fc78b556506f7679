"""Put the files of a release into the raw folder, checked, whole or not at all."""

import errno
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.core.errors import RawDataError, SettingsError, first_line
from warehouse.landing.archives import Item, Stock, read_chunks, take_stock
from warehouse.loading.contract import Contract, Table
from warehouse.loading.file_kinds import CHUNK_BYTES, check_packed, ends_with_line_end, printable, suffix_kind
from warehouse.loading.files import open_raw_file, scan_sql
from warehouse.loading.folder import LANDING, LANDING_JOURNAL
from warehouse.loading.swap import GENERATED_MARKER, check_replaceable, staging_folder, swap

MEGABYTE = 1e6
ROOM_TO_SPARE = 1.02


PROGRESS_SECONDS = 2.0
NAMES_SHOWN = 5


@dataclass(frozen=True)
class Landed:
    """One file in the raw folder."""

    table: str
    file_name: str
    size: int


def land(
    source: Path, raw_dir: Path, contract: Contract, *, report: Callable[[str], None] = print
) -> tuple[list[Landed], list[str]]:
    """Replace the files of all tables in `raw_dir` by those in `source`, or change nothing.

    Parameters
    ----------
    source : Path
        A zip archive, or a folder with one file per table.
    raw_dir : Path
        Made if it does not exist; files of other names in it are left alone.
    contract : Contract
    report : Callable
        Takes the lines of progress.

    Returns
    -------
    list of Landed, list of str
        New files, and names of old files that are gone.

    Raises
    ------
    RawDataError
        A table is missing, twice there or not what the contract says; an archive is damaged or not to be trusted.
    SettingsError
        There is no room, or the folder cannot be written.
    """
    if source.exists() and raw_dir.exists() and source.samefile(raw_dir):
        raise RawDataError(
            expected="files that come from elsewhere", found=f"the raw folder itself, {raw_dir}", remedy="run: make run"
        )
    stock = take_stock(source, contract)
    if stock.ignored:
        report(f"ignored, no table of the release: {listed(stock.ignored)}")
    try:
        with staging_folder(raw_dir) as staging:
            check_replaceable(raw_dir, contract.tables)
            _check_room(stock, raw_dir)
            landed = [
                _stage(item, contract[name], staging, f"{number}/{len(stock.items)}", report)
                for number, (name, item) in enumerate(stock.items.items(), 1)
            ]
            if source.is_dir() and (source / GENERATED_MARKER).is_file():
                shutil.copyfile(source / GENERATED_MARKER, staging / GENERATED_MARKER)
            removed = swap(raw_dir, {file.table: file.file_name for file in landed})
    except OSError as error:
        raise cannot_write(raw_dir, error) from error
    return landed, removed


def _check_room(stock: Stock, raw_dir: Path) -> None:
    free = shutil.disk_usage(raw_dir).free
    if stock.size * ROOM_TO_SPARE > free:
        raise SettingsError(
            expected=f"{stock.size / MEGABYTE:,.0f} MB of room for {raw_dir} (old files go last)",
            found=f"{free / MEGABYTE:,.0f} MB",
            remedy="make room, or choose another folder with --raw-dir",
        )


def _stage(item: Item, table: Table, staging: Path, number: str, report: Callable[[str], None]) -> Landed:
    """Copy one file into the staging folder and check it there."""
    path, started = staging / item.file_name, time.perf_counter()
    shown, done, total = started, 0, item.size / MEGABYTE
    with path.open("xb") as file:
        for chunk in read_chunks(item, CHUNK_BYTES):
            file.write(chunk)
            done += len(chunk)
            if time.perf_counter() - shown > PROGRESS_SECONDS:
                shown = time.perf_counter()
                report(f"  {number} {item.file_name}: {done / item.size:.0%} of {total:,.1f} MB")
        file.flush()
        os.fsync(file.fileno())
    _check_staged(path, table, item)
    report(f"  {number} {item.file_name}: {total:,.1f} MB checked in {time.perf_counter() - started:.1f} s")
    if suffix_kind(path.name) == "text" and not ends_with_line_end(path):
        report(f"warning: {item.file_name}: the last line has no line end; if the file was cut there, fetch it again")
    return Landed(table.name, item.file_name, done)


def _check_staged(path: Path, table: Table, item: Item) -> None:
    """Header, packing and the first row; an error names the file that was given, not the staged one."""
    try:
        raw = open_raw_file(path, table)
        if suffix_kind(path.name) in {"gzip", "zstd"}:
            check_packed(path)
        rows = duckdb.connect().execute(f"select 1 from {scan_sql(raw)} limit 1").fetchone()
    except RawDataError as error:
        found = error.found.replace(str(path), path.name)
        expected = error.expected.replace(str(path), path.name)
        raise RawDataError(
            expected=expected, found=f"{found} ({printable(item.label)})", remedy=error.remedy
        ) from error
    except duckdb.Error as error:
        found = printable(first_line(error).replace(str(path), path.name))
        raise RawDataError(
            expected=f"readable rows in {printable(item.label)}", found=found, remedy="fetch the file again"
        ) from error
    if rows is None and not table.parent_table:
        raise RawDataError(
            expected=f"readable rows in {printable(item.label)}", found="none", remedy="fetch the file again"
        )


def is_half_swapped(raw_dir: Path) -> bool:
    """Whether a landing was stopped between the renames that put the new files into place."""
    return (raw_dir / LANDING / LANDING_JOURNAL).exists()


def listed(names: list[str]) -> str:
    """The first names between commas, and how many more there are."""
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(printable(name) for name in names[:NAMES_SHOWN]) + more


def cannot_write(raw_dir: Path, error: OSError) -> SettingsError:
    """The one line for a raw folder that cannot be written."""
    remedy = "make room" if error.errno == errno.ENOSPC else "make it writable"
    return SettingsError(
        expected=f"to write {raw_dir}",
        found=error.strerror or printable(str(error)),
        remedy=f"{remedy}, or choose another folder with --raw-dir",
    )
