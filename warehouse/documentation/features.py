"""Features as the SQL of the feature marts describes them, with the types that DuckDB gives them."""

import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from warehouse.core.errors import ContractError
from warehouse.core.settings import PROJECT_ROOT
from warehouse.documentation.comments import GRAMMAR, Described, descriptions, full_description
from warehouse.documentation.wording import SEEDS, THEMES, UNITS, Wording
from warehouse.lineage.features import FeatureLineage, Lineage, Model, columns_of_relations
from warehouse.loading.contract import Contract

DBT_PROJECT = PROJECT_ROOT / "dbt_project"
LONGEST_LABEL = 60
LAST_MART = "feat_cross_source"  # what is made of the others stands after them
MART_DESCRIPTION = re.compile(r"^\s*-- (?P<text>One row per .+?)\s*$", re.MULTILINE)
WINDOW = re.compile(r"_(\d+[dm]|last_\d+(?:_loans?)?|first_\d+|last_loan)(?:_|$)")
AGGREGATE = re.compile(r"_(count|sum|mean|median|std|min|max|share|ratio|slope|difference|product|range)(?=_|$)")


@dataclass(frozen=True)
class Feature:
    """A column of a feature mart: see `Described`; its description also says what null means.

    `sources` are the files of the release that it is computed from.
    """

    name: str
    unit: str
    theme: str
    label: str
    description: str
    data_type: str
    sources: tuple[str, ...] = ()
    label_if_no: str | None = None
    is_protected: bool = False
    may_be_reason: bool = True
    counted_in: str | None = None

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


@dataclass(frozen=True)
class Documented:
    """What the project's SQL says: its feature marts, and the types that its staging models give their columns."""

    marts: tuple[FeatureMart, ...]
    staging_types: dict[str, dict[str, str]]


def read_project(contract: Contract) -> Documented:
    """Compile the feature marts, and read names, units and descriptions from their SQL, types from empty tables.

    Raises
    ------
    ContractError
        The project does not compile, or a feature has no description.
    """
    wording = Wording(DBT_PROJECT)
    with tempfile.TemporaryDirectory() as folder:
        nodes = _compile(Path(folder))
        with duckdb.connect(":memory:") as con:
            con.execute("attach ':memory:' as home_credit; use home_credit")
            for schema in ("raw", "staging", "intermediate", "marts"):
                con.execute(f"create schema {schema}")
            for table in contract.tables.values():
                columns = ", ".join(f'"{column.name}" {column.data_type}' for column in table.columns)
                con.execute(f'create table raw."{table.name}" ({columns})')
            marts, staging_types = [], {}
            for node in nodes:
                # empty tables: a view would be bound again with all that it reads whenever another one reads it
                con.execute(f"create table {node.schema}.{node.alias} as from ({node.compiled_code}) limit 0")
                if node.schema == "staging":
                    staging_types[node.name] = _types(con, node)
            lineage = _lineage(con, nodes)
            for node in nodes:
                if node.name.startswith("feat_"):
                    marts.append(_mart(con, node, lineage, wording))
    # which mart reads which does not move columns
    marts.sort(key=lambda mart: (mart.name == LAST_MART, mart.name))
    return Documented(tuple(marts), staging_types)


def _types(con: duckdb.DuckDBPyConnection, node: Any) -> dict[str, str]:  # noqa: ANN401 - a dbt node
    columns = con.execute(f"describe {node.schema}.{node.alias}").fetchall()
    return {name: data_type.lower() for name, data_type, *_ in columns}


def _mart(
    con: duckdb.DuckDBPyConnection,
    node: Any,  # noqa: ANN401 - a dbt node
    lineage: Lineage,
    wording: Wording,
) -> FeatureMart:
    described = descriptions(node.compiled_code)
    types = {name: data_type for name, data_type in _types(con, node).items() if name != "sk_id_curr"}
    silent = [name for name in types if name not in described]
    title = MART_DESCRIPTION.search(node.compiled_code)
    if silent or not title:
        raise ContractError(
            expected=f"{GRAMMAR} above every feature of {node.name}, `-- One row per` at its top",
            found=f"none for {', '.join(silent[:5]) or 'the mart'}",
            remedy=f"describe it in {node.original_file_path}",
        )
    traced = {feature.feature: feature for feature in lineage.of_mart(f"{node.schema}.{node.alias}")}
    features = tuple(
        replace(_feature(name, described[name], types[name], node, wording), sources=traced[name].raw_tables)
        for name in types
    )
    return FeatureMart(node.name, title["text"], features, _sources(traced.values()))


def _lineage(con: duckdb.DuckDBPyConnection, nodes: list[Any]) -> Lineage:
    return Lineage(
        [Model(f"{node.schema}.{node.alias}", node.compiled_code.replace('"home_credit".', "")) for node in nodes],
        columns_of_relations(con, "home_credit"),
    )


def _sources(features: Iterable[FeatureLineage]) -> tuple[str, ...]:
    return tuple(sorted({table for feature in features for table in feature.raw_tables}))


def _feature(name: str, described: Described, data_type: str, node: Any, wording: Wording) -> Feature:  # noqa: ANN401
    """A feature with what the seeds add to its line, if they know what it names."""
    made_of = described.theme if wording.themes.get(described.theme) else described.made_of
    feature = Feature(
        name=name,
        unit=described.unit,
        theme=described.theme,
        label=described.label,
        description="",
        data_type=data_type,
        label_if_no=described.label_if_no,
        is_protected=made_of is not None,
        may_be_reason=described.may_be_reason and made_of is None,
        counted_in=described.counted_in,
    )
    faults = {
        f"unit {described.unit}, which {SEEDS}/{UNITS}.csv does not list": described.unit not in wording.units,
        f"theme {described.theme}, which {SEEDS}/{THEMES}.csv does not list": described.theme not in wording.themes,
        f"made of {made_of}, which is no protected theme": made_of is not None and not wording.themes.get(made_of),
        f"a label of {len(described.label)} characters, {described.label}": len(described.label) > LONGEST_LABEL,
        "a flag with one label": described.unit == "flag" and not described.label_if_no,
    }
    if fault := next((fault for fault, is_so in faults.items() if is_so), None):
        raise ContractError(
            expected=f"{GRAMMAR} with a unit and a theme of the seeds, at most {LONGEST_LABEL} characters of label, "
            "`yes / no` for a flag",
            found=f"{name}: {fault}",
            remedy=f"correct the line above it in {node.original_file_path}, or add to the seed",
        )
    nothing_is_zero = feature.aggregate == "count" or "; 0 when " in described.text
    null_meaning = wording.null_meaning(node.name, nothing_is_zero=nothing_is_zero)
    if nothing_is_zero and feature.aggregate != "count":
        null_meaning += ", or what is summed is unknown"
    return replace(feature, description=full_description(described, null_meaning))


def _compile(folder: Path) -> list[Any]:
    """Compiled nodes, parents before children."""
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
    return list(ordered.values())


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
