"""The page of an applicant who is in no table: a form, or raw rows as JSON."""

from datetime import UTC, datetime
from typing import Any

from fastapi import Request
from pydantic import ValidationError
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from ml.data.population import ALL
from ml.serving.http.access import Context, InContext, context_of
from ml.serving.http.schemas.applications import ApplicationRequest
from ml.serving.language import ENGLISH, language
from ml.serving.pages import fields
from ml.serving.pages.errors import KNOWN, explained
from ml.serving.pages.rendering import page
from ml.serving.pages.shared import Lang, generation_of, page_router, status_of
from ml.serving.pages.views.decision import choices_of
from ml.serving.pages.visitors import Decider
from ml.serving.what_if.applicants import apply

router = page_router()
UNREADABLE = 'The file or text must be JSON: an object with "application", and lists of rows by table.'
LONGEST_PLACE = 80


@router.get("/{lang}/new")
async def new_form(lang: Lang, request: Request, visitor: Decider, context: InContext) -> Response:
    """The form of a new applicant."""
    return await _new(request, lang, _first_values(context, lang))


@router.post("/{lang}/new")
async def new(lang: Lang, request: Request, visitor: Decider, context: InContext) -> Response:
    """Decide about a new applicant, from the form or from raw rows in JSON."""
    async with request.form(max_files=1, max_fields=200) as form:
        typed = {name: value for name, value in form.items() if isinstance(value, str)}
        file = form.get("file")
        content = await file.read() if isinstance(file, UploadFile) else b""
    words = language(lang)
    try:
        rows, faults = await _application(context, lang, typed, content)
    except ValueError as error:
        return await _new(request, lang, typed, problem=str(error), status=422)
    except KNOWN as error:
        return await _new(request, lang, typed, problem=explained(error, words), status=status_of(error))
    if faults:
        problem = words.text("Some fields need another look; they say why. Everything typed is still there.")
        return await _new(request, lang, typed, problem=problem, faults=faults, status=422)
    try:
        answered = await context.slowly(apply, context.live.now, context.records, rows, visitor.name)
    except KNOWN as error:
        return await _new(request, lang, typed, problem=explained(error, words), status=status_of(error))
    request.state.decision_id = answered.decision_id
    return RedirectResponse(f"/pages/{lang}/decisions/{answered.decision_id}", 303)


async def _new(
    request: Request,
    lang: str,
    typed: fields.Typed,
    *,
    problem: str = "",
    faults: fields.Faults | None = None,
    status: int = 200,
) -> Response:
    context = context_of(request)
    generation = generation_of(context)
    choices = await context.slowly(choices_of, generation) if generation else {}
    content: dict[str, Any] = {"sections": fields.SECTIONS, "choices": choices, "faults": faults or {}}
    return page(request, language(lang), "new.html.j2", status, typed=typed, problem=problem, **content)


async def _application(context: Context, lang: str, typed: fields.Typed, content: bytes) -> tuple[Any, fields.Faults]:
    """Raw rows of a new applicant: of the file, of the pasted text, or of the form."""
    text = content.decode("utf-8", "replace") or typed.get("json", "").strip()
    if not text:
        now = datetime.now(UTC)
        choices = await context.slowly(choices_of, context.live.now)
        application, faults = fields.application_of(typed, choices, now.date(), now.hour, lang)
        return {"application": application}, faults
    try:
        body = ApplicationRequest.model_validate_json(text)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])[:LONGEST_PLACE]
        words = language(lang)
        place = words.text(" Look at: %(where)s.", where=where) if where else ""
        raise ValueError(words.text(UNREADABLE) + place) from error
    return {name: rows for name, rows in body.model_dump().items() if rows is not None}, {}


def _first_values(context: Context, lang: str) -> dict[str, str]:
    """What the form of a new applicant says before anything is typed: what nearly all answer, all to be seen."""
    generation = generation_of(context)
    values = {"FLAG_MOBIL": "1", "FLAG_CONT_MOBILE": "1", "NAME_CONTRACT_TYPE": "Cash loans"}
    row = generation.stats.row_of("region_population_relative") if generation else None
    if generation is not None and row is not None:
        quantiles = generation.stats.quantiles[ALL][row]
        median = f"{float(quantiles[len(quantiles) // 2]):.6f}"
        values["REGION_POPULATION_RELATIVE"] = median if lang == ENGLISH else median.replace(".", ",")
    return values
