"""When the server was last asked for something, so that one that nobody uses may leave."""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Receive, Scope, Send

from server.security import OPEN_PATHS
from server.state import AppState

# Questions of health and numbers, which come for ever.
_WATCHING = OPEN_PATHS | {"/metrics"}


class Activity:
    """Pure ASGI middleware that counts requests; those who watch a server do not keep it up."""

    def __init__(self, app: ASGIApp, state: AppState) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _WATCHING:
            await self._app(scope, receive, send)
            return
        self._state.active_requests += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._state.active_requests -= 1
            self._state.last_request = time.monotonic()
