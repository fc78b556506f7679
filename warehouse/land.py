"""Land the release: take the Kaggle archive or a folder of files, check it, and put it into the raw folder.

All eight tables are staged and checked first; then they replace the old files together. A landing that is stopped
leaves the old files as they were. Columns, names and packing are checked here; every value is when dbt builds.
"""

import argparse
import contextlib
import shlex
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from warehouse.core.cli import EXIT_INTERRUPTED, command
from warehouse.core.settings import PROJECT_ROOT, Settings
from warehouse.landing.archives import RELEASE
from warehouse.landing.kaggle import download, log_in
from warehouse.landing.workflow import (
    MEGABYTE,
    Landed,
    cannot_write,
    is_half_swapped,
    land,
    listed,
)
from warehouse.loading.contract import load_contract
from warehouse.loading.folder import LANDING
from warehouse.loading.swap import finish_swap

DOWNLOAD = f"{LANDING}-download"


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Land the files, or finish a landing that was stopped."""
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
        _run(arguments, raw_dir)
    except KeyboardInterrupt:
        print("stopped; see --resume" if is_half_swapped(raw_dir) else "stopped; nothing was changed", file=sys.stderr)
        return EXIT_INTERRUPTED
    return 0


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
    if not is_half_swapped(raw_dir):
        return False
    try:
        finish_swap(raw_dir)
    except OSError as error:
        raise cannot_write(raw_dir, error) from error
    return True


@contextlib.contextmanager
def _download_folder(raw_dir: Path) -> Iterator[Path]:
    """Hidden folder inside the raw folder, where there must be room anyway."""
    folder = raw_dir / DOWNLOAD
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    except OSError as error:
        raise cannot_write(raw_dir, error) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _print_landed(landed: list[Landed], removed: list[str], raw_dir: Path, seconds: float) -> None:
    print(f"landed in {raw_dir} in {seconds:.1f} s:")
    for file in landed:
        print(f"  {file.table:24s} {file.file_name:34s} {file.size / MEGABYTE:>10,.1f} MB")
    if removed:
        print(f"removed, replaced by these: {listed(removed)}")
    default = raw_dir == PROJECT_ROOT / "warehouse" / "raw"
    print(f"next: {'' if default else f'CREDIT_RAW_DIR={shlex.quote(str(raw_dir))} '}make run")


if __name__ == "__main__":
    sys.exit(main())
