"""Pages as text: one Jinja environment, in which everything is escaped, and the headers that go with every page."""

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import Response

from ml.serving.http.access import context_of
from ml.serving.language import LANGUAGES, Language
from ml.serving.live.generation import NotReadyError
from ml.serving.pages.visitors import COOKIE
from ml.serving.words import Words

HERE = Path(__file__).resolve().parent
STATIC = HERE / "static"
STALE_AFTER = timedelta(days=7)
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
}


@cache
def environment() -> Environment:
    """Templates of the pages."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"languages": LANGUAGES, "version": max(int(path.stat().st_mtime) for path in STATIC.iterdir())}
    return made


def page(request: Request, words: Language, template: str, status: int = 200, **content: Any) -> Response:  # noqa: ANN401
    """A page in a language.

    Parameters
    ----------
    request : Request
    words : Language
    template : str
        File name in the folder of templates.
    status : int
    **content
        Names for the template; a name that it uses and is not given is an error.
    """
    shown = {
        "lang": words.code,
        "t": Words(words).text,
        "words": Words(words),
        "served": served(request, words),
        "elsewhere": _elsewhere(request),
        "has_key": COOKIE in request.cookies,
        "path": request.url.path,
    }
    text = environment().get_template(template).render(shown | content)
    headers = HEADERS | {"content-language": words.code}
    return Response(text, status, headers, "text/html; charset=utf-8")


def served(request: Request, words: Language) -> dict[str, Any]:
    """What answers now: model, data and their age; what is wrong, when something is."""
    live = context_of(request).live
    try:
        generation = live.now
    except NotReadyError:
        return {"ready": False, "now": words.moment(datetime.now(UTC))}
    published = published_at(generation.snapshot.snapshot_id)
    return {
        "ready": True,
        "model_version": generation.model.version,
        "snapshot_id": generation.snapshot.snapshot_id,
        "published": words.moment(published),
        "stale": datetime.now(UTC) - published > STALE_AFTER,
        "behind": bool(live.problem),
    }


def published_at(snapshot_id: str) -> datetime:
    """When a snapshot was published, which its id says."""
    return datetime.strptime(snapshot_id.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _elsewhere(request: Request) -> str:
    """The same page without its language, for the link to the other one; of an answered form, the page it stands on."""
    parts = request.url.path.split("/")[3:]
    if request.method == "POST" and parts and parts[0] == "decisions":
        parts = parts[:2] if len(parts) > 2 else []
    return "".join(f"/{part}" for part in parts)
