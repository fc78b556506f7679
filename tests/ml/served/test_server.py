"""What stands in front of MLflow's scoring server."""

import asyncio
import json

import pytest

from ml.served.server import OneLineErrors, error_document

SCHEMA = "['amt_income': double (required), 'region': string (required)]"


def answered(status: int, *parts: bytes, kind: str = "http") -> list[dict]:
    """What a caller receives when the application behind answers like this."""
    sent = []

    async def app(scope, receive, send):
        headers = [(b"content-length", b"999")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for number, part in enumerate(parts, start=1):
            await send({"type": "http.response.body", "body": part, "more_body": number < len(parts)})

    async def keep(message):
        sent.append(message)

    asyncio.run(OneLineErrors(app)({"type": kind}, None, keep))
    return sent


def test_what_is_answered_is_passed_on_part_by_part():
    start, first, second = answered(200, b'{"predictions":', b" []}")
    assert start["headers"] == [(b"content-length", b"999")]
    assert (first["body"], second["body"]) == (b'{"predictions":', b" []}")


@pytest.mark.parametrize("parts", [1, 3])
def test_an_error_is_one_line_without_traceback_data_and_schema(parts):
    message = (
        f"Failed to predict data 'x'. \nError: Failed to enforce schema {SCHEMA}. Error: missing ['amt_income'].\n"
    )
    body = json.dumps({"error_code": "BAD_REQUEST", "message": message, "stack_trace": "Traceback ..."}).encode()
    size = -(-len(body) // parts)
    start, sent = answered(400, *(body[at : at + size] for at in range(0, len(body), size)))
    assert start["status"] == 400
    assert dict(start["headers"])[b"content-length"] == str(len(sent["body"])).encode()
    assert json.loads(sent["body"]) == {"error_code": "BAD_REQUEST", "message": "missing ['amt_income']."}


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (500, b"Internal Server Error", "INTERNAL_ERROR"),
        (404, b'{"detail": "Not Found"}', "BAD_REQUEST"),
        (415, b"\xff" * 1000, "BAD_REQUEST"),
        (400, b"", "BAD_REQUEST"),
        (400, b"[1, 2]", "BAD_REQUEST"),
    ],
)
def test_whatever_the_error_is_there_is_a_line(status, body, code):
    document = error_document(status, body)
    assert document["error_code"] == code
    assert 1 <= len(document["message"]) <= 300
    assert "\n" not in document["message"]


def test_what_is_no_request_is_passed_on():
    assert [message["type"] for message in answered(500, b"x", kind="lifespan")] == [
        "http.response.start",
        "http.response.body",
    ]
