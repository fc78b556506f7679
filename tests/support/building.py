"""`dbt build` inside the test process: it is started once, and parses the project once."""

import atexit
import shutil
import tempfile
from pathlib import Path

import pytest
from dbt.adapters.duckdb import DuckDBConnectionManager
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.nodes import ModelNode

from warehouse.core.settings import PROJECT_ROOT

DBT_PROJECT = PROJECT_ROOT / "dbt_project"
WITHOUT_TESTS = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")

# dbt parses the project again whenever the path of the database differs: each test's folder has this one for a name.
_HERE = Path(tempfile.mkdtemp(prefix="dbt-"))
_FOLDER, _PARSED = _HERE / "folder", _HERE / "partial_parse.msgpack"
atexit.register(shutil.rmtree, _HERE, ignore_errors=True)


def build_marts(raw_dir: Path, duckdb_path: Path, *options: str, command: str = "build") -> dbtRunnerResult:
    """Run a dbt command on a warehouse file, and let go of the file afterwards."""
    work = duckdb_path.parent
    if command == "run":  # the models with the seeds that they read
        command, options = "build", (*options, *WITHOUT_TESTS)
    folders = ["--project-dir", DBT_PROJECT, "--profiles-dir", DBT_PROJECT, "--target-path", work / "target"]
    arguments = ["--quiet", command, *folders, "--log-path", work / "logs", "--log-level-file", "none", *options]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CREDIT_RAW_DIR", str(raw_dir))
        _FOLDER.unlink(missing_ok=True)
        _FOLDER.symlink_to(work.resolve())
        patch.setenv("CREDIT_DUCKDB", str(_FOLDER / duckdb_path.name))
        parsed = work / "target" / _PARSED.name
        if _PARSED.exists():
            parsed.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(_PARSED, parsed)
        try:
            return dbtRunner().invoke([str(argument) for argument in arguments])
        finally:
            DuckDBConnectionManager.close_all_connections()
            if parsed.exists() and DBT_PROJECT not in options:
                shutil.copy(parsed, _PARSED)


def compiled_models(raw_dir: Path, folder: Path) -> list[ModelNode]:
    """Every model with its compiled SQL, each after those that it reads; nothing is built in the folder."""
    result = build_marts(raw_dir, folder / "home_credit.duckdb", "--select", "resource_type:model", command="compile")
    assert result.success, result.exception
    models = [run.node for run in result.result if run.node.resource_type == "model"]
    assert len(models) > 20
    return models
