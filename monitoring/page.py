"""The drift report as a page: the verdict, every column on every row, and how the columns that matter moved."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from monitoring.evidently_report import choose_columns
from monitoring.populations import Population
from monitoring.psi import THRESHOLDS, ColumnDrift
from warehouse.core.page import NONE, Head, Verdict, percent, render

TEMPLATE = Path(__file__).resolve().parent / "templates" / "drift.html.j2"
ROWS_SHOWN, CHARTS_SHOWN, BINS_SHOWN = 25, 12, 14
LEVELS = {"strong": "bad", "moderate": "warning", "none": "plain"}


def render_drift(
    reference: Population,
    current: Population,
    drifts: Sequence[ColumnDrift],
    chosen: Sequence[ColumnDrift],
    created_at: datetime,
) -> str:
    """The page of a drift report.

    Parameters
    ----------
    reference, current : Population
    drifts : sequence of ColumnDrift
        All measured columns, the most drifted first.
    chosen : sequence of ColumnDrift
        Those that Evidently draws; the ones that matter most of them are drawn here too.
    created_at : datetime
        In UTC.
    """
    levels = Counter(drift.level for drift in drifts)
    return render(
        TEMPLATE,
        Head(
            title="Drift report",
            provenance=f"{current.name} against {reference.name}; every row measured on "
            f"{created_at:%Y-%m-%d at %H:%M} UTC",
            verdict=_verdict(levels, len(drifts)),
        ),
        key_figures=[
            (f"{len(drifts):,}", "columns measured"),
            *((f"{levels[level]:,}", f"with {level} drift (PSI above {end:.2f})") for level, end in THRESHOLDS.items()),
            (f"{reference.rows:,}", "rows before (reference)"),
            (f"{current.rows:,}", "rows now"),
        ],
        rows=[_row(drift) for drift in drifts],
        shown=min(ROWS_SHOWN, len(drifts)),
        charts=[(drift, _bins(drift)) for drift in choose_columns(chosen, CHARTS_SHOWN)],
        chosen=len(chosen),
        levels=LEVELS,
        only_in=[
            (mine.name, sorted(extra))
            for mine, other in ((reference, current), (current, reference))
            if (extra := set(mine.types) - set(other.types) - {"target"})
        ],
    )


def _verdict(levels: Counter[str], columns: int) -> Verdict:
    strong = levels["strong"]
    if strong:
        return Verdict(f"{strong:,} of {columns:,} columns drifted strongly", "bad")
    if levels["moderate"]:
        return Verdict(f"{levels['moderate']:,} of {columns:,} columns drifted moderately, none strongly", "warning")
    return Verdict("No drift", "good")


def _row(drift: ColumnDrift) -> tuple[str, ...]:
    value = drift.information_value
    return (
        drift.column,
        drift.level,
        f"{drift.psi:.4f}",
        percent(drift.reference_null_share, 1),
        percent(drift.current_null_share, 1),
        _number(drift.reference_mean),
        _number(drift.current_mean),
        NONE if value is None else f"{value:.3f}",
    )


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def _bins(drift: ColumnDrift) -> tuple[list[tuple[str, float, float]], float]:
    """Shares of the rows before and now by bin, and the largest of them; bins without rows are left out."""
    before, now = (sum(getattr(one, side) for one in drift.bins) or 1 for side in ("reference", "current"))
    shares = [
        (one.label, one.reference / before, one.current / now) for one in drift.bins if one.reference or one.current
    ]
    shown, rest = shares[:BINS_SHOWN], shares[BINS_SHOWN:]
    if rest:
        shown.append((f"{len(rest)} more bins", sum(one[1] for one in rest), sum(one[2] for one in rest)))
    return shown, max(max(one[1:]) for one in shown)
