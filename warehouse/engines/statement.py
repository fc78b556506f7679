"""All steps as one statement: every model a CTE, raw rows and reference population given from outside.

DuckDB keeps the plan of a prepared statement that reads no table of a database, and planning is what the wide SQL
costs: one applicant takes a fifth of the time that a statement per model takes.
"""

from collections.abc import Sequence

import duckdb

from warehouse.core.sql import quoted
from warehouse.engines.steps import Node, Step, parsed, sql_of

OWNERS, OWNER, VARIANT = "owners_of_variants", "owner", "variant"


def source_name(relation: str) -> str:
    """Name under which a statement reads a relation (`schema.name`).

    Examples
    --------
    >>> source_name("raw.bureau")
    'raw__bureau'
    """
    return relation.replace(".", "__")


def one_statement(steps: Sequence[Step], columns: Sequence[str], key: str, con: duckdb.DuckDBPyConnection) -> str:
    """The query for some columns of the last step.

    Parameters
    ----------
    steps : sequence of Step
        Each after those that it reads.
    columns : sequence of str
    key : str
        Column of the client. What the history has led to is repeated for every variant of the client's application:
        `OWNERS` pairs the client (`OWNER`) with the keys of the variants (`VARIANT`).
    con : duckdb.DuckDBPyConnection
        Any connection.
    """
    *others, last = steps
    repeated = read_by_the_application(steps)
    parts: list[str] = []
    for step in others:
        name = source_name(step.name)
        parts.append(f"{quoted(name)} as materialized ({_reading_sources(step, repeated, con)})")
        if step.name in repeated:
            parts.append(
                f"{quoted(_by_variant(step.name))} as materialized (select history.* replace "
                f"({OWNERS}.{VARIANT} as {quoted(key)}) from {quoted(name)} as history "
                f"inner join {OWNERS} on history.{quoted(key)} = {OWNERS}.{OWNER})"
            )
    selected = ", ".join(map(quoted, columns))
    return f"with {', '.join(parts)} select {selected} from ({_reading_sources(last, repeated, con)})"


def read_by_the_application(steps: Sequence[Step]) -> frozenset[str]:
    """Relations made of the history alone that steps with the application read."""
    history = {step.name for step in steps if not step.needs_application}
    return frozenset(history.intersection(*[set().union(*(step.reads for step in steps if step.needs_application))]))


def _by_variant(relation: str) -> str:
    return f"{source_name(relation)}__by_variant"


def _reading_sources(step: Step, repeated: frozenset[str], con: duckdb.DuckDBPyConnection) -> str:
    """The SQL of a step that reads sources by their names."""
    return sql_of(_renamed(parsed(step.sql, con), repeated if step.needs_application else frozenset()), con)


def _renamed(node: Node, repeated: frozenset[str]) -> Node:
    def visit(part: object) -> object:
        """The same part of a query with other names of relations."""
        if isinstance(part, list):
            return [visit(value) for value in part]
        if not isinstance(part, dict):
            return part
        if part.get("type") == "BASE_TABLE" and part["schema_name"]:
            relation = f"{part['schema_name']}.{part['table_name']}"
            name = _by_variant(relation) if relation in repeated else source_name(relation)
            part = part | {
                "catalog_name": "",
                "schema_name": "",
                "table_name": name,
                "qualified_name": {"path": [name]},
                "alias": part["alias"] or part["table_name"],
            }
        return {entry: visit(value) for entry, value in part.items()}

    renamed: Node = {entry: visit(value) for entry, value in node.items()}
    return renamed
