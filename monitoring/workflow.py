"""Compare two populations and write the report."""

import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from monitoring.drift import measure_drift
from monitoring.evidently_report import choose_columns, drawable, sample_rows, write_evidently
from monitoring.options import FILES, Options
from monitoring.page import render_drift
from monitoring.populations import Population
from monitoring.psi import THRESHOLDS, ColumnDrift
from warehouse.core.errors import SettingsError


def write_report(
    reference: Population, current: Population, out: Path, options: Options
) -> tuple[tuple[ColumnDrift, ...], list[str]]:
    """Measure the drift and write `drift.html`, `drift.json`, `evidently.html` and `evidently.json`.

    All are made beside the folder first: a report that fails leaves the previous one as it was.

    Returns
    -------
    tuple of ColumnDrift
        All columns, the most drifted first.
    list of str
        The summary in words.

    Raises
    ------
    SettingsError
        A population is empty, they share no column, or the folder cannot be written.
    """
    drifts = measure_drift(reference, current)
    summary = summarize(reference, current, drifts)
    chosen = choose_columns(drifts, options.columns)
    before, now = (sample_rows(side, chosen, options.rows, options.seed) for side in (reference, current))
    drawn = drawable(chosen, before, now)
    created_at = datetime.now(UTC).replace(microsecond=0)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=out) as folder:
            page, figures, evidently_page, evidently_figures = (Path(folder) / name for name in FILES)
            content = _content(reference, current, drifts, created_at)
            figures.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
            page.write_text(render_drift(reference, current, drifts, drawn, created_at), encoding="utf-8")
            write_evidently(before, now, drawn, evidently_page, evidently_figures)
            for file in (figures, evidently_figures, evidently_page, page):
                file.replace(out / file.name)
    except OSError as error:
        raise SettingsError(
            expected=f"to write the report into {out}", found=str(error), remedy="choose another folder with --out"
        ) from error
    return drifts, summary


def summarize(reference: Population, current: Population, drifts: Sequence[ColumnDrift]) -> list[str]:
    """What was compared, and how many columns drifted, in words."""
    levels = Counter(drift.level for drift in drifts)
    counted = ", ".join(
        f"{levels[level]:,} {level} (PSI > {threshold:g}; {levels[level] / len(drifts):.1%})"
        for level, threshold in THRESHOLDS.items()
    )
    lines = [
        f"reference: {reference.name}, {reference.rows:,} rows",
        f"current: {current.name}, {current.rows:,} rows",
        f"{len(drifts):,} columns measured on every row: {counted}, {levels['none']:,} none",
    ]
    lines += [
        f"only in {mine.name}, not measured: {', '.join(sorted(extra))}"
        for mine, other in ((reference, current), (current, reference))
        if (extra := set(mine.types) - set(other.types) - {"target"})
    ]
    return lines


def _content(
    reference: Population, current: Population, drifts: Sequence[ColumnDrift], created_at: datetime
) -> dict[str, Any]:
    levels = Counter(drift.level for drift in drifts)
    return {
        "created_at": created_at.isoformat(),
        "reference": {"name": reference.name, "rows": reference.rows},
        "current": {"name": current.name, "rows": current.rows},
        "thresholds": THRESHOLDS,
        "columns_measured": len(drifts),
        "columns_by_level": {level: levels[level] for level in (*THRESHOLDS, "none")},
        "columns": [{**asdict(drift), "null_share_change": drift.null_share_change} for drift in drifts],
    }
