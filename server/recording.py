"""Every request gets an id and a record; once it is over, the record is logged and counted."""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.records import RequestRecord, current, request_id
from server.security import client_of

ID_HEADER = "x-request-id"


class Recording:
    """Pure ASGI middleware, outermost: what is refused is told too. on_end: told each record once it is whole."""

    def __init__(self, app: ASGIApp, keep_text: bool, on_end: Callable[[RequestRecord], None]) -> None:
        self._app = app
        self._keep_text = keep_text
        self._on_end = on_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        record = RequestRecord(
            id=request_id(Headers(scope=scope).get(ID_HEADER)),
            method=scope["method"],
            path=scope["path"],
            keep_text=self._keep_text,
        )
        scope.setdefault("state", {})["record"] = record
        current.set(record)

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                MutableHeaders(scope=message)[ID_HEADER] = record.id
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except BaseException:
            # A defect's own answer is sent outside of us.
            record.status = record.status or 500
            raise
        finally:
            record.client = client_of(scope)
            record.route = _template(scope.get("route"))
            record.duration_s = time.monotonic() - record.began
            self._on_end(record)


def _template(route: BaseRoute | None) -> str | None:
    """The path as the route writes it, never as the client did."""
    return getattr(route, "path", None)
