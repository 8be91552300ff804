"""What can go wrong between a request and the model. All are told as errors of the API."""

from __future__ import annotations

from tools.errors import AfinaError, MachineError, RequestError, WorkerDied


class EngineDied(WorkerDied):
    """The engine's process ended while it was answering. It is started anew for the next request."""

    code = "engine_died"


class Busy(MachineError):
    """Not now: the caller may come again after `retry_after_s`."""

    code = "busy"

    def __init__(self, message: str, *, retry_after_s: int, fix: str | None = None) -> None:
        super().__init__(message, fix=fix, details={"retry_after_s": retry_after_s})
        self.retry_after_s = retry_after_s


class QueueFull(Busy):
    code = "queue_full"


class NoRoom(Busy):
    """Training or an evaluation needs the device's memory."""

    code = "memory_in_use"


class Stopping(Busy):
    """The server is going down."""

    code = "server_stopping"


class TooSlow(AfinaError):
    """The answer took longer than a request may."""

    code = "timeout"


class SlowReader(AfinaError):
    """The client takes the answer more slowly than it is written, and too much of it has piled up."""

    code = "slow_reader"


class Poison(RequestError):
    """The engine died of this request, more than once."""

    code = "engine_died_of_request"


class NotServed(RequestError):
    """The server is pinned to another base."""

    code = "not_served"
