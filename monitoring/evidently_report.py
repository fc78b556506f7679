"""The drift of the columns that matter, drawn by Evidently from a fixed sample of rows.

Evidently is slow and heavy on hundreds of columns: it gets the most drifted and the most telling ones of a few thousand
clients, in a page of its own beside the page with the figures of all columns and rows.
"""

import json
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from monitoring.drift import KEY
from monitoring.populations import Population
from monitoring.psi import THRESHOLDS, ColumnDrift
from warehouse.core.errors import SettingsError
from warehouse.core.sql import quoted

if TYPE_CHECKING:
    import pandas as pd


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
    listed = ", ".join(f"{_cast(drift)} as {quoted(drift.column)}" for drift in columns)
    return population.con.execute(
        f"select {listed} from (select * from {population.relation} "
        f"order by md5(cast({KEY} as varchar) || ':{seed}') limit {rows}) as sampled order by {KEY}"
    ).df()


def _cast(drift: ColumnDrift) -> str:
    """SQL of a column as Evidently takes it; what is not a finite number is missing."""
    if drift.kind == "text":
        return f"cast({quoted(drift.column)} as varchar)"
    number = f"cast({quoted(drift.column)} as double)"
    return f"case when isfinite({number}) then {number} end"


def drawable(columns: Sequence[ColumnDrift], reference: "pd.DataFrame", current: "pd.DataFrame") -> list[ColumnDrift]:
    """Columns that have a value in both samples: Evidently fails on any other."""
    samples = (reference, current)
    return [drift for drift in columns if all(sample[drift.column].notna().any() for sample in samples)]


def write_evidently(
    reference: "pd.DataFrame", current: "pd.DataFrame", columns: Sequence[ColumnDrift], page: Path, figures: Path
) -> None:
    """Run Evidently's drift preset on the two samples; write its page and its figures.

    Parameters
    ----------
    reference, current : pandas.DataFrame
        Samples with the chosen columns.
    columns : sequence of ColumnDrift
    page, figures : Path
        HTML and JSON to write; the page needs no network.
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
        with _data_without_markup():
            snapshot.save_html(str(page))
        snapshot.save_json(str(figures))


@contextmanager
def _data_without_markup() -> Iterator[None]:
    """Let Evidently write its data so that no value can end the script that holds them.

    Evidently puts JSON into a `<script>` as it is: a category named `</script>...` would run as a script of its own.
    """
    from evidently.legacy.utils import dashboard

    def dumps(content: object, **options: Any) -> str:  # noqa: ANN401 - as `json.dumps` takes them
        """JSON in which `<` is written as an escape."""
        return json.dumps(content, **options).replace("<", "\\u003c")

    unpatched = dashboard.json
    dashboard.json = SimpleNamespace(dumps=dumps)
    try:
        yield
    finally:
        dashboard.json = unpatched
