"""Runs of MLflow that end as what they were: finished, failed or killed; none is left running for ever."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import mlflow
from mlflow import ActiveRun, MlflowClient
from mlflow.entities import Run, RunStatus

PROCESS_TAG = "process"  # host and process that the run belongs to
FINISHED = RunStatus.to_string(RunStatus.FINISHED)
FAILED = RunStatus.to_string(RunStatus.FAILED)
KILLED = RunStatus.to_string(RunStatus.KILLED)


@contextmanager
def active_run(experiment_id: str, name: str | None = None, *, nested: bool = False) -> Iterator[ActiveRun]:
    """An active run that ends with the block: FINISHED, FAILED after an error, KILLED when it was interrupted."""
    started = mlflow.start_run(
        experiment_id=experiment_id, run_name=name, nested=nested, tags={PROCESS_TAG: _this_process()}
    )
    status = FINISHED
    try:
        yield started
    except BaseException as error:
        interrupted = not isinstance(error, Exception) or isinstance(error, duckdb.InterruptException)
        status = KILLED if interrupted else FAILED
        raise
    finally:
        mlflow.end_run(status)


def close_abandoned_runs(client: MlflowClient, experiment_id: str) -> int:
    """Mark runs as KILLED whose process on this machine no longer exists; how many."""
    running = client.search_runs([experiment_id], "attributes.status = 'RUNNING'")
    abandoned = [run for run in running if _is_abandoned(run)]
    for run in abandoned:
        client.set_terminated(run.info.run_id, KILLED)
    return len(abandoned)


def _this_process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _is_abandoned(run: Run) -> bool:
    host, _, number = run.data.tags.get(PROCESS_TAG, "").rpartition(":")
    if host != socket.gethostname() or not number.isdigit():
        return False  # of another machine, or of another program
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False  # it exists, and belongs to another user
    return False
