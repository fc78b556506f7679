"""Decisions about clients of the snapshot, their records and their outcomes."""

import asyncio
import json
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from ml.serving.deciding.decisions import decide_many, recorded, recorded_document, timestamp
from ml.serving.deciding.outcomes import record_outcome
from ml.serving.deciding.records import Row
from ml.serving.http.access import Admin, Context, Decider, InContext, Reader
from ml.serving.http.problems import documented
from ml.serving.http.schemas import decisions as schemas
from ml.serving.http.schemas.base import LARGEST_ID

router = APIRouter()
DECIDING = documented(401, 403, 404, 413, 422, 429, 503)
READING = documented(401, 403, 404, 422, 429, 503)
DecisionId = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]


@router.post(
    "/predict",
    summary="Probability, class, decision and threshold of a client",
    responses=DECIDING | {200: {"model": schemas.PlainDecision}},
)
async def predict(body: schemas.ClientRequest, caller: Decider, context: InContext, request: Request) -> Response:
    """The plain answer, recorded like any other."""
    return await _decided(body, caller.name, context, request, reasons=False)


@router.post(
    "/v1/decisions",
    summary="Decide about a client",
    responses=DECIDING | {200: {"model": schemas.Decision}},
)
async def decisions(body: schemas.ClientRequest, caller: Decider, context: InContext, request: Request) -> Response:
    """Decision with points, reasons, themes and sources of history; recorded before it is answered."""
    return await _decided(body, caller.name, context, request, reasons=True)


@router.post(
    "/v1/decisions/batch",
    summary="Decide about up to 1,000 clients",
    responses=DECIDING | {200: {"model": schemas.Batch}},
)
async def batch(body: schemas.BatchRequest, caller: Decider, context: InContext) -> Response:
    """Decisions in the order asked for, recorded all or none; ids that are not known are listed."""
    generation = context.live.now
    made, unknown = await context.slowly(
        decide_many, generation, context.records, body.client_ids, caller.name, reasons=body.reasons
    )
    listed = ",".join(answered.text for answered in made)
    return json_response(f'{{"decisions": [{listed}], "unknown": {json.dumps(unknown)}}}')


@router.get("/v1/decisions", summary="The latest decisions", responses=documented(401, 403, 422, 429, 503))
async def recent(
    caller: Admin,
    context: InContext,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    overridden: bool = False,
    client_id: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None,
) -> schemas.Recent:
    """Newest first; only those that a person has overridden, or of one client, when asked."""
    rows = await context.quickly(context.records.recent, limit, overridden=overridden, client_id=client_id)
    return schemas.Recent(decisions=[schemas.RecentDecision(**_line(row)) for row in rows])


@router.get(
    "/v1/decisions/{decision_id}",
    summary="A decision as it was answered",
    responses=READING | {200: {"model": schemas.DecisionWithTrail}},
)
async def decision(decision_id: DecisionId, caller: Reader, context: InContext, request: Request) -> Response:
    """The same words for ever, read from the record, and what happened since."""
    request.state.decision_id = decision_id
    found = await context.quickly(recorded, context.records, decision_id)
    return json_response(json.dumps(recorded_document(found)))


@router.post(
    "/v1/decisions/{decision_id}/outcome",
    summary="Record what a person did with a decision",
    responses=documented(401, 403, 404, 409, 413, 422, 429, 503) | {200: {"model": schemas.Event}},
)
async def outcome(
    decision_id: DecisionId, body: schemas.OutcomeRequest, caller: Decider, context: InContext, request: Request
) -> Response:
    """Agree or override once; then a review can be requested and answered."""
    request.state.decision_id = decision_id
    given: dict[str, Any] = body.model_dump(exclude={"action"})
    event = await context.quickly(record_outcome, context.records, decision_id, body.action, caller.name, **given)
    return json_response(json.dumps(event))


async def _decided(
    body: schemas.ClientRequest, by: str, context: Context, request: Request, *, reasons: bool
) -> Response:
    answered = await asyncio.wrap_future(context.desk.submit(context.live.now, body.client_id, by, reasons=reasons))
    request.state.decision_id = answered.decision_id
    return json_response(answered.text)


def _line(row: Row) -> Row:
    kept = {name: row[name] for name in schemas.RecentDecision.model_fields if name != "decided_at"}
    return kept | {"decided_at": timestamp(row["decided_at"])}


def json_response(text: str) -> Response:
    """An answer that no cache keeps."""
    return Response(text, media_type="application/json", headers={"cache-control": "no-store"})
