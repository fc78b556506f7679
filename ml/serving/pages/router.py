"""The pages' addresses."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from starlette.datastructures import UploadFile
from starlette.responses import FileResponse, RedirectResponse, Response

from ml.data.population import ALL
from ml.serving.applicants import apply
from ml.serving.counterfactuals import propose
from ml.serving.decisions import decide, timestamp
from ml.serving.http.access import Context, InContext, context_of
from ml.serving.http.problems import ProblemError
from ml.serving.http.routes.letters import POLICY
from ml.serving.http.schemas import LARGEST_ID
from ml.serving.language import ENGLISH, language
from ml.serving.letters import as_html, as_pdf, write_letter
from ml.serving.live.generation import Generation, NotReadyError
from ml.serving.outcomes import record_outcome
from ml.serving.pages import fields
from ml.serving.pages.decision_view import Asked, choices_of, current_values, decision_view
from ml.serving.pages.errors import KNOWN, STATUS, PageRoute, code_of, explained, language_of
from ml.serving.pages.model_view import model_card, model_view
from ml.serving.pages.rendering import STATIC, page
from ml.serving.pages.visitors import COOKIE, Admin, Decider, Reader, Simulator
from ml.serving.simulation import simulate

router = APIRouter(prefix="/pages", route_class=PageRoute, include_in_schema=False)
Lang = Annotated[Literal["en", "fr"], Path()]
Id = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
LONGEST_TEXT = 2_000
COOKIE_SECONDS = 8 * 3600
SHOWN_RECENT = 100
FILES = {path.name: path for path in STATIC.iterdir()}
CARD_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'"


@router.get("")
async def entrance(request: Request) -> Response:
    """On to the page in the browser's language."""
    return RedirectResponse(f"/pages/{language_of(request).code}", 303)


@router.get("/static/{name}")
async def static(name: str) -> Response:
    """Style and scripts."""
    if name not in FILES:
        raise ProblemError("not-found", "there is no such file")
    return FileResponse(FILES[name], headers={"cache-control": "public, max-age=86400"})


@router.get("/{lang}/login")
async def login_form(lang: Lang, request: Request) -> Response:
    """Ask for the key."""
    return _login(request, lang, request.query_params.get("next", ""))


@router.post("/{lang}/login")
async def login(lang: Lang, request: Request, context: InContext) -> Response:
    """Keep the key in a cookie that no script can read, and no other site can use."""
    form = await _typed(request)
    key, wanted = form.get("key", "").strip(), form.get("next", "")
    if context.keys is not None and context.keys.find(key) is None:
        problem = "This key is not known. Ask for a new one." if key else "Give the key."
        return _login(request, lang, wanted, problem, 401)
    home = f"/pages/{lang}"
    safe = wanted.startswith(f"{home}/") and "//" not in wanted and "\\" not in wanted
    answer = RedirectResponse(wanted if safe else home, 303)
    secure = request.url.scheme == "https"
    answer.set_cookie(
        COOKIE, key, COOKIE_SECONDS, path="/pages", secure=secure, httponly=True, samesite="strict"
    )
    return answer


@router.post("/{lang}/logout")
async def logout(lang: Lang) -> Response:
    """Forget the key."""
    answer = RedirectResponse(f"/pages/{lang}/login", 303)
    answer.delete_cookie(COOKIE, path="/pages")
    return answer


@router.get("/{lang}")
async def find(lang: Lang, request: Request, visitor: Reader) -> Response:
    """Find a client."""
    return page(request, language(lang), "find.html.j2", typed="", problem="")


@router.post("/{lang}/decisions")
async def decide_about(lang: Lang, request: Request, visitor: Decider, context: InContext) -> Response:
    """Decide about a client, and go to the page of the decision."""
    typed = (await _typed(request)).get("client_id", "").strip()
    words = language(lang)
    try:
        client = fields.number_of(typed, lang)
    except ValueError:
        client = 0
    if not isinstance(client, int) or not 1 <= client <= LARGEST_ID:
        problem = words.text("Give the number of the client's application, in digits.")
        return page(request, words, "find.html.j2", 422, typed=typed, problem=problem)
    try:
        answered = await context.quickly(decide, context.live.now, context.records, client, visitor.name)
    except KNOWN as error:
        return page(request, words, "find.html.j2", _status(error), typed=typed, problem=explained(error, words))
    request.state.decision_id = answered.decision_id
    return RedirectResponse(f"/pages/{lang}/decisions/{answered.decision_id}", 303)


@router.get("/{lang}/new")
async def new_form(lang: Lang, request: Request, visitor: Decider, context: InContext) -> Response:
    """The form of a new applicant."""
    return await _new(request, lang, _first_values(context, lang))


@router.post("/{lang}/new")
async def new(lang: Lang, request: Request, visitor: Decider, context: InContext) -> Response:
    """Decide about a new applicant, from the form or from raw rows in JSON."""
    form = await request.form(max_files=1, max_fields=200)
    typed = {name: value for name, value in form.items() if isinstance(value, str)}
    words = language(lang)
    try:
        rows, faults = await _application(context, lang, typed, form.get("file"))
    except ValueError as error:
        return await _new(request, lang, typed, problem=words.text(str(error)), status=422)
    except KNOWN as error:
        return await _new(request, lang, typed, problem=explained(error, words), status=_status(error))
    if faults:
        problem = words.text("Some fields need another look; they say why. Everything typed is still there.")
        return await _new(request, lang, typed, problem=problem, faults=faults, status=422)
    try:
        answered = await context.slowly(apply, context.live.now, context.records, rows, visitor.name)
    except KNOWN as error:
        return await _new(request, lang, typed, problem=explained(error, words), status=_status(error))
    request.state.decision_id = answered.decision_id
    return RedirectResponse(f"/pages/{lang}/decisions/{answered.decision_id}", 303)


@router.get("/{lang}/decisions/{decision_id}")
async def decision(
    lang: Lang,
    decision_id: Id,
    request: Request,
    visitor: Reader,
    feature: Annotated[str, Query(max_length=120)] = "",
) -> Response:
    """A decision."""
    return await _decision(request, lang, decision_id, Asked(feature))


@router.post("/{lang}/decisions/{decision_id}/simulation")
async def simulation(
    lang: Lang, decision_id: Id, request: Request, visitor: Simulator, context: InContext
) -> Response:
    """What if the form said something else."""
    typed, words = await _typed(request), language(lang)
    try:
        now = context.live.now
        current = await context.slowly(current_values, now, context.records, decision_id, lang)
        changed, faults = fields.changes_of(typed, current, lang)
        if faults or not changed:
            problem = "Some fields need another look; they say why." if faults else "Change at least one field."
            asked = Asked(typed=typed, faults=faults, problem=words.text(problem), form="simulation")
            return await _decision(request, lang, decision_id, asked, 422)
        answer = await context.slowly(
            simulate, now, context.records, [changed], visitor.name, decision_id=decision_id
        )
    except KNOWN as error:
        asked = Asked(typed=typed, problem=explained(error, words), form="simulation")
        return await _decision(request, lang, decision_id, asked, _status(error))
    return await _decision(request, lang, decision_id, Asked(typed=typed, simulated=answer, form="simulation"))


@router.post("/{lang}/decisions/{decision_id}/counterfactuals")
async def counterfactuals(
    lang: Lang, decision_id: Id, request: Request, visitor: Simulator, context: InContext
) -> Response:
    """Look for what would have to change; the record keeps what is found."""
    try:
        await context.slowly(propose, context.live.now, context.records, visitor.name, decision_id=decision_id)
    except KNOWN as error:
        asked = Asked(problem=explained(error, language(lang)), form="counterfactuals")
        return await _decision(request, lang, decision_id, asked, _status(error))
    return RedirectResponse(f"/pages/{lang}/decisions/{decision_id}#change", 303)


@router.post("/{lang}/decisions/{decision_id}/outcome")
async def outcome(lang: Lang, decision_id: Id, request: Request, visitor: Decider, context: InContext) -> Response:
    """Record what a person has decided."""
    typed = await _typed(request)
    given = {name: typed.get(name, "").strip() or None for name in ("ground", "note", "final_decision")}
    note, words = given["note"], language(lang)
    request.state.decision_id = decision_id
    try:
        if typed.get("action") not in ("agree", "override", "request_review", "answer_review"):
            raise ProblemError("invalid-request", "no action")
        if note is not None and len(note) > LONGEST_TEXT:
            raise ProblemError("invalid-request", "the note is too long")
        await context.quickly(
            record_outcome, context.records, decision_id, typed["action"], visitor.name, **given
        )
    except KNOWN as error:
        asked = Asked(typed=typed, problem=explained(error, words), form="outcome")
        return await _decision(request, lang, decision_id, asked, _status(error))
    return RedirectResponse(f"/pages/{lang}/decisions/{decision_id}#outcome", 303)


@router.get("/{lang}/decisions/{decision_id}/letter")
async def letter(lang: Lang, decision_id: Id, request: Request, visitor: Reader, context: InContext) -> Response:
    """The letter to the client, to be printed."""
    written = await context.quickly(write_letter, context.records, decision_id, lang)
    headers = {"cache-control": "no-store", "content-language": lang, "content-security-policy": POLICY}
    return Response(as_html(written), media_type="text/html", headers=headers)


@router.get("/{lang}/decisions/{decision_id}/letter.pdf")
async def letter_pdf(lang: Lang, decision_id: Id, request: Request, visitor: Reader, context: InContext) -> Response:
    """The letter as a PDF."""
    written = await context.quickly(write_letter, context.records, decision_id, lang)
    headers = {"cache-control": "no-store", "content-disposition": f'inline; filename="{decision_id}-{lang}.pdf"'}
    return Response(await context.slowly(as_pdf, written), media_type="application/pdf", headers=headers)


@router.get("/{lang}/model")
async def model(lang: Lang, request: Request, visitor: Reader, context: InContext) -> Response:
    """The model that answers."""
    view = await context.slowly(model_view, request.app.state.project, context.live.now)
    return page(request, language(lang), "model.html.j2", view=view)


@router.get("/{lang}/model/card")
async def card(lang: Lang, request: Request, visitor: Reader, context: InContext) -> Response:
    """The model's card, as it was written."""
    text = await context.slowly(model_card, request.app.state.project, context.live.now)
    if text is None:
        raise ProblemError("not-found", "no card was written for this version")
    return Response(text, media_type="text/html", headers={"content-security-policy": CARD_POLICY})


@router.get("/{lang}/recent")
async def recent(
    lang: Lang, request: Request, visitor: Admin, context: InContext, overridden: bool = False
) -> Response:
    """The latest decisions, or those that a person has overridden."""
    rows = await context.quickly(context.records.recent, SHOWN_RECENT, overridden=overridden)
    lines = [row | {"decided_at": timestamp(row["decided_at"])} for row in rows]
    return page(request, language(lang), "recent.html.j2", lines=lines, overridden=overridden, most=SHOWN_RECENT)


@router.get("/{rest:path}")
async def nowhere(rest: str) -> Response:
    """No page."""
    raise ProblemError("not-found", "there is no such page")


async def _decision(request: Request, lang: str, decision_id: str, asked: Asked, status: int = 200) -> Response:
    context = context_of(request)
    request.state.decision_id = decision_id
    view = await context.quickly(decision_view, _generation(context), context.records, decision_id, lang, asked)
    return page(request, language(lang), "decision.html.j2", status, simulated_fields=fields.SIMULATED, **view)


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
    generation = _generation(context)
    choices = await context.slowly(choices_of, generation) if generation else {}
    content: dict[str, Any] = {"sections": fields.SECTIONS, "choices": choices, "faults": faults or {}}
    return page(
        request, language(lang), "new.html.j2", status, typed=typed, problem=problem, today=_today(), **content
    )


async def _application(
    context: Context, lang: str, typed: fields.Typed, file: UploadFile | str | None
) -> tuple[Any, fields.Faults]:
    """Raw rows of a new applicant: of the file, of the pasted text, or of the form."""
    text = typed.get("json", "").strip()
    if isinstance(file, UploadFile) and file.size:
        text = (await file.read()).decode("utf-8", "replace")
    if not text:
        now = datetime.now(UTC)
        choices = await context.slowly(choices_of, context.live.now)
        application, faults = fields.application_of(typed, choices, now.date(), now.hour, lang)
        return {"application": application}, faults
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("The file or text is not JSON.") from None
    if not isinstance(rows, dict) or not isinstance(rows.get("application"), dict):
        raise ValueError('The JSON must be an object with "application", and lists of rows by table.')
    return rows, {}


def _first_values(context: Context, lang: str) -> dict[str, str]:
    """What the form of a new applicant says before anything is typed: what nearly all answer, all to be seen."""
    generation = _generation(context)
    values = {"FLAG_MOBIL": "1", "FLAG_CONT_MOBILE": "1", "NAME_CONTRACT_TYPE": "Cash loans"}
    row = generation.stats.row_of("region_population_relative") if generation else None
    if generation is not None and row is not None:
        quantiles = generation.stats.quantiles[ALL][row]
        median = f"{float(quantiles[len(quantiles) // 2]):.6f}"
        values["REGION_POPULATION_RELATIVE"] = median if lang == ENGLISH else median.replace(".", ",")
    return values


def _generation(context: Context) -> Generation | None:
    try:
        return context.live.now
    except NotReadyError:
        return None


def _login(request: Request, lang: str, wanted: str, problem: str = "", status: int = 200) -> Response:
    words = language(lang)
    text = words.text(problem) if problem else ""
    return page(request, words, "login.html.j2", status, wanted=wanted, problem=text)


async def _typed(request: Request) -> dict[str, str]:
    form = await request.form(max_files=0, max_fields=100)
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _status(error: Exception) -> int:
    return STATUS[code_of(error)]


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
