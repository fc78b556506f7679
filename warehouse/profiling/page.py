"""The page of the profile: what was measured, as rows of tables and bars of charts; the words are in its template."""

from collections.abc import Sequence
from pathlib import Path

from warehouse.core.page import NONE, Head, Named, number, percent
from warehouse.core.page import render as render_page
from warehouse.loading.contract import Table
from warehouse.profiling.content import Profile
from warehouse.profiling.oddities import Oddity
from warehouse.profiling.rates import Breakdown
from warehouse.profiling.strength import FEWEST_DEFAULTERS, Strength
from warehouse.profiling.tables import TableProfile

TEMPLATE = Path(__file__).resolve().parent / "templates" / "profile.html.j2"
SECTIONS = {
    "data": "Data sets",
    "target": "Class imbalance",
    "missing": "Missing values",
    "rates": "Default rates",
    "oddities": "Outliers and sentinels",
    "correlations": "Correlations with default",
    "features": "Features of the marts",
}
BARS_SHOWN, FEATURES_SHOWN = 10, 20
LABELLED_TABLE = "application_train"
FEWEST_FOR_SCALE = 100  # applications of a group whose rate may set the scale of the charts

Row = tuple[object, ...]


def render(profile: Profile) -> str:
    """The whole page, which needs nothing from the network."""
    rows = sum(table.rows for table in profile.tables)
    head = Head(
        title="Data profile",
        provenance=f"The raw tables of {profile.warehouse}, all {rows:,} rows counted in the database on "
        f"{profile.made_at:%Y-%m-%d at %H:%M} UTC",
    )
    return render_page(
        TEMPLATE,
        head,
        sections=SECTIONS,
        overall=profile.overall,
        defaulters_credit=profile.defaulters_credit,
        key_figures=_key_figures(profile, rows),
        data_sets=_data_sets(profile),
        missing=[_missing(one, profile.contract[one.name]) for one in profile.tables if one.most_missing],
        complete=[one.name for one in profile.tables if one.rows and not one.most_missing],
        rates=_rates(profile),
        oddities=[_oddity(odd, profile.contract[odd.rule.table]) for odd in profile.oddities if odd.count],
        not_found=[odd.rule for odd in profile.oddities if not odd.count],
        extremes=[
            (one.table, one.column, *map(number, (one.minimum, one.median, one.high, one.tail, one.maximum)))
            for one in profile.extremes
        ],
        correlations=_correlations(profile),
        features=_features(profile.features),
        fewest_defaulters=FEWEST_DEFAULTERS,
    )


def _key_figures(profile: Profile, rows: int) -> list[tuple[str, str]]:
    strongest = max([*profile.rising, *profile.falling], key=lambda one: one.power, default=None)
    labelled = next(one for one in profile.tables if one.name == LABELLED_TABLE)
    return [
        (f"{rows:,}", f"rows in {len(profile.tables)} raw tables"),
        (f"{profile.overall.applications:,}", "labelled applications"),
        (percent(profile.overall.rate if profile.overall.applications else None), "of them defaulted"),
        (percent(labelled.mean_missing_share), f"of the values of {LABELLED_TABLE} are missing"),
        (f"{strongest.power:.3f}", f"AUC of {strongest.column} alone")
        if strongest
        else (NONE, "AUC of a single column"),
    ]


def _data_sets(profile: Profile) -> list[Row]:
    rows: list[Row] = [
        (
            Named(one.name, one.description), number(one.rows), number(one.released_rows),
            percent(share_of(one.rows, one.released_rows)), number(len(one.missing)), number(len(one.most_missing)),
            percent(one.mean_missing_share),
        )
        for one in profile.tables
    ]  # fmt: skip
    released = sum(one.released_rows for one in profile.tables)
    here = sum(one.rows for one in profile.tables)
    return [*rows, ("all tables", number(here), number(released), percent(share_of(here, released)), "", "", "")]


def _missing(profiled: TableProfile, described: Table) -> dict[str, object]:
    """Bars of the emptiest columns of a table, and a table of all columns with missing values."""
    shares = [(column, count, count / profiled.rows) for column, count in profiled.most_missing]
    return {
        "table": profiled.name,
        "columns": len(profiled.missing),
        "bars": [(column, share, percent(share)) for column, _, share in shares[:BARS_SHOWN]],
        "rows": [
            (Named(column, described[column].description), number(count), percent(share))
            for column, count, share in shares
        ],
    }


def _rates(profile: Profile) -> dict[str, object]:
    """Default rates by group on one scale, which a group of few applications cannot stretch."""
    sizeable = [g.rate for b in profile.breakdowns for g in b.groups if g.applications >= FEWEST_FOR_SCALE]
    return {
        "high": max(0.05, round(max(sizeable, default=0.2) * 1.15 + 0.024, 2)),
        "breakdowns": [(one.title, _rate_rows(one)) for one in profile.breakdowns],
    }


def _rate_rows(breakdown: Breakdown) -> list[Row]:
    rows: list[Row] = []
    for group in breakdown.groups:
        low, high = (f"{100 * end:.1f}" for end in group.interval)
        rows.append((group.label, number(group.applications), percent(group.rate), f"{low} to {high}", group))
    return rows


def _oddity(odd: Oddity, described: Table) -> Row:
    column = Named(odd.rule.column, described[odd.rule.column].description)
    count, share = number(odd.count), percent(share_of(odd.count, odd.rows))
    return odd.rule.table, column, odd.rule.finding, count, share, odd.rule.remark, _treatment(odd)


def _treatment(odd: Oddity) -> str:
    """What staging does with a value, judged by how many values of its column it sets to null."""
    if odd.nulled is None:
        return "not built yet"
    if odd.nulled <= 0:
        return "kept"
    return "null" if odd.nulled >= odd.column_count else f"{odd.nulled:,} of {odd.column_count:,} null"


def _correlations(profile: Profile) -> dict[str, object]:
    found = {"More default with higher values": profile.rising, "Less default with higher values": profile.falling}
    correlations = [abs(one.correlation) for strengths in found.values() for one in strengths]
    return {
        "reach": max(correlations, default=0.0),
        "directions": [
            (
                title,
                [(one.column, abs(one.correlation), f"{one.correlation:+.4f}") for one in strengths],
                _strength_rows(strengths),
            )
            for title, strengths in found.items()
        ],
    }


def _features(features: Sequence[Strength] | None) -> dict[str, object] | None:
    if features is None:
        return None
    bars = [(one.column, one.power, f"{one.power:.3f}") for one in features[:FEATURES_SHOWN]]
    return {"bars": bars, "high": max((power for _, power, _ in bars), default=0.5), "rows": _strength_rows(features)}


def _strength_rows(strengths: Sequence[Strength]) -> list[Row]:
    return [
        (
            Named(one.column, one.description), number(one.rows), f"{one.correlation:+.4f}",
            NONE if one.auc is None else f"{one.auc:.4f}",
        )
        for one in strengths
    ]  # fmt: skip


def share_of(part: float, whole: float) -> float | None:
    """Part of a whole; None when there is no whole."""
    return part / whole if whole else None
