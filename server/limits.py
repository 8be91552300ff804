"""How much a client may ask for at once, and how slowly: headers, body, pace, requests at the same time.

`server.connections` holds what a request has not become yet: connections, and headers that do not end.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.openai.errors import ApiError
from server.security import OPEN_PATHS, client_of
from server.settings import Settings

MAX_HEADERS = 100
MAX_HEADER_BYTES = 32 * 1024
# A body may take `slow_client_s`, and a second more for so many of its bytes.
MIN_BYTES_A_SECOND = 4096
# A body that is too large is read and dropped up to here, so that the client sees the answer.
_DRAIN_BYTES = 64 * 1024**2
_DRAIN_S = 5.0
_RETRY_AFTER_S = 1


class Limits:
    """Pure ASGI middleware, behind the Guard, which says who the client is."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._max_body = int(settings.max_body_mb * 1024**2)
        self._slow_s = settings.slow_client_s
        self._at_once = settings.max_client_requests
        self._running: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        client = client_of(scope)
        try:
            self._check_headers(scope)
            self._check_length(Headers(scope=scope))
            self._check_at_once(client)
        except ApiError as error:
            if error.status == 413:
                if b"expect" in dict(scope["headers"]):
                    # The client asks first: reading on would tell it to send all of it.
                    error.headers["Connection"] = "close"
                else:
                    await _drain(receive)
            await error.response()(scope, receive, send)
            return
        self._running[client] += 1
        try:
            await self._app(scope, _Body(receive, self._max_body, self._slow_s).receive, send)
        finally:
            self._running[client] -= 1
            self._running += Counter()  # names at zero are let go

    def _check_headers(self, scope: Scope) -> None:
        headers = scope["headers"]
        size = len(scope.get("raw_path") or b"") + len(scope["query_string"])
        size += sum(len(name) + len(value) for name, value in headers)
        if len(headers) > MAX_HEADERS or size > MAX_HEADER_BYTES:
            raise headers_too_large()
        names = {name for name, _ in headers}
        # Two lengths: a proxy before us may believe the other one.
        if b"content-length" in names and b"transfer-encoding" in names:
            raise ApiError(
                400, "A request has `Content-Length` or `Transfer-Encoding`, not both.", code="invalid_http_request"
            )

    def _check_length(self, headers: Headers) -> None:
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > self._max_body:
            raise _too_large(self._max_body)

    def _check_at_once(self, client: str) -> None:
        if self._running[client] >= self._at_once:
            raise ApiError(
                429,
                f"{self._at_once} requests of this client are being answered already.",
                code="too_many_requests",
                kind="rate_limit_error",
                headers={"Retry-After": str(_RETRY_AFTER_S)},
            )


class _Body:
    """The way in of one request: bounds its body, whatever length it announced, and the time that it takes."""

    def __init__(self, receive: Receive, max_bytes: int, slow_s: float) -> None:
        self._receive = receive
        self._max_bytes = max_bytes
        self._slow_s = slow_s
        self._taken = 0
        self._waited = 0.0
        self._whole = False

    async def receive(self) -> Message:
        """Raises HTTPException 413 or 408."""
        if self._whole:
            return await self._receive()
        message = await self._in_time()
        if message["type"] != "http.request":
            self._whole = True
            return message
        self._whole = not message.get("more_body", False)
        self._taken += len(message.get("body", b""))
        if self._taken > self._max_bytes:
            if not self._whole:
                await _drain(self._receive)
            raise HTTPException(413, _too_large(self._max_bytes).message)
        return message

    async def _in_time(self) -> Message:
        """The next piece. Only the time in which the client was waited for counts."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        left = self._slow_s + self._taken / MIN_BYTES_A_SECOND - self._waited
        try:
            async with asyncio.timeout(left):
                return await self._receive()
        except TimeoutError:
            raise HTTPException(408, f"The body did not come within {self._slow_s:g} s.") from None
        finally:
            self._waited += loop.time() - began


def headers_too_large() -> ApiError:
    return ApiError(
        431,
        f"The headers are more than {MAX_HEADERS}, or larger than {MAX_HEADER_BYTES // 1024} KB.",
        code="headers_too_large",
    )


def _too_large(max_bytes: int) -> ApiError:
    size = max_bytes / 1024**2
    return ApiError(413, f"The body is larger than the {size:g} MB that are taken.", code="request_too_large")


async def _drain(receive: Receive) -> None:
    dropped = 0
    try:
        async with asyncio.timeout(_DRAIN_S):
            while dropped < _DRAIN_BYTES:
                message = await receive()
                dropped += len(message.get("body", b""))
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return
