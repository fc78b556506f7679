"""The MLflow store behind an address: where its files lie, what it says when it fails, and how loud it is."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from warehouse.core.errors import ModelError, first_line

LONGEST_CAUSE = 200
SQLITE_SCHEME = "sqlite:///"


def sqlite_folder(uri: str) -> Path | None:
    """Folder of a SQLite store, wherever the command is started; None when the store is a server."""
    return Path(uri.removeprefix(SQLITE_SCHEME)).resolve().parent if uri.startswith(SQLITE_SCHEME) else None


def quieten() -> None:
    """Keep MLflow's housekeeping out of a person's terminal, and a wrong address from being tried for minutes."""
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("mlflow.pyfunc").setLevel(logging.WARNING)
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")


@contextmanager
def store_errors(uri: str) -> Iterator[None]:
    """Report what MLflow or its database say as one line."""
    try:
        yield
    except (MlflowException, SQLAlchemyError) as error:
        raise ModelError(
            expected=f"an MLflow store at {uri}",
            found=first_line(error)[:LONGEST_CAUSE],
            remedy="set MLFLOW_TRACKING_URI to sqlite:///<absolute file> or to the address of a server",
        ) from error
