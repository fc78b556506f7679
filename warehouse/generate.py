"""Generate the eight raw files of the Home Credit release: artificial clients with the distributions of the real ones.

Marginals, correlations, histories and the target follow one small file of statistics
(warehouse/generator/statistics.json); no real row is in it. The same options give the same bytes.
generated.json beside the files says how they were made.
"""

import argparse
import hashlib
import json
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.core.cli import run_command
from warehouse.core.errors import SettingsError, first_line
from warehouse.generator import application, bureau, cards, previous, repayments
from warehouse.generator.bureau import Columns
from warehouse.generator.clients import TEST_TO_TRAIN, Population
from warehouse.generator.drift import DRIFTS
from warehouse.generator.statistics import STATISTICS_FILE, load_statistics
from warehouse.generator.writer import FORMATS, write_table
from warehouse.loading.contract import load_contract
from warehouse.loading.folder import require_whole_landing

MANIFEST = "generated.json"
MAX_CLIENTS = 10_000_000
EXIT_INTERRUPTED = 130
TABLES = {
    "application_train": lambda population: application.application_chunks(population, test=False),
    "application_test": lambda population: application.application_chunks(population, test=True),
    "bureau": bureau.bureau_chunks,
    "bureau_balance": bureau.balance_chunks,
    "previous_application": previous.previous_chunks,
    "POS_CASH_balance": repayments.pos_chunks,
    "credit_card_balance": cards.card_chunks,
    "installments_payments": repayments.instalment_chunks,
}


class StoppedError(Exception):
    """The person or the system wants the work ended."""


@dataclass(frozen=True)
class GeneratorOptions:
    """What to generate.

    Attributes
    ----------
    clients : int
        Rows of application_train; application_test gets 0.1585 times as many.
    seed : int
        Seed of all random numbers, 0 or more.
    out : Path
        Folder; made if it does not exist.
    file_format : {'csv', 'csv.gz', 'parquet'}
    drift : {'none', 'mild', 'strong'}
        Shift of the clients in application_test.
    force : bool
        Replace the raw files that are in `out`.
    quiet : bool
        Print no progress.
    threads : int, optional
        Of DuckDB; the bytes do not depend on it. Default: all there are.
    """

    clients: int
    seed: int
    out: Path
    file_format: str = "csv"
    drift: str = "none"
    force: bool = False
    quiet: bool = False
    threads: int | None = None


def generate(options: GeneratorOptions, is_stopped: Callable[[], bool] = lambda: False) -> dict[str, int]:
    """Write the eight files, all of them or none.

    Parameters
    ----------
    options : GeneratorOptions
        What to write.
    is_stopped : callable, optional
        Asked before every batch of rows (about a second apart at most); true ends the work.

    Returns
    -------
    dict of str to int
        Rows by table.

    Raises
    ------
    SettingsError
        A number is out of range, or the folder cannot be written or holds raw files already.
    StoppedError
        `is_stopped` said so; the folder is as it was.
    """
    _check(options)
    out = options.out
    population = Population(load_statistics(), options.clients, options.seed, DRIFTS[options.drift])
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as folder:
            rows = _write_all(population, Path(folder), options, is_stopped)
            (Path(folder) / MANIFEST).write_text(_manifest(options, rows), encoding="utf-8")
            _move_into_place(Path(folder), out)
    except (OSError, duckdb.IOException) as error:
        raise SettingsError(
            expected=f"to write {out}", found=first_line(error), remedy="choose another folder with --out, or make room"
        ) from error
    return rows


def _check(options: GeneratorOptions) -> None:
    clients, out = options.clients, options.out
    if not 1 <= clients <= MAX_CLIENTS:
        raise SettingsError(
            expected=f"--clients between 1 and {MAX_CLIENTS:,}", found=f"{clients:,}", remedy="choose another number"
        )
    if options.seed < 0:
        raise SettingsError(expected="--seed of 0 or more", found=str(options.seed), remedy="choose another seed")
    if out.exists() and not out.is_dir():
        raise SettingsError(expected=f"{out} to be a folder", found="a file", remedy="choose another folder with --out")
    require_whole_landing(out)
    present = sorted(path.name for path in _raw_files(out))
    if present and not options.force:
        raise SettingsError(
            expected=f"no raw files in {out}",
            found=f"{present[0]} and {len(present) - 1} more" if len(present) > 1 else present[0],
            remedy="choose another folder with --out, or add --force to replace them",
        )


def _raw_files(folder: Path) -> list[Path]:
    """Files in the folder that hold one of the eight tables, in any format."""
    names = {f"{table}.{suffix}".lower() for table in TABLES for suffix in (*FORMATS, "csv.zst")}
    return [path for path in folder.glob("*") if path.name.lower() in names | {MANIFEST}]


def _write_all(
    population: Population, folder: Path, options: GeneratorOptions, is_stopped: Callable[[], bool]
) -> dict[str, int]:
    """Write table after table; rows leave DuckDB in the order in which they come."""
    threads = {} if options.threads is None else {"threads": options.threads}
    con = duckdb.connect(config={"preserve_insertion_order": "true"} | threads)
    contract, texts, rows = load_contract(), population.statistics.texts.values, {}
    for name, chunks in TABLES.items():
        start = time.perf_counter()
        path = folder / f"{name}.{options.file_format}"
        batches = _until(is_stopped, chunks(population))
        rows[name] = write_table(con, contract[name], texts, batches, path, options.file_format)
        if not options.quiet:
            size, seconds = path.stat().st_size / 1e6, time.perf_counter() - start
            print(f"{name:24s} {rows[name]:>12,} rows {size:>8.1f} MB {seconds:>6.1f} s", flush=True)
    con.close()
    return rows


def _until(is_stopped: Callable[[], bool], batches: Iterable[Columns]) -> Iterator[Columns]:
    for columns in batches:
        if is_stopped():
            raise StoppedError
        yield columns


def _manifest(options: GeneratorOptions, rows: dict[str, int]) -> str:
    """What was generated and how: enough to make it again, and the truth about its drift."""
    content = {
        "made_by": "warehouse.generate",
        "clients": options.clients,
        "seed": options.seed,
        "format": options.file_format,
        "drift": {"name": options.drift, "shifts": DRIFTS[options.drift].shifts},
        "statistics_sha256": hashlib.sha256(STATISTICS_FILE.read_bytes()).hexdigest(),
        "rows": rows,
    }
    return json.dumps(content, indent=2) + "\n"


def _move_into_place(folder: Path, out: Path) -> None:
    """Swap the finished files in; what was there before goes only now."""
    out.mkdir(parents=True, exist_ok=True)
    for old in _raw_files(out):
        old.unlink()
    for path in sorted(folder.iterdir()):
        path.replace(out / path.name)


def _epilog() -> str:
    """The truth about drift, for --help."""
    lines = [
        "drift: the clients of application_test are drawn like those of application_train (none), or with the",
        "normal scores of some variables shifted by so many standard deviations. A shift of s gives a population",
        "stability index of about s * s on a continuous column. AMT_CREDIT and AMT_ANNUITY move with AMT_GOODS_PRICE;",
        "COLUMN? is the share of nulls; table.VARIABLE is what a client brings to every row of that history;",
        "OCCUPATION runs from safe to risky.",
        *(f"  {drift.name:7s} {drift.describe()}" for drift in DRIFTS.values()),
    ]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and generate."""
    parser = argparse.ArgumentParser(
        prog="python -m warehouse.generate", description=__doc__, epilog=_epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument(
        "--clients", type=int, required=True, metavar="N",
        help=f"rows of application_train; application_test gets {TEST_TO_TRAIN:.4f} times as many, as in the release "
        "(307511 = full size: 60 million rows, about 2.8 GB as CSV)",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=int, default=1, metavar="S", help="seed of all random numbers (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the files; made if need be")
    parser.add_argument("--format", choices=sorted(FORMATS), default="csv", help="of the files (default: %(default)s)")
    parser.add_argument("--drift", choices=list(DRIFTS), default="none", help="shift application_test, see below")
    parser.add_argument("--force", action="store_true", help="replace the raw files that are in DIR")
    args = parser.parse_args(argv)
    told_to_stop = threading.Event()
    if argv is None:
        # only noted: an exception raised wherever a signal lands is lost or garbled inside DuckDB, Arrow or an import
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: told_to_stop.set())
    try:
        return run_command(lambda: _run(args, told_to_stop.is_set))
    except StoppedError:
        print(f"interrupted: {args.out} is as it was before", file=sys.stderr)
        return EXIT_INTERRUPTED


def _run(args: argparse.Namespace, is_stopped: Callable[[], bool]) -> None:
    options = GeneratorOptions(args.clients, args.seed, args.out, args.format, args.drift, args.force)
    rows = generate(options, is_stopped)
    clients = f"{rows['application_train']:,} + {rows['application_test']:,} clients"
    print(f"{sum(rows.values()):,} rows of {clients} in {args.out}")


if __name__ == "__main__":
    sys.exit(main())
