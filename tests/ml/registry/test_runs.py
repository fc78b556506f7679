"""Runs end as what they were; none is left running for ever."""

import subprocess
import sys

import duckdb
import mlflow
import pytest

from ml.registry.registry import EXPERIMENT, Registry
from ml.registry.runs import PROCESS_TAG, _this_process, close_abandoned_runs
from tests.support.ml_fixtures import prepare_store


@pytest.fixture
def registry(tmp_path_factory, tmp_path):
    return Registry(prepare_store(tmp_path_factory, tmp_path))


def status(run_id: str) -> str:
    return mlflow.MlflowClient().get_run(run_id).info.status


@pytest.mark.parametrize(
    ("error", "ended"),
    [
        (KeyboardInterrupt, "KILLED"),
        (SystemExit, "KILLED"),
        (duckdb.InterruptException, "KILLED"),
        (ValueError, "FAILED"),
    ],
)
def test_an_interrupted_run_is_killed_and_one_with_an_error_failed(registry, error, ended):
    with pytest.raises(error), registry.run("study") as parent, registry.run("trial", nested=True) as child:
        raise error
    assert [status(run.info.run_id) for run in (parent, child)] == [ended, ended]
    assert mlflow.active_run() is None


def test_a_run_that_ends_well_is_finished(registry):
    with registry.run("comparison") as run:
        assert status(run.info.run_id) == "RUNNING"
    assert status(run.info.run_id) == "FINISHED"


def test_a_run_whose_process_was_killed_is_closed_by_the_next_one(registry):
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name(EXPERIMENT).experiment_id
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    host = _this_process().rpartition(":")[0]
    tags = {"abandoned": f"{host}:{dead.pid}", "alive": _this_process(), "elsewhere": "another-machine:1"}
    runs = {name: client.create_run(experiment, tags={PROCESS_TAG: tag}).info.run_id for name, tag in tags.items()}
    runs["of another program"] = client.create_run(experiment).info.run_id
    with registry.run("the next one"):
        pass
    assert {name: status(run) for name, run in runs.items()} == {
        "abandoned": "KILLED",
        "alive": "RUNNING",
        "elsewhere": "RUNNING",
        "of another program": "RUNNING",
    }
    assert close_abandoned_runs(client, experiment) == 0
