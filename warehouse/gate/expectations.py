"""What the quality gate expects of the raw tables (from the contract) and of the marts: suites, not yet run.

Level `critical` stops the gate, `warning` is reported. What the real release is known to break is a warning: staging
mends it (card drawings below 0, say), or it is true (a negative debt is an overpaid loan).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import great_expectations.expectations as gxe
from great_expectations.expectations.expectation import Expectation

from warehouse.core.sql import quoted
from warehouse.loading.contract import Column, Contract, Table

ERROR, WARNING = "critical", "warning"
KEY, TARGET, POPULATION = "sk_id_curr", "target", "population"
DEFAULT_RATE_RANGE = (0.01, 0.50)
ROUNDING = 1e-9  # a share of floating-point sums may miss 1 by this much
VALUES_SHOWN = 5
HIGHEST_BIT = 126  # of a hugeint


@dataclass(frozen=True)
class Suite:
    """Expectations on one table."""

    schema: str
    table: str
    expectations: tuple[Expectation, ...]

    @property
    def name(self) -> str:
        """Qualified name of the table."""
        return f"{self.schema}.{self.table}"


@dataclass(frozen=True)
class Facts:
    """What the suites of the marts are measured against.

    Attributes
    ----------
    raw_rows : dict
        Raw table to number of rows.
    mart_types : dict
        Mart to its columns with their types.
    """

    raw_rows: dict[str, int]
    mart_types: dict[str, dict[str, str]]


def raw_suite(table: Table, contract: Contract) -> Suite:
    """Suite of one raw table: columns, applications, key and nulls stop the gate; the rest warns."""
    expectations: list[Expectation] = [
        gxe.ExpectTableColumnsToMatchSet(
            column_set=list(table.column_names), exact_match=True, severity=ERROR, description="columns of the contract"
        ),
        gxe.ExpectTableRowCountToBeBetween(
            min_value=1, severity=WARNING if table.parent_table else ERROR, description="at least one row"
        ),
    ]
    if table.primary_key:
        expectations.append(_unique(*table.primary_key))
    for column in table.columns:
        expectations += _column_expectations(column)
    if table.parent_table:
        expectations.append(_has_parent(table, contract))
    return Suite("raw", table.name, tuple(expectations))


def mart_suites(facts: Facts) -> list[Suite]:
    """Suites of the marts: every client once, labels as in the raw file, values that a model can be fitted on."""
    train, test = facts.raw_rows["application_train"], facts.raw_rows["application_test"]
    stored = {name: types for name, types in facts.mart_types.items() if name.startswith("feat_")}
    features = [column for types in stored.values() for column in types if column != KEY]
    # values are checked where they are stored: the wide marts are views of them side by side
    suites = [
        Suite("marts", name, (*_one_row_per_client(train + test), *_feature_values(types)))
        for name, types in stored.items()
    ]
    others = {
        "application_labels": (train + test, [KEY, POPULATION, TARGET], _populations()),
        "client_features": (train + test, [KEY, POPULATION, *features], []),
        "training_set": (train, [KEY, TARGET, *features], _labels()),
        "scoring_set": (test, [KEY, *features], []),
    }
    return suites + [
        Suite("marts", name, (*_one_row_per_client(rows), _columns(columns), *more))
        for name, (rows, columns, more) in others.items()
    ]


def _column_expectations(column: Column) -> list[Expectation]:
    expectations: list[Expectation] = []
    if not column.nullable:
        expectations.append(_not_null(column.name))
    if column.values is not None:
        expectations.append(_in_set(column.name, column.values, WARNING))
    if column.minimum is not None or column.maximum is not None:
        expectations.append(_between(column.name, column.minimum, column.maximum, WARNING))
    return expectations


def _one_row_per_client(rows: int) -> list[Expectation]:
    return [
        gxe.ExpectTableRowCountToEqual(value=rows, severity=ERROR, description=f"{rows:,} rows as in the raw files"),
        _not_null(KEY),
        _unique(KEY),
    ]


def _feature_values(types: dict[str, str]) -> list[Expectation]:
    floating = [name for name, data_type in types.items() if data_type in ("DOUBLE", "FLOAT")]
    shares = [name for name, data_type in types.items() if name.endswith("_share") and data_type != "VARCHAR"]
    expectations: list[Expectation] = [
        _no_column_with(
            "sum(cast(not isfinite({column}) as bigint))",
            floating,
            description="finite numbers",
            finding="rows with NaN or infinity",
            severity=ERROR,
        ),
        _no_column_with(
            "cast(count({column}) = 0 as bigint) * count(*)",
            list(types),
            description="a value in some row",
            finding="rows, all null",
            severity=WARNING,
        ),
    ]
    return expectations + [_share(name) for name in shares]


def _populations() -> list[Expectation]:
    return [_not_null(POPULATION), _in_set(POPULATION, ("training", "scoring"), ERROR)]


def _labels() -> list[Expectation]:
    low, high = DEFAULT_RATE_RANGE
    differing = (
        f"select '{TARGET}' as column_name, count(*) as unexpected_count, 'rows with another label' as finding, "
        f"{_first_values(f'mart.{KEY}')} as examples "
        f"from {{batch}} as mart left join raw.application_train as raw on raw.SK_ID_CURR = mart.{KEY} "
        f"where raw.TARGET is distinct from mart.{TARGET} having count(*) > 0"
    )
    return [
        _not_null(TARGET),
        _in_set(TARGET, (0, 1), ERROR),
        gxe.ExpectColumnMeanToBeBetween(
            column=TARGET,
            min_value=low,
            max_value=high,
            severity=ERROR,
            description=f"default rate between {low:.0%} and {high:.0%}",
        ),
        gxe.UnexpectedRowsExpectation(
            unexpected_rows_query=differing, severity=ERROR, description="the label that raw.application_train has"
        ),
    ]


def _has_parent(table: Table, contract: Contract) -> Expectation:
    key, parent = table.parent_key, table.parent_table
    parents = [name for name in contract.tables if name in (parent, f"{parent}_train", f"{parent}_test")]
    keys = " union all ".join(f"select {quoted(key)} from {quoted('raw', name)}" for name in parents)
    orphans = (
        f"select '{key}' as column_name, count(*) as unexpected_count, 'keys without one' as finding, "
        f"{_first_values('orphan')} as examples "
        f"from (select distinct child.{quoted(key)} as orphan from {{batch}} as child anti join ({keys}) as parent "
        f"on parent.{quoted(key)} = child.{quoted(key)}) as orphans having count(*) > 0"
    )
    return gxe.UnexpectedRowsExpectation(
        unexpected_rows_query=orphans, severity=WARNING, description=f"a row in {' or '.join(parents)}"
    )


def _first_values(expression: str) -> str:
    return f"array_to_string(list_slice(list({expression} order by {expression}), 1, {VALUES_SHOWN}), ', ')"


def _no_column_with(
    count: str, columns: Sequence[str], *, description: str, finding: str, severity: str
) -> Expectation:
    """One scan over many columns, and a row for each in which `count` is above 0.

    `count` is an aggregate of `{column}`. No `filter (where ...)`: over hundreds of columns it is twenty times slower.
    """
    counts = ", ".join(f"{count.format(column=quoted(name))} as {quoted(name)}" for name in columns)
    query = (
        f"select column_name, unexpected_count, '{finding}' as finding, null as examples from (unpivot "
        f"(select {counts} from {{batch}}) on columns(*) into name column_name value unexpected_count) "
        f"where unexpected_count > 0"
        if columns
        else "select 1 from {batch} where false"
    )
    return gxe.UnexpectedRowsExpectation(unexpected_rows_query=query, severity=severity, description=description)


def _unique(first: str, second: str | None = None) -> Expectation:
    """Unique key of one column, or of an id and a small whole number such as a month.

    For the pair, one bit per month marks what an id has seen; only ids with fewer bits than rows are grouped by month.
    On 27 million rows that takes half a second, and Great Expectations' own way ten.
    """
    if second is None:
        return gxe.ExpectColumnValuesToBeUnique(column=first, severity=ERROR, description="unique key")
    seen = f"bit_count(bit_or(cast(1 as hugeint) << least(abs({quoted(second)}), {HIGHEST_BIT})))"
    repeated = (
        f"select '{first}, {second}' as column_name, count(*) as unexpected_count, 'keys more than once' as finding, "
        f"{_first_values('repeated')} as examples from (select id || '/' || number as repeated from (select "
        f"child.{quoted(first)} as id, child.{quoted(second)} as number from {{batch}} as child join (select "
        f"{quoted(first)} as suspect from {{batch}} as suspects group by 1 having count(*) > {seen}) as suspected "
        f"on suspect = child.{quoted(first)}) as pairs group by id, number having count(*) > 1) as keys "
        "having count(*) > 0"
    )
    return gxe.UnexpectedRowsExpectation(unexpected_rows_query=repeated, severity=ERROR, description="unique key")


def _not_null(column: str) -> Expectation:
    return gxe.ExpectColumnValuesToNotBeNull(column=column, severity=ERROR, description="no nulls")


def _columns(names: list[str]) -> Expectation:
    return gxe.ExpectTableColumnsToMatchSet(
        column_set=names, exact_match=True, severity=ERROR, description="its columns: key, label, every feature"
    )


def _in_set(column: str, values: Sequence[str | int], severity: str) -> Expectation:
    shown = ", ".join(str(value) for value in values[:VALUES_SHOWN])
    more = f", ... ({len(values)})" if len(values) > VALUES_SHOWN else ""
    return gxe.ExpectColumnValuesToBeInSet(
        column=column, value_set=list(values), severity=severity, description=f"one of {shown}{more}"
    )


def _share(column: str) -> Expectation:
    return gxe.ExpectColumnValuesToBeBetween(
        column=column,
        min_value=-ROUNDING,
        max_value=1 + ROUNDING,
        severity=ERROR,
        description="a share between 0 and 1",
    )


def _between(column: str, minimum: float | None, maximum: float | None, severity: str) -> Expectation:
    limits = [f">= {minimum:g}" if minimum is not None else "", f"<= {maximum:g}" if maximum is not None else ""]
    return gxe.ExpectColumnValuesToBeBetween(
        column=column,
        min_value=minimum,
        max_value=maximum,
        severity=severity,
        description=" and ".join(limit for limit in limits if limit),
    )
