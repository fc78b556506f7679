"""The application that is served: `uvicorn ml.serving.api:app`, or `python -m ml.serve`, which sets everything up."""

import gc
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from ml.serving import metrics
from ml.serving.deciding.desk import Desk
from ml.serving.deciding.records import Records
from ml.serving.http import problems
from ml.serving.http.access import Context
from ml.serving.http.keys import KeyRing
from ml.serving.http.logs import set_up_logs
from ml.serving.http.middleware import Surroundings
from ml.serving.http.routes import applications, clients, decisions, letters, state
from ml.serving.live.generation import Generation
from ml.serving.live.watch import Live
from ml.serving.pages import ROUTERS
from ml.serving.settings import ServingSettings

LOG = logging.getLogger("ml.serving")
TITLE = "Credit scoring"
VERSION = "1.0.0"
LOOP_WAITS = 0.001  # seconds, for the thread that decides; the interpreter's 5 ms would hold up every small answer


def create_app(settings: ServingSettings | None = None) -> FastAPI:
    """The application.

    Parameters
    ----------
    settings : ServingSettings, optional
        Read from the environment when the server starts, unless given.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        """Open the record, and begin to look for model and snapshot."""
        used = settings or ServingSettings.from_environment()
        set_up_logs()
        _set_imports_aside()
        sys.setswitchinterval(LOOP_WAITS)
        keys = KeyRing(used.keys_file, used.workers) if used.keys_file else None
        if keys is None:
            LOG.warning("no file of keys (CREDIT_API_KEYS_FILE): only this machine is answered, and may do everything")
        records = Records(used.decisions)
        app.state.context = Context(Live(used, _announce), records, Desk(records), keys)
        app.state.project = used.project
        app.state.context.live.start()
        try:
            yield
        finally:
            app.state.context.close()

    # no pages of documentation: those of FastAPI load their scripts from other sites
    app = FastAPI(title=TITLE, version=VERSION, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.add_middleware(Surroundings)
    problems.install(app)
    for routes in (state, decisions, applications, clients, letters):
        app.include_router(routes.router)
    for router in ROUTERS:
        app.include_router(router)
    return app


def _set_imports_aside() -> None:
    """Spare the collector the million objects of what is imported: looking through them takes longer than a request."""
    if not gc.get_freeze_count():
        gc.freeze()
    gc.enable()


def _announce(generation: Generation) -> None:
    version, snapshot = generation.model.version, generation.snapshot.snapshot_id
    metrics.name_served(version, snapshot)
    LOG.info("version %s answers on snapshot %s", version, snapshot)


app = create_app()
