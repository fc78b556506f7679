"""`dbt build` inside the test process: no start-up time from the second call on."""

from pathlib import Path

import pytest
from dbt.adapters.duckdb import DuckDBConnectionManager
from dbt.cli.main import dbtRunner, dbtRunnerResult

from warehouse.settings import PROJECT_ROOT

DBT_PROJECT = PROJECT_ROOT / "dbt_project"


def build_marts(raw_dir: Path, duckdb_path: Path, *options: str, command: str = "build") -> dbtRunnerResult:
    """Run a dbt command on a warehouse file, and let go of the file afterwards."""
    work = duckdb_path.parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CREDIT_RAW_DIR", str(raw_dir))
        patch.setenv("CREDIT_DUCKDB", str(duckdb_path))
        folders = ["--project-dir", DBT_PROJECT, "--profiles-dir", DBT_PROJECT, "--target-path", work / "target"]
        arguments = ["--quiet", command, *folders, "--log-path", work / "logs", *options]
        try:
            return dbtRunner().invoke([str(argument) for argument in arguments])
        finally:
            DuckDBConnectionManager.close_all_connections()
