"""Seconds for the features of one applicant with a full history, and of variants of one application.

Needs a published snapshot and the warehouse that it came from, for raw rows of clients with every kind of history:

    python -m tests.benchmarks.bench_features

Asked: one applicant <= 1.2 s, 50 variants of one application <= 1.5 s, on an otherwise idle machine. Processor time is
printed beside, since it says on a busy one what the clock does not.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from warehouse.core.database import connect
from warehouse.core.settings import Settings
from warehouse.engines.one_client import OneClientEngine
from warehouse.engines.raw_rows import read_raw_rows
from warehouse.loading.contract import load_contract
from warehouse.snapshots.snapshot import CURRENT, resolve_snapshot

ONE_ASKED, VARIANTS_ASKED = 1.2, 1.5
VARIANTS, BATCH, REPEATS = 50, 1_000, 7
FULL_HISTORY = (
    "has_bureau_history + has_previous_application + has_installments_history + has_pos_cash_history "
    "+ has_credit_card_history"
)


def timed(label: str, work: Callable[[], object], repeats: int = REPEATS, asked: float | None = None) -> None:
    """Median seconds of the clock and of the processor."""
    clock, processor = [], []
    for _ in range(repeats):
        started, used = time.perf_counter(), time.process_time()
        work()
        clock.append(time.perf_counter() - started)
        processor.append(time.process_time() - used)
    limit = f" (asked <= {asked} s)" if asked else ""
    print(f"{label:44s} {statistics.median(clock):6.2f} s, processor {statistics.median(processor):6.2f} s{limit}")


def clients(database: Path, count: int) -> list[int]:
    """Those with the most kinds of history and the most rows first."""
    with connect(database) as con:
        rows = con.execute(
            f"select sk_id_curr from marts.client_features order by {FULL_HISTORY} desc, "
            f"bureau_loan_count + previous_count + pos_month_count + card_month_count desc limit {count}"
        ).fetchall()
    return [client for (client,) in rows]


def main() -> None:
    """Open the engine, ask it, and print what it took."""
    settings = Settings.from_environment()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--snapshot", default=CURRENT)
    parser.add_argument("--warehouse", type=Path, default=settings.duckdb_path)
    args = parser.parse_args()
    snapshot = resolve_snapshot(args.snapshot, settings.published_dir)
    rows = read_raw_rows(args.warehouse, clients(snapshot.database, BATCH), load_contract().tables)
    timed("opening the engine", lambda: OneClientEngine(snapshot).close(), repeats=3)
    amounts = [{"AMT_CREDIT": 100_000.0 + 10_000 * number} for number in range(VARIANTS)]
    with OneClientEngine(snapshot) as engine:
        engine.features(rows[:1])
        history = sum(len(given) for name, given in rows[0].items() if name != "application")
        timed(f"one applicant with {history:,} rows of history", lambda: engine.features(rows[:1]), asked=ONE_ASKED)
        timed(f"{VARIANTS} variants of it", lambda: engine.variants(rows[0], amounts), asked=VARIANTS_ASKED)
        timed(f"{len(rows):,} applicants", lambda: engine.features(rows), repeats=1)


if __name__ == "__main__":
    main()
