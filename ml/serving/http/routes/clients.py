"""What is known of a client, where it stands, who is like it."""

import json
from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from ml.serving.clients import facts, population, similar
from ml.serving.http.access import InContext, Reader
from ml.serving.http.routes.decisions import READING, json_response
from ml.serving.http.schemas import clients as schemas
from ml.serving.http.schemas.base import LARGEST_ID

router = APIRouter()
Id = Annotated[int, Path(ge=1, le=LARGEST_ID)]


@router.get("/v1/clients/{client_id}", summary="A client's facts", responses=READING | {200: {"model": schemas.Facts}})
async def client(client_id: Id, caller: Reader, context: InContext) -> Response:
    """Every feature with its value in words and its description, by theme."""
    return json_response(json.dumps(await context.quickly(facts, context.live.now, client_id)))


@router.get(
    "/v1/population/{feature}",
    summary="How a feature is distributed, and where a client stands",
    responses=READING | {200: {"model": schemas.Population}},
)
async def distribution(
    feature: Annotated[str, Path(max_length=120)],
    caller: Reader,
    context: InContext,
    client: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None,
) -> Response:
    """Shares of all, of accepted and of similar clients by bin or value."""
    return json_response(json.dumps(await context.quickly(population, context.live.now, feature, client)))


@router.get(
    "/v1/clients/{client_id}/similar",
    summary="Clients like this one: how many repaid",
    responses=READING | {200: {"model": schemas.SimilarClients}},
)
async def neighbours(client_id: Id, caller: Reader, context: InContext) -> Response:
    """The 50 nearest clients whose outcome is known, with an interval."""
    return json_response(json.dumps(await context.quickly(similar, context.live.now, client_id)))
