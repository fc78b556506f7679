"""The catalogue of a snapshot as one page: every feature with its meaning, default rates and lineage, searchable."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from warehouse.analyst.start import STOP_WORDS
from warehouse.core.database import require_table
from warehouse.core.page import Head, number, percent, render

TEMPLATE = Path(__file__).resolve().parent / "templates" / "catalogue.html.j2"
TABLES = ("feature_catalog", "feature_bins", "feature_lineage", "category_values", "build_info")
FEATURES = """
with explained as (
    select column_name as feature, string_agg(concat_ws(' ', category_value, meaning), ' ') as category_words
    from marts.category_values group by column_name
),
valued as (select feature, any_value(feature_information_value) as information_value from marts.feature_bins group by 1)
select feature, label, label_if_no, theme, theme_title, description, mart, sources, unit, null_share, minimum, median,
    maximum, auc, is_protected, may_be_reason, information_value,
    array_to_string(search_words(
        concat_ws(' ', feature, label, label_if_no, description, theme_title, synonyms, category_words)), ' ') as words,
    array_to_string(search_words(concat_ws(' ', replace(feature, '_', ' '), label, label_if_no)), ' ') as named
from marts.feature_catalog
left join explained using (feature)
left join valued using (feature)
order by information_value desc nulls last, feature
"""
BINS = """
select feature, label, client_count, default_rate, default_rate_low, default_rate_high from marts.feature_bins
order by feature, bin
"""
AS_FOUND = (
    "label", "theme", "theme_title", "description", "mart", "words", "named", "is_protected", "information_value",
)  # fmt: skip
LINEAGE = """
select feature, raw_table, raw_column, raw_description, through, expression from marts.feature_lineage
order by feature, raw_table, raw_column
"""


@dataclass(frozen=True)
class Entry:
    """One feature as the page shows it.

    `words` and `named` are what it is found by, in all its text and in its name alone; `facts` pairs of name and value;
    `bins` rows of label, clients, default rate and its interval; `lineage` rows of raw table, column and meaning.
    """

    name: str
    label: str
    theme: str
    theme_title: str
    description: str
    mart: str
    words: str
    named: str
    is_protected: bool
    information_value: float | None
    facts: tuple[tuple[str, str], ...]
    bins: tuple[tuple[Any, ...], ...]
    lineage: tuple[tuple[str, ...], ...]
    through: str
    expression: str


def render_catalogue(con: duckdb.DuckDBPyConnection) -> str:
    """The page.

    Parameters
    ----------
    con : duckdb.DuckDBPyConnection
        A published snapshot.

    Raises
    ------
    WarehouseMissingError
        It was published before snapshots held bins and lineage.
    """
    for table in TABLES:
        require_table(con, "marts", table)
    entries = _entries(con)
    facts = {str(fact): str(value) for fact, value in con.execute("from marts.build_info").fetchall()}
    published_at = facts["published_at"][:16].replace("T", " at ")
    ((clients, rate),) = con.execute(
        "select count(target), avg(target) from marts.application_labels where population = 'training'"
    ).fetchall()
    themes = sorted({(entry.theme, entry.theme_title) for entry in entries}, key=lambda theme: theme[1])
    return render(
        TEMPLATE,
        Head(
            title="Catalogue of features",
            provenance=f"Snapshot {facts['snapshot_id']}, published {published_at} UTC",
        ),
        features=entries,
        themes=themes,
        key_figures=[
            (number(len(entries)), "features"),
            (number(len(themes)), "themes"),
            (number(clients), "labelled clients"),
            (percent(rate), "of them defaulted"),
        ],
        highest_rate=max((row[2] for entry in entries for row in entry.bins if row[1] >= clients / 100), default=1.0),
        stop_words=STOP_WORDS,
    )


def _entries(con: duckdb.DuckDBPyConnection) -> list[Entry]:
    bins: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for feature, *row in con.execute(BINS).fetchall():
        bins[feature].append(tuple(row))
    lineage: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    steps: dict[str, tuple[str, str]] = {}
    for feature, table, column, meaning, through, expression in con.execute(LINEAGE).fetchall():
        lineage[feature].append((table, column, meaning or ""))
        steps[feature] = through, expression
    found = con.execute(FEATURES)
    names = [str(column[0]) for column in found.description or ()]
    entries = []
    for values in found.fetchall():
        row = dict(zip(names, values, strict=True))
        through, expression = steps.get(row["feature"], ("", ""))
        entries.append(
            Entry(
                name=row["feature"],
                **{name: row[name] for name in AS_FOUND},
                facts=tuple(_facts(row)),
                bins=tuple(bins[row["feature"]]),
                lineage=tuple(lineage[row["feature"]]),
                through=through,
                expression=expression,
            )
        )
    return entries


def _facts(row: dict[str, Any]) -> list[tuple[str, str]]:
    facts = [("Unit", row["unit"]), ("Mart", row["mart"]), ("Files of the release", row["sources"])]
    if row["label_if_no"]:
        facts.append(("When 0", row["label_if_no"]))
    facts.append(("Unknown", percent(row["null_share"], 1)))
    if row["minimum"] is not None:
        ends = " to ".join(number(row[name]) for name in ("minimum", "maximum"))
        facts += [("Values", ends), ("Median", number(row["median"]))]
    if row["auc"] is not None:
        facts.append(("AUC alone", f"{row['auc']:.3f}"))
    reason = "no, protected" if row["is_protected"] else "yes" if row["may_be_reason"] else "no"
    return [*facts, ("May be a reason", reason)]
