"""Sections of the page about the data itself: what there is, what is missing, what is odd."""

from warehouse.loading.contract import Table
from warehouse.profiling.charts import Bar, Scale, bar_chart, share_bar
from warehouse.profiling.content import Profile
from warehouse.profiling.markup import (
    NONE,
    Html,
    card,
    details,
    explained,
    html,
    join,
    number,
    paragraph,
    percent,
    share_of,
    table,
)
from warehouse.profiling.oddities import Oddity
from warehouse.profiling.tables import TableProfile

BARS_SHOWN = 10


def facts(profile: Profile) -> Html:
    """The figures that sum the page up."""
    strongest = max([*profile.rising, *profile.falling], key=lambda one: one.power, default=None)
    labelled = next(one for one in profile.tables if one.name == "application_train")
    figures = [
        (f"{sum(one.rows for one in profile.tables):,}", f"rows in {len(profile.tables)} raw tables"),
        (f"{profile.overall.applications:,}", "labelled applications"),
        (percent(profile.overall.rate if profile.overall.applications else None), "of them defaulted"),
        (percent(labelled.mean_missing_share), f"of {labelled.name} is empty"),
        (
            f"{strongest.power:.3f}" if strongest else NONE,
            f"AUC of {strongest.column}" if strongest else "AUC of a single column",
        ),
    ]
    tiles = "".join(f'<div class="fact"><b>{html(value)}</b><span>{html(what)}</span></div>' for value, what in figures)
    return Html(f'<div class="facts">{tiles}</div>')


def data_sets(profile: Profile) -> Html:
    """Rows and columns of every table, beside those of the real release."""
    columns = [
        ("Table", "t"), ("Rows", "n"), ("Rows in the real release", "n"), ("Share of the release", "n"),
        ("Columns", "n"), ("Columns with gaps", "n"), ("Mean % missing", "n"),
    ]  # fmt: skip
    rows = [
        (
            explained(one.name, one.description), number(one.rows), number(one.released_rows),
            percent(share_of(one.rows, one.released_rows)), number(len(one.missing)), number(len(one.most_missing)),
            percent(one.mean_missing_share),
        )
        for one in profile.tables
    ]  # fmt: skip
    released = sum(one.released_rows for one in profile.tables)
    here = sum(one.rows for one in profile.tables)
    total = ("all tables", number(here), number(released), percent(share_of(here, released)), "", "", "")
    return table(columns, [*rows, total], "Rows and columns of the raw tables")


def classes(profile: Profile) -> Html:
    """How rare default is, and what follows from it."""
    overall = profile.overall
    if not overall.applications:
        return paragraph("There are no labelled applications.")
    repaid = overall.applications - overall.defaults
    low, high = overall.interval
    odds = f"one in {overall.applications / overall.defaults:.1f}" if overall.defaults else "none"
    text = (
        f"TARGET is 1 for {percent(overall.rate)} of {overall.applications:,} labelled applications ({odds}); 95 % "
        f"interval {percent(low)} to {percent(high)}. They hold {percent(profile.defaulters_credit)} of the credit. "
        f"A model that grants everything is right in {percent(1 - overall.rate)} of the cases: accuracy says little, "
        "and a missed defaulter counts ten times a refused good client."
    )
    shares = [
        (f"default: {overall.defaults:,} ({percent(overall.rate)})", overall.rate),
        (f"no payment difficulties: {repaid:,} ({percent(1 - overall.rate)})", 1 - overall.rate),
    ]
    return join([paragraph(text), share_bar("Classes of TARGET", shares)])


def missing_values(profile: Profile) -> Html:
    """The emptiest columns of every table."""
    cards = [_missing_card(one, profile.contract[one.name]) for one in profile.tables if one.most_missing]
    complete = [one.name for one in profile.tables if one.rows and not one.most_missing]
    text = "Share of the rows in which a column is empty, the emptiest columns of each table. XNA and XAP are not yet "
    text += "counted as missing here: they stand under outliers and sentinels."
    without = paragraph(f"Without any missing value: {', '.join(complete)}.") if complete else Html("")
    grid = Html(f'<div class="grid">{join(cards)}</div>')
    return join([paragraph(text), grid, without])


def odd_values(profile: Profile) -> Html:
    """Sentinels and errors with what staging makes of them, and the tails of amounts."""
    columns = [
        ("Table", "t"), ("Column", "t"), ("Found", "t"), ("Rows", "n"), ("Share", "n"), ("Meaning", "t"),
        ("In staging", "t"),
    ]  # fmt: skip
    rows = [
        (
            odd.rule.table, explained(odd.rule.column, profile.contract[odd.rule.table][odd.rule.column].description),
            odd.rule.finding, number(odd.count), percent(share_of(odd.count, odd.rows)), odd.rule.remark,
            _treatment(odd),
        )
        for odd in profile.oddities
        if odd.count
    ]  # fmt: skip
    text = "Values that do not mean what they say, errors, and values far from all others. What staging makes of them "
    text += "is counted in its models, not copied from their text."
    extremes = [("Table", "t"), ("Column", "t"), ("Minimum", "n"), ("Median", "n"), ("99 %", "n"), ("99.99 %", "n"),
                ("Maximum", "n")]  # fmt: skip
    values = [
        (one.table, one.column, *map(number, (one.minimum, one.median, one.high, one.tail, one.maximum)))
        for one in profile.extremes
    ]
    return join(
        [
            paragraph(text),
            table(columns, rows, "Outliers and sentinels") if rows else paragraph("None was found."),
            _not_found(profile),
            Html("<h3>How far the tails reach</h3>"),
            table(extremes, values, "Quantiles of amounts and counts"),
        ]
    )


def _missing_card(profiled: TableProfile, described: Table) -> Html:
    rows, gaps = profiled.rows, profiled.most_missing
    bars = [Bar(column, count / rows, percent(count / rows)) for column, count in gaps[:BARS_SHOWN]]
    cells = [
        (explained(column, described[column].description), number(count), percent(count / rows))
        for column, count in gaps
    ]
    full = table([("Column", "t"), ("Missing", "n"), ("Share", "n")], cells, f"Missing values of {profiled.name}")
    counted = f"{len(gaps)} of {len(profiled.missing)} columns have gaps"
    chart = bar_chart(f"Most missing columns of {profiled.name}", bars, Scale(0, 1))
    return card(profiled.name, chart, details(f"{counted}: show them all", full))


def _not_found(profile: Profile) -> Html:
    names = [f"{odd.rule.table}.{odd.rule.column} {odd.rule.finding}" for odd in profile.oddities if not odd.count]
    return paragraph(f"Looked for and not found: {'; '.join(names)}.", "soft") if names else Html("")


def _treatment(odd: Oddity) -> str:
    if odd.nulled is None:
        return "not built yet"
    if odd.nulled <= 0:
        return "kept"
    return "null" if odd.nulled >= odd.column_count else f"{odd.nulled:,} of {odd.column_count:,} null"
