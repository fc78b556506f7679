"""Who reads a page: the key in a cookie that no script and no other site can use, and posts of our own pages only."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Request

from ml.serving.http.access import allowed_caller
from ml.serving.http.keys import Caller, Scope
from ml.serving.http.problems import ProblemError

COOKIE = "credit_key"
FOREIGN = "foreign-form"
SAFE_METHODS = frozenset({"GET", "HEAD"})


def visitor_with(scope: Scope) -> Callable[[Request], Coroutine[Any, Any, Caller]]:
    """A dependency that gives the visitor, who has this scope."""

    async def visitor(request: Request) -> Caller:
        """Who asks; a `ProblemError` unless the visitor may."""
        return allowed_caller(request, request.cookies.get(COOKIE, ""), scope)

    return visitor


Decider = Annotated[Caller, Depends(visitor_with("decide"))]
Simulator = Annotated[Caller, Depends(visitor_with("simulate"))]
Reader = Annotated[Caller, Depends(visitor_with("read"))]
Admin = Annotated[Caller, Depends(visitor_with("admin"))]


def require_own_form(request: Request) -> None:
    """Refuse a form that a page of another site has sent; browsers name the origin of every post."""
    if request.method in SAFE_METHODS:
        return
    if request.headers.get("sec-fetch-site") == "same-origin":
        return
    if urlsplit(request.headers.get("origin", "")).netloc != request.headers.get("host"):
        raise ProblemError(FOREIGN, "the form was not sent from a page of this server")
