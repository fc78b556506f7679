"""Land the release: take the Kaggle archive or a folder of files, check it, and put it into the raw folder.

All eight tables are staged and checked first; then they replace the old files together. A landing that is stopped
leaves the old files as they were. Columns, names and packing are checked here; every value is when dbt builds.
"""

import argparse
import contextlib
import errno
import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.archives import RELEASE, Item, Stock, read_chunks, take_stock
from warehouse.core.cli import run_command
from warehouse.core.errors import RawDataError, SettingsError, first_line
from warehouse.core.settings import PROJECT_ROOT, Settings
from warehouse.kaggle_download import download, log_in
from warehouse.loading.contract import Contract, Table, load_contract
from warehouse.loading.file_kinds import CHUNK_BYTES, check_packed, ends_with_line_end, printable, suffix_kind
from warehouse.loading.files import open_raw_file, scan_sql
from warehouse.loading.folder import LANDING, LANDING_JOURNAL
from warehouse.raw_swap import GENERATED_MARKER, check_replaceable, finish_swap, staging_folder, swap

MEGABYTE = 1e6
ROOM_TO_SPARE = 1.02
PROGRESS_SECONDS = 2.0
NAMES_SHOWN = 5
INTERRUPTED = 130
DOWNLOAD = f"{LANDING}-download"


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
        report(f"ignored, no table of the release: {_listed(stock.ignored)}")
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
        raise _cannot_write(raw_dir, error) from error
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
    if rows is None:
        raise RawDataError(
            expected=f"readable rows in {printable(item.label)}", found="none", remedy="fetch the file again"
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the command line and land."""
    parser = argparse.ArgumentParser(
        prog="python -m warehouse.land", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "path", nargs="?", type=Path, metavar="PATH",
        help=f"{RELEASE}.zip, or a folder with one file per table: .csv, .csv.gz, .csv.zst, .parquet or .csv.zip",
    )  # fmt: skip
    source.add_argument("--kaggle", action="store_true", help="download the archive with the package kaggle first")
    source.add_argument(
        "--resume", action="store_true", help="finish a landing that was stopped while it swapped files"
    )
    parser.add_argument(
        "--raw-dir", type=Path, metavar="DIR", help="raw folder (default: CREDIT_RAW_DIR, or else warehouse/raw)"
    )
    arguments = parser.parse_args(argv)
    raw_dir = (arguments.raw_dir or Settings.from_environment().raw_dir).expanduser().resolve()
    try:
        return run_command(lambda: _run(arguments, raw_dir))
    except KeyboardInterrupt:
        print("stopped; see --resume" if _is_half_swapped(raw_dir) else "stopped; nothing was changed", file=sys.stderr)
        return INTERRUPTED


def _run(arguments: argparse.Namespace, raw_dir: Path) -> None:
    if arguments.resume:
        print(f"finished the stopped landing in {raw_dir}" if _resume(raw_dir) else f"nothing to finish in {raw_dir}")
        return
    started = time.perf_counter()
    with contextlib.ExitStack() as stack:
        if arguments.kaggle:
            client = log_in()
            path = download(client, stack.enter_context(_download_folder(raw_dir)))
        else:
            path = arguments.path.expanduser().resolve()
        landed, removed = land(path, raw_dir, load_contract(), report=lambda line: print(line, flush=True))
    _print_landed(landed, removed, raw_dir, time.perf_counter() - started)


def _resume(raw_dir: Path) -> bool:
    if not _is_half_swapped(raw_dir):
        return False
    try:
        finish_swap(raw_dir)
    except OSError as error:
        raise _cannot_write(raw_dir, error) from error
    return True


def _is_half_swapped(raw_dir: Path) -> bool:
    return (raw_dir / LANDING / LANDING_JOURNAL).exists()


@contextlib.contextmanager
def _download_folder(raw_dir: Path) -> Iterator[Path]:
    """Hidden folder inside the raw folder, where there must be room anyway."""
    folder = raw_dir / DOWNLOAD
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    except OSError as error:
        raise _cannot_write(raw_dir, error) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _print_landed(landed: list[Landed], removed: list[str], raw_dir: Path, seconds: float) -> None:
    print(f"landed in {raw_dir} in {seconds:.1f} s:")
    for file in landed:
        print(f"  {file.table:24s} {file.file_name:34s} {file.size / MEGABYTE:>10,.1f} MB")
    if removed:
        print(f"removed, replaced by these: {_listed(removed)}")
    default = raw_dir == PROJECT_ROOT / "warehouse" / "raw"
    print(f"next: {'' if default else f'CREDIT_RAW_DIR={shlex.quote(str(raw_dir))} '}make run")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(printable(name) for name in names[:NAMES_SHOWN]) + more


def _cannot_write(raw_dir: Path, error: OSError) -> SettingsError:
    remedy = "make room" if error.errno == errno.ENOSPC else "make it writable"
    return SettingsError(
        expected=f"to write {raw_dir}",
        found=error.strerror or printable(str(error)),
        remedy=f"{remedy}, or choose another folder with --raw-dir",
    )


if __name__ == "__main__":
    sys.exit(main())
