"""Raw rows of applicants, checked by the contract of the release as files are, as typed tables.

Beyond what files are checked for while they are loaded, values must lie in the domains of the contract, for which the
quality gate looks in files: an applicant's rows do not pass through it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.core.errors import RawDataError
from warehouse.loading.contract import Column, Table
from warehouse.loading.file_kinds import shown
from warehouse.loading.values import LIMITS, is_integer

APPLICATION, STORED_AS = "application", "application_test"
CLIENT = "SK_ID_CURR"
MOST_APPLICANTS = 1_000
REMEDY = "correct the rows"
ARROW_TYPES = {"bigint": pa.int64(), "integer": pa.int32(), "double": pa.float64(), "varchar": pa.string()}
Row = Mapping[str, Any]
RawRows = Mapping[str, Any]


def checked_tables(applicants: Sequence[RawRows], contract: Mapping[str, Table]) -> dict[str, pa.Table]:
    """Check the raw rows of applicants, and put them into tables with the types of the contract.

    Parameters
    ----------
    applicants : sequence of mapping
        Each with `application`, one row, and a list of rows for any other table of the release by its name; rows are
        mappings with the raw files' column names. A column that may be null may be left out.
    contract : mapping of str to Table
        Raw tables by name.

    Returns
    -------
    dict of str to pyarrow.Table
        By name; `application` is stored as the table of applications to be scored.

    Raises
    ------
    RawDataError
        A table or column is unknown, a value is missing, has another type or lies outside its domain, a row stands
        twice or belongs to none of the applicants.
    """
    if not 1 <= len(applicants) <= MOST_APPLICANTS:
        raise RawDataError(
            expected=f"1 to {MOST_APPLICANTS:,} applicants at once",
            found=f"{len(applicants):,}",
            remedy="ask in parts" if applicants else "give at least one application",
        )
    rows = _rows_by_table(applicants, contract)
    tables = {name: checked_table(given, contract[name]) for name, given in rows.items()}
    for name, table in tables.items():
        _check_keys(contract[name], table)
        _check_owner(contract[name], table, tables)
    return tables


def checked_table(rows: Sequence[Row], contract: Table) -> pa.Table:
    """Rows of one table with the types of the contract; raises `RawDataError` as `checked_tables` does."""
    columns: dict[str, list[Any]] = {column.name: [] for column in contract.columns}
    names: dict[str, str] = {}
    for row in rows:
        for name in row:
            if name not in names:
                names[name] = _known_name(name, contract)
        if len(row) > len(contract.columns) or len({names[name] for name in row}) < len(row):
            _refuse(f"each column once in a row of {_shown_name(contract)}", "one that stands twice")
        values = {names[name]: value for name, value in row.items()}
        for name, column in columns.items():
            column.append(values.get(name))
    return pa.table(
        {column.name: _checked_column(contract, column, columns[column.name]) for column in contract.columns}
    )


def _rows_by_table(applicants: Sequence[RawRows], contract: Mapping[str, Table]) -> dict[str, list[Row]]:
    allowed = {APPLICATION: STORED_AS} | {name: name for name in contract if not name.startswith(APPLICATION)}
    rows: dict[str, list[Row]] = {name: [] for name in allowed.values()}
    for applicant in applicants:
        if not isinstance(applicant, Mapping) or not isinstance(applicant.get(APPLICATION), Mapping):
            raise RawDataError(
                expected=f"an object with {APPLICATION} (one object) and lists of rows by table",
                found=type(applicant).__name__ if not isinstance(applicant, Mapping) else f"no {APPLICATION} in it",
                remedy=f"give {{'{APPLICATION}': {{...}}, 'bureau': [...], ...}}",
            )
        for name, given in applicant.items():
            if name not in allowed:
                raise RawDataError(
                    expected=f"tables of the release: {', '.join(allowed)}",
                    found=shown(str(name)),
                    remedy=_nearest(str(name), allowed),
                )
            rows[allowed[name]] += [given] if name == APPLICATION else _listed(name, given)
    return rows


def _listed(name: str, given: object) -> list[Row]:
    """The rows of one table, none for a null."""
    if given is None:
        return []
    if isinstance(given, list | tuple) and all(isinstance(row, Mapping) for row in given):
        return list(given)
    raise RawDataError(
        expected=f"a list of rows as {name}",
        found=type(given).__name__,
        remedy=f"give '{name}': [{{...}}, ...]",
    )


def _known_name(name: str, contract: Table) -> str:
    found = str(name).strip().upper()
    if found in contract.column_names:
        return found
    raise RawDataError(
        expected=f"columns of {_shown_name(contract)}",
        found=shown(str(name)),
        remedy=_nearest(found, contract.column_names),
    )


def _nearest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f"leave it out, or write {near[0]}" if near else "leave it out"


def _checked_column(contract: Table, column: Column, values: list[Any]) -> pa.Array:
    text = column.data_type == "varchar"
    kinds = {type(value) for value in values} - {type(None)}
    if not all(issubclass(kind, str if text else int | float) and not issubclass(kind, bool) for kind in kinds):
        wrong = next(
            v
            for v in values
            if v is not None and (isinstance(v, bool) or not isinstance(v, str if text else int | float))
        )
        _refuse_value(contract, column, wrong, "a text" if text else f"a number ({column.data_type})")
    if not column.nullable and None in values:
        _refuse_value(contract, column, None, "a value")
    array = pa.array(values, pa.string()) if text else _numbers(contract, column, values)
    if len(array) == array.null_count:
        return array
    _check_domain(contract, column, array)
    return array


def _numbers(contract: Table, column: Column, values: list[Any]) -> pa.Array:
    lowest, highest = map(float, LIMITS[column.data_type])
    for value in values:
        if value is None:
            continue
        if not lowest <= value <= highest:  # not a number compares as false
            _refuse_value(contract, column, value, f"{column.data_type} between {lowest:g} and {highest:g}")
        if is_integer(column) and value != int(value):
            _refuse_value(contract, column, value, f"{column.data_type} without a fraction")
    if is_integer(column):
        values = [None if value is None else int(value) for value in values]
    return pa.array(values, ARROW_TYPES[column.data_type])


def _check_domain(contract: Table, column: Column, array: pa.Array) -> None:
    """Refuse the first value outside the column's domain."""
    checks: list[tuple[str, pa.Array]] = []
    if column.values is not None:
        allowed = pa.array(list(column.values), array.type)
        checks.append((f"one of {', '.join(map(str, column.values))}", pc.is_in(array, allowed)))
    if column.minimum is not None:
        checks.append((f"at least {column.minimum}", pc.greater_equal(array, pa.scalar(column.minimum, array.type))))
    if column.maximum is not None:
        checks.append((f"at most {column.maximum}", pc.less_equal(array, pa.scalar(column.maximum, array.type))))
    for expected, sound in checks:
        wrong = pc.and_(pc.invert(sound), pc.is_valid(array))
        if pc.any(wrong).as_py():
            _refuse_value(contract, column, array.filter(wrong)[0].as_py(), expected)


def _check_keys(contract: Table, table: pa.Table) -> None:
    if not contract.primary_key or not table.num_rows:
        return
    keys = list(zip(*(table[name].to_pylist() for name in contract.primary_key), strict=True))
    if len(set(keys)) < len(keys):
        twice = Counter(keys).most_common(1)[0][0]
        _refuse(f"each {' and '.join(contract.primary_key)} once in {_shown_name(contract)}", f"twice {twice}")


def _check_owner(contract: Table, table: pa.Table, tables: Mapping[str, pa.Table]) -> None:
    """Every row belongs to one of the applicants, or to one of their loans."""
    if CLIENT in contract.column_names:
        owner, key = STORED_AS, CLIENT
    else:
        owner, key = contract.parent_table or STORED_AS, contract.parent_key or CLIENT
    if owner == contract.name or not table.num_rows:
        return
    strangers = table[key].filter(pc.invert(pc.is_in(table[key], tables[owner][key].combine_chunks())))
    if len(strangers):
        whose = APPLICATION if owner == STORED_AS else owner
        _refuse(f"{contract.name} with a {key} of the given {whose}", f"{key} = {strangers[0]}")


def _refuse_value(contract: Table, column: Column, value: object, expected: str) -> None:
    found = "null" if value is None else shown(repr(value))
    raise RawDataError(expected=f"{_shown_name(contract)}.{column.name} to be {expected}", found=found, remedy=REMEDY)


def _shown_name(contract: Table) -> str:
    """Name of a table as the applicant's rows have it."""
    return APPLICATION if contract.name == STORED_AS else contract.name


def _refuse(expected: str, found: str) -> None:
    raise RawDataError(expected=expected, found=found, remedy=REMEDY)
