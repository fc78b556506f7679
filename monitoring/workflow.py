"""Compare two populations and write the report."""

import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from monitoring.drift import measure_drift
from monitoring.evidently_report import add_summary, choose_columns, sample_rows, write_evidently
from monitoring.populations import Population
from monitoring.psi import THRESHOLDS, ColumnDrift
from warehouse.core.errors import SettingsError

FILES = ("drift.html", "drift.json", "evidently.json")


COLUMNS_SHOWN = 10


@dataclass(frozen=True)
class Options:
    """How the report is drawn.

    Attributes
    ----------
    rows : int
        Rows of each population that Evidently sees.
    columns : int
        Columns that Evidently sees.
    seed : int
        Of the sample.
    max_share : float
        Share of strongly drifted columns that is allowed.
    """

    rows: int = 5000
    columns: int = 30
    seed: int = 42
    max_share: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.max_share <= 1:
            raise SettingsError(
                expected="--max-share between 0 and 1",
                found=str(self.max_share),
                remedy="0.1 allows 10 % of the columns",
            )
        for name, least in (("rows", 100), ("columns", 1)):
            if getattr(self, name) < least:
                raise SettingsError(
                    expected=f"--{name} of at least {least}", found=str(getattr(self, name)), remedy="choose more"
                )


def write_report(
    reference: Population, current: Population, out: Path, options: Options
) -> tuple[tuple[ColumnDrift, ...], list[str]]:
    """Measure the drift and write `drift.json`, `drift.html` and `evidently.json`.

    All three are made beside the folder first: a report that fails leaves the previous one as it was.

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
    samples = [sample_rows(side, chosen, options.rows, options.seed) for side in (reference, current)]
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=out) as folder:
            html, figures, evidently = (Path(folder) / name for name in FILES)
            content = _content(reference, current, drifts)
            figures.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
            write_evidently(*samples, chosen, html, evidently)
            add_summary(html, summary, drifts, f"{len(chosen)} columns, up to {options.rows:,} clients of each side")
            for file in (figures, evidently, html):
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


def _content(reference: Population, current: Population, drifts: Sequence[ColumnDrift]) -> dict:
    levels = Counter(drift.level for drift in drifts)
    return {
        "created_at": datetime.now(UTC).replace(microsecond=0).isoformat(),
        "reference": {"name": reference.name, "rows": reference.rows},
        "current": {"name": current.name, "rows": current.rows},
        "thresholds": THRESHOLDS,
        "columns_measured": len(drifts),
        "columns_by_level": {level: levels[level] for level in (*THRESHOLDS, "none")},
        "columns": [{**asdict(drift), "null_share_change": drift.null_share_change} for drift in drifts],
    }
