"""Raw files on disk: which file holds a table, what its header says, and the SQL that reads it with the right types."""

import csv
import hashlib
from collections import Counter
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import duckdb

from warehouse.contract import Column, Table
from warehouse.errors import RawDataError

SUFFIXES = (".csv", ".csv.gz", ".csv.zst", ".parquet")
DELIMITERS = (",", ";", "\t", "|")
FINGERPRINT_BYTES = 1 << 20
REJECTS_KEPT = 1_000_000


@dataclass(frozen=True)
class RawFile:
    """A raw file, matched by name with the columns of the contract.

    Attributes
    ----------
    path : Path
    table : Table
        What the contract says of it.
    columns : tuple of str
        Columns in the order of the file, spelled as in the file.
    matched : dict
        Contract name to file name.
    delimiter : str
        Separator of the columns; empty for Parquet.
    """

    path: Path
    table: Table
    columns: tuple[str, ...]
    matched: dict[str, str]
    delimiter: str

    @property
    def extra_columns(self) -> tuple[str, ...]:
        """Columns of the file that the contract does not know; they are not loaded."""
        known = set(self.matched.values())
        return tuple(name for name in self.columns if name not in known)

    @property
    def is_parquet(self) -> bool:
        """Does the file bring types of its own."""
        return self.path.suffix == ".parquet"


def find_raw_file(raw_dir: Path, table_name: str) -> Path:
    """Path of the one file that holds `table_name`.

    Raises
    ------
    RawDataError
        None, or more than one, or an empty one.
    """
    names = {table_name.lower() + suffix for suffix in SUFFIXES}
    found = sorted(path for path in _files(raw_dir) if path.name.lower() in names)
    if not found:
        raise RawDataError(
            expected=f"{table_name}.csv (or {', '.join(SUFFIXES[1:])}) in {raw_dir}",
            found=_folder_content(raw_dir),
            remedy="put the file there, or set CREDIT_RAW_DIR, or run: python -m warehouse.generate --out DIR",
        )
    if len(found) > 1:
        raise RawDataError(
            expected=f"one file for {table_name} in {raw_dir}",
            found=" and ".join(path.name for path in found),
            remedy="keep the one that is meant",
        )
    if found[0].stat().st_size == 0:
        raise RawDataError(
            expected=f"rows in {found[0]}", found="an empty file (0 bytes)", remedy="fetch the file again"
        )
    return found[0]


def holds_raw_files(raw_dir: Path) -> bool:
    """Is there anything in the folder that looks like raw data."""
    return any(path.name.lower().endswith(SUFFIXES) for path in _files(raw_dir))


def open_raw_file(path: Path, table: Table) -> RawFile:
    """Read the header and match its names with the contract, in any order and any case.

    Raises
    ------
    RawDataError
        A column is missing or stands twice, or the file cannot be read.
    """
    if path.suffix == ".parquet":
        columns, delimiter = _parquet_columns(path), ""
    else:
        columns, delimiter = _csv_header(path, table)
    by_name = {name.strip().upper(): name for name in columns}
    twice = sorted(name for name, count in Counter(name.strip().upper() for name in columns).items() if count > 1)
    if twice:
        raise RawDataError(
            expected=f"each column once in {path.name}",
            found=f"more than once: {', '.join(twice)}",
            remedy="mend the header",
        )
    missing = [name for name in table.column_names if name.upper() not in by_name]
    if missing:
        raise _missing_columns(path, table, missing, list(by_name))
    return RawFile(path, table, columns, {name: by_name[name.upper()] for name in table.column_names}, delimiter)


def scan_sql(raw: RawFile) -> str:
    """SQL table function over the file's rows; faulty rows are left out and told in `reject_errors`.

    Columns that the contract calls integer or bigint are read as double first: the file may say 12.0, and DuckDB would
    round 12.5 without a word.
    """
    location = str(raw.path).replace("'", "''")
    if raw.is_parquet:
        return f"read_parquet('{location}')"
    wanted = {file_name: raw.table[name] for name, file_name in raw.matched.items()}
    types = ", ".join(
        f"{_literal(name)}: '{_read_type(wanted[name]) if name in wanted else 'VARCHAR'}'" for name in raw.columns
    )
    return (
        f"read_csv('{location}', auto_detect = false, header = true, delim = {_literal(raw.delimiter)}, quote = '\"', "
        f"escape = '\"', nullstr = '', compression = '{_compression(raw.path)}', columns = {{{types}}}, "
        f"store_rejects = true, rejects_limit = {REJECTS_KEPT})"
    )


def select_sql(raw: RawFile) -> str:
    """SQL query for the table with the contract's names, order and types; fails on a fraction in an integer column."""
    expressions = ",\n    ".join(_typed(raw, column) for column in raw.table.columns)
    return f"select\n    {expressions}\nfrom {scan_sql(raw)}"


def whole_numbers_sql(raw: RawFile) -> dict[str, str]:
    """For each integer column a SQL condition that its value is whole (null for a missing value)."""
    sources = {column.name: _source(raw, column) for column in raw.table.columns if _is_integer(column)}
    return {name: f"{source} = trunc({source})" for name, source in sources.items()}


def fingerprint(path: Path) -> str:
    """Digest of name, size, time of change, head and tail: changes when the file does, without reading all of it."""
    stat = path.stat()
    digest = hashlib.blake2b(f"{path.name}|{stat.st_size}|{stat.st_mtime_ns}".encode(), digest_size=16)
    with path.open("rb") as file:
        digest.update(file.read(FINGERPRINT_BYTES))
        file.seek(max(0, stat.st_size - FINGERPRINT_BYTES))
        digest.update(file.read(FINGERPRINT_BYTES))
    return digest.hexdigest()


def _files(raw_dir: Path) -> list[Path]:
    return [path for path in raw_dir.iterdir() if path.is_file()] if raw_dir.is_dir() else []


def _folder_content(raw_dir: Path) -> str:
    if not raw_dir.is_dir():
        return "no such folder"
    names = sorted(path.name for path in _files(raw_dir))
    if not names:
        return "an empty folder"
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def _compression(path: Path) -> str:
    return {".gz": "gzip", ".zst": "zstd"}.get(path.suffix, "none")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _read_type(column: Column) -> str:
    return "VARCHAR" if column.data_type == "varchar" else "DOUBLE"


def _is_integer(column: Column) -> bool:
    return column.data_type in {"integer", "bigint"}


def _source(raw: RawFile, column: Column) -> str:
    """The column as the scan gives it; a Parquet file brings types of its own."""
    name = _identifier(raw.matched[column.name])
    return f"cast({name} as {_read_type(column)})" if raw.is_parquet else name


def _typed(raw: RawFile, column: Column) -> str:
    source, name = _source(raw, column), _identifier(column.name)
    if _is_integer(column):
        fault = f"error('{column.name} holds ' || {source} || ', expected {column.data_type}')"
        source = f"case when {source} is null or {source} = trunc({source}) then {source} else {fault} end"
    return f"cast({source} as {column.data_type}) as {name}"


def _parquet_columns(path: Path) -> tuple[str, ...]:
    try:
        rows = duckdb.connect().execute("describe select * from read_parquet(?)", [str(path)]).fetchall()
    except duckdb.Error as error:
        raise RawDataError(
            expected=f"a Parquet file at {path}", found=str(error).splitlines()[0], remedy="fetch the file again"
        ) from error
    return tuple(row[0] for row in rows)


def _csv_header(path: Path, table: Table) -> tuple[tuple[str, ...], str]:
    """Names and separator from the first line: of the usual separators, the one that finds the most columns."""
    first_line = (
        "select line from read_csv(?, auto_detect = false, header = false, delim = '\\0', quote = '', escape = '', "
        "compression = ?, columns = {'line': 'VARCHAR'}) limit 1"
    )
    try:
        # a connection of its own: one that does not keep the order of rows may give another line first
        row = duckdb.connect().execute(first_line, [str(path), _compression(path)]).fetchone()
    except duckdb.Error as error:
        raise RawDataError(
            expected=f"a readable text file at {path}", found=str(error).splitlines()[0], remedy="fetch the file again"
        ) from error
    line = (row[0] if row else None) or ""
    splits = {delimiter: next(csv.reader([line.lstrip("\ufeff")], delimiter=delimiter), []) for delimiter in DELIMITERS}
    delimiter = max(DELIMITERS, key=lambda d: len({n.strip().upper() for n in splits[d]} & set(table.column_names)))
    return tuple(splits[delimiter]), delimiter


def _missing_columns(path: Path, table: Table, missing: list[str], present: list[str]) -> RawDataError:
    nearest = {name: get_close_matches(name, present, n=1) for name in missing[:5]}
    named = ", ".join(f"{name} (nearest: {near[0]})" if near else name for name, near in nearest.items())
    more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
    return RawDataError(
        expected=f"the {len(table.columns)} columns of {table.name} in {path.name}",
        found=f"no {named}{more}",
        remedy="mend the header, or fetch the file again",
    )
