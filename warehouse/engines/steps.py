"""Models as steps: what depends on the application apart from what depends on the history alone.

A mart like `feat_bureau` aggregates a client's loans and then compares the result with the application. For many
variants of one application the first part is the same: its CTEs become steps of their own, which run once.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import duckdb

from warehouse.core.sql import quoted
from warehouse.snapshots.feature_sql import FeatureModel

APPLICATIONS = frozenset({"raw.application_train", "raw.application_test"})
Node = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """One table to be made.

    Attributes
    ----------
    relation : tuple of str
        Schema and name.
    sql : str
        Query for its rows.
    reads : frozenset of str
        Relations that it reads, as `schema.name`.
    needs_application : bool
        It has to run again when the application changes.
    """

    relation: tuple[str, str]
    sql: str
    reads: frozenset[str]
    needs_application: bool

    @property
    def name(self) -> str:
        """Schema and name with a dot between."""
        return ".".join(self.relation)


def steps_of(models: Iterable[FeatureModel], con: duckdb.DuckDBPyConnection) -> tuple[Step, ...]:
    """Steps of all models that are computed, in an order in which they can run.

    Parameters
    ----------
    models : iterable of FeatureModel
        Each after those that it reads.
    con : duckdb.DuckDBPyConnection
        Any connection: DuckDB's own parser takes the SQL apart.
    """
    steps: list[Step] = []
    varying, fixed = set(APPLICATIONS), {model.relation for model in models if model.is_reference}
    for model in models:
        if model.is_reference:
            continue
        schema, name = model.relation.split(".")
        if varying.isdisjoint(model.reads):
            steps.append(Step((schema, name), model.sql, frozenset(model.reads), needs_application=False))
            continue
        steps += _split((schema, name), model.sql, varying, fixed, con)
        varying.add(model.relation)
    return tuple(steps)


def _split(
    relation: tuple[str, str], sql: str, varying: set[str], fixed: set[str], con: duckdb.DuckDBPyConnection
) -> list[Step]:
    """Steps of a model that reads the application: one per CTE of the history that it needs, and one for the rest."""
    tree = parsed(sql, con)
    history = _history_ctes(tree, varying, fixed)
    if not history:
        return [Step(relation, sql, frozenset(_outside(tree)), needs_application=True)]
    steps, rest = [], tree
    for name in history:
        part = (relation[0], f"{relation[1]}__{name}")
        selection = _with_needed_ctes(parsed(f"select * from {quoted(name)}", con), _ctes(tree))
        steps.append(Step(part, sql_of(selection, con), frozenset(_outside(selection)), needs_application=False))
        stored = {**_ctes(rest)[name], "query_node": _query(parsed(f"select * from {quoted(*part)}", con))}
        rest = _with_needed_ctes(rest, _ctes(rest) | {name: stored})
    return [*steps, Step(relation, sql_of(rest, con), frozenset(_outside(rest)), needs_application=True)]


def _history_ctes(tree: Node, varying: set[str], fixed: set[str]) -> list[str]:
    """CTEs made of the history alone that the part with the application reads."""
    ctes = _ctes(tree)
    reads = {name: _reads(cte) for name, cte in ctes.items()}
    reach = {name: _reach({name}, reads) for name in ctes}
    of_application = {name for name in ctes if not varying.isdisjoint(reach[name])}
    read_by_it = _reads(_with_ctes(tree, {})).union(*(reads[name] for name in of_application))
    return [name for name in ctes if name in read_by_it - of_application and not reach[name] <= fixed | set(ctes)]


def _reads(node: object) -> set[str]:
    """Relations (`schema.name`) and CTEs that a part of a query reads."""
    found: set[str] = set()
    if isinstance(node, dict):
        if node.get("type") == "BASE_TABLE":
            name = node["table_name"]
            found.add(f"{node['schema_name']}.{name}" if node["schema_name"] else name)
        for value in node.values():
            found |= _reads(value)
    elif isinstance(node, list):
        for value in node:
            found |= _reads(value)
    return found


def _reach(start: set[str], reads: dict[str, set[str]]) -> set[str]:
    """Everything that is read from `start` on, by way of CTEs too; `start` included."""
    found: set[str] = set()
    waiting = set(start)
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= reads.get(name, set()) - found
    return found


def _query(tree: Node) -> Node:
    return tree["statements"][0]["node"]


def _ctes(tree: Node) -> dict[str, Node]:
    """CTEs by name, in their order."""
    return {entry["key"]: entry["value"] for entry in _query(tree)["cte_map"]["map"]}


def _outside(tree: Node) -> set[str]:
    """Relations that a statement reads."""
    return _reads(tree) - set(_ctes(tree))


def _with_ctes(tree: Node, ctes: dict[str, Node]) -> Node:
    """The statement with these CTEs in place of its own."""
    entries = [{"key": name, "value": cte} for name, cte in ctes.items()]
    statement = {**tree["statements"][0], "node": {**_query(tree), "cte_map": {"map": entries}}}
    return {**tree, "statements": [statement]}


def _with_needed_ctes(tree: Node, ctes: dict[str, Node]) -> Node:
    """The statement with those of the CTEs that it needs."""
    needed = _reach(_reads(_with_ctes(tree, {})), {name: _reads(cte) for name, cte in ctes.items()})
    return _with_ctes(tree, {name: cte for name, cte in ctes.items() if name in needed})


def parsed(sql: str, con: duckdb.DuckDBPyConnection) -> Node:
    """A query as DuckDB's own parser takes it apart."""
    return json.loads(con.execute("select json_serialize_sql(?)", [sql]).fetchall()[0][0])


def sql_of(tree: Node, con: duckdb.DuckDBPyConnection) -> str:
    """The query that `parsed` took apart."""
    return con.execute("select json_deserialize_sql(?)", [json.dumps(tree)]).fetchall()[0][0]
