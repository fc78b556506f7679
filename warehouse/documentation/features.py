"""Features as the SQL of the feature marts describes them, with the types that DuckDB gives them."""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from warehouse.core.errors import ContractError
from warehouse.core.settings import PROJECT_ROOT
from warehouse.loading.contract import Contract

DBT_PROJECT = PROJECT_ROOT / "dbt_project"
DESCRIPTION = re.compile(r"^\s*-- \[(?P<unit>[^\]]+)\] (?P<text>.+?)\s*$")
MART_DESCRIPTION = re.compile(r"^\s*-- (?P<text>One row per .+?)\s*$", re.MULTILINE)
ALIASED = re.compile(r"\bas\s+(?P<name>\w+),?\s*$")
BARE = re.compile(r"^\s*(?:\w+\.)?(?P<name>(?!case\b)\w+),?\s*$")
WINDOW = re.compile(r"_(\d+[dm]|last_\d+(?:_loans?)?|first_\d+|last_loan)(?:_|$)")
AGGREGATE = re.compile(r"_(count|sum|mean|median|std|min|max|share|ratio|slope|difference|product|range)(?=_|$)")


@dataclass(frozen=True)
class Feature:
    """A column of a feature mart."""

    name: str
    unit: str
    description: str
    data_type: str

    @property
    def window(self) -> str | None:
        """Window that the name says: 12m, 365d, last_3; None when the whole history counts."""
        found = WINDOW.search(self.name)
        return found[1] if found else None

    @property
    def aggregate(self) -> str | None:
        """Aggregate that the name says, the last one when there are two; None for a plain column."""
        found = AGGREGATE.findall(self.name)
        return found[-1] if found else None


@dataclass(frozen=True)
class FeatureMart:
    """A model `feat_*`: its features in the order of its columns, and the files of the release that it reads."""

    name: str
    description: str
    features: tuple[Feature, ...]
    sources: tuple[str, ...]


def read_feature_marts(contract: Contract) -> list[FeatureMart]:
    """Compile the feature marts, and read names, units and descriptions from their SQL, types from empty tables.

    Raises
    ------
    ContractError
        The project does not compile, or a feature has no description.
    """
    with tempfile.TemporaryDirectory() as folder:
        nodes, graph = _compile(Path(folder))
        with duckdb.connect(":memory:") as con:
            con.execute("attach ':memory:' as home_credit; use home_credit")
            for schema in ("raw", "staging", "intermediate", "marts"):
                con.execute(f"create schema {schema}")
            for table in contract.tables.values():
                columns = ", ".join(f'"{column.name}" {column.data_type}' for column in table.columns)
                con.execute(f'create table raw."{table.name}" ({columns})')
            marts = []
            for node in nodes:
                con.execute(f"create view {node.schema}.{node.alias} as {node.compiled_code}")
                if node.name.startswith("feat_"):
                    marts.append(_mart(con, node, graph))
    # the order of columns is that of names, what reads all sources last: which mart reads which does not move them
    return sorted(marts, key=lambda mart: (len(mart.sources) == len(contract.tables), mart.name))


def descriptions(sql: str) -> dict[str, tuple[str, str]]:
    r"""Unit and description of the columns that a compiled query documents.

    Examples
    --------
    >>> descriptions("select\n-- [days] Age.\n    max(\n    x\n) as age,\n-- [count] Loans.\n    n\nfrom t")
    {'age': ('days', 'Age.'), 'n': ('count', 'Loans.')}
    """
    found: dict[str, tuple[str, str]] = {}
    waiting: tuple[str, str] | None = None
    first = False  # a bare column stands on the very next line; what is longer ends in `as name`
    for line in filter(str.strip, sql.splitlines()):
        if described := DESCRIPTION.match(line):
            waiting, first = (described["unit"], described["text"]), True
            continue
        named = ALIASED.search(line) or (BARE.match(line) if first else None)
        if waiting and named:
            found[named["name"]], waiting = waiting, None
        first = False
    return found


def _mart(con: duckdb.DuckDBPyConnection, node: Any, graph: dict[str, Any]) -> FeatureMart:  # noqa: ANN401 - a dbt node
    described = descriptions(node.compiled_code)
    columns = con.execute(f"describe {node.schema}.{node.alias}").fetchall()
    types = {name: data_type.lower() for name, data_type, *_ in columns if name != "sk_id_curr"}
    silent = [name for name in types if name not in described]
    title = MART_DESCRIPTION.search(node.compiled_code)
    if silent or not title:
        raise ContractError(
            expected=f"`-- [unit] description` above every feature of {node.name}, `-- One row per` at its top",
            found=f"none for {', '.join(silent[:5]) or 'the mart'}",
            remedy=f"describe it in {node.original_file_path}",
        )
    features = tuple(Feature(name, *described[name], types[name]) for name in types)
    return FeatureMart(node.name, title["text"], features, tuple(sorted(_sources(node.unique_id, graph))))


def _sources(unique_id: str, graph: dict[str, Any]) -> set[str]:
    if unique_id.startswith("source."):
        return {unique_id.rsplit(".", 1)[-1]}
    return set().union(*(_sources(parent, graph) for parent in graph[unique_id].depends_on.nodes))


def _compile(folder: Path) -> tuple[list[Any], dict[str, Any]]:
    """Compiled nodes, parents before children, and all nodes by their unique id."""
    arguments = [
        "--quiet",
        "compile",
        "--select",
        "+feat_*",
        "--project-dir",
        DBT_PROJECT,
        "--profiles-dir",
        DBT_PROJECT,
    ]
    arguments += ["--target-path", folder / "target", "--log-path", folder / "logs"]
    with _environment(CREDIT_DUCKDB=str(folder / "home_credit.duckdb")):
        runner = dbtRunner()
        try:
            result = runner.invoke([str(argument) for argument in arguments])
        finally:
            DuckDBConnectionManager.close_all_connections()
    if not result.success:
        raise ContractError(
            expected="a dbt project that compiles",
            found=str(result.exception),
            remedy="run: cd dbt_project && dbt compile",
        )
    nodes = {r.node.unique_id: r.node for r in result.result.results if r.node.resource_type == "model"}
    ordered: dict[str, Any] = {}

    def visit(unique_id: str) -> None:
        """Add a model after those that it reads."""
        if unique_id in nodes and unique_id not in ordered:
            for parent in sorted(nodes[unique_id].depends_on.nodes):
                visit(parent)
            ordered[unique_id] = nodes[unique_id]

    for unique_id in sorted(nodes):  # threads finish in any order
        visit(unique_id)
    return list(ordered.values()), nodes


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Set environment variables for as long as dbt reads them."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
