"""The faulty places of a raw file: what the reader left out, and values that parse and yet are none."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb

from warehouse.loading.file_kinds import printable, shown
from warehouse.loading.files import RawFile, faults_sql
from warehouse.loading.values import CHARACTERS, expectation, sound_table_sql

FAULTS_KEPT = 100_000
KEPT_CHARACTERS = 200
UNQUOTED, TOO_LONG = "UNQUOTED VALUE", "LINE SIZE OVER MAXIMUM"


@dataclass(frozen=True)
class Fault:
    """A place in a raw file that is not what the contract says.

    Attributes
    ----------
    line : int or None
        Line in the file, the header being line 1; in a Parquet file the row's number plus one.
    column, value, expected_type : str or None
        The value that is wrong and the type it should have; without `expected_type` the value is the whole row.
    text : str
        Kind of the fault, CAST or FRACTION say.
    """

    line: int | None
    column: str | None
    value: str | None
    expected_type: str | None
    text: str

    @property
    def hides_rows(self) -> bool:
        """May the fault stand for more rows than one; such a fault is never tolerated."""
        return self.text in {UNQUOTED, TOO_LONG} or (self.text == CHARACTERS and "\n" in (self.value or ""))

    def __str__(self) -> str:
        where = f"line {self.line}" if self.line else "a line"
        if self.column and self.expected_type:
            expected = expectation(self.column, self.expected_type, self.value or "", self.text)
            found = "nothing" if self.value is None else shown(self.value)
            return f"{where}: {self.column} = {found}, expected {expected}"
        return f"{where}: {printable(self.text.lower())}{': ' + shown(self.value) if self.value else ''}"


def reader_faults(con: duckdb.DuckDBPyConnection, raw: RawFile) -> list[Fault]:
    """What the CSV reader left out, in the order of the file; call it right after the read."""
    if raw.is_parquet:
        return []
    rejects = con.execute(
        "select line, column_name, error_type, csv_line, error_message from reject_errors order by line, column_idx"
    ).fetchall()
    return [_reader_fault(raw, *reject) for reject in rejects]


def forget_reader_faults(con: duckdb.DuckDBPyConnection) -> None:
    """Drop what DuckDB noted of earlier reads."""
    con.execute("drop table if exists reject_errors; drop table if exists reject_scans")


def all_values_are_sound(con: duckdb.DuckDBPyConnection, raw: RawFile) -> bool:
    """Has the table that was just loaded no faulty value; reads columns of the warehouse, not the file."""
    location = f'raw."{raw.table.name}"'
    return all(con.execute(sound_table_sql(raw.table, location)).fetchone() or ())


def value_faults(con: duckdb.DuckDBPyConnection, raw: RawFile) -> list[Fault]:
    """Faulty values with their lines: a second read of the file, made when the first one found that there are some."""
    ordered = con.execute("select current_setting('preserve_insertion_order')").fetchone()
    con.execute("set preserve_insertion_order = true")
    forget_reader_faults(con)
    try:
        con.execute(f"create or replace temp table faulty_rows as {faults_sql(raw)} limit {FAULTS_KEPT}")
        left_out = sorted({fault.line for fault in reader_faults(con, raw) if fault.line})
        faults: list[Fault] = []
        for column in raw.table.columns:
            name, text = column.name, f"text of {column.name}"
            rows = con.execute(
                f'select line, "{text}", "{name}" from faulty_rows where "{name}" is not null'
            ).fetchall()
            faults += [Fault(line, name, _kept(value), column.data_type, kind) for line, value, kind in rows]
        con.execute("drop table faulty_rows")
    except duckdb.Error:
        con.execute("rollback; begin")
        raise
    finally:
        con.execute(f"set preserve_insertion_order = {bool(ordered and ordered[0])}")
        forget_reader_faults(con)
    rows_before = [line - place for place, line in enumerate(left_out)]
    return [replace(fault, line=_line_in_file(fault.line or 0, rows_before)) for fault in faults]


def _reader_fault(raw: RawFile, line: int, column: str | None, kind: str, row: str | None, message: str) -> Fault:
    said = message.splitlines()[0]
    value = re.search(r'string "(.*?)"?(?: to |$)', said) if kind == "CAST" else None
    if value and column in raw.matched:
        return Fault(line, column, _kept(value[1]), raw.table[column].data_type, kind)
    return Fault(line, column, _kept(row), None, kind)


def _kept(value: str | None) -> str | None:
    return None if value is None else value[:KEPT_CHARACTERS]


def _line_in_file(line: int, rows_before: Sequence[int]) -> int:
    """Line of a row that was counted among the rows the reader kept.

    `rows_before` gives for each line that the reader left out, in their order, the count at which it would have come.
    """
    return line + bisect_right(rows_before, line)
