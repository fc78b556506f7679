"""Which columns each column of one compiled query is computed from."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError
from sqlglot.lineage import Node, lineage

from warehouse.core.errors import ContractError

DIALECT = "duckdb"
ROWS = "count_rows"  # stands for count(*) while columns are traced, with the column that its rows are grouped by
COUNTED_ROWS = re.compile(rf"\b{ROWS}\([^()]*\)", re.IGNORECASE)

Schema = Mapping[str, Mapping[str, Mapping[str, str]]]


@dataclass(frozen=True)
class Origin:
    """What a column is computed from.

    Attributes
    ----------
    expression : str
        SQL that computes it, the first on the way down that is more than a name.
    reads : tuple of (str, str)
        Relation, as `schema.table`, and column; sorted, in lower case. Of `count(*)` the column that groups its rows.
    """

    expression: str
    reads: tuple[tuple[str, str], ...]


def origins(sql: str, schema: Schema) -> dict[str, Origin]:
    """Where every column of a query comes from.

    Parameters
    ----------
    sql : str
        Names its relations by schema and name.
    schema : mapping
        Schema to relation to column to type, in lower case, of all that the query reads.

    Raises
    ------
    ContractError
        The query cannot be followed.

    Examples
    --------
    >>> types = {"x": "int", "y": "int"}
    >>> found = origins("with a as (select x + y as z from s.t) select z from a", {"s": {"t": types}})
    >>> found["z"].expression, found["z"].reads
    ('t.x + t.y', (('s.t', 'x'), ('s.t', 'y')))
    """
    try:
        query = parse_one(sql, dialect=DIALECT)
        _name_counted_rows(query)
        # selects are not trimmed for each column: that copies the whole query as often as it has columns
        nodes = lineage(None, query, schema=dict(schema), dialect=DIALECT, trim_selects=False, copy=False)
    except SqlglotError as error:
        raise ContractError(
            expected="compiled SQL whose columns can be traced",
            found=str(error),
            remedy="name every column in the model",
        ) from error
    return {name: Origin(_expression(node), _reads(node)) for name, node in nodes.items()}


def _name_counted_rows(query: exp.Expr) -> None:
    """Give `count(*)` and its like the column of the first group, without which they read no column at all."""
    for count in list(query.find_all(exp.Count)):
        select = count.find_ancestor(exp.Select)
        group = select.args.get("group") if select else None
        if not count.find(exp.Column) and group and group.expressions:
            count.replace(exp.Anonymous(this=ROWS, expressions=[group.expressions[0].copy()]))


def _reads(node: Node) -> tuple[tuple[str, str], ...]:
    found: set[tuple[str, str]] = set()
    seen: set[int] = set()
    waiting = [node]
    while waiting:  # not Node.walk: it visits what several columns share once for each of them
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        waiting += one.downstream
        if isinstance(one.expression, exp.Table):
            found.add(
                (f"{one.expression.db}.{one.expression.name}".lower(), one.name.rsplit(".", 1)[-1].strip('"').lower())
            )
    return tuple(sorted(found))


def _expression(node: Node) -> str:
    while isinstance(node.expression.unalias(), exp.Column) and len(node.downstream) == 1:
        below = node.downstream[0]
        if isinstance(below.expression, exp.Table):
            break
        node = below
    text = node.expression.unalias().sql(dialect=DIALECT, comments=False, normalize_functions="lower")
    return COUNTED_ROWS.sub("count(*)", text)
