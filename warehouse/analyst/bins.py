"""`marts.feature_bins`: how often clients default, by decile or category of every feature.

Deciles are those of the reference population, the labelled clients. Clients, defaulters and rates are counted on all of
them; where the deciles lie is read from blocks of rows spread evenly over the table when it is large.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb

from warehouse.core.sql import literal, quoted

DECILES = [step / 10 for step in range(1, 10)]
BLOCK = 1024
BLOCKS = 10
Z = 1.959963984540054  # normal quantile of a two-sided interval of 95 %
ADDED = 0.5  # clients added to either side of a bin, so that the weight of evidence of an empty one is finite
NOT_FEATURES = frozenset({"sk_id_curr", "population", "target"})

TABLE = f"""
create table marts.feature_bins as
with counted as (
    select feature, lower, upper, value, kind,
        cast(sum(client_count) as bigint) as client_count,
        cast(coalesce(sum(client_count) filter (where target = 1), 0) as bigint) as defaulter_count
    from counted_bins
    group by all
    having sum(client_count) > 0
),
whole as (
    select count(*) as client_count, sum(target) as defaulter_count
    from marts.application_labels
    where population = 'training'
),
rated as (
    select counted.*,
        counted.client_count / whole.client_count as client_share,
        counted.defaulter_count / counted.client_count as default_rate,
        (counted.client_count - counted.defaulter_count + {ADDED})
            / (whole.client_count - whole.defaulter_count + {ADDED}) as repaid_share,
        (counted.defaulter_count + {ADDED}) / (whole.defaulter_count + {ADDED}) as defaulted_share
    from counted
    cross join whole
),
measured as (
    select *,
        (default_rate + {Z**2} / (2 * client_count)) / (1 + {Z**2} / client_count) as center,
        {Z} * sqrt(default_rate * (1 - default_rate) / client_count + {Z**2} / (4 * client_count * client_count))
            / (1 + {Z**2} / client_count) as half_width,
        ln(repaid_share / defaulted_share) as weight_of_evidence,
        (repaid_share - defaulted_share) * ln(repaid_share / defaulted_share) as information_value
    from rated
)
select
    feature,
    row_number() over in_order as bin,
    kind,
    {{label}} as label,
    lower,
    upper,
    value,
    client_count,
    client_share,
    defaulter_count,
    default_rate,
    greatest(center - half_width, 0) as default_rate_low,
    least(center + half_width, 1) as default_rate_high,
    weight_of_evidence,
    information_value,
    sum(information_value) over (partition by feature) as feature_information_value
from measured
left join bin_words using (feature)
window in_order as (partition by feature order by kind = 'missing', upper nulls last, client_count desc, value)
order by feature, bin
"""

# What is counted in whole numbers is named by them: 3, 4 to 7, 8 or more.
LABEL = """
case
    when kind = 'missing' then 'unknown'
    when kind = 'category' then value
    when label_if_no is not null then case when upper = 0 then label_if_no else label end
    when lower is null and upper is null then 'any'
    when is_whole and coalesce(lower + 1, minimum) = coalesce(upper, maximum)
        then {number}(coalesce(upper, maximum))
    when lower is null and upper = minimum then {number}(upper)
    when lower is null then 'up to ' || {number}(upper)
    when is_whole and upper is null then {number}(lower + 1) || ' or more'
    when is_whole then {number}(lower + 1) || ' to ' || {number}(upper)
    when upper is null then 'above ' || {number}(lower)
    else 'above ' || {number}(lower) || ' up to ' || {number}(upper)
end
"""

NUMBER = """
create or replace temp macro number_in_words(x) as
    case
        when x = floor(x) and abs(x) < 1e15 then format('{:,}', cast(x as bigint))
        when abs(x) >= 1000 then format('{:,}', cast(round(x) as bigint))
        else printf('%.4g', x)
    end
"""

COMMENTS = {
    "feature": "Column of client_features.",
    "bin": "Place of the bin: by value, categories by number of clients, unknown last.",
    "kind": "range (a decile, or a value that fills several), category, or missing (the feature is null).",
    "label": "The bin in words.",
    "lower": "Values above this lie in the bin; null when it is open below, and for categories.",
    "upper": "Values up to this one lie in the bin; null when it is open above, and for categories.",
    "value": "The category; null for ranges.",
    "client_count": "Labelled clients in the bin.",
    "client_share": "Their share of all labelled clients.",
    "defaulter_count": "Those of them with payment difficulties.",
    "default_rate": "Defaulters over clients.",
    "default_rate_low": "Lower end of Wilson's 95 % interval of the default rate.",
    "default_rate_high": "Upper end of Wilson's 95 % interval of the default rate.",
    "weight_of_evidence": "ln(share of all who repaid / share of all who defaulted), half a client added to each; "
    "above 0 is safer.",
    "information_value": "(share of all who repaid - share of all who defaulted) * weight of evidence.",
    "feature_information_value": "Sum over the bins: below 0.02 useless, above 0.3 strong, of the feature alone.",
}
TEXTS = frozenset({"feature", "kind", "label", "value"})
GRAIN = (
    "One row per feature and bin: deciles (or categories) of the labelled clients, how many there are and how many of "
    "them defaulted."
)


@dataclass(frozen=True)
class Columns:
    """Features of `client_features` by kind, each with its type."""

    numbers: dict[str, str]
    categories: tuple[str, ...]


def write_bins(con: duckdb.DuckDBPyConnection) -> None:
    """Make `marts.feature_bins` of the current database; without labelled clients and features it stays empty."""
    has_clients = all(_columns_of(con, table) for table in ("client_features", "training_set", "application_labels"))
    if not has_clients:
        typed = (f"{name} {_type(name)}" for name in COMMENTS)
        con.execute(f"create table marts.feature_bins ({', '.join(typed)})")
        return
    columns = _columns(con)
    edges = _edges(con, columns)
    con.execute(
        "create or replace temp table counted_bins (feature varchar, target integer, lower double, upper double, "
        "value varchar, kind varchar, client_count bigint)"
    )
    for counts in _counts(columns, edges):
        con.execute(f"insert into counted_bins by name {counts}")
    _write_words(con, columns)
    con.execute(NUMBER)
    con.execute(TABLE.format(label=LABEL.format(number="number_in_words")))
    con.execute("drop table counted_bins; drop table bin_words")


def _type(column: str) -> str:
    if column in TEXTS:
        return "varchar"
    return "bigint" if column == "bin" or column.endswith("_count") else "double"


def _columns_of(con: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    """Columns of a mart of the current database; none when it is not there."""
    found = con.execute(
        "select column_name from duckdb_columns() where database_name = current_database() "
        "and schema_name = 'marts' and table_name = ?",
        [table],
    ).fetchall()
    return {name for (name,) in found}


def _columns(con: duckdb.DuckDBPyConnection) -> Columns:
    types = {
        name: data_type
        for name, data_type, *_ in con.execute("describe marts.client_features").fetchall()
        if name not in NOT_FEATURES
    }
    return Columns(
        {name: data_type for name, data_type in types.items() if data_type != "VARCHAR"},
        tuple(name for name, data_type in types.items() if data_type == "VARCHAR"),
    )


def _edges(con: duckdb.DuckDBPyConnection, columns: Columns) -> dict[str, list[float]]:
    """Upper ends of the bins of every number: its deciles, and before a value that fills several the value below it."""
    if not columns.numbers:
        return {}
    listed = ", ".join(f"cast({quoted(name)} as double) as {quoted(name)}" for name in columns.numbers)
    con.execute(
        f"create or replace temp table sampled as select {listed} from marts.client_features "
        f"where population = 'training' and ({_blocks(con)})"
    )
    found = con.execute(
        "select " + ", ".join(f"quantile_disc({quoted(name)}, {DECILES})" for name in columns.numbers) + " from sampled"
    ).fetchone()
    edges = {name: list(deciles or ()) for name, deciles in zip(columns.numbers, found or (), strict=True)}
    crowded = [
        (name, value) for name, deciles in edges.items() for value in sorted(set(deciles)) if deciles.count(value) > 1
    ]
    if crowded:
        before = con.execute(
            "select "
            + ", ".join(
                f"max(case when {quoted(name)} < {_double(value)} then {quoted(name)} end)" for name, value in crowded
            )
            + " from sampled"
        ).fetchone()
        for (name, _), value in zip(crowded, before or (), strict=True):
            if value is not None:
                edges[name].append(value)
    con.execute("drop table sampled")
    return {name: sorted(set(values)) for name, values in edges.items()}


def _blocks(con: duckdb.DuckDBPyConnection) -> str:
    """Condition for the rows that deciles are read from: all of a small table, evenly spread blocks of a large one."""
    ((rows,),) = con.execute("select count(*) from marts.client_features").fetchall()
    if rows <= BLOCK * BLOCKS:
        return "true"
    starts = [rows * block // BLOCKS // BLOCK * BLOCK for block in range(BLOCKS)]
    return " or ".join(f"rowid between {start} and {start + BLOCK - 1}" for start in starts)


def _counts(columns: Columns, edges: dict[str, list[float]]) -> Iterator[str]:
    """Queries of one scan each: clients by feature, label and bin."""
    if columns.numbers:
        listed = [
            f"{{feature: {literal(name)}, known: count({quoted(name)}), bins: {_histogram(name, edges[name])}}}"
            for name in columns.numbers
        ]
        yield f"""
            with by_feature as ({_unnested(listed)}),
            by_bin as (
                select feature, target, row_count, known, unnest(map_entries(bins), recursive := true) from by_feature
                where known > 0
            ),
            ended as (select * replace (case when isfinite(key) then key end as key) from by_bin)
            select feature, target, 'range' as kind, value as client_count, key as upper,
                lag(key) over (partition by feature, target order by key nulls last) as lower
            from ended
            union all by name
            select feature, target, 'missing' as kind, row_count - known as client_count from by_feature
        """
    if columns.categories:
        listed = [
            f"{{feature: {literal(name)}, known: count({quoted(name)}), bins: histogram({quoted(name)})}}"
            for name in columns.categories
        ]
        yield f"""
            with by_feature as ({_unnested(listed)}),
            by_bin as (
                select feature, target, unnest(map_entries(bins), recursive := true) from by_feature where known > 0
            )
            select feature, target, 'category' as kind, value as client_count, key as value from by_bin
            union all by name
            select feature, target, 'missing' as kind, row_count - known as client_count from by_feature
        """


def _unnested(structs: Sequence[str]) -> str:
    return (
        "select target, row_count, unnest(features, recursive := true) from (select target, count(*) as row_count, "
        f"[{', '.join(structs)}] as features from marts.training_set group by target)"
    )


def _histogram(name: str, edges: Sequence[float]) -> str:
    listed = ", ".join(_double(value) for value in edges)
    return f"histogram(cast({quoted(name)} as double), cast([{listed}] as double[]))"


def _double(value: float) -> str:
    """The very number as SQL: digits without an exponent would be a decimal."""
    text = repr(float(value))
    return text if "e" in text else f"{text}e0"


def _write_words(con: duckdb.DuckDBPyConnection, columns: Columns) -> None:
    """`bin_words`: what the label of a bin needs to know of its feature."""
    whole = [name for name, data_type in columns.numbers.items() if data_type not in ("DOUBLE", "FLOAT")]
    listed = ", ".join(literal(name) for name in whole) or "null"
    has_catalog = _columns_of(con, "feature_catalog") >= {"label", "label_if_no", "minimum", "maximum"}
    words = "select feature, label, label_if_no, minimum, maximum"
    nobody = "select '' as feature, '' as label, '' as label_if_no, 0.0 as minimum, 0.0 as maximum where false"
    con.execute(
        f"create or replace temp table bin_words as select *, feature in ({listed}) as is_whole from "
        f"({f'{words} from marts.feature_catalog' if has_catalog else nobody})"
    )
