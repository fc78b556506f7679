"""A raw file: what its header says, and the SQL that reads it with the right types."""

import csv
from collections import Counter
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import duckdb

from warehouse.core.errors import RawDataError
from warehouse.loading.contract import Column, Table
from warehouse.loading.file_kinds import check_content, printable, read_first_line, shown
from warehouse.loading.folder import find_raw_file, holds_raw_files
from warehouse.loading.values import CAST, fault_sql, is_integer, sound_sql

__all__ = [
    "RawFile",
    "faults_sql",
    "find_raw_file",
    "holds_raw_files",
    "open_raw_file",
    "scan_sql",
    "select_sound_rows_sql",
    "select_sql",
]
TEXT_TYPES = frozenset({"VARCHAR", '"NULL"'})
INTEGER_TYPES = frozenset(f"{sign}{size}INT" for sign in ("", "U") for size in ("TINY", "SMALL", "BIG", "HUGE"))
NUMBER_TYPES = TEXT_TYPES | INTEGER_TYPES | {"INTEGER", "UINTEGER", "FLOAT", "DOUBLE", "DECIMAL"}
DELIMITERS = (",", ";", "\t", "|")
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
        return tuple(name.strip() or "(no name)" for name in self.columns if name not in known)

    @property
    def is_parquet(self) -> bool:
        """Does the file bring types of its own."""
        return self.path.suffix.lower() == ".parquet"


def open_raw_file(path: Path, table: Table) -> RawFile:
    """Read the header and match its names with the contract, in any order and any case.

    Raises
    ------
    RawDataError
        A column is missing, stands twice or has another type, or the file does not hold what its name says.
    """
    check_content(path)
    if path.suffix.lower() == ".parquet":
        types, delimiter = _parquet_types(path), ""
        columns = tuple(types)
    else:
        types, (columns, delimiter) = {}, _csv_header(path, table)
    by_name = {name.strip().upper(): name for name in columns}
    wanted = {name.upper() for name in table.column_names}
    counts = Counter(name.strip().upper() for name in columns)
    twice = sorted(name for name, count in counts.items() if count > 1 and name in wanted)
    if twice:
        raise RawDataError(
            expected=f"each column once in {path.name}",
            found=f"more than once: {', '.join(twice)}",
            remedy="mend the header",
        )
    missing = [name for name in table.column_names if name.upper() not in by_name]
    if missing:
        raise _missing_columns(path, table, missing, list(by_name))
    raw = RawFile(path, table, columns, {name: by_name[name.upper()] for name in table.column_names}, delimiter)
    _check_types(raw, types)
    return raw


def scan_sql(raw: RawFile, *, as_text: bool = False) -> str:
    """SQL table function over the file's rows; faulty rows are left out and told in `reject_errors`.

    The columns of a CSV file get the contract's names, whatever the header looks like. Columns that the contract calls
    integer or bigint are read as double first: the file may say 12.0, and DuckDB would round 12.5 without a word.
    With `as_text` nothing is converted, so that only rows with too few or too many columns are left out.
    """
    location = str(raw.path).replace("'", "''")
    if raw.is_parquet:
        return f"read_parquet('{location}')"
    wanted = {file_name: raw.table[name] for name, file_name in raw.matched.items()}
    types = ", ".join(
        f"{_literal(wanted[name].name)}: '{'VARCHAR' if as_text else _read_type(wanted[name])}'"
        if name in wanted
        else f"'unknown column {number}': 'VARCHAR'"
        for number, name in enumerate(raw.columns, 1)
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


def select_sound_rows_sql(raw: RawFile) -> str:
    """SQL query as `select_sql`, for the rows without a faulty value."""
    sources = {column.name: _source(raw, column, "try_cast") for column in raw.table.columns}
    expressions = ", ".join(
        f"cast({source} as {raw.table[name].data_type}) as {_identifier(name)}" for name, source in sources.items()
    )
    sound = " and ".join(sound_sql(raw.table[name], source) for name, source in sources.items())
    if raw.is_parquet:
        parsed = " and ".join(f"not ({_unparsed(raw, column)})" for column in raw.table.columns)
        sound = f"{sound} and {parsed}"
    return f"select {expressions} from {scan_sql(raw)} where {sound}"


def faults_sql(raw: RawFile) -> str:
    """SQL query for the rows with a faulty value: line, and per column a pair of fault and text, or null."""
    pairs = []
    for column in raw.table.columns:
        text = f"cast({_name(raw, column)} as varchar)"
        fault = fault_sql(column, text if column.data_type == "varchar" else f"try_cast({text} as double)")
        cast = f"'{CAST}'" if raw.is_parquet else "null"
        fault = f"case when {_unparsed(raw, column)} then {cast} else {fault} end"
        pairs.append(f"{fault} as {_identifier(column.name)}, {text} as {_identifier('text of ' + column.name)}")
    faulty = " or ".join(f"{_identifier(column.name)} is not null" for column in raw.table.columns)
    rows = f"select row_number() over () + 1 as line, {', '.join(pairs)} from {scan_sql(raw, as_text=True)}"
    return f"select * from ({rows}) where {faulty}"


def _compression(path: Path) -> str:
    return {".gz": "gzip", ".zst": "zstd"}.get(path.suffix.lower(), "none")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _read_type(column: Column) -> str:
    return "VARCHAR" if column.data_type == "varchar" else "DOUBLE"


def _name(raw: RawFile, column: Column) -> str:
    """Name of the column in a scan: its own in a Parquet file, the contract's in a CSV file."""
    return _identifier(raw.matched[column.name] if raw.is_parquet else column.name)


def _source(raw: RawFile, column: Column, cast: str = "cast") -> str:
    """The column as a typed scan gives it; a Parquet file brings types of its own."""
    name = _name(raw, column)
    return f"{cast}({name} as {_read_type(column)})" if raw.is_parquet else name


def _unparsed(raw: RawFile, column: Column) -> str:
    """SQL condition that there is a text, but not one of the column's type."""
    name = _name(raw, column)
    return f"{name} is not null and try_cast(cast({name} as varchar) as {_read_type(column)}) is null"


def _typed(raw: RawFile, column: Column) -> str:
    source, name = _source(raw, column), _identifier(column.name)
    if is_integer(column):
        fault = f"error('{column.name} holds ' || {source} || ', expected {column.data_type}')"
        source = f"case when {source} <> trunc({source}) then {fault} else {source} end"
    return f"cast({source} as {column.data_type}) as {name}"


def _parquet_types(path: Path) -> dict[str, str]:
    try:
        rows = duckdb.connect().execute("describe select * from read_parquet(?)", [str(path)]).fetchall()
    except duckdb.Error as error:
        raise RawDataError(
            expected=f"a Parquet file at {path}", found=str(error).splitlines()[0], remedy="fetch the file again"
        ) from error
    return {row[0]: row[1] for row in rows}


def _check_types(raw: RawFile, types: dict[str, str]) -> None:
    """Refuse Parquet types that cannot be read as the contract's: a date or a truth value as a number."""
    for column in raw.table.columns if types else ():
        found = types[raw.matched[column.name]]
        allowed = TEXT_TYPES if column.data_type == "varchar" else NUMBER_TYPES
        if found.split("(")[0] not in allowed:
            raise RawDataError(
                expected=f"{column.data_type} in column {column.name} of {raw.path.name}",
                found=found,
                remedy="write the file again with the contract's types",
            )


def _csv_header(path: Path, table: Table) -> tuple[tuple[str, ...], str]:
    """Names and separator from the first line: of the usual separators, the one that finds the most columns."""
    line, wanted = read_first_line(path), set(table.column_names)
    splits = {delimiter: next(csv.reader([line], delimiter=delimiter), []) for delimiter in DELIMITERS}
    delimiter = max(DELIMITERS, key=lambda d: len({n.strip().upper() for n in splits[d]} & wanted))
    return tuple(splits[delimiter]), delimiter


def _missing_columns(path: Path, table: Table, missing: list[str], present: list[str]) -> RawDataError:
    if len(missing) == len(table.columns) and path.suffix.lower() != ".parquet":
        return RawDataError(
            expected=f"the names of the {len(table.columns)} columns of {table.name} in line 1 of {path.name}",
            found=shown(read_first_line(path)),
            remedy="put the header there, or fetch the file again",
        )
    nearest = {name: get_close_matches(name, present, n=1) for name in missing[:5]}
    named = ", ".join(f"{name} (nearest: {printable(near[0])})" if near else name for name, near in nearest.items())
    more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
    return RawDataError(
        expected=f"the {len(table.columns)} columns of {table.name} in {path.name}",
        found=f"no {named}{more}",
        remedy="mend the header, or fetch the file again",
    )
