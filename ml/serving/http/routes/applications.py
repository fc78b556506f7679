"""New applicants, simulations, and what would have to change."""

import json
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from ml.serving.http.access import Decider, InContext, Simulator
from ml.serving.http.problems import documented
from ml.serving.http.routes.decisions import DECIDING, json_response
from ml.serving.http.schemas import applications as schemas
from ml.serving.http.schemas.decisions import Decision
from ml.serving.what_if.applicants import apply
from ml.serving.what_if.counterfactuals import propose
from ml.serving.what_if.simulation import simulate

router = APIRouter()


@router.post(
    "/v1/applications",
    summary="Decide about a new applicant",
    responses=DECIDING | {200: {"model": Decision}},
)
async def applications(
    body: schemas.ApplicationRequest, caller: Decider, context: InContext, request: Request
) -> Response:
    """Raw rows in the columns of the raw files, checked by the contract; features by the very SQL of the marts."""
    given: dict[str, Any] = body.model_dump(exclude_none=False)
    rows = {name: listed for name, listed in given.items() if listed is not None}
    answered = await context.slowly(apply, context.live.now, context.records, rows, caller.name)
    request.state.decision_id = answered.decision_id
    return json_response(answered.text)


@router.post(
    "/v1/simulations",
    summary="What if the form said something else",
    responses=documented(401, 403, 404, 413, 422, 429, 503) | {200: {"model": schemas.Simulation}},
)
async def simulations(body: schemas.SimulationRequest, caller: Simulator, context: InContext) -> Response:
    """Up to 199 variants of one application through the same SQL and model; recorded apart, never a decision."""
    answer = await context.slowly(
        simulate,
        context.live.now,
        context.records,
        body.variants,
        caller.name,
        client_id=body.client_id,
        decision_id=body.decision_id,
    )
    return json_response(json.dumps(answer))


@router.post(
    "/v1/counterfactuals",
    summary="What would have to change for a grant",
    responses=documented(401, 403, 404, 413, 422, 429, 503) | {200: {"model": schemas.Counterfactuals}},
)
async def counterfactuals(body: schemas.CounterfactualRequest, caller: Simulator, context: InContext) -> Response:
    """Amount, number of payments and price of the goods, at most three changes, the nearest first."""
    limits: dict[str, tuple[float, float]] | None = None
    if body.limits is not None:
        limits = {name: (one.least, one.most) for name, one in body.limits.items()}
    answer = await context.slowly(
        propose,
        context.live.now,
        context.records,
        caller.name,
        client_id=body.client_id,
        decision_id=body.decision_id,
        limits=limits,
        most_changes=body.most_changes,
    )
    return json_response(json.dumps(answer))
