"""`dbt build` inside the test process: no start-up time from the second call on."""

from pathlib import Path

import pytest
from dbt.adapters.duckdb import DuckDBConnectionManager
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.nodes import ModelNode

from warehouse.core.settings import PROJECT_ROOT

DBT_PROJECT = PROJECT_ROOT / "dbt_project"
WITHOUT_TESTS = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")


def build_marts(raw_dir: Path, duckdb_path: Path, *options: str, command: str = "build") -> dbtRunnerResult:
    """Run a dbt command on a warehouse file, and let go of the file afterwards."""
    work = duckdb_path.parent
    if command == "run":  # the models with the seeds that they read
        command, options = "build", (*options, *WITHOUT_TESTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CREDIT_RAW_DIR", str(raw_dir))
        patch.setenv("CREDIT_DUCKDB", str(duckdb_path))
        folders = ["--project-dir", DBT_PROJECT, "--profiles-dir", DBT_PROJECT, "--target-path", work / "target"]
        arguments = ["--quiet", command, *folders, "--log-path", work / "logs", *options]
        try:
            return dbtRunner().invoke([str(argument) for argument in arguments])
        finally:
            DuckDBConnectionManager.close_all_connections()


def compiled_models(raw_dir: Path, folder: Path) -> list[ModelNode]:
    """Every model with its compiled SQL, each after those that it reads; nothing is built in the folder."""
    result = build_marts(raw_dir, folder / "home_credit.duckdb", "--select", "resource_type:model", command="compile")
    assert result.success, result.exception
    models = [run.node for run in result.result if run.node.resource_type == "model"]
    assert len(models) > 20
    return models
