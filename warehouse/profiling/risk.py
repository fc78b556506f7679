"""Sections of the page about default: who defaults more, and which columns tell."""

from collections.abc import Sequence

from warehouse.profiling.charts import Bar, Scale, bar_chart, interval_strip, strip_axis
from warehouse.profiling.content import Profile
from warehouse.profiling.markup import (
    NONE,
    Html,
    card,
    details,
    explained,
    figure,
    join,
    number,
    paragraph,
    percent,
    table,
)
from warehouse.profiling.rates import Breakdown
from warehouse.profiling.strength import FEWEST_DEFAULTERS, Strength

FEATURES_SHOWN = 20


def default_rates(profile: Profile) -> Html:
    """Default rate by every group, on one scale."""
    if not profile.overall.applications:
        return paragraph("There are no labelled applications.")
    text = (
        "Share of defaults by group. The dot is the rate, the line its 95 % interval (cut off where it leaves the "
        f"scale), the dashed line all applications ({percent(profile.overall.rate)}). All charts share one scale. "
        "Groups without an order of their own are ranked, the riskiest first."
    )
    trusted = [g.rate for b in profile.breakdowns for g in b.groups if g.applications >= 100]
    scale = Scale(0, max(0.05, round(max(trusted, default=0.2) * 1.15 + 0.024, 2)))
    cards = [card(one.title, _rate_table(one, profile.overall.rate, scale)) for one in profile.breakdowns]
    return join([paragraph(text), Html(f'<div class="grid">{join(cards)}</div>')])


def _rate_table(breakdown: Breakdown, overall: float, scale: Scale) -> Html:
    columns = [
        ("Group", "t"), ("Applications", "n"), ("Rate", "n"), ("95 % interval", "n"), (strip_axis(scale), "c"),
    ]  # fmt: skip
    rows = []
    for group in breakdown.groups:
        low, high = (f"{end:.1%}".removesuffix("%") for end in group.interval)
        cells = (number(group.applications), percent(group.rate), f"{low} to {high}")
        rows.append((group.label, *cells, interval_strip(group, overall, scale)))
    return table(columns, rows, f"Default rate by {breakdown.title}")


def correlations(profile: Profile) -> Html:
    """The columns that rise and fall most with default."""
    strengths = [*profile.rising, *profile.falling]
    if not strengths:
        return paragraph(_too_few())
    text = (
        "Pearson's correlation of the numeric columns of application_train with TARGET where the column is known, "
        f"365243 left out. With {profile.overall.applications:,} applications, a correlation within "
        f"{1.96 / profile.overall.applications**0.5:.4f} of 0 is noise. AUC is the chance that a defaulter has the "
        "higher value: 0.5 says nothing. DAYS columns count backwards from the application, so a higher value "
        "is later, and a younger client."
    )
    reach = max(abs(one.correlation) for one in strengths)
    cards = [
        card(title, _strength_chart(title, found, Scale(0, reach)), details("Numbers", _strength_table(found, title)))
        for title, found in (("More default with higher values", profile.rising),
                             ("Less default with higher values", profile.falling))
    ]  # fmt: skip
    grid = Html(f'<div class="grid">{join(cards)}</div>')
    return join([paragraph(text), grid])


def features(profile: Profile) -> Html:
    """The strongest features of the marts."""
    if profile.features is None:
        text = "marts.training_set is not built yet: run cd dbt_project && dbt build, then this profile again."
        return paragraph(text)
    if not profile.features:
        return paragraph(_too_few())
    text = (
        f"{len(profile.features)} numeric features of marts.training_set, each alone, by AUC in the direction that "
        "helps, on the applications where it is known. A feature that stands far above the external scores deserves "
        "suspicion: it may know what came after the application."
    )
    best = profile.features[:FEATURES_SHOWN]
    bars = [Bar(one.column, one.power, f"{one.power:.3f}") for one in best]
    scale = Scale(0.5, max(bar.value for bar in bars), origin=0.5)
    chart = bar_chart("AUC of single features", bars, scale, width=1000, label=340)
    return join(
        [
            paragraph(text),
            figure(chart, f"The {len(best)} strongest features; bars start at 0.5, which is guessing."),
            details("All features", _strength_table(profile.features, "Features of marts.training_set")),
        ]
    )


def _strength_chart(title: str, strengths: Sequence[Strength], scale: Scale) -> Html:
    bars = [Bar(one.column, abs(one.correlation), f"{one.correlation:+.4f}") for one in strengths]
    return bar_chart(title, bars, scale)


def _strength_table(strengths: Sequence[Strength], caption: str) -> Html:
    columns = [("Column", "t"), ("Known in", "n"), ("Correlation", "n"), ("AUC", "n")]
    rows = [
        (
            explained(one.column, one.description), number(one.rows), f"{one.correlation:+.4f}",
            NONE if one.auc is None else f"{one.auc:.4f}",
        )
        for one in strengths
    ]  # fmt: skip
    return table(columns, rows, caption)


def _too_few() -> str:
    return f"No column is known of {FEWEST_DEFAULTERS} defaulters and varies: there is nothing to measure."
