"""A built warehouse in which one model at a time is wrong, and what the tests of the features say of it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb

from tests.dbt import feature_oracle as oracle
from tests.dbt.feature_ranges import faults
from tests.mutants.grammar import without_comments

UNTOUCHED = {"feature_catalog", "client_features", "training_set", "scoring_set", "application_labels"}


class BuiltModels:
    """Models and data tests of a warehouse that `dbt build` made, with their compiled SQL.

    Parameters
    ----------
    con : duckdb.DuckDBPyConnection
        The warehouse, to be written.
    manifest : Path
        What dbt has written of the build.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, manifest: Path) -> None:
        self.con = con
        nodes = json.loads(manifest.read_text())["nodes"].values()
        self._nodes = {node["unique_id"]: node for node in nodes}
        self.models = {
            node["name"]: node
            for node in sorted(nodes, key=lambda node: node["unique_id"])
            if node["resource_type"] == "model" and node["name"] not in UNTOUCHED
        }
        self._tests = [
            node
            for node in nodes
            if node["resource_type"] == "test" and node.get("compiled_code") and node["config"]["severity"] != "warn"
        ]
        self._known = oracle.read_warehouse(con)
        self._broken = {_rule(fault) for fault in faults(con)}  # by clients at the edges, whatever the SQL says

    def sql(self, model: str) -> str:
        """Compiled SQL of a model, without comments."""
        return without_comments(self.models[model]["compiled_code"])

    @contextmanager
    def with_wrong(self, model: str, sql: str) -> Iterator[list[str]]:
        """A model made by other SQL, and all that reads it built again, for as long as the block lasts.

        Yields the models that were made. Raises duckdb.Error when the SQL does not run.
        """
        self.con.execute("begin")
        try:
            made = self._from(model)
            for name in made:
                node = self.models[name]
                kind = "view" if node["config"]["materialized"] == "view" else "table"
                code = sql if name == model else self.sql(name)
                columns = ", ".join(node["columns"]) if node["contract"]["enforced"] else "*"
                self.con.execute(f"create or replace {kind} {node['relation_name']} as select {columns} from ({code})")
            yield made
        finally:
            self.con.execute("rollback")

    def _from(self, model: str) -> list[str]:
        """A model and those that read it, each after what it reads."""
        ordered: list[str] = []

        def visit(name: str) -> None:
            if name not in ordered:
                for unique_id in self.models[name]["depends_on"]["nodes"]:
                    parent = self._nodes.get(unique_id, {}).get("name")
                    if parent in self.models:
                        visit(parent)
                ordered.append(name)

        for name in self.models:
            visit(name)
        wrong = {model}
        for name in ordered:
            parents = {unique_id.rsplit(".", 1)[-1] for unique_id in self.models[name]["depends_on"]["nodes"]}
            if parents & wrong:
                wrong.add(name)
        return [name for name in ordered if name in wrong]

    def complaint(self, made: list[str]) -> str | None:
        """What the first test that fails says, oracle, rules and data tests in turn; None when all are content."""
        found = oracle.read_features(self.con)
        if not found.index.is_unique or set(found.index) != set(self._known.features.index):
            return "oracle: other clients"
        for family in oracle.FAMILIES:
            if differences := oracle.differences(replace(self._known, features=found), family):
                return f"oracle: {differences[0]}"
        if broken := [fault for fault in faults(self.con) if _rule(fault) not in self._broken]:
            return f"rules: {broken[0]}"
        return self._failed_test(made)

    def _failed_test(self, made: list[str]) -> str | None:
        for node in self._tests:
            reads = {unique_id.rsplit(".", 1)[-1] for unique_id in node["depends_on"]["nodes"]}
            if not reads & set(made) or reads & {"feature_catalog"}:
                continue
            if self.con.execute(f"select count(*) from ({node['compiled_code']})").fetchone() != (0,):
                return f"dbt: {node['name']}"
        return None


def _rule(fault: str) -> str:
    return fault.partition(": ")[0]
