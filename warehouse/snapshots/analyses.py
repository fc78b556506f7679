"""The analyses of a snapshot: listed, run, and written to files that other programs open."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.core.errors import SettingsError, SnapshotError
from warehouse.core.files import replaced_file
from warehouse.core.sql import literal, quoted
from warehouse.snapshots.copy import ANALYSES_SCHEMA
from warehouse.snapshots.snapshot import Snapshot

WIDEST_COLUMN = 60
MOST_ROWS = 1_000  # shown; a file has them all


@dataclass(frozen=True)
class Analysis:
    """A view of the schema `analyses`; its description opens with what a row is and holds the question."""

    name: str
    description: str


def list_analyses(con: duckdb.DuckDBPyConnection) -> tuple[Analysis, ...]:
    """All analyses of an open snapshot, by name."""
    rows = con.execute(
        "select view_name, coalesce(comment, '') from duckdb_views() "
        "where database_name = current_database() and schema_name = ? order by 1",
        [ANALYSES_SCHEMA],
    ).fetchall()
    return tuple(Analysis(name, text) for name, text in rows)


def find_analysis(con: duckdb.DuckDBPyConnection, snapshot: Snapshot, name: str) -> Analysis:
    """The analysis of a name.

    Raises
    ------
    SnapshotError
        The snapshot has none of that name.
    """
    found = list_analyses(con)
    for analysis in found:
        if analysis.name == name:
            return analysis
    raise SnapshotError(
        expected=f"an analysis {name!r} in snapshot {snapshot.snapshot_id}",
        found=", ".join(analysis.name for analysis in found) or "no analyses: it was published before it had any",
        remedy="name one of these" if found else "run: python -m warehouse.publish",
    )


def show(con: duckdb.DuckDBPyConnection, analysis: Analysis) -> str:
    """The rows of an analysis as a table of text, with every column whole."""
    rows = con.sql(f"from {_relation(analysis)}")
    cells = [[_text(value) for value in row] for row in rows.limit(MOST_ROWS).fetchall()]
    table = [rows.columns, *cells]
    numeric = [str(kind) not in ("VARCHAR", "BOOLEAN") for kind in rows.types]
    widths = [min(max(len(row[place]) for row in table), WIDEST_COLUMN) for place in range(len(rows.columns))]
    lines = [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in table
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def write_csv(con: duckdb.DuckDBPyConnection, analysis: Analysis, path: Path) -> None:
    """Write the rows as CSV with a header, in UTF-8."""
    with replaced_file(path) as unfinished:
        con.execute(f"copy (from {_relation(analysis)}) to {literal(unfinished)} (format csv, header)")


def write_parquet(con: duckdb.DuckDBPyConnection, analysis: Analysis, path: Path) -> None:
    """Write the rows as Parquet."""
    with replaced_file(path) as unfinished:
        con.execute(f"copy (from {_relation(analysis)}) to {literal(unfinished)} (format parquet)")


def write_xlsx(con: duckdb.DuckDBPyConnection, analysis: Analysis, path: Path) -> None:
    """Write an Excel workbook: the rows, and a sheet that says what they and their columns mean."""
    import xlsxwriter

    rows = con.sql(f"from {_relation(analysis)}")
    meanings = con.execute(
        "select column_name, coalesce(comment, '') from duckdb_columns() where database_name = current_database() "
        "and schema_name = ? and table_name = ? order by column_index",
        [ANALYSES_SCHEMA, analysis.name],
    ).fetchall()
    with replaced_file(path) as unfinished, xlsxwriter.Workbook(str(unfinished)) as book:
        bold = book.add_format({"bold": True})
        sheet, about = book.add_worksheet("rows"), book.add_worksheet("about")
        sheet.write_row(0, 0, rows.columns, bold)
        for place, row in enumerate(rows.fetchall(), 1):
            sheet.write_row(place, 0, row)
        sheet.freeze_panes(1, 0)
        sheet.autofit()
        about.write_row(0, 0, [analysis.name], bold)
        about.write_row(1, 0, [analysis.description])
        for place, meaning in enumerate(meanings, 3):
            about.write_row(place, 0, meaning)


WRITERS: dict[str, Callable[[duckdb.DuckDBPyConnection, Analysis, Path], None]] = {
    "csv": write_csv,
    "parquet": write_parquet,
    "xlsx": write_xlsx,
}


def require_name(name: str | None, files: dict[str, Path]) -> None:
    """Raise `SettingsError` when a file is asked for and no analysis named."""
    if name is None and files:
        kind, path = next(iter(files.items()))
        raise SettingsError(
            expected=f"the name of an analysis before --{kind} {path}",
            found="none",
            remedy="run it without options to list them",
        )


def _relation(analysis: Analysis) -> str:
    return quoted(ANALYSES_SCHEMA, analysis.name)


def _text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
