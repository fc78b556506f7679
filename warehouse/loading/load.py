"""Raw files into the warehouse's `raw` schema: typed, all or nothing, and only the files that changed."""

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import duckdb

from warehouse.core.errors import RawDataError, first_line
from warehouse.loading.contract import Contract
from warehouse.loading.faults import Fault, all_values_are_sound, forget_reader_faults, reader_faults, value_faults
from warehouse.loading.file_kinds import (
    UNPACK_ERRORS,
    check_packed,
    ends_with_line_end,
    mixed_line_ends,
    printable,
    suffix_kind,
)
from warehouse.loading.files import (
    RawFile,
    find_raw_file,
    fingerprint,
    open_raw_file,
    select_sound_rows_sql,
    select_sql,
)

FAULTS_SHOWN = 5
NOT_THE_FILE = (duckdb.OutOfMemoryException, duckdb.InterruptException, duckdb.FatalException)
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
create table if not exists meta.model_sql (
    relation varchar primary key, database_name varchar, is_reference boolean, reads varchar[], sql varchar
);
comment on table meta.model_sql is 'One row per dbt model: the compiled SQL that it was last built from.';
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
comment on column staging.rejected_rows.fault is
    'What is wrong: CAST, FRACTION, RANGE, MISSING WORD, SPACES, CHARACTERS, NO VALUE, MISSING COLUMNS, ...';
"""


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
        for warning in _warnings(raw):
            report(f"warning: {raw.path.name}: {warning}")
        started = time.perf_counter()
        rows, rejected = _load(con, raw, max_rejected_share)
        aside = f", {rejected:,} faults set aside" if rejected else ""
        report(f"loaded raw.{raw.table.name}: {rows:,} rows{aside} in {time.perf_counter() - started:.1f} s")
    return [raw.table.name for raw in changed]


def _warnings(raw: RawFile) -> list[str]:
    """What is read all the same, and should be known: a value that was cut in the very last row cannot be told."""
    warnings = []
    if raw.extra_columns:
        warnings.append(f"columns unknown to the contract are ignored: {', '.join(map(printable, raw.extra_columns))}")
    if suffix_kind(raw.path.name) == "text" and not ends_with_line_end(raw.path):
        warnings.append("the last line has no line end; if the file was cut there, its last value is not whole")
    return warnings


def _load_fingerprint(raw: RawFile) -> str:
    """Digest of the file and of the SQL that reads it: a change of either loads it again."""
    query = select_sql(raw).replace(str(raw.path), raw.path.name)
    return hashlib.blake2b((fingerprint(raw.path) + query).encode(), digest_size=16).hexdigest()


def _load(con: duckdb.DuckDBPyConnection, raw: RawFile, max_rejected_share: float) -> tuple[int, int]:
    """Read one file in one transaction: table, rejected rows and fingerprint appear together or not at all."""
    name = raw.table.name
    con.execute("begin")
    try:
        with ThreadPoolExecutor(max_workers=1) as beside:
            intact = _check_packing(beside, raw)
            faults = _create(con, raw)
            intact.result()
        rows = con.execute(f'select count(*) from raw."{name}"').fetchone()[0]
        bad_lines = len({fault.line for fault in faults})
        if bad_lines > max_rejected_share * (rows + bad_lines) or any(fault.hides_rows for fault in faults):
            raise _faulty(raw, faults, f"{bad_lines:,} of {rows + bad_lines:,} rows")
        if rows == 0:
            raise RawDataError(expected=f"rows in {raw.path}", found="a header only", remedy="fetch the file again")
        _record(con, raw, rows, faults)
        con.execute("commit")
    except BaseException:
        con.execute("rollback")
        raise
    return rows, len(faults)


def _check_packing(beside: ThreadPoolExecutor, raw: RawFile) -> "Future[None]":
    """Look for damage in a compressed file while DuckDB, which does not look, reads it."""
    if suffix_kind(raw.path.name) in {"gzip", "zstd"}:
        return beside.submit(check_packed, raw.path)
    return beside.submit(lambda: None)


def _create(con: duckdb.DuckDBPyConnection, raw: RawFile) -> list[Fault]:
    """Create the raw table; give the faults of the rows that were left out.

    A good file is read once. When a value is wrong, it is read again: for the lines of the faults, and without them.
    """
    create = f'create or replace table raw."{raw.table.name}" as '
    forget_reader_faults(con)
    stopped: duckdb.Error | None = None
    try:
        con.execute(create + select_sql(raw))
        left_out = reader_faults(con, raw)
        if all_values_are_sound(con, raw):
            return left_out
    except NOT_THE_FILE:
        raise
    except duckdb.Error as error:
        stopped = error
    con.execute("rollback; begin")
    try:
        faults = value_faults(con, raw)
        if stopped and not faults:
            raise stopped
        con.execute(create + select_sound_rows_sql(raw))
        return faults + reader_faults(con, raw)
    except NOT_THE_FILE:
        raise
    except duckdb.Error as error:
        raise _not_readable(raw, error) from error


def _not_readable(raw: RawFile, error: duckdb.Error) -> RawDataError:
    try:
        reason = None if raw.is_parquet else mixed_line_ends(raw.path)
    except UNPACK_ERRORS:
        reason = None
    return RawDataError(
        expected=f"{raw.path.name} to parse as the contract says",
        found=f"a file that cannot be read: {reason or printable(first_line(error))}",
        remedy="write all lines with the same line end" if reason else "mend or fetch the file again",
    )


def _faulty(raw: RawFile, faults: list[Fault], found: str) -> RawDataError:
    by_line = {fault.line: fault for fault in reversed(faults)}
    first = [str(by_line[line]) for line in sorted(by_line, key=lambda line: line or 0)[:FAULTS_SHOWN]]
    more = f"; and {len(by_line) - FAULTS_SHOWN:,} more" if len(by_line) > FAULTS_SHOWN else ""
    return RawDataError(
        expected=f"{raw.path.name} to parse as the contract says",
        found=f"{found}: {'; '.join(first)}{more}",
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
