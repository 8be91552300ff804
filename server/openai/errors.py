"""Errors in OpenAI's shape: `{"error": {"message", "type", "param", "code"}}`."""

from __future__ import annotations

import logging
from typing import Any

from starlette.responses import JSONResponse

from server.engine.errors import Busy, EngineDied, NotServed, QueueFull, TooSlow
from tools.errors import (
    AfinaError,
    Conflict,
    DataError,
    DoesNotFit,
    InvalidArgument,
    NotFound,
    RequestError,
)

log = logging.getLogger(__name__)

# First match wins: the class, the status, the type, and the code where it is not the error's own.
_STATUSES: list[tuple[type[AfinaError], int, str, str | None]] = [
    (QueueFull, 429, "rate_limit_error", None),
    (Busy, 503, "server_error", None),
    (EngineDied, 500, "server_error", None),
    (TooSlow, 504, "server_error", None),
    (NotFound, 404, "invalid_request_error", "model_not_found"),
    (NotServed, 404, "invalid_request_error", "model_not_found"),
    (DoesNotFit, 400, "invalid_request_error", "context_length_exceeded"),
    (InvalidArgument, 400, "invalid_request_error", None),
    (Conflict, 422, "invalid_request_error", "model_refused"),
    (DataError, 422, "invalid_request_error", "model_refused"),
    (RequestError, 400, "invalid_request_error", None),
]


class ApiError(Exception):
    """A refusal with its HTTP status. param: the field of the request that it is about."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        kind: str = "invalid_request_error",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code
        self.kind = kind
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        return {"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}}

    def response(self) -> JSONResponse:
        return JSONResponse(self.body(), self.status, headers=self.headers)


def told(error: Exception) -> ApiError:
    """Any failure as the API tells it; what is none of ours goes to the log alone."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, AfinaError):
        return from_afina(error)
    log.error("a request met a defect", exc_info=error)
    return defect()


def defect() -> ApiError:
    """What is told of a failure that is none of the caller's."""
    return ApiError(
        500, "The server met a defect of ours; its log tells more.", code="internal_error", kind="server_error"
    )


def from_afina(error: AfinaError) -> ApiError:
    """Our error as the API tells it."""
    status, kind, code = next(
        ((status, kind, code) for known, status, kind, code in _STATUSES if isinstance(error, known)),
        (500, "server_error", None),
    )
    headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, Busy) else {}
    param = error.field
    if param is None and code in ("model_refused", "model_not_found"):
        param = "model"
    return ApiError(status, str(error), param=param, code=code or error.code, kind=kind, headers=headers)
