"""Raw files into the warehouse's `raw` schema: typed, all or nothing, and only the files that changed."""

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from warehouse.contract import Contract
from warehouse.database import first_line
from warehouse.errors import RawDataError
from warehouse.raw_files import (
    RawFile,
    find_raw_file,
    fingerprint,
    open_raw_file,
    scan_sql,
    select_sql,
    whole_numbers_sql,
)

FAULTS_SHOWN = 5
FRACTIONS_KEPT = 100_000
SHOWN_CHARACTERS = 200
PREPARE = """
create schema if not exists raw;
create schema if not exists staging;
create schema if not exists meta;
create table if not exists meta.raw_files (
    table_name varchar primary key, file_name varchar, fingerprint varchar,
    row_count bigint, rejected_row_count bigint, loaded_at timestamp with time zone
);
comment on table meta.raw_files is 'One row per raw table: the file it was loaded from, and when.';
create table if not exists meta.build_state (unique_id varchar, state varchar, built_at timestamp with time zone);
comment on table meta.build_state is 'One row per dbt model and passed test: what it was last built from.';
create table if not exists staging.rejected_rows (
    table_name varchar, file_name varchar, line bigint,
    column_name varchar, value varchar, expected_type varchar, fault varchar
);
comment on table staging.rejected_rows is 'One row per fault in a raw file; the row it stands in was set aside.';
comment on column staging.rejected_rows.table_name is 'Table of the release.';
comment on column staging.rejected_rows.file_name is 'File that was loaded.';
comment on column staging.rejected_rows.line is 'Line in the file, the header being line 1.';
comment on column staging.rejected_rows.column_name is 'Column of the fault, when it lies in one.';
comment on column staging.rejected_rows.value is 'The value that does not parse, or the whole row.';
comment on column staging.rejected_rows.expected_type is 'Type that the contract gives the column.';
comment on column staging.rejected_rows.fault is 'What is wrong: CAST, FRACTION, MISSING COLUMNS, ...';
"""


@dataclass(frozen=True)
class Fault:
    """A place in a raw file that does not parse."""

    line: int | None
    column: str | None
    value: str | None
    expected_type: str | None
    text: str

    def __str__(self) -> str:
        where = f"line {self.line}" if self.line else "a line"
        if self.column and self.expected_type:
            return f"{where}: {self.column} = {self.value!r}, expected {self.expected_type}"
        return f"{where}: {self.text.lower()}"


def load_raw_files(
    con: duckdb.DuckDBPyConnection,
    raw_dir: Path,
    contract: Contract,
    *,
    max_rejected_share: float = 0.0,
    report: Callable[[str], None] = print,
) -> list[str]:
    """Bring the `raw` schema up to date with the files.

    All files are found and their headers checked before the first row is read. A file whose fingerprint stands in
    `meta.raw_files` is not read again.

    Returns
    -------
    list of str
        Names of the tables that were read.

    Raises
    ------
    RawDataError
        A file is missing, does not match the contract, or has more faulty rows than `max_rejected_share`.
    """
    files = [open_raw_file(find_raw_file(raw_dir, table.name), table) for table in contract.tables.values()]
    con.execute(PREPARE)
    known = dict(con.execute("select table_name, fingerprint from meta.raw_files").fetchall())
    changed = [raw for raw in files if known.get(raw.table.name) != _load_fingerprint(raw)]
    for raw in changed:
        if raw.extra_columns:
            report(
                f"warning: {raw.path.name}: columns unknown to the contract are ignored: {', '.join(raw.extra_columns)}"
            )
        started = time.perf_counter()
        rows, rejected = _load(con, raw, max_rejected_share)
        aside = f", {rejected:,} faults set aside" if rejected else ""
        report(f"loaded raw.{raw.table.name}: {rows:,} rows{aside} in {time.perf_counter() - started:.1f} s")
    return [raw.table.name for raw in changed]


def _load_fingerprint(raw: RawFile) -> str:
    """Digest of the file and of the SQL that reads it: a change of either loads it again."""
    query = select_sql(raw).replace(str(raw.path), raw.path.name)
    return hashlib.blake2b((fingerprint(raw.path) + query).encode(), digest_size=16).hexdigest()


def _load(con: duckdb.DuckDBPyConnection, raw: RawFile, max_rejected_share: float) -> tuple[int, int]:
    """Read one file in one transaction: table, rejected rows and fingerprint appear together or not at all."""
    name = raw.table.name
    con.execute("begin")
    try:
        faults = _create(con, raw)
        rows = con.execute(f'select count(*) from raw."{name}"').fetchone()[0]
        bad_lines = len({fault.line for fault in faults})
        if bad_lines > max_rejected_share * (rows + bad_lines):
            faults.sort(key=lambda fault: fault.line or 0)
            raise _faulty(raw, faults, f"{bad_lines:,} of {rows + bad_lines:,} rows")
        if rows == 0:
            raise RawDataError(expected=f"rows in {raw.path}", found="a header only", remedy="fetch the file again")
        _record(con, raw, rows, faults)
        con.execute("commit")
    except BaseException:
        con.execute("rollback")
        raise
    return rows, len(faults)


def _create(con: duckdb.DuckDBPyConnection, raw: RawFile) -> list[Fault]:
    """Create the raw table; give the faults of the rows that were left out."""
    create, faults = f'create or replace table raw."{raw.table.name}" as {select_sql(raw)}', []
    _forget_rejects(con)
    try:
        con.execute(create)
    except duckdb.Error as error:
        con.execute("rollback; begin")
        faults = _fractions(con, raw)
        if not faults:
            raise _faulty(
                raw, [Fault(None, None, None, None, first_line(error))], "a file that cannot be read"
            ) from error
        _forget_rejects(con)
        con.execute(f"{create} where {' and '.join(f'coalesce({c}, true)' for c in whole_numbers_sql(raw).values())}")
    rejects = _rejects(con, raw)
    left_out = sorted({reject.line for reject in rejects if reject.line})
    return [replace(fault, line=_line_in_file(fault.line, left_out)) for fault in faults] + rejects


def _line_in_file(line: int, left_out: list[int]) -> int:
    """Line of a row that was counted among the rows the reader kept; `left_out` are the lines that it did not."""
    for other in left_out:
        line += other <= line
    return line


def _forget_rejects(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("drop table if exists reject_errors; drop table if exists reject_scans")


def _rejects(con: duckdb.DuckDBPyConnection, raw: RawFile) -> list[Fault]:
    """What the CSV reader left out, in the order of the file."""
    if raw.is_parquet:
        return []
    types = {file_name: raw.table[name].data_type for name, file_name in raw.matched.items()}
    rejects = con.execute(
        "select line, column_name, error_type, csv_line, error_message from reject_errors order by line, column_idx"
    ).fetchall()
    return [_fault(types, *reject) for reject in rejects]


def _fault(types: dict[str, str], line: int, column: str | None, kind: str, row: str, message: str) -> Fault:
    value = re.search(r'string "(.*?)"?(?: to |$)', message.splitlines()[0]) if kind == "CAST" else None
    if value:
        return Fault(line, column, value[1], types.get(column or "", "varchar"), kind)
    return Fault(line, column, row[:SHOWN_CHARACTERS], None, f"{kind}: {message.splitlines()[0]}")


def _fractions(con: duckdb.DuckDBPyConnection, raw: RawFile) -> list[Fault]:
    """Fractions where the contract wants whole numbers; a second read of the file, made when the first one failed."""
    con.execute("set preserve_insertion_order = true")
    faults = []
    for column, whole in whole_numbers_sql(raw).items():
        rows = con.execute(
            f"select line, value from (select row_number() over () + 1 as line, {whole} as whole, "
            f"{whole.split(' = ')[0]} as value from {scan_sql(raw)}) where not whole "
            f"order by line limit {FRACTIONS_KEPT}"
        ).fetchall()
        _forget_rejects(con)
        faults += [Fault(line, column, str(value), raw.table[column].data_type, "FRACTION") for line, value in rows]
    con.execute("set preserve_insertion_order = false")
    return faults


def _faulty(raw: RawFile, faults: list[Fault], found: str) -> RawDataError:
    shown = "; ".join(str(fault) for fault in faults[:FAULTS_SHOWN])
    more = f"; and {len(faults) - FAULTS_SHOWN:,} more" if len(faults) > FAULTS_SHOWN else ""
    return RawDataError(
        expected=f"{raw.path.name} to parse as the contract says",
        found=f"{found}: {shown}{more}",
        remedy="mend or fetch the file again, or allow a share of such rows with the dbt variable max_rejected_share",
    )


def _record(con: duckdb.DuckDBPyConnection, raw: RawFile, rows: int, faults: list[Fault]) -> None:
    name = raw.table.name
    con.execute("delete from staging.rejected_rows where table_name = ?", [name])
    if faults:
        con.executemany(
            "insert into staging.rejected_rows values (?, ?, ?, ?, ?, ?, ?)",
            [[name, raw.path.name, f.line, f.column, f.value, f.expected_type, f.text] for f in faults],
        )
    con.execute(
        "insert or replace into meta.raw_files values (?, ?, ?, ?, ?, current_timestamp)",
        [name, raw.path.name, _load_fingerprint(raw), rows, len(faults)],
    )
