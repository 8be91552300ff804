"""A part of the server whose import is too slow for its start: brought in afterwards, awaited by its requests."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from starlette.types import ASGIApp, Receive, Scope, Send

from server.openai.errors import ApiError

log = logging.getLogger(__name__)


class LazyMount:
    """An ASGI app made by `factory`, which is called in `run`.

    factory: an async context manager that yields the app; it may import in a thread. Requests that
    come before it is there wait; they get 503 when it cannot be made.
    """

    def __init__(self, name: str, factory: Callable[[], AbstractAsyncContextManager[ASGIApp]]) -> None:
        self._name = name
        self._factory = factory
        self._app: ASGIApp | None = None
        self._settled = asyncio.Event()

    @property
    def state(self) -> str:
        if not self._settled.is_set():
            return "loading"
        return "ready" if self._app else "missing"

    async def run(self, until: asyncio.Event) -> None:
        """Make the app and keep it until told; one task enters and leaves its context."""
        try:
            async with self._factory() as app:
                self._app = app
                self._settled.set()
                await until.wait()
        except ModuleNotFoundError as error:
            log.warning("%s is not part of this installation (%s)", self._name, error.name)
        except Exception:
            log.exception("%s could not be made", self._name)
        finally:
            self._app = None
            self._settled.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._settled.wait()
        app: ASGIApp = (
            self._app
            or ApiError(
                503, f"{self._name} is not available on this server.", code="unavailable", kind="server_error"
            ).response()
        )
        await app(scope, receive, send)
