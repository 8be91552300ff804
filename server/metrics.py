"""The server's numbers for Prometheus, at /metrics. The library that writes them is brought in after the start."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from server.engine.protocol import Memory
from server.records import RequestRecord
from tools.errors import AfinaError
from tools.workspace import runs
from tools.workspace.layout import Workspace

if TYPE_CHECKING:
    from server.metrics_book import Book
    from server.state import AppState

# Requests that end before the library is there are kept for it.
_EARLY = 1000
_LOOK_TIMEOUT_S = 1.0


@dataclass(frozen=True)
class Facts:
    """What is so at the moment of being asked.

    loaded: the base in memory. training: the step and the steps of the run that is active.
    """

    running: int
    waiting: int
    active_requests: int
    loaded: str | None
    restarts: int
    loads: int
    swaps: int
    load_s: float
    memory: Memory | None
    training: tuple[int, int] | None


class Metrics:
    """Counts requests from the first on; `load` once the server is up."""

    def __init__(self) -> None:
        self._book: Book | None = None
        self._early: deque[RequestRecord] = deque(maxlen=_EARLY)

    def count(self, record: RequestRecord) -> None:
        """A request is over."""
        if self._book is None:
            self._early.append(record)
        else:
            self._book.count(record)

    async def load(self) -> Book:
        if self._book is None:
            made = await asyncio.to_thread(_make_book)
            # Another request may have been as quick: the first book is kept.
            self._book = self._book or made
            while self._early:
                self._book.count(self._early.popleft())
        return self._book


def _make_book() -> Book:
    from server.metrics_book import Book

    return Book()


async def get_metrics(request: Request) -> Response:
    """GET /metrics, in Prometheus' text format."""
    state: AppState = request.app.state.afina
    book = await state.metrics.load()
    text, media_type = book.written(await _facts(state))
    return Response(text, media_type=media_type)


async def _facts(state: AppState) -> Facts:
    status, holder = state.engine.status(), state.engine.holder
    return Facts(
        running=status["running"],
        waiting=status["waiting"],
        active_requests=state.active_requests,
        loaded=holder.loaded.base.name if holder.loaded else None,
        restarts=holder.restarts,
        loads=holder.loads,
        swaps=holder.swaps,
        load_s=holder.load_s,
        memory=holder.memory,
        training=await _training(state.ws),
    )


async def _training(ws: Workspace) -> tuple[int, int] | None:
    def find() -> tuple[int, int] | None:
        return next(((run.step, run.steps) for run in runs.listed(ws) if run.state in runs.ACTIVE), None)

    try:
        return await asyncio.wait_for(asyncio.to_thread(find), _LOOK_TIMEOUT_S)
    except (AfinaError, TimeoutError):
        return None  # the other numbers are told even while the database is busy
