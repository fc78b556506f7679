"""Who may use a route, and where a route finds what it needs."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_address
from typing import Annotated, Any, ParamSpec, TypeVar

from fastapi import Depends, Request

from ml.serving.deciding.desk import Desk
from ml.serving.deciding.records import Records
from ml.serving.http.keys import LOCAL, Caller, KeyRing, Scope
from ml.serving.http.problems import ProblemError
from ml.serving.live.watch import Live

P = ParamSpec("P")
T = TypeVar("T")
THREADS = 16  # most of them wait for the disk
SLOW_THREADS = 2  # simulations take longer, and must not keep decisions waiting
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Context:
    """What all routes share.

    Attributes
    ----------
    live : Live
    records : Records
    desk : Desk
        Decides by client.
    keys : KeyRing or None
        None: this machine alone is answered, and may do everything.
    """

    live: Live
    records: Records
    desk: Desk
    keys: KeyRing | None
    _quick: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(THREADS, "decisions"))
    _slow: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(SLOW_THREADS, "simulations"))

    async def quickly(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function of the service outside the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._quick, partial(call, *args, **kwargs))

    async def slowly(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same for what takes longer than a decision."""
        return await asyncio.get_running_loop().run_in_executor(self._slow, partial(call, *args, **kwargs))

    def close(self) -> None:
        """Finish what has begun."""
        self._quick.shutdown()
        self._slow.shutdown()
        self.desk.close()
        self.live.stop()
        self.records.close()


def context_of(request: Request) -> Context:
    """The context of the application that answers."""
    context: Context = request.app.state.context
    return context


async def _context(request: Request) -> Context:
    """`context_of` as a dependency: one that is not a coroutine would be sent to a thread for each request."""
    return context_of(request)


InContext = Annotated[Context, Depends(_context)]


def caller_with(scope: Scope) -> Callable[[Request], Coroutine[Any, Any, Caller]]:
    """A dependency that gives the caller, who has this scope."""

    async def caller(request: Request) -> Caller:
        """Who asks; a `ProblemError` unless the caller may."""
        kind, _, key = request.headers.get("authorization", "").partition(" ")
        return allowed_caller(request, key.strip() if kind.lower() == "bearer" else "", scope)

    return caller


Decider = Annotated[Caller, Depends(caller_with("decide"))]
Simulator = Annotated[Caller, Depends(caller_with("simulate"))]
Reader = Annotated[Caller, Depends(caller_with("read"))]
Admin = Annotated[Caller, Depends(caller_with("admin"))]


def allowed_caller(request: Request, key: str, scope: Scope) -> Caller:
    """Who asks with a key (empty when none was sent) and has a scope; a `ProblemError` unless the caller may."""
    found = _authenticated(request, context_of(request).keys, key)
    request.state.caller_name = found.name
    if scope not in found.scopes:
        raise ProblemError("missing-scope", f"the key lacks the scope {scope}")
    return found


def _authenticated(request: Request, keys: KeyRing | None, key: str) -> Caller:
    if keys is None:
        if not is_local(request):
            raise ProblemError("not-local", "name a file of keys in CREDIT_API_KEYS_FILE to answer other machines")
        return LOCAL
    if not key:
        raise ProblemError("missing-key", "send Authorization: Bearer and the key")
    stored = keys.find(key)
    if stored is None:
        raise ProblemError("unknown-key", "ask for a new key: python -m ml.serve keys")
    request.state.caller_name = stored.name
    if not keys.allows(stored):
        raise ProblemError("too-many-requests", f"the key may ask {stored.per_minute} times a minute", retry_after=60)
    return Caller(stored.name, frozenset(stored.scopes))


def is_local(request: Request) -> bool:
    """Whether a request comes from this machine, and from no page of another site that a browser here shows."""
    if request.client is None or not _is_loopback(request.client.host):
        return False
    host = request.headers.get("host", "")
    name = host.rsplit(":", 1)[0].strip("[]") if not host.endswith("]") else host.strip("[]")
    return name in LOCAL_NAMES


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
