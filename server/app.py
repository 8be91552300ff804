"""The server: routes, what runs beside them, and one process per workspace that serves them.

Nothing here imports MLX, transformers, openai or the MCP SDK: `/health` answers within a second of
the process's start.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from server import __version__
from server.activity import Activity
from server.engine.handle import Engine
from server.engine.models import resolve
from server.keys import Keyring, listed
from server.lazy_mount import LazyMount
from server.limits import Limits
from server.listening import Listener
from server.logs import logging_to
from server.metrics import get_metrics
from server.openai.errors import ApiError, defect, from_afina
from server.openai.routes import ROUTES
from server.recording import ID_HEADER, Recording
from server.security import Guard, check_exposure, key_name
from server.settings import Settings
from server.state import AppState
from tools.errors import AfinaError
from tools.workspace import runs
from tools.workspace.layout import Workspace, open_workspace

log = logging.getLogger(__name__)


def make_app(settings: Settings, ws: Workspace) -> Starlette:
    """The ASGI app of one workspace; its state is in `app.state.afina`."""
    state = AppState(settings=settings, ws=ws, engine=Engine(ws, settings), keys=Keyring(settings))
    mcp = LazyMount("The MCP endpoint", lambda: _mcp(state))
    app = Starlette(
        routes=[
            Route("/health", _health),
            Route("/ready", _ready),
            Route("/metrics", get_metrics),
            *ROUTES,
            Route("/mcp", mcp),
            Mount("/mcp", mcp),
        ],
        middleware=[
            Middleware(Recording, keep_text=settings.log_prompts, on_end=state.over),
            Middleware(Guard, settings=settings, keys=state.keys),
            Middleware(Limits, settings=settings),
            Middleware(Activity, state=state),
        ],
        exception_handlers={
            ApiError: _api_error,
            AfinaError: _afina_error,
            HTTPException: _http_error,
            ClientDisconnect: _client_left,
            Exception: _defect,
        },
        lifespan=lambda _: _running(state, mcp),
    )
    app.router.redirect_slashes = False
    app.state.afina = state
    app.state.mcp = mcp
    return app


def serve(settings: Settings, announce: Callable[[str], None] | None = None) -> None:
    """Serve until SIGTERM or SIGINT. announce: told the URL once it answers; default a line on stdout.

    Raises InvalidArgument, Conflict or NoPermission when it cannot start.
    """
    check_exposure(settings)
    ws = open_workspace(settings.workspace)
    if settings.model is not None:
        resolve(ws, settings, settings.model)
    listed(ws)  # keys that cannot be read are told now, not by refusing everyone
    with Listener(ws, settings) as listener, logging_to(settings, ws):
        app = make_app(settings, ws)
        listener.run(app, announce or _announce)


def _announce(url: str) -> None:
    sys.stdout.write(f"Afina serves at {url}\n")
    sys.stdout.flush()


# Beside the requests ---------------------------------------------------------------------------


@asynccontextmanager
async def _running(state: AppState, mcp: LazyMount) -> AsyncIterator[None]:
    """What lives as long as the server: the engine's handle, the slow parts, the first model."""
    end = asyncio.Event()
    state.engine.start()
    beside = [
        asyncio.create_task(_prepare(state)),
        asyncio.create_task(mcp.run(end)),
        asyncio.create_task(_leave_when_idle(state)),
        asyncio.create_task(state.metrics.load()),
    ]
    try:
        yield
    finally:
        end.set()
        await state.engine.stop()
        beside[0].cancel()
        beside[2].cancel()
        await asyncio.gather(*beside, return_exceptions=True)


async def _prepare(state: AppState) -> None:
    """Make right what a crash left, then load the model that the settings name."""
    try:
        await asyncio.to_thread(_reconcile, state.ws)
    except AfinaError as error:
        log.warning("the workspace could not be reconciled: %s", error)
    state.reconciled = True
    if state.settings.model is None:
        return
    try:
        target = await asyncio.to_thread(resolve, state.ws, state.settings, state.settings.model)
        await state.engine.ensure(target)
    except AfinaError as error:
        state.problem = str(error)
        log.warning("the model could not be loaded: %s", error)


def _reconcile(ws: Workspace) -> None:
    from tools.workspace.reconcile import reconcile

    reconcile(ws)


@asynccontextmanager
async def _mcp(state: AppState) -> AsyncIterator[ASGIApp]:
    def load() -> Callable[..., AbstractAsyncContextManager[ASGIApp]]:
        from server.mcp.http import make_mcp_app

        return make_mcp_app

    make = await asyncio.to_thread(load)
    async with make(state.ws, state.settings) as app:
        yield app


async def _leave_when_idle(state: AppState) -> None:
    limit = state.settings.exit_idle_s
    while limit:
        await asyncio.sleep(min(1.0, limit))
        if not state.active_requests and time.monotonic() - state.last_request > limit:
            state.exit()
            return


# Answers of the server itself ------------------------------------------------------------------


async def _health(request: Request) -> JSONResponse:
    """Alive: always 200, whatever the engine, the database or the disk do."""
    state: AppState = request.app.state.afina
    told: dict[str, Any] = {"status": "ok", "version": __version__}
    if state.keys.asks and key_name(state.keys, request.headers) is None:
        return JSONResponse(told)
    told |= {
        "uptime_s": round(time.time() - state.started, 1),
        "tasks": len(asyncio.all_tasks()),
        "engine": state.engine.status(),
        "run": await _active_run(state),
        "mcp": request.app.state.mcp.state,
    }
    return JSONResponse(told)


async def _active_run(state: AppState) -> str | None:
    def find() -> str | None:
        active = [run.run for run in runs.listed(state.ws) if run.state in runs.ACTIVE]
        return active[0] if active else None

    try:
        return await asyncio.wait_for(asyncio.to_thread(find), 0.5)
    except (AfinaError, TimeoutError):
        return None


async def _ready(request: Request) -> JSONResponse:
    """200 once requests can be answered without waiting for the model that the settings name."""
    state: AppState = request.app.state.afina
    loaded = state.settings.model is None or state.engine.loaded is not None
    if state.reconciled and loaded and state.problem is None:
        return JSONResponse({"status": "ready"})
    reason = state.problem or ("the model is being loaded" if state.reconciled else "the workspace is being checked")
    return JSONResponse({"status": "not ready", "reason": reason}, 503)


def _api_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return error.response()


def _afina_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, AfinaError)
    return from_afina(error).response()


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    codes = {404: "unknown_route", 405: "method_not_allowed", 408: "request_timeout", 413: "request_too_large"}
    messages = {
        404: "There is no such route; the API is under /v1.",
        405: f"This route does not take {request.method}.",
    }
    message = messages.get(error.status_code, error.detail)
    headers = dict(error.headers or {})
    return ApiError(error.status_code, message, code=codes.get(error.status_code), headers=headers).response()


def _client_left(_: Request, __: Exception) -> Response:
    return Response(status_code=499)


def _defect(request: Request, __: Exception) -> Response:
    answer = defect().response()
    # Sent outside of what puts the id on every other answer.
    answer.headers[ID_HEADER] = request.state.record.id
    return answer
