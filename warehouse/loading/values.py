"""Values that parse and yet are none: which they are, and the SQL that finds them.

A missing value is an empty field and nothing else. `NaN`, `NULL`, `NA`, `None` and their like are refused in every
column, and so are infinite numbers, whole numbers that a double cannot hold, text with spaces around it and text with
control characters or line breaks in it (an unclosed quote swallows rows that way). The release has none of these.
"""

import re

from warehouse.loading.contract import Column, Table

EXACT_IN_DOUBLE = 2**53 - 1
LIMITS: dict[str, tuple[int | str, int | str]] = {
    "integer": (-(2**31), 2**31 - 1),
    "bigint": (-EXACT_IN_DOUBLE, EXACT_IN_DOUBLE),
    "double": ("-1.7976931348623157e308", "1.7976931348623157e308"),
}
MISSING_WORDS = frozenset({"nan", "-nan", "nat", "null", "none", "na", "n/a", "#n/a", "<na>", "nil", "\\n"})
UNCLEAN = r"[\x00-\x1f\x7f\x{fffd}]"
PADDED = r"^[\s\x{a0}]|[\s\x{a0}]$"
FRACTION, RANGE, WORD, SPACES, CHARACTERS, ABSENT, CAST = (
    "FRACTION",
    "RANGE",
    "MISSING WORD",
    "SPACES",
    "CHARACTERS",
    "NO VALUE",
    "CAST",
)


def is_integer(column: Column) -> bool:
    """Does the contract want whole numbers."""
    return column.data_type in {"integer", "bigint"}


def conditions(column: Column, value: str) -> dict[str, str]:
    """SQL conditions that a sound value meets, by the name of the fault when it does not; null for a missing value.

    Parameters
    ----------
    column : Column
    value : str
        SQL expression of the value: text for text columns, a double for the others.
    """
    if column.data_type == "varchar":
        words = ", ".join(f"'{word}'" for word in sorted(MISSING_WORDS))
        found = {
            WORD: f"lower({value}) not in ({words})",
            CHARACTERS: f"not regexp_matches({value}, '{UNCLEAN}')",
            SPACES: f"not regexp_matches({value}, '{PADDED}')",
        }
    else:
        lowest, highest = LIMITS[column.data_type]
        found = {RANGE: f"{value} between {lowest} and {highest}"}
        if is_integer(column):
            found[FRACTION] = f"{value} = trunc({value})"
    return found if column.nullable else {ABSENT: f"{value} is not null", **found}


def sound_sql(column: Column, value: str) -> str:
    """SQL condition that a value has no fault; never null."""
    return " and ".join(f"coalesce({condition}, true)" for condition in conditions(column, value).values())


def fault_sql(column: Column, value: str) -> str:
    """SQL expression with the name of a value's first fault; null when it has none."""
    cases = " ".join(f"when not ({condition}) then '{name}'" for name, condition in conditions(column, value).items())
    return f"case {cases} end"


def sound_table_sql(table: Table, location: str) -> str:
    """SQL query with one truth value per column of a loaded table: no value of it has a fault.

    It is cheap: extremes of numbers, and the few different texts. Fractions are found while loading.
    """
    return f"select {', '.join(_sound_column_sql(column, location) for column in table.columns)} from {location}"


def expectation(column: str, data_type: str, value: str, fault: str) -> str:
    """What should have stood in place of a faulty value, in words."""
    stripped = value.strip()
    if value == column:
        return f"{data_type} (the header stands here again: were two files joined?)"
    if stripped.lower() in MISSING_WORDS:
        return f"{data_type}, or an empty field when there is no value"
    if data_type != "varchar" and re.fullmatch(r"[+-]?[\d.\s\u00a0']*\d,\d+", stripped):
        return f"{data_type} with a decimal point and no thousands separator"
    if data_type != "varchar" and stripped.lower() in {"true", "false"}:
        return f"{data_type}: 1 or 0"
    return {
        RANGE: f"{data_type} between {' and '.join(str(limit) for limit in LIMITS.get(data_type, ()))}",
        SPACES: "text without spaces around it",
        CHARACTERS: "text without control characters and line breaks (is a quote missing?)",
        ABSENT: "a value",
    }.get(fault, data_type)


def _sound_column_sql(column: Column, location: str) -> str:
    name = '"' + column.name.replace('"', '""') + '"'
    present = "" if column.nullable else f"count(*) = count({name}) and "
    if column.data_type == "varchar":
        sound = sound_sql(column, "value")
        values = f"select distinct {name} as value from {location}"
        return f"{present}(select coalesce(bool_and({sound}), true) from ({values}))"
    lowest, highest = LIMITS[column.data_type]
    return f"{present}coalesce(min({name}) >= {lowest} and max({name}) <= {highest}, true)"
