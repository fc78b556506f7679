"""Sentinels, outliers and impossible values of the raw tables, and what staging makes of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import duckdb

from warehouse.core.sql import quoted
from warehouse.loading.contract import Contract, Table
from warehouse.profiling.tables import RAW_SCHEMA, read_columns

NEVER = 365243
STAGING_SCHEMA = "staging"
APPLICATIONS = ("application_train", "application_test")
TAIL = 0.9999
DRAWINGS = ("ATM_CURRENT", "CURRENT", "OTHER_CURRENT", "POS_CURRENT")
EXTREMES = (
    ("application_train", ("AMT_INCOME_TOTAL", "AMT_CREDIT", "AMT_ANNUITY", "AMT_GOODS_PRICE", "CNT_CHILDREN")),
    ("bureau", ("AMT_CREDIT_SUM", "AMT_CREDIT_SUM_DEBT", "AMT_CREDIT_MAX_OVERDUE", "AMT_ANNUITY")),
    ("previous_application", ("AMT_CREDIT", "AMT_ANNUITY", "AMT_DOWN_PAYMENT")),
)


@dataclass(frozen=True)
class Rule:
    """What to look for in one column: `condition` is SQL, the rest is for people.

    A general rule is tried on every column of a kind, so it is no news that it finds nothing.
    """

    table: str
    column: str
    finding: str
    condition: str
    remark: str
    general: bool = False


@dataclass(frozen=True)
class Oddity:
    """What was found of a rule.

    Attributes
    ----------
    rule : Rule
    count, rows : int
        Rows that meet the condition, and all rows of the table.
    column_count : int
        Rows that meet any condition on this column.
    nulled : int or None
        Values of this column that staging sets to null; None when staging is not built.
    """

    rule: Rule
    count: int
    rows: int
    column_count: int
    nulled: int | None


@dataclass(frozen=True)
class Extreme:
    """How far the largest values of a column lie from the usual ones; all None where nothing is known."""

    table: str
    column: str
    minimum: float | None
    median: float | None
    high: float | None
    tail: float | None
    maximum: float | None


def measure_oddities(con: duckdb.DuckDBPyConnection, contract: Contract) -> list[Oddity]:
    """Count what every rule finds, in one scan per table; general rules that find nothing are left out."""
    found = [oddity for table in contract.tables.values() for oddity in _measure(con, table)]
    return [oddity for oddity in found if oddity.count or not oddity.rule.general]


def measure_extremes(con: duckdb.DuckDBPyConnection) -> list[Extreme]:
    """Minimum, median, 99 % and 99.99 % quantiles and maximum of amounts and counts."""
    found = []
    for table, columns in EXTREMES:
        parts = ", ".join(f"min({c}), quantile_disc({c}, [0.5, 0.99, {TAIL}]), max({c})" for c in columns)
        values = con.execute(f"select {parts} from {quoted(RAW_SCHEMA, table)}").fetchone()
        for number, column in enumerate(columns):
            low, quantiles, high = values[3 * number : 3 * number + 3]
            median, most, tail = quantiles or (None, None, None)
            found.append(Extreme(table, column, low, median, most, tail, high))
    return found


def rules_of(table: Table) -> Iterator[Rule]:
    """The rules of one table: sentinels in every column that may hold them, then what is known of its own."""
    for column in table.columns:
        name = quoted(column.name)
        if column.data_type == "varchar":
            yield Rule(table.name, column.name, "XNA or XAP", f"{name} in ('XNA', 'XAP')", "not available", True)
        elif column.name.startswith("DAYS_"):
            remark = "still running, when approved" if column.name == "DAYS_LAST_DUE" else "no such date"
            yield Rule(table.name, column.name, "365243 days", f"{name} = {NEVER}", remark, True)
    for own, finding, condition, remark in _own_rules(table.name):
        yield Rule(table.name, own, finding, f"{own} {condition}", remark)


def _own_rules(table: str) -> list[tuple[str, str, str, str]]:
    if table in APPLICATIONS:
        income = "AMT_INCOME_TOTAL"
        tail = f"> (select quantile_disc({income}, {TAIL}) from {quoted(RAW_SCHEMA, table)})"
        return [
            (income, "117,000,000 or more", ">= 117000000", "a typing error, or very rich"),
            (income, "beyond the 99.99 % quantile", tail, "the richest one in 10,000"),
            ("CNT_CHILDREN", "more than 10 children", "> 10", "unusual"),
            ("NAME_FAMILY_STATUS", "Unknown", "= 'Unknown'", "not available"),
            ("REGION_RATING_CLIENT_W_CITY", "below 1", "< 1", "ratings are 1, 2 and 3"),
            ("DAYS_LAST_PHONE_CHANGE", "0 days", "= 0", "not known"),
        ]
    if table == "bureau":
        dates = ("DAYS_CREDIT_ENDDATE", "DAYS_ENDDATE_FACT", "DAYS_CREDIT_UPDATE")
        return [
            *((date, "below -40000 days", "< -40000", "more than a century ago") for date in dates),
            ("DAYS_CREDIT_UPDATE", "after the application", "> 0", "not known when it was decided"),
            ("AMT_CREDIT_SUM_DEBT", "negative", "< 0", "overpaid: real"),
            ("AMT_CREDIT_SUM_LIMIT", "negative", "< 0", "over the limit"),
        ]
    if table == "credit_card_balance":
        return [(f"AMT_DRAWINGS_{kind}", "negative", "< 0", "an error") for kind in DRAWINGS]
    return {
        "previous_application": [("SELLERPLACE_AREA", "-1", "= -1", "not available")],
        "installments_payments": [("DAYS_ENTRY_PAYMENT", "after the application", "> 0", "not known then")],
    }.get(table, [])


def _measure(con: duckdb.DuckDBPyConnection, table: Table) -> Iterator[Oddity]:
    rules = sorted(rules_of(table), key=lambda rule: table.column_names.index(rule.column))
    if not rules:
        return
    by_column = {column: list(found) for column, found in groupby(rules, key=lambda rule: rule.column)}
    conditions = [rule.condition for rule in rules]
    conditions += [" or ".join(rule.condition for rule in found) for found in by_column.values()]
    counts = ", ".join(f"count(*) filter ({condition})" for condition in conditions)
    known = ", ".join(f"count({quoted(column)})" for column in by_column)
    relation = quoted(RAW_SCHEMA, table.name)
    rows, *values = con.execute(f"select count(*), {counts}, {known} from {relation}").fetchone()
    found, values = values[: len(rules)], values[len(rules) :]
    column_counts = dict(zip(by_column, values, strict=False))
    raw_known = dict(zip(by_column, values[len(by_column) :], strict=True))
    odd_columns = [column for column, count in column_counts.items() if count]
    nulled = _nulled(con, table.name, {column: raw_known[column] for column in odd_columns})
    for rule, count in zip(rules, found, strict=True):
        yield Oddity(rule, count, rows, column_counts[rule.column], nulled.get(rule.column))


def _nulled(con: duckdb.DuckDBPyConnection, table: str, raw_known: dict[str, int]) -> dict[str, int]:
    """Values that are known in the raw table and not in its staging model, by column."""
    model = f"stg_home_credit__{table.lower()}"
    columns = [column for column in raw_known if column.lower() in read_columns(con, STAGING_SCHEMA, model)]
    if not columns:
        return {}
    counts = ", ".join(f"count({quoted(column.lower())})" for column in columns)
    known = con.execute(f"select {counts} from {quoted(STAGING_SCHEMA, model)}").fetchone()
    return {column: raw_known[column] - count for column, count in zip(columns, known, strict=True)}
