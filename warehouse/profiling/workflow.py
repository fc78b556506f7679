"""Measure the raw data and write the page."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, TypeVar

import duckdb

from warehouse.core.database import connect
from warehouse.core.errors import WarehouseMissingError, first_line
from warehouse.loading.contract import Contract
from warehouse.profiling.content import Profile
from warehouse.profiling.oddities import measure_extremes, measure_oddities
from warehouse.profiling.rates import measure_breakdowns, measure_classes
from warehouse.profiling.strength import measure_application, measure_features
from warehouse.profiling.tables import measure_table, require_raw_tables

MEMORY_LIMIT = "4GB"


Measured = TypeVar("Measured")


class Timed(Protocol):
    """Measures one step, and reports how long it took."""

    def __call__(self, step: str, measure: Callable[[], Measured], /) -> Measured:
        """What `measure` returns."""


def measure_profile(warehouse: Path, contract: Contract, *, report: Callable[[str], None] = print) -> Profile:
    """Measure the raw tables, and the features when they are built; the file is opened read-only.

    Parameters
    ----------
    warehouse : Path
        The file that dbt has built.
    contract : Contract
        Contract of the raw files.
    report : callable
        Takes one line of progress per step.

    Raises
    ------
    WarehouseMissingError
        The warehouse or a raw table is missing, or a table cannot be read.
    WarehouseLockedError
        Another process is writing to the file.
    """

    def timed(step: str, measure: Callable[[], Measured]) -> Measured:
        """Measure one step, and report how long it took."""
        started = time.perf_counter()
        measured = measure()
        report(f"{step:34s}{time.perf_counter() - started:8.1f} s")
        return measured

    with connect(warehouse) as con:
        try:
            con.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
            require_raw_tables(con, contract)
            return _measure(con, warehouse.name, contract, timed)
        except duckdb.InterruptException:
            raise
        except duckdb.Error as error:
            raise WarehouseMissingError(
                expected=f"to read every table of {warehouse}",
                found=first_line(error),
                remedy="build it again: cd dbt_project && dbt build",
            ) from error


def _measure(
    con: duckdb.DuckDBPyConnection,
    name: str,
    contract: Contract,
    timed: Timed,
) -> Profile:
    ordered = sorted(contract.tables.values(), key=lambda table: table.name != "application_train")
    tables = timed("rows and missing values", lambda: [measure_table(con, table) for table in ordered])
    overall, credit = timed("class imbalance", lambda: measure_classes(con))
    breakdowns = timed("default rates", lambda: measure_breakdowns(con))
    oddities = timed("outliers and sentinels", lambda: measure_oddities(con, contract))
    extremes = timed("tails of amounts", lambda: measure_extremes(con))
    rising, falling = timed("correlations with default", lambda: measure_application(con, contract))
    features = timed("features of the marts", lambda: measure_features(con))
    return Profile(
        warehouse=name,
        made_at=datetime.now(UTC),
        contract=contract,
        tables=tables,
        overall=overall,
        defaulters_credit=credit,
        breakdowns=breakdowns,
        oddities=oddities,
        extremes=extremes,
        rising=rising,
        falling=falling,
        features=features,
    )
