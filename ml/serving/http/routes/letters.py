"""Letters to clients."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from ml.serving.http.access import InContext, Reader
from ml.serving.http.routes.decisions import READING, DecisionId
from ml.serving.letters import as_html, as_pdf, write_letter

router = APIRouter()
POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
KINDS = {200: {"content": {"text/html": {}, "application/pdf": {}}, "description": "The letter."}}


@router.get(
    "/v1/decisions/{decision_id}/letter",
    summary="The letter to the client",
    response_class=Response,
    responses=READING | KINDS,  # type: ignore[operator]
)
async def letter(
    decision_id: DecisionId,
    caller: Reader,
    context: InContext,
    request: Request,
    lang: Annotated[Literal["en", "fr"], Query()] = "en",
    kind: Annotated[Literal["html", "pdf"], Query(alias="format")] = "html",
) -> Response:
    """What was decided, why, what could change it, how to contest it, and on which data; HTML or PDF."""
    request.state.decision_id = decision_id
    written = await context.quickly(write_letter, context.records, decision_id, lang)
    headers = {"cache-control": "no-store", "content-language": lang, "content-security-policy": POLICY}
    if kind == "html":
        return Response(as_html(written), media_type="text/html", headers=headers)
    headers["content-disposition"] = f'inline; filename="{decision_id}-{lang}.pdf"'
    return Response(await context.slowly(as_pdf, written), media_type="application/pdf", headers=headers)
