"""Compare generated files with real ones."""

from pathlib import Path

import duckdb

from warehouse.generator.fidelity.measures import (
    Entry,
    column_entries,
    count_entries,
    dependence_entries,
    feature_entries,
)
from warehouse.loading.contract import Contract, load_contract
from warehouse.loading.files import find_raw_file, open_raw_file, select_sql

LARGE_BYTES = 300_000_000


def compare(real_dir: Path, generated_dir: Path) -> list[Entry]:
    """Measure both folders.

    Returns
    -------
    list of Entry
        The widest gaps first; gaps of different kinds are comparable in that each lies between 0 (same) and 1.

    Raises
    ------
    RawDataError
        A folder lacks a file, or a file lacks a column.
    """
    contract = load_contract()
    real, generated = open_folder(real_dir, contract), open_folder(generated_dir, contract)
    entries = [
        *count_entries(contract, real, generated),
        *column_entries(contract, real, generated),
        *dependence_entries(real, generated),
        *feature_entries(real, generated),
    ]
    return sorted(entries, key=lambda entry: (-entry.gap, entry.table, entry.column, entry.measure))


def open_folder(folder: Path, contract: Contract) -> duckdb.DuckDBPyConnection:
    """Open the eight files as tables (large ones as views) with each row's weight, and a table `clients`."""
    con = duckdb.connect()
    files = {table.name: find_raw_file(folder, table.name) for table in contract.tables.values()}
    queries = {name: select_sql(open_raw_file(path, contract[name])) for name, path in files.items()}
    parts = [
        f"select SK_ID_CURR, {contract[name].released_rows} / (count(*) over ()) as weight from ({queries[name]})"
        for name in ("application_train", "application_test")
    ]
    con.execute(f"create table clients as {' union all '.join(parts)}")
    for name, query in queries.items():
        kind = "view" if files[name].stat().st_size > LARGE_BYTES else "table"
        if name == "bureau_balance":
            weights, key = "(select SK_ID_BUREAU, weight from bureau)", "SK_ID_BUREAU"
        else:
            weights, key = "clients", "SK_ID_CURR"
        con.execute(f"create {kind} {name} as select * from ({query}) left join {weights} as weights using ({key})")
    return con
