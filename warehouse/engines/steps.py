"""Models as steps: what depends on the application apart from what depends on the history alone.

A mart like `feat_bureau` aggregates a client's loans and then compares the result with the application. For many
variants of one application the first part is the same: its CTEs become steps of their own, which run once.
"""

import copy
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
    tree = _parsed(sql, con)
    query = tree["statements"][0]["node"]
    ctes = {entry["key"]: entry["value"]["query_node"] for entry in query["cte_map"]["map"]}
    reads = {name: _reads(node) for name, node in ctes.items()}
    main = {**query, "cte_map": {"map": []}}
    reach = {name: _reach(name, reads) for name in ctes}
    of_application = {name for name in ctes if not varying.isdisjoint(reach[name])}
    of_history = {name for name in ctes if name not in of_application and not reach[name] <= fixed | set(ctes)}
    read_by_rest = _reads(main).union(*(reads[name] for name in of_application))
    steps, rest = [], copy.deepcopy(tree)
    for name in (name for name in ctes if name in of_history & read_by_rest):
        part = (relation[0], f"{relation[1]}__{name}")
        needed = [cte for cte in ctes if cte == name or cte in reach[name]]
        steps.append(
            Step(part, _sql(_selection(tree, needed, name, con), con), frozenset(reach[name] - set(ctes)), False)
        )
        _replace(rest, name, part, con)
    kept = _needed(rest["statements"][0]["node"])
    rest = _with_ctes(rest, [cte for cte in ctes if cte in kept])
    left = rest["statements"][0]["node"]
    outside = _reads(left) - set(ctes)
    return [*steps, Step(relation, _sql(rest, con) if steps else sql, frozenset(outside), True)]


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


def _reach(name: str, reads: dict[str, set[str]]) -> set[str]:
    """Everything that a CTE reads, by way of others too."""
    found, waiting = set(), set(reads[name])
    while waiting:
        read = waiting.pop()
        found.add(read)
        waiting |= (reads[read] - found) if read in reads else set()
    return found


def _needed(query: Node) -> set[str]:
    """CTEs that the final select of a query needs."""
    reads = {entry["key"]: _reads(entry["value"]["query_node"]) for entry in query["cte_map"]["map"]}
    found, waiting = set(), _reads({**query, "cte_map": {"map": []}})
    while waiting:
        read = waiting.pop()
        if read in reads and read not in found:
            found.add(read)
            waiting |= reads[read]
    return found


def _selection(tree: Node, needed: list[str], name: str, con: duckdb.DuckDBPyConnection) -> Node:
    """`with <the CTEs needed> select * from <name>`."""
    selection = _parsed(f"select * from {quoted(name)}", con)
    selection["statements"][0]["node"]["cte_map"] = copy.deepcopy(tree["statements"][0]["node"]["cte_map"])
    return _with_ctes(selection, needed)


def _with_ctes(tree: Node, names: list[str]) -> Node:
    """The statement with these of its CTEs alone."""
    cte_map = tree["statements"][0]["node"]["cte_map"]
    cte_map["map"] = [entry for entry in cte_map["map"] if entry["key"] in names]
    return tree


def _replace(tree: Node, name: str, relation: tuple[str, str], con: duckdb.DuckDBPyConnection) -> None:
    """Let a CTE read a table that holds its rows."""
    for entry in tree["statements"][0]["node"]["cte_map"]["map"]:
        if entry["key"] == name:
            entry["value"]["query_node"] = _parsed(f"select * from {quoted(*relation)}", con)["statements"][0]["node"]


def _parsed(sql: str, con: duckdb.DuckDBPyConnection) -> Node:
    return json.loads(con.execute("select json_serialize_sql(?)", [sql]).fetchall()[0][0])


def _sql(tree: Node, con: duckdb.DuckDBPyConnection) -> str:
    return con.execute("select json_deserialize_sql(?)", [json.dumps(tree)]).fetchall()[0][0]
