"""The MLflow store behind an address: where its files lie, what it reports when it fails, and how loud it is."""

import errno
import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from warehouse.core.errors import ModelError, WarehouseLockedError, first_line
from warehouse.core.files import locked

LONGEST_CAUSE = 200
LONGEST_WAIT = 120.0  # seconds; an export takes less than ten
SQLITE_SCHEME = "sqlite:///"
LOCK_FILE = ".promotion.lock"
SECRETS = (
    (re.compile(r"(://[^:/@\s]*):\S*@"), r"\1:***@"),
    (re.compile(r"([?&](?:password|passwd|pwd|sslpassword|token|secret)=)[^&\s]*", re.IGNORECASE), r"\1***"),
)
FULL = "make room on that disk, then run the command again"
FORBIDDEN = "give this user the right to read and write there"
BUSY = "wait until the other command has ended, then run this one again"
REMEDIES_BY_ERRNO = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EFBIG: FULL,
    errno.EACCES: FORBIDDEN,
    errno.EPERM: FORBIDDEN,
    errno.EROFS: FORBIDDEN,
}
# MLflow and SQLite often keep nothing of the first error but its text.
REMEDIES_BY_TEXT = {
    "No space left on device": FULL,
    "Disk is full": FULL,
    "Disk quota exceeded": FULL,
    "File too large": FULL,
    "Permission denied": FORBIDDEN,
    "Readonly database": FORBIDDEN,
    "Read-only file system": FORBIDDEN,
    "Database is locked": BUSY,
}


def sqlite_folder(uri: str) -> Path | None:
    """Folder of a SQLite store, wherever the command is started; None when the store is a server."""
    return Path(uri.removeprefix(SQLITE_SCHEME)).resolve().parent if uri.startswith(SQLITE_SCHEME) else None


def without_password(text: str) -> str:
    """An address, or a text with addresses in it, as it may be shown.

    Examples
    --------
    >>> without_password("postgresql://anna:s3cr@t@db/mlflow?sslmode=require")
    'postgresql://anna:***@db/mlflow?sslmode=require'
    >>> without_password("sqlite:////data/mlflow.db")
    'sqlite:////data/mlflow.db'
    """
    for pattern, shown in SECRETS:
        text = pattern.sub(shown, text)
    return text


def cause(error: Exception) -> str:
    """First line of an error, without passwords and not too long; what a disk has reported goes first."""
    line = without_password(first_line(error))[:LONGEST_CAUSE]
    fault = _disk_fault(error)
    return line if fault is None or fault[0].lower() in line.lower() else f"{fault[0]}: {line}"


def disk_remedy(error: Exception) -> str | None:
    """What to do when a full, forbidden or busy disk is behind an error; None when it is something else."""
    fault = _disk_fault(error)
    return fault[1] if fault else None


def _disk_fault(error: Exception) -> tuple[str, str] | None:
    """What a disk has reported, and the remedy."""
    behind: BaseException | None = error
    while behind is not None:
        if isinstance(behind, OSError) and behind.errno in REMEDIES_BY_ERRNO:
            return os.strerror(behind.errno), REMEDIES_BY_ERRNO[behind.errno]
        text = str(behind).lower()
        for words, remedy in REMEDIES_BY_TEXT.items():
            if words.lower() in text:
                return words, remedy
        behind = behind.__cause__ or behind.__context__
    return None


def quieten() -> None:
    """Keep MLflow's housekeeping out of a person's terminal, and a wrong address from being tried for minutes."""
    for name in ("mlflow.store.db.utils", "mlflow.store.artifact", "mlflow.pyfunc", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")


@contextmanager
def store_errors(uri: str) -> Iterator[None]:
    """Report what MLflow or its database say as one line."""
    try:
        yield
    except (MlflowException, SQLAlchemyError, ImportError) as error:
        raise ModelError(
            expected=f"an MLflow store at {without_password(uri)}",
            found=cause(error),
            remedy=disk_remedy(error)
            or ("install the driver of that database, or " if isinstance(error, ImportError) else "")
            + "set MLFLOW_TRACKING_URI to sqlite:///<absolute file> or to the address of a server",
        ) from error


@contextmanager
def waiting_lock(path: Path, what: str) -> Iterator[None]:
    """Hold a lock file for the length of the block, once another process has let go of it.

    Raises
    ------
    WarehouseLockedError
        Another process has held it for longer than `LONGEST_WAIT`.
    """
    deadline = time.monotonic() + LONGEST_WAIT
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(locked(path, what))
                break
            except WarehouseLockedError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
        yield
