"""The way in: language, key, style and scripts."""

from fastapi import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from ml.serving.http.access import InContext
from ml.serving.http.problems import ProblemError
from ml.serving.language import language
from ml.serving.pages.errors import language_of
from ml.serving.pages.rendering import STATIC, page
from ml.serving.pages.shared import Lang, page_router, typed_in
from ml.serving.pages.visitors import COOKIE

router = page_router()
COOKIE_SECONDS = 8 * 3600
FILES = {path.name: path for path in STATIC.iterdir()}


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
    form = await typed_in(request)
    key, wanted = form.get("key", "").strip(), form.get("next", "")
    if context.keys is not None and context.keys.find(key) is None:
        problem = "This key is not known. Ask for a new one." if key else "Give the key."
        return _login(request, lang, wanted, problem, 401)
    home = f"/pages/{lang}"
    safe = wanted.startswith(f"{home}/") and "//" not in wanted and "\\" not in wanted
    answer = RedirectResponse(wanted if safe else home, 303)
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, key, COOKIE_SECONDS, path="/pages", secure=secure, httponly=True, samesite="strict")
    return answer


@router.post("/{lang}/logout")
async def logout(lang: Lang) -> Response:
    """Forget the key."""
    answer = RedirectResponse(f"/pages/{lang}/login", 303)
    answer.delete_cookie(COOKIE, path="/pages")
    return answer


def _login(request: Request, lang: str, wanted: str, problem: str = "", status: int = 200) -> Response:
    words = language(lang)
    text = words.text(problem) if problem else ""
    return page(request, words, "login.html.j2", status, wanted=wanted, problem=text)
