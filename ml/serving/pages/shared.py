"""What the routes of the pages share."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request

from ml.serving.http.access import Context
from ml.serving.live.generation import Generation, NotReadyError
from ml.serving.pages.errors import STATUS, PageRoute, code_of

Lang = Annotated[Literal["en", "fr"], Path()]
Id = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]


def page_router() -> APIRouter:
    """A router of pages: not in the document of the API, its errors are pages."""
    return APIRouter(prefix="/pages", route_class=PageRoute, include_in_schema=False)


def generation_of(context: Context) -> Generation | None:
    """What answers now; None when nothing does."""
    try:
        return context.live.now
    except NotReadyError:
        return None


async def typed_in(request: Request) -> dict[str, str]:
    """The texts of a form that was sent."""
    form = await request.form(max_files=0, max_fields=100)
    return {name: value for name, value in form.items() if isinstance(value, str)}


def status_of(error: Exception) -> int:
    """The HTTP status of an error."""
    return STATUS[code_of(error)]
