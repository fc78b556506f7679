"""Whatever a page cannot do is said on a page, with the time and what to do; nothing of a client, no traceback."""

import logging
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from ml.serving.deciding.records import RecordError
from ml.serving.deciding.refusals import UNKNOWN_CLIENT, UNUSABLE_INPUT, Refusal
from ml.serving.http.access import context_of
from ml.serving.http.problems import KINDS, ProblemError
from ml.serving.language import ENGLISH, FRENCH, LANGUAGES, Language, language
from ml.serving.live.generation import NotReadyError
from ml.serving.pages.rendering import page
from ml.serving.pages.visitors import FOREIGN, require_own_form
from ml.wording.sentences import capitalised
from warehouse.core.errors import CreditWarehouseError, RawDataError

LOG = logging.getLogger("ml.serving")
KNOWN = (ProblemError, Refusal, NotReadyError, RecordError, CreditWarehouseError, RequestValidationError, HTTPException)
CODES = {  # the first that fits
    RawDataError: UNUSABLE_INPUT,
    RecordError: "not-recorded",
    NotReadyError: "not-ready",
    CreditWarehouseError: "not-ready",
    RequestValidationError: "not-found",
}
ANONYMOUS = ("missing-key", "unknown-key")
STATUS = {code: status for code, (status, _) in KINDS.items()} | {FOREIGN: 403}
TITLES = {code: title for code, (_, title) in KINDS.items()} | {FOREIGN: "The form comes from another site"}
REMEDIES = {
    UNKNOWN_CLIENT: "Check the number. An applicant who is in no table goes to the page New applicant.",
    "missing-scope": "Ask for a key with more rights.",
    "not-local": "The server has no file of keys, and answers the machine that it runs on alone.",
    "too-many-requests": "Wait a minute, then ask again.",
    "not-ready": "Model and data do not answer. Ask again in a moment.",
    "not-recorded": "The record did not answer: nothing was decided. Ask again in a moment.",
    "too-large": "The file is larger than this server takes.",
    "internal-error": "The server failed. Ask again; its log has the request.",
    FOREIGN: "Open the page anew on this server, and send the form from there.",
}


def language_of(request: Request) -> Language:
    """The language of a page's address; the first of the browser's that we have, for one that has none."""
    code = request.path_params.get("lang") or request.url.path.split("/")[2:3]
    code = code if isinstance(code, str) else next(iter(code), "")
    if code in LANGUAGES:
        return language(code)
    asked = [part.split(";")[0].strip()[:2].lower() for part in request.headers.get("accept-language", "").split(",")]
    return language(next((one for one in asked if one in LANGUAGES), ENGLISH))


def code_of(error: Exception) -> str:
    """The stable code of an error, as the API answers it."""
    if isinstance(error, ProblemError | Refusal):
        return error.code
    if isinstance(error, HTTPException):
        return {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "invalid-request")
    return next((code for kind, code in CODES.items() if isinstance(error, kind)), "internal-error")


def explained(error: Exception, words: Language) -> str:
    """What went wrong and what to do, in one or two sentences."""
    code = code_of(error)
    LOG.log(logging.ERROR if STATUS[code] >= 500 else logging.INFO, "page: %s", code)
    remedy = words.text(REMEDIES[code]) if code in REMEDIES else ""
    if isinstance(error, RawDataError):  # what was found may be a value of a client
        remedy = f"{words.text('Expected:')} {error.expected}; {error.remedy}."
    elif isinstance(error, Refusal) and error.detail in language(FRENCH).translations:  # written for people
        remedy = f"{capitalised(words.text(error.detail))}."
    return f"{words.text(TITLES[code])}. {remedy}".strip()


class PageRoute(APIRoute):
    """A route whose errors are pages, and which takes forms of our own pages alone."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with what surrounds it."""
        handler = super().get_route_handler()

        async def answered(request: Request) -> Response:
            """Answer, or say why not."""
            words = language_of(request)
            try:
                require_own_form(request)
                return await handler(request)
            except KNOWN as error:
                code = code_of(error)
                if code in ANONYMOUS and request.method == "GET":
                    return RedirectResponse(f"/pages/{words.code}/login?next={quote(request.url.path)}", 303)
                return error_page(request, words, error)
            except Exception as error:  # a page must say so, whatever it is; the log has where it was raised
                LOG.exception("a page failed")
                return error_page(request, words, error)

        return answered


def error_page(request: Request, words: Language, error: Exception) -> Response:
    """The page about an error."""
    code = code_of(error)
    now = words.moment(datetime.now(UTC))
    text, title = explained(error, words), words.text(TITLES[code])
    has_keys = context_of(request).keys is not None
    return page(request, words, "error.html.j2", STATUS[code], title=title, text=text, now=now, has_keys=has_keys)
