"""Find a client, read a decision, simulate, record; the model; the latest decisions."""

from typing import Annotated

from fastapi import Query, Request
from starlette.background import BackgroundTask
from starlette.responses import RedirectResponse, Response

from ml.serving.deciding.decisions import decide
from ml.serving.deciding.outcomes import record_outcome
from ml.serving.http.access import InContext, context_of
from ml.serving.http.problems import ProblemError
from ml.serving.http.routes.letters import POLICY
from ml.serving.http.schemas.base import LARGEST_ID
from ml.serving.language import language
from ml.serving.letters import as_html, as_pdf, write_letter
from ml.serving.pages import fields
from ml.serving.pages.errors import KNOWN, explained
from ml.serving.pages.rendering import page
from ml.serving.pages.shared import Id, Lang, generation_of, page_router, status_of, typed_in
from ml.serving.pages.views.decision import (
    GROUND_NAMES,
    Asked,
    current_values,
    decision_view,
    recent_lines,
    warm,
)
from ml.serving.pages.views.model import model_card, model_view
from ml.serving.pages.visitors import Admin, Decider, Reader, Simulator
from ml.serving.what_if.counterfactuals import propose
from ml.serving.what_if.simulation import simulate

router = page_router()
LONGEST_TEXT = 2_000
SHOWN_RECENT = 50
CARD_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'"


@router.get("/{lang}")
async def find(lang: Lang, request: Request, visitor: Reader, context: InContext) -> Response:
    """Find a client; what the next page needs is opened while the visitor types."""
    answer = page(request, language(lang), "find.html.j2", typed="", problem="")
    generation = generation_of(context)
    if generation is not None:
        answer.background = BackgroundTask(context.slowly, warm, generation)
    return answer


@router.post("/{lang}/decisions")
async def decide_about(lang: Lang, request: Request, visitor: Decider, context: InContext) -> Response:
    """Decide about a client, and go to the page of the decision."""
    typed = (await typed_in(request)).get("client_id", "").strip()
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
        return page(request, words, "find.html.j2", status_of(error), typed=typed, problem=explained(error, words))
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
async def simulation(lang: Lang, decision_id: Id, request: Request, visitor: Simulator, context: InContext) -> Response:
    """What if the form said something else."""
    typed, words = await typed_in(request), language(lang)
    try:
        now = context.live.now
        current = await context.slowly(current_values, now, context.records, decision_id, lang)
        changed, faults = fields.changes_of(typed, current, lang)
        if faults or not changed:
            problem = "Some fields need another look; they say why." if faults else "Change at least one field."
            asked = Asked(typed=typed, faults=faults, problem=words.text(problem), form="simulation")
            return await _decision(request, lang, decision_id, asked, 422)
        answer = await context.slowly(simulate, now, context.records, [changed], visitor.name, decision_id=decision_id)
    except KNOWN as error:
        asked = Asked(typed=typed, problem=explained(error, words), form="simulation")
        return await _decision(request, lang, decision_id, asked, status_of(error))
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
        return await _decision(request, lang, decision_id, asked, status_of(error))
    return RedirectResponse(f"/pages/{lang}/decisions/{decision_id}#change", 303)


@router.post("/{lang}/decisions/{decision_id}/outcome")
async def outcome(lang: Lang, decision_id: Id, request: Request, visitor: Decider, context: InContext) -> Response:
    """Record what a person has decided."""
    typed = await typed_in(request)
    given = {name: typed.get(name, "").strip() or None for name in ("ground", "note", "final_decision")}
    note, words = given["note"], language(lang)
    request.state.decision_id = decision_id
    try:
        if typed.get("action") not in ("agree", "override", "request_review", "answer_review"):
            raise ProblemError("invalid-request", "no action")
        if note is not None and len(note) > LONGEST_TEXT:
            raise ProblemError("invalid-request", "the note is too long")
        await context.quickly(record_outcome, context.records, decision_id, typed["action"], visitor.name, **given)
    except KNOWN as error:
        asked = Asked(typed=typed, problem=explained(error, words), form="outcome")
        return await _decision(request, lang, decision_id, asked, status_of(error))
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
    lines = await context.quickly(recent_lines, context.records, SHOWN_RECENT, overridden=overridden)
    return page(
        request,
        language(lang),
        "recent.html.j2",
        lines=lines,
        overridden=overridden,
        most=SHOWN_RECENT,
        ground_names=GROUND_NAMES,
    )


@router.get("/{rest:path}")
async def nowhere(rest: str) -> Response:
    """No page."""
    raise ProblemError("not-found", "there is no such page")


async def _decision(request: Request, lang: str, decision_id: str, asked: Asked, status: int = 200) -> Response:
    context = context_of(request)
    request.state.decision_id = decision_id
    view = await context.quickly(decision_view, generation_of(context), context.records, decision_id, lang, asked)
    return page(request, language(lang), "decision.html.j2", status, simulated_fields=fields.SIMULATED, **view)
