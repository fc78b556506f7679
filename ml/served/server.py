"""What stands in front of MLflow's scoring server: an error is one line, without traceback, data or schema.

uvicorn --factory --app-dir /model/code ml.served.server:create

The environment variable CREDIT_SERVED_APP names the application behind it (module:attribute; MLflow's by default).
"""

import importlib
import json
import os
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

APP_VARIABLE = "CREDIT_SERVED_APP"
MLFLOW_APP = "mlflow.pyfunc.scoring_server.app:app"
FIRST_ERROR = 400
LONGEST_REASON = 300
BEFORE_REASON = re.compile(r"^.*\bError: ", re.DOTALL)  # MLflow repeats data and schema before the last "Error: "

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class OneLineErrors:
    """An ASGI application whose errors are JSON with `error_code` and a `message` of one line; the rest is passed on.

    Parameters
    ----------
    app : ASGI application
    """

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        failed: Message | None = None
        body = bytearray()

        async def shortened(message: Message) -> None:
            """Pass a message on, or keep the parts of an error until it is complete."""
            nonlocal failed
            if message["type"] == "http.response.start" and message["status"] >= FIRST_ERROR:
                failed = message
            elif failed is None or message["type"] != "http.response.body":
                await send(message)
            else:
                body.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    await _send_error(failed["status"], bytes(body), send)

        await self.app(scope, receive, shortened)


def create() -> OneLineErrors:
    """The served application; what uvicorn calls."""
    module, _, attribute = os.environ.get(APP_VARIABLE, MLFLOW_APP).partition(":")
    return OneLineErrors(getattr(importlib.import_module(module), attribute))


def error_document(status: int, body: bytes) -> dict[str, str]:
    """What a caller reads instead of an error's body.

    Examples
    --------
    >>> error_document(400, b'{"error_code": "BAD_REQUEST", "message": "No. Error: no amt_income", "stack_trace": "x"}')
    {'error_code': 'BAD_REQUEST', 'message': 'no amt_income'}
    """
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        document = {"message": body.decode("utf-8", "replace")}
    code = document.get("error_code") or ("BAD_REQUEST" if status < 500 else "INTERNAL_ERROR")
    text = BEFORE_REASON.sub("", str(document.get("message") or document.get("detail") or code))
    line = next((line.strip() for line in text.splitlines() if line.strip()), str(code))
    return {"error_code": str(code), "message": line[:LONGEST_REASON]}


async def _send_error(status: int, body: bytes, send: Send) -> None:
    content = json.dumps(error_document(status, body)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
