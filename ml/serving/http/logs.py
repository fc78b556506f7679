"""Logs as JSON lines with request and decision id; nothing of a client ever stands in them."""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from contextlib import nullcontext
from typing import Any, TextIO

import structlog
from structlog.typing import Processor

REQUESTS = "ml.serving.requests"
LIBRARIES = ("uvicorn", "uvicorn.error", "uvicorn.access", "mlflow", "alembic")


def set_up_logs(level: int = logging.INFO) -> None:
    """Send all logs of the process to standard output, one JSON object per line."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _places_of_failure,
            structlog.processors.JSONRenderer(sort_keys=False),
        ],
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    structlog.configure(
        processors=[*shared, _places_of_failure, structlog.processors.JSONRenderer(sort_keys=False)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: _Lines(handler),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers, root.level = [handler], logging.WARNING
    logging.getLogger("ml").setLevel(level)
    logging.getLogger("uvicorn").setLevel(level)
    for name in LIBRARIES:
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    logging.getLogger("uvicorn.access").disabled = True  # its lines have paths, and paths have clients


class _Lines:
    """Writes a line as it is: for a line per request the ways of the standard library are a fifth of the request."""

    def __init__(self, handler: logging.StreamHandler[TextIO]) -> None:
        self._handler = handler

    def info(self, line: str) -> None:
        """Write one line, whole."""
        with self._handler.lock or nullcontext():
            self._handler.stream.write(line + "\n")
            self._handler.flush()

    debug = warning = error = critical = info


def _places_of_failure(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace a traceback, whose message can hold a value, by the kind of the error and where it was raised."""
    information = event.pop("exc_info", None)
    if information is True:
        information = sys.exc_info()
    if isinstance(information, BaseException):
        information = (type(information), information, information.__traceback__)
    if information and information[1] is not None:
        event["error"] = information[0].__name__
        frames = traceback.extract_tb(information[2])
        event["raised"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-8:]]
    return event
