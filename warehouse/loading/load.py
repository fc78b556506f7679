"""Raw files into the warehouse's `raw` schema: typed, all or nothing, and only the files that changed."""

import hashlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import duckdb

from warehouse.core.builds import PREPARE as PREPARE_BUILDS
from warehouse.core.database import has_table
from warehouse.core.errors import RawDataError, first_line
from warehouse.core.files import file_sha256
from warehouse.core.sql import quoted
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
    open_raw_file,
    select_sound_rows_sql,
    select_sql,
)
from warehouse.loading.folder import file_identity, is_settled, reading

FAULTS_SHOWN = 5
KEY_PREFIX = "SK_ID_"
NOT_THE_FILE = (duckdb.OutOfMemoryException, duckdb.InterruptException, duckdb.FatalException)
PREPARE = """
create schema if not exists raw;
create schema if not exists staging;
create schema if not exists meta;
create table if not exists meta.raw_files (
    table_name varchar primary key, file_name varchar, fingerprint varchar,
    row_count bigint, rejected_row_count bigint, loaded_at timestamp with time zone
);
alter table meta.raw_files add column if not exists file_identity varchar;
alter table meta.raw_files add column if not exists file_sha256 varchar;
alter table meta.raw_files add column if not exists content varchar;
alter table meta.raw_files add column if not exists checked_at timestamp with time zone;
comment on table meta.raw_files is 'One row per raw table: the file it was loaded from, and when.';
create table if not exists meta.build_state (unique_id varchar, state varchar, built_at timestamp with time zone);
alter table meta.build_state add column if not exists content varchar;
alter table meta.build_state add column if not exists docs varchar;
alter table meta.build_state add column if not exists relation varchar;
alter table meta.build_state add column if not exists shape varchar;
alter table meta.build_state add column if not exists evidence varchar;
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

    All files are found and their headers checked before the first row is read. A file that `meta.raw_files` knows is
    not read again as long as its table holds the rows that were loaded. No landing takes place meanwhile.

    Returns
    -------
    list of str
        Names of the tables that were read.

    Raises
    ------
    RawDataError
        A file is missing, does not match the contract, has more faulty rows than `max_rejected_share`, or changes while
        it is read; or a landing is at work in the folder.
    """
    with reading(raw_dir):
        paths = {table.name: find_raw_file(raw_dir, table.name) for table in contract.tables.values()}
        identities = {name: file_identity(path) for name, path in paths.items()}
        files = [open_raw_file(paths[table.name], table) for table in contract.tables.values()]
        con.execute(PREPARE + PREPARE_BUILDS)
        read = []
        for raw in files:
            if _is_up_to_date(con, raw, max_rejected_share, report):
                continue
            for warning in _warnings(raw):
                report(f"warning: {raw.path.name}: {warning}")
            _load_and_report(con, raw, max_rejected_share, report)
            read.append(raw.table.name)
        for name, path in paths.items():
            _require_same(path, identities[name])
    return read


def _load_and_report(
    con: duckdb.DuckDBPyConnection, raw: RawFile, max_rejected_share: float, report: Callable[[str], None]
) -> None:
    started = time.perf_counter()
    rows, rejected = _load(con, raw, max_rejected_share)
    aside = f", {rejected:,} faults set aside" if rejected else ""
    if rows == 0:
        report(f"warning: {raw.path.name}: no rows below the header: features made of it are null")
    report(f"loaded raw.{raw.table.name}: {rows:,} rows{aside} in {time.perf_counter() - started:.1f} s")


def _is_up_to_date(
    con: duckdb.DuckDBPyConnection, raw: RawFile, max_rejected_share: float, report: Callable[[str], None]
) -> bool:
    """Is the table what this file, read by this contract with this tolerance, was and would be loaded as."""
    known = con.execute(
        "select fingerprint, file_identity, file_sha256, content, row_count, epoch(checked_at), "
        "(select count(distinct line) from staging.rejected_rows as r where r.table_name = f.table_name) "
        "from meta.raw_files as f where table_name = ?",
        [raw.table.name],
    ).fetchone()
    if known is None:
        return False
    fingerprint, identity, sha256, content, rows, checked_at, bad_lines = known
    if identity is None or bad_lines > max_rejected_share * (rows + bad_lines):
        return False
    if fingerprint != _load_fingerprint(raw, sha256):
        return False
    if identity != file_identity(raw.path) or not is_settled(raw.path, checked_at):
        identity = file_identity(raw.path)
        if file_sha256(raw.path) != sha256:
            return False
        con.execute(
            "update meta.raw_files set file_identity = ?, checked_at = current_timestamp where table_name = ?",
            [identity, raw.table.name],
        )
    if not has_table(con, "raw", raw.table.name) or _table_content(con, raw) != content:
        report(f"warning: raw.{raw.table.name} is not as it was loaded; it is read again from {raw.path.name}")
        return False
    return True


def _table_content(con: duckdb.DuckDBPyConnection, raw: RawFile) -> str:
    """Columns, row count and hash of the keys of a raw table: evidence that nobody has changed it, in milliseconds."""
    location = f"raw.{quoted(raw.table.name)}"
    columns = con.execute(f"select column_name || ' ' || column_type from (describe {location})").fetchall()
    names = {column.rsplit(" ", 1)[0] for (column,) in columns}
    keys = [quoted(name) for name in raw.table.column_names if name.startswith(KEY_PREFIX) and name in names]
    total = f"coalesce(sum(hash({', '.join(keys)})), 0)" if keys else "0"
    rows, keys_sum = con.execute(f"select count(*), {total} from {location}").fetchall()[0]
    return f"{hashlib.blake2b(str(columns).encode(), digest_size=16).hexdigest()}/{rows}/{keys_sum}"


def _require_same(path: Path, identity: str) -> None:
    """Stop when a file is not the one that it was when reading began: what was read may be neither."""
    try:
        is_same = file_identity(path) == identity
    except OSError:
        is_same = False
    if not is_same:
        raise RawDataError(
            expected=f"{path.name} at rest while it is read",
            found="a file that was changed or replaced meanwhile",
            remedy="wait until whatever writes it has ended, then build again",
        )


def _warnings(raw: RawFile) -> list[str]:
    """What is read all the same, and should be known: a value that was cut in the very last row cannot be told."""
    warnings = []
    if raw.extra_columns:
        warnings.append(f"columns unknown to the contract are ignored: {', '.join(map(printable, raw.extra_columns))}")
    if suffix_kind(raw.path.name) == "text" and not ends_with_line_end(raw.path):
        warnings.append("the last line has no line end; if the file was cut there, its last value is not whole")
    return warnings


def _load_fingerprint(raw: RawFile, sha256: str) -> str:
    """Digest of the file's bytes and of the SQL that reads it: a change of either loads it again."""
    query = select_sql(raw).replace(str(raw.path), raw.path.name)
    return hashlib.blake2b((sha256 + query).encode(), digest_size=16).hexdigest()


def _load(con: duckdb.DuckDBPyConnection, raw: RawFile, max_rejected_share: float) -> tuple[int, int]:
    """Read one file in one transaction: table, rejected rows and fingerprint appear together or not at all."""
    name, identity = raw.table.name, file_identity(raw.path)
    con.execute("begin")
    try:
        with ThreadPoolExecutor(max_workers=1) as beside:
            intact, sha256 = _check_packing(beside, raw), beside.submit(file_sha256, raw.path)
            faults = _create(con, raw)
            intact.result()
        _require_same(raw.path, identity)
        rows = con.execute(f'select count(*) from raw."{name}"').fetchone()[0]
        bad_lines = len({fault.line for fault in faults})
        if bad_lines > max_rejected_share * (rows + bad_lines) or any(fault.hides_rows for fault in faults):
            raise _faulty(raw, faults, f"{bad_lines:,} of {rows + bad_lines:,} rows")
        if rows == 0:
            _refuse_no_rows(raw, faults)
        _record(con, raw, rows, faults, identity, sha256.result())
        con.execute("commit")
    except BaseException:
        con.execute("rollback")
        raise
    return rows, len(faults)


def _refuse_no_rows(raw: RawFile, faults: list[Fault]) -> None:
    """No application at all is no population, while nobody having a history of some kind is legitimate."""
    if faults:
        raise _faulty(raw, faults, "no row without a fault")
    if not raw.table.parent_table:
        raise RawDataError(expected=f"rows in {raw.path}", found="a header only", remedy="fetch the file again")


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
        remedy="write all lines with the same line end" if reason else "fix or fetch the file again",
    )


def _faulty(raw: RawFile, faults: list[Fault], found: str) -> RawDataError:
    by_line = {fault.line: fault for fault in reversed(faults)}
    first = [str(by_line[line]) for line in sorted(by_line, key=lambda line: line or 0)[:FAULTS_SHOWN]]
    more = f"; and {len(by_line) - FAULTS_SHOWN:,} more" if len(by_line) > FAULTS_SHOWN else ""
    return RawDataError(
        expected=f"{raw.path.name} to parse as the contract says",
        found=f"{found}: {'; '.join(first)}{more}",
        remedy="fix or fetch the file again, or allow a share of such rows with the dbt variable max_rejected_share",
    )


def _record(
    con: duckdb.DuckDBPyConnection, raw: RawFile, rows: int, faults: list[Fault], identity: str, sha256: str
) -> None:
    name, content = raw.table.name, _table_content(con, raw)
    con.execute("delete from staging.rejected_rows where table_name = ?", [name])
    if faults:
        _insert(
            con,
            "staging.rejected_rows",
            [(name, raw.path.name, f.line, f.column, f.value, f.expected_type, f.text) for f in faults],
        )
    con.execute(
        "insert or replace into meta.raw_files by name select $1 as table_name, $2 as file_name, "
        "$3 as fingerprint, $4 as row_count, $5 as rejected_row_count, current_timestamp as loaded_at, "
        "current_timestamp as checked_at, "
        "$6 as file_identity, $7 as file_sha256, $8 as content",
        [name, raw.path.name, _load_fingerprint(raw, sha256), rows, len(faults), identity, sha256, content],
    )


def _insert(con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple]) -> None:
    """Insert rows as columns: one statement for each row takes milliseconds, and there may be 100,000."""
    names = [f"column_{place}" for place in range(len(rows[0]))]
    lists = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    con.execute(f"insert into {table} select {', '.join(f'unnest(${name})' for name in names)}", lists)
