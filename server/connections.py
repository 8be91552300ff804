"""HTTP/1.1 connections that nobody can hold by being slow: uvicorn's, with the bounds that it lacks.

uvicorn times idle connections out, but not a client that sends its headers byte by byte, goes on sending a
body that was refused, or never reads what it asked for; and it answers what is no HTTP with plain text. The
pace of a body that a route reads is measured in `server.limits`, where it can be told as an error of the API.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys
from collections.abc import Callable
from http import HTTPStatus

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from server.limits import headers_too_large
from server.openai.errors import ApiError
from server.records import RequestRecord, request_id
from server.settings import Settings

# A reader that takes nothing is waited for so many times longer than a writer.
_READER_PATIENCE = 3.0
_RETRY_AFTER_S = 1


class BoundedProtocol(H11Protocol):
    """Bounds by attributes of the class, which `protocol_of` sets. refused: told of what never became a request."""

    slow_s: float
    max_connections: int
    refused: Callable[[RequestRecord], None]
    _timer: asyncio.TimerHandle | None = None
    _write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            self._refuse(_too_many())
        else:
            self._limit(self.slow_s)

    def connection_lost(self, exc: Exception | None) -> None:
        self._unlimit()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            if self._answered() and self.conn.their_state is h11.SEND_BODY:
                return  # what is left of a refused body does not win time
            self._unlimit()
        elif self._timer is None and not self.transport.is_closing():
            # The first bytes of headers that are not whole yet; later ones win no time either.
            self._limit(self.slow_s)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:
            # A client that writes all before it reads is to see the answer; then it has had its time.
            self._limit(self.slow_s)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._write_timer is None:
            self._write_timer = self.loop.call_later(self.slow_s * _READER_PATIENCE, self._drop)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _drop(self) -> None:
        """End the connection at once: what the reader did not take is not kept by the system either."""
        connection = self.transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - ours says the same
        """uvicorn calls this while it handles h11's error, which knows when the headers were too large."""
        hint = getattr(sys.exc_info()[1], "error_status_hint", 400)
        if hint == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
            self._refuse(headers_too_large())
        else:
            self._refuse(ApiError(400, "That is no valid HTTP request.", code="invalid_http_request"))

    # The timer of what is awaited from the client ---------------------------------------------------

    def _limit(self, seconds: float) -> None:
        self._unlimit()
        self._timer = self.loop.call_later(seconds, self._too_slow)

    def _unlimit(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        begun = bool(self.conn.trailing_data[0])
        if begun and self.conn.our_state is h11.IDLE:
            self._refuse(ApiError(408, f"The headers did not come within {self.slow_s:g} s.", code="request_timeout"))
        else:
            self.transport.close()

    def _answered(self) -> bool:
        return self.cycle is not None and self.cycle.response_complete

    # Answers to what is no request ------------------------------------------------------------------

    def _refuse(self, error: ApiError) -> None:
        """Answer outside the app, and close."""
        record = RequestRecord(request_id(None), "", "", client=str(self.client[0]) if self.client else "unknown")
        record.status = error.status
        self.refused(record)
        if self.cycle is not None and not self.cycle.response_complete:
            # The app is at work on a request whose body broke off.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = json.dumps(error.body()).encode()
            headers = {
                "content-type": "application/json",
                "content-length": str(len(body)),
                "connection": "close",
                "x-request-id": record.id,
                **error.headers,
            }
            events = (
                h11.Response(
                    status_code=error.status,
                    headers=list(headers.items()),
                    reason=HTTPStatus(error.status).phrase.encode(),
                ),
                h11.Data(data=body),
                h11.EndOfMessage(),
            )
            self.transport.write(b"".join(self.conn.send(event) or b"" for event in events))
        self.transport.close()


def protocol_of(settings: Settings, refused: Callable[[RequestRecord], None]) -> type[BoundedProtocol]:
    """The protocol with a server's bounds, as uvicorn takes it."""
    bounds = {
        "slow_s": settings.slow_client_s,
        "max_connections": settings.max_connections,
        "refused": staticmethod(refused),
    }
    return type("BoundedProtocol", (BoundedProtocol,), bounds)


def _too_many() -> ApiError:
    return ApiError(
        503,
        "As many connections as are served are open already.",
        code="too_many_connections",
        kind="server_error",
        headers={"Retry-After": str(_RETRY_AFTER_S)},
    )
