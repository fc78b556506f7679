"""Write generated raw files, whole or not at all."""

import hashlib
import json
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.core.errors import SettingsError, first_line
from warehouse.generator.population.clients import Population
from warehouse.generator.population.drift import DRIFTS
from warehouse.generator.population.statistics import STATISTICS_FILE, load_statistics
from warehouse.generator.tables import application, bureau, cards, previous, repayments
from warehouse.generator.tables.bureau import Columns
from warehouse.generator.writer import FORMATS, write_table
from warehouse.loading.contract import load_contract
from warehouse.loading.folder import require_whole_landing
from warehouse.loading.swap import GENERATED_MARKER, staging_folder, swap

MAX_CLIENTS = 10_000_000


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
    """A person or the system wants the work ended; between two batches of rows, so that nothing is left behind."""


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
        with staging_folder(out) as folder:
            rows = _write_all(population, folder, options, is_stopped)
            (folder / GENERATED_MARKER).write_text(_manifest(options, rows), encoding="utf-8")
            swap(out, {table: f"{table}.{options.file_format}" for table in TABLES})
    except (OSError, duckdb.IOException) as error:
        raise SettingsError(
            expected=f"to write {out}", found=first_line(error), remedy="choose another folder with --out, or make room"
        ) from error
    return rows


def stop_on_signals() -> Callable[[], bool]:
    """Note Ctrl-C and a termination instead of raising where they arrive; the function returned says whether one came.

    An exception raised wherever a signal arrives is lost or garbled inside DuckDB, Arrow or an import.
    """
    told_to_stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: told_to_stop.set())
    return told_to_stop.is_set


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
    return [path for path in folder.glob("*") if path.name.lower() in names | {GENERATED_MARKER}]


def _write_all(
    population: Population, folder: Path, options: GeneratorOptions, is_stopped: Callable[[], bool]
) -> dict[str, int]:
    """Write table after table; rows leave DuckDB in the order in which they come."""
    threads = {} if options.threads is None else {"threads": options.threads}
    contract, texts = load_contract(), population.statistics.texts.values
    rows: dict[str, int] = {}
    with duckdb.connect(config={"preserve_insertion_order": "true"} | threads) as con:
        for name, chunks in TABLES.items():
            start = time.perf_counter()
            path = folder / f"{name}.{options.file_format}"
            batches = _until(is_stopped, chunks(population))
            rows[name] = write_table(con, contract[name], texts, batches, path, options.file_format)
            if not options.quiet:
                size, seconds = path.stat().st_size / 1e6, time.perf_counter() - start
                print(f"{name:24s} {rows[name]:>12,} rows {size:>8.1f} MB {seconds:>6.1f} s", flush=True)
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
