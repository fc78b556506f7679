"""What surrounds every request: its id, its size, its time, one log line, and nothing raised to the server."""

import re
import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog
from starlette.requests import Request

from ml.serving import metrics
from ml.serving.http.logs import REQUESTS
from ml.serving.http.problems import problem

LARGEST_BODY = 2_000_000  # bytes; an applicant with the longest history known takes a quarter
REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class TooLargeError(Exception):
    """A body that is longer than it may be, or than it said."""


class Surroundings:
    """An ASGI application around another one.

    Parameters
    ----------
    app : ASGI application
    """

    def __init__(self, app: Application) -> None:
        self.app = app
        self._log = structlog.get_logger(REQUESTS)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        state = scope.setdefault("state", {})
        state["request_id"] = _request_id(scope)
        status = 0

        async def answered(message: Message) -> None:
            """Note the status and add the headers that every answer has."""
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = [(b"x-request-id", state["request_id"].encode()), *HEADERS]
                message["headers"] = [*message.get("headers", []), *own]
            await send(message)

        try:
            await self._limited(scope, receive, answered, state)
        except Exception as error:
            self._log.error("failed", exc_info=error, request_id=state["request_id"], route=_route(scope))
            if not status:
                await problem(Request(scope), "internal-error", "ask again; the log has this request_id")(
                    scope, receive, answered
                )
        finally:
            self._note(scope, state, status, time.perf_counter() - started)

    async def _limited(
        self, scope: MutableMapping[str, Any], receive: Receive, send: Send, state: dict[str, Any]
    ) -> None:
        """Pass a request on whose body is not too large."""
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced[:20]) > LARGEST_BODY:
            refused = problem(Request(scope), "too-large", f"at most {LARGEST_BODY:,} bytes are taken")
            await refused(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            """Stop reading what grows beyond the limit."""
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > LARGEST_BODY:
                state["too_large"] = True
                raise TooLargeError
            return message

        await self.app(scope, counted, send)

    def _note(self, scope: MutableMapping[str, Any], state: dict[str, Any], status: int, seconds: float) -> None:
        route = _route(scope)
        metrics.REQUESTS.labels(scope["method"] if route != "none" else "any", route, str(status)).observe(seconds)
        self._log.info(
            "request",
            request_id=state["request_id"],
            method=scope["method"][:16],
            route=route,
            status=status,
            milliseconds=round(1000 * seconds, 1),
            key=state.get("caller_name"),
            decision_id=state.get("decision_id"),
        )


def _route(scope: MutableMapping[str, Any]) -> str:
    """The route's pattern: the path itself can hold a client."""
    return str(getattr(scope.get("route"), "path", "none"))


def _request_id(scope: MutableMapping[str, Any]) -> str:
    given = dict(scope["headers"]).get(b"x-request-id", b"")
    return given.decode() if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
