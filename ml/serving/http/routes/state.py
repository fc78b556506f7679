"""Whether the server lives, is ready, and what it measures."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from ml.serving import metrics
from ml.serving.deciding.decisions import timestamp
from ml.serving.http.access import InContext
from ml.serving.http.problems import documented
from ml.serving.http.schemas import state as schemas

router = APIRouter()
LINKS = {
    "pages": "/pages",
    "documentation": "/openapi.json",
    "health": "/health",
    "ready": "/ready",
    "metrics": "/metrics",
    "decide": "/v1/decisions",
}


@router.get("/", summary="Welcome")
async def welcome() -> schemas.Welcome:
    """What this is, and where to go on."""
    return schemas.Welcome(
        name="Credit scoring",
        description="Decisions on consumer credit with reasons; every decision is recorded. POST /v1/decisions with "
        '{"client_id": 100001} decides about a client.',
        links=LINKS,
    )


@router.get("/health", summary="Whether the process answers")
async def health() -> schemas.Live:
    """Live."""
    return schemas.Live(status="live")


@router.get("/ready", summary="Whether a known client gets the known answer", responses=documented(503))
async def ready(context: InContext) -> schemas.Ready:
    """Model version and snapshot that answer, once a golden client got its golden answer and the record answers."""
    generation = context.live.now
    await context.quickly(generation.check)
    await context.quickly(context.records.check)
    return schemas.Ready(
        status="ready",
        model_version=generation.model.version,
        snapshot_id=generation.snapshot.snapshot_id,
        threshold=generation.threshold,
        since=timestamp(generation.since),
        note=context.live.problem or None,
    )


@router.get("/metrics", summary="Measures for Prometheus", responses={200: {"content": {"text/plain": {}}}})
async def measures(request: Request) -> Response:
    """Times, scores, reasons and overrides; nothing of a client."""
    content, kind = metrics.exposition()
    return Response(content, headers={"content-type": kind})
