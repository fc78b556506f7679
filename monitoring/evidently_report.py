"""The drift of the columns that matter, drawn by Evidently from a fixed sample of rows.

Evidently is slow and heavy on hundreds of columns: it gets the most drifted and the most telling ones of a few thousand
clients, and the figures of all columns and rows stand above its charts.
"""

import os
import warnings
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from monitoring.drift import KEY
from monitoring.populations import Population
from monitoring.psi import THRESHOLDS, ColumnDrift
from warehouse.core.errors import SettingsError
from warehouse.core.sql import quoted

if TYPE_CHECKING:
    import pandas as pd

ROWS_IN_TABLE = 25
STYLE = """<style>
#all-rows { font-family: Roboto, Helvetica, Arial, sans-serif; max-width: 1180px; margin: 0 auto; padding: 24px;
  color: #222; background: #fff }
#all-rows table { border-collapse: collapse; font-size: 14px; width: 100% }
#all-rows th, #all-rows td { padding: 5px 10px; border-bottom: 1px solid #ddd; text-align: right }
#all-rows th:nth-child(-n+2), #all-rows td:nth-child(-n+2) { text-align: left }
#all-rows .strong { color: #b3261e; font-weight: 600 }
#all-rows .moderate { color: #8a5a00 }
</style>"""
LEGEND = (
    "<p>PSI compares the distribution now with the reference: 0 is the same, above 0.10 look into it, above 0.25 it is "
    "another population. The information value says how well a column told defaulters from others in the reference: "
    "drift in a column with a high one matters more.</p>"
)


def choose_columns(drifts: Sequence[ColumnDrift], count: int) -> list[ColumnDrift]:
    """Columns that matter: one half the most drifted, the rest those that tell most about default.

    Columns without a value on one side are left out: there is nothing to draw. Without a label in the reference, all
    are chosen by drift.

    Parameters
    ----------
    drifts : sequence of ColumnDrift
    count : int
        How many to choose.
    """
    drawable = [drift for drift in drifts if drift.reference_null_share < 1 and drift.current_null_share < 1]
    by_drift = sorted(drawable, key=lambda drift: (-drift.psi, drift.column))
    by_value = sorted(drawable, key=lambda drift: (-(drift.information_value or 0.0), drift.column))
    chosen = by_drift[: (count + 1) // 2]
    chosen += [drift for drift in by_value if drift not in chosen and drift.information_value][: count - len(chosen)]
    chosen += [drift for drift in by_drift if drift not in chosen][: count - len(chosen)]
    return chosen


def sample_rows(population: Population, columns: Sequence[ColumnDrift], rows: int, seed: int) -> "pd.DataFrame":
    """Draw the same clients for the same seed, sorted by key, whatever the order of rows in the table.

    Raises
    ------
    SettingsError
        The table has no client key.
    """
    if KEY not in population.types:
        raise SettingsError(
            expected=f"a column {KEY} in {population.name}",
            found="none",
            remedy="choose a table with one row per client",
        )
    types = {"numeric": "double", "text": "varchar"}
    listed = ", ".join(
        f"cast({quoted(drift.column)} as {types[drift.kind]}) as {quoted(drift.column)}" for drift in columns
    )
    return population.con.execute(
        f"select {listed} from (select * from {population.relation} "
        f"order by md5(cast({KEY} as varchar) || ':{seed}') limit {rows}) as sampled order by {KEY}"
    ).df()


def write_evidently(
    reference: "pd.DataFrame", current: "pd.DataFrame", columns: Sequence[ColumnDrift], html: Path, json: Path
) -> None:
    """Run Evidently's drift preset on the two samples; write its page and its figures.

    Parameters
    ----------
    reference, current : pandas.DataFrame
        Samples with the chosen columns.
    columns : sequence of ColumnDrift
    html, json : Path
        Files to write; the page needs no network.
    """
    os.environ["DO_NOT_TRACK"] = "1"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from evidently import DataDefinition, Dataset, Report
        from evidently.presets import DataDriftPreset

        definition = DataDefinition(
            numerical_columns=[drift.column for drift in columns if drift.kind == "numeric"],
            categorical_columns=[drift.column for drift in columns if drift.kind == "text"],
        )
        preset = DataDriftPreset(
            columns=[drift.column for drift in columns],
            num_method="psi",
            cat_method="psi",
            num_threshold=THRESHOLDS["moderate"],
            cat_threshold=THRESHOLDS["moderate"],
        )
        snapshot = Report([preset], include_tests=True).run(
            Dataset.from_pandas(current, data_definition=definition),
            Dataset.from_pandas(reference, data_definition=definition),
        )
        snapshot.save_html(str(html))
        snapshot.save_json(str(json))


def add_summary(html: Path, lines: Sequence[str], drifts: Sequence[ColumnDrift], drawn: str) -> None:
    """Put the figures of all columns and rows above Evidently's charts.

    Parameters
    ----------
    html : Path
        Page written by Evidently.
    lines : sequence of str
        What was compared, in words.
    drifts : sequence of ColumnDrift
        All measured columns, the most drifted first.
    drawn : str
        What Evidently has drawn, in words.
    """
    page = html.read_text(encoding="utf-8")
    head = "<tr><th>column</th><th>level</th><th>PSI</th><th>missing before</th><th>missing now</th>"
    head += "<th>mean before</th><th>mean now</th><th>information value</th></tr>"
    rows = "".join(_table_row(drift) for drift in drifts[:ROWS_IN_TABLE])
    words = "".join(f"<p>{escape(line)}</p>" for line in lines)
    section = f'{STYLE}<section id="all-rows"><h1>Drift on all rows and columns</h1>{words}{LEGEND}'
    section += f"<table>{head}{rows}</table><p>The {min(len(drifts), ROWS_IN_TABLE)} most drifted of {len(drifts):,} "
    section += f"columns; all are in drift.json, with their bins.</p><h1>Charts of {escape(drawn)}</h1><p>Drawn by "
    section += "Evidently on a sample of the clients, with bins of its own and without the missing values: its figures "
    section += "differ a little from those above, and its verdict is about these columns only.</p></section>"
    html.write_text(page.replace("<body>", f"<body>{section}", 1), encoding="utf-8")


def _table_row(drift: ColumnDrift) -> str:
    cells = [
        f"{drift.psi:.4f}",
        f"{drift.reference_null_share:.1%}",
        f"{drift.current_null_share:.1%}",
        _number(drift.reference_mean),
        _number(drift.current_mean),
        "" if drift.information_value is None else f"{drift.information_value:.3f}",
    ]
    return (
        f'<tr><td>{escape(drift.column)}</td><td class="{drift.level}">{drift.level}</td>'
        + "".join(f"<td>{cell}</td>" for cell in cells)
        + "</tr>"
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
