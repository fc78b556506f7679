"""Errors as RFC 9457 problems: a stable code, a line for people, never a value of a client, a schema or a traceback."""

import json
import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ml.serving.deciding import refusals
from ml.serving.deciding.records import RecordError
from ml.serving.live.generation import NotReadyError
from warehouse.core.errors import CreditWarehouseError, RawDataError

LOG = logging.getLogger("ml.serving")
MEDIA_TYPE = "application/problem+json"
MOST_FAULTS = 20
REFERENCE = "#/components/schemas/{model}"
SECONDS_TO_RETRY = 5
KINDS = {
    "missing-key": (401, "A key is needed"),
    "unknown-key": (401, "The key is not known"),
    "missing-scope": (403, "The key may not do this"),
    "not-local": (403, "Without keys only this machine is answered"),
    "not-found": (404, "There is no such page"),
    refusals.UNKNOWN_CLIENT: (404, "The client is not known"),
    refusals.UNKNOWN_DECISION: (404, "The decision is not known"),
    refusals.UNKNOWN_FEATURE: (404, "The feature is not known"),
    "method-not-allowed": (405, "The page does not take this method"),
    refusals.ALREADY_RECORDED: (409, "The trail does not allow this"),
    "too-large": (413, "The request is too large"),
    "invalid-request": (422, "The request is not what the page takes"),
    refusals.UNUSABLE_INPUT: (422, "The values cannot be used"),
    refusals.IMMUTABLE_FIELD: (422, "The field cannot be changed"),
    "too-many-requests": (429, "The key has used up its allowance"),
    "internal-error": (500, "The server failed"),
    "not-ready": (503, "Not ready"),
    "not-recorded": (503, "The decision could not be recorded"),
}


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    field: str = Field(description="Where, with dots between the levels.")
    message: str = Field(description="What is expected there.")


class Problem(BaseModel):
    """RFC 9457."""

    type: str = Field(description="urn:credit-scoring:problem: and the code.")
    code: str = Field(description="Stable, for programs.")
    title: str
    status: int
    detail: str
    request_id: str | None = None
    errors: list[Fault] | None = None


def problem(request: Request, code: str, detail: str, **more: Any) -> Response:  # noqa: ANN401 - JSON
    """The answer for a problem of `KINDS`."""
    status, title = KINDS[code]
    headers = {"cache-control": "no-store"}
    if status in (429, 503):
        headers["retry-after"] = str(more.pop("retry_after", SECONDS_TO_RETRY))
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    document = {"type": f"urn:credit-scoring:problem:{code}", "code": code, "title": title, "status": status}
    document |= {"detail": detail, "request_id": getattr(request.state, "request_id", None)} | more
    return Response(json.dumps(document), status, headers, MEDIA_TYPE)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says about problems of these statuses."""
    content = {MEDIA_TYPE: {"schema": {"$ref": REFERENCE.format(model=Problem.__name__)}}}
    titles = {status: [title for own, title in KINDS.values() if own == status] for status in statuses}
    return {status: {"description": "; ".join(titles[status]) + ".", "content": content} for status in statuses}


class ProblemError(Exception):
    """A problem that is found on the way, before the service is asked."""

    def __init__(self, code: str, detail: str, **more: Any) -> None:  # noqa: ANN401 - JSON
        super().__init__(detail)
        self.code, self.detail, self.more = code, detail, more


def install(app: FastAPI) -> None:
    """Let every error of an application be answered as a problem, and its document say what one is."""
    described = app.openapi

    def openapi() -> dict[str, Any]:
        """The document with the schema of problems, to which all routes refer."""
        document = described()
        schema = Problem.model_json_schema(ref_template=REFERENCE)
        document["components"]["schemas"] |= schema.pop("$defs") | {Problem.__name__: schema}
        return document

    app.openapi = openapi  # type: ignore[method-assign]

    @app.exception_handler(ProblemError)
    async def _found(request: Request, error: ProblemError) -> Response:
        return problem(request, error.code, error.detail, **error.more)

    @app.exception_handler(refusals.Refusal)
    async def _refused(request: Request, error: refusals.Refusal) -> Response:
        return problem(request, error.code, error.detail)

    @app.exception_handler(RawDataError)
    async def _unusable(request: Request, error: RawDataError) -> Response:
        # what was found may be a value of a client
        return problem(request, refusals.UNUSABLE_INPUT, f"expected {error.expected}; {error.remedy}")

    @app.exception_handler(NotReadyError)
    async def _not_ready(request: Request, error: NotReadyError) -> Response:
        return problem(request, "not-ready", str(error))

    @app.exception_handler(CreditWarehouseError)
    async def _unfit(request: Request, error: CreditWarehouseError) -> Response:
        LOG.error("%s", error)
        return problem(request, "not-ready", "the snapshot or the model cannot be used for this; the log says why")

    @app.exception_handler(RecordError)
    async def _not_recorded(request: Request, error: RecordError) -> Response:
        LOG.error("the record of decisions failed: %s", error)
        return problem(request, "not-recorded", "nothing was decided; ask again")

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        found = error.errors()
        faults = [{"field": _place(fault["loc"]), "message": fault["msg"]} for fault in found[:MOST_FAULTS]]
        return problem(request, "invalid-request", f"{len(found)} faults; the first are in errors", errors=faults)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        if getattr(request.state, "too_large", False):
            return problem(request, "too-large", "the body is larger than this server takes")
        code = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "invalid-request")
        detail = "the body cannot be read as JSON" if code == "invalid-request" else KINDS[code][1]
        answer = problem(request, code, detail)
        answer.headers.update(error.headers or {})
        return answer


def _place(location: tuple[int | str, ...]) -> str:
    """Names of fields as the schema has them; names that the caller has invented could be values."""
    return ".".join(str(part)[:60] for part in location)
