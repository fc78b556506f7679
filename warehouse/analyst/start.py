"""What makes a snapshot ready to use: every mart under its bare name, a first page, and macros that search.

A DuckDB file keeps no search path. What stands in its schema `main` is found without one, in every program.
"""

import duckdb

from warehouse.core.fingerprint import MARTS_SCHEMA
from warehouse.core.sql import literal, quoted

STOP_WORDS = ("a", "an", "and", "at", "by", "for", "from", "in", "is", "of", "on", "or", "per", "the", "to", "with")

FIRST_QUERIES = (
    ("What is in here?", "select name, one_row_per from start_tables"),
    (
        "Which features are about late payments?",
        "select feature, label, auc from find_feature('late payments') limit 10",
    ),
    ("What does one of them mean, and how often do its clients default?", "from bins_of('ext_source_2')"),
    ("Which raw columns is it computed from?", "from lineage_of('bureau_debt_to_income_ratio')"),
    (
        "How often do clients default, by type of loan?",
        "select name_contract_type, count(*) as clients, avg(target) as default_rate from training_set group by 1",
    ),
)

# A word without the ending of its plural; words that say nothing are left out.
WORDS = f"""
create macro search_words(words) as
    list_distinct(list_filter(
        list_transform(
            regexp_split_to_array(lower(words), '[^a-z0-9]+'),
            lambda word: regexp_replace(regexp_replace(word, 'ies$', 'y'), '([a-z]{{3,}}[^s])s$', '\\1')
        ),
        lambda word: word <> '' and not list_contains({list(STOP_WORDS)}, word)
    ))
"""

FIND_FEATURE = """
create macro find_feature(words) as table
    with explained as (
        select column_name as feature, string_agg(concat_ws(' ', category_value, meaning), ' ') as category_words
        from marts.category_values
        group by column_name
    ),
    searched as (
        select
            *,
            search_words(words) as wanted,
            search_words(replace(feature, '_', ' ')) as name_words,
            search_words(concat_ws(' ', label, label_if_no)) as label_words,
            search_words(
                concat_ws(' ', feature, label, label_if_no, description, theme_title, synonyms, category_words)
            ) as all_words
        from marts.feature_catalog
        left join explained using (feature)
    ),
    counted as (
        select
            *,
            len(list_intersect(wanted, all_words)) as word_count,
            len(list_intersect(wanted, list_concat(name_words, label_words))) as named_count
        from searched
    )
    select feature, label, theme_title as theme, unit, description, mart, sources, null_share, median, auc
    from counted
    where word_count > 0 and word_count = (select max(word_count) from counted)
    order by named_count desc, abs(auc - 0.5) desc nulls last, feature
"""

BINS_OF = """
create macro bins_of(name) as table
    select label, client_count, defaulter_count, default_rate, default_rate_low, default_rate_high,
        weight_of_evidence, information_value
    from marts.feature_bins
    where feature = name
    order by bin
"""

LINEAGE_OF = """
create macro lineage_of(name) as table
    select raw_table, raw_column, raw_description, through, expression, mart
    from marts.feature_lineage
    where feature = name
    order by raw_table, raw_column
"""

TABLES = """
create view start_tables as
    select
        case when schema_name = 'marts' then name else schema_name || '.' || name end as name,
        comment as one_row_per
    from (
        select schema_name, table_name as name, comment from duckdb_tables()
        where database_name = current_database() and not internal
        union all
        select schema_name, view_name, comment from duckdb_views()
        where database_name = current_database() and not internal
    )
    where schema_name in ('analyses', 'marts', 'scores')
    order by schema_name <> 'marts', name
"""


def write_start(con: duckdb.DuckDBPyConnection) -> None:
    """Fill the schema `main` of the current database, whose marts are complete."""
    relations = _relations(con)
    con.execute(BINS_OF)
    con.execute(LINEAGE_OF)
    con.execute(TABLES)
    if {"feature_catalog", "category_values"} <= set(relations):
        con.execute(WORDS)
        con.execute(FIND_FEATURE)
    statements = [f"create view main.{quoted(name)} as from {quoted(MARTS_SCHEMA, name)}" for name in relations]
    con.execute(";".join([*statements, *_comments(con)]))
    _write_first_page(con)


def _relations(con: duckdb.DuckDBPyConnection) -> list[str]:
    rows = con.execute(
        "select table_name from information_schema.tables "
        "where table_catalog = current_database() and table_schema = ? order by 1",
        [MARTS_SCHEMA],
    ).fetchall()
    return [name for (name,) in rows]


def _comments(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Statements that give the views in `main` the comments of the marts; columns keep theirs in `marts` alone."""
    texts = con.execute(
        "select table_name, comment from duckdb_tables() where database_name = current_database() and schema_name = $1 "
        "union all "
        "select view_name, comment from duckdb_views() where database_name = current_database() and schema_name = $1",
        [MARTS_SCHEMA],
    ).fetchall()
    return [f"comment on view main.{quoted(name)} is {literal(text)}" for name, text in texts if text is not None]


def _write_first_page(con: duckdb.DuckDBPyConnection) -> None:
    rows = [f"({place}, {literal(question)}, {literal(sql)})" for place, (question, sql) in enumerate(FIRST_QUERIES, 1)]
    con.execute(
        f"create view start as from (values {', '.join(rows)}) as first_queries(step, question, query) order by step"
    )
    con.execute("comment on view start is 'The first queries to try: copy one and change it.'")
    con.execute("comment on view start_tables is 'One row per table of the snapshot: what a row of it is.'")
