"""The server's handle on the engine: a line of requests, one child process, one base at a time.

Requests wait here, in order; the child has only those that it can batch now. When the first in line
needs another base, what has begun is finished, then the base is swapped. A child that dies ends the
requests that had begun; those that had not are tried once more on the next child.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections import deque
from typing import Any

from server.engine import room
from server.engine.errors import EngineDied, QueueFull, Stopping
from server.engine.generation import Generation, Request
from server.engine.holder import BaseHolder, Told
from server.engine.models import Target
from server.engine.protocol import Cancel, Cancelled, Done, Failed, encode
from server.settings import Settings
from tools.errors import AfinaError
from tools.models.sampling import GREEDY
from tools.workspace import ledger
from tools.workspace.layout import Workspace

log = logging.getLogger(__name__)

_POLL_S = 1.0
# A request is sent to at most this many children.
_ATTEMPTS = 2
# Changes of memory smaller than this are not worth a row.
_NOTABLE_BYTES = 16 * 1024**2

# What `ensure` asks for: that the base be there, and nothing more.
_HERE = Done(id=0, prompt_tokens=0, completion_tokens=0)


def _stopping() -> Stopping:
    return Stopping("The server is stopping.", retry_after_s=5)


class Engine:
    """`start` it inside a running event loop, and `stop` it at the end.

    `generate` does not wait; what goes wrong later is raised to whoever iterates over the generation.
    """

    def __init__(self, ws: Workspace, settings: Settings) -> None:
        self._ws = ws
        self._settings = settings
        self._numbers = itertools.count(1)
        self._waiting: deque[Generation] = deque()
        self._sent: dict[int, Generation] = {}
        self._holder = BaseHolder(ws, settings, self._on_event, self._on_death)
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._giving_way: ledger.Entry | None = None
        self._unload = False
        self._stopping = False
        self._measured = 0
        self._busy_at = time.monotonic()

    # For callers ------------------------------------------------------------------------------

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._dispatch_forever()), asyncio.create_task(self._tend_forever())]

    async def stop(self, grace_s: float = 3.0) -> None:
        """Let what has begun end within `grace_s`, refuse the rest, end the child."""
        self._stopping = True
        self._refuse_waiting(_stopping())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                while self._sent:
                    await asyncio.sleep(0.02)
        for generation in list(self._sent.values()):
            generation.fail(_stopping())
        self._sent.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._holder.end()

    def generate(self, request: Request) -> Generation:
        """Put a request in line. Raises QueueFull, NoRoom or Stopping at once."""
        if self._stopping:
            raise _stopping()
        if self._giving_way:
            raise room.no_room(self._giving_way)
        self._waiting = deque(one for one in self._waiting if not one.over)
        if len(self._waiting) >= self._settings.max_queue:
            raise QueueFull(
                f"{len(self._waiting)} requests are waiting already.", retry_after_s=5, fix="Call again in a while."
            )
        generation = Generation(next(self._numbers), request, self._settings.request_timeout_s, self._on_cancel)
        self._waiting.append(generation)
        self._busy_at = time.monotonic()
        self._wake.set()
        return generation

    async def ensure(self, target: Target) -> None:
        """Have a base loaded before anyone asks for it. Raises what stands in the way."""
        generation = self.generate(Request(target=target, prompts=(), max_tokens=1, sampling=GREEDY))
        async for _ in generation:
            pass

    def unload(self) -> None:
        """Give the model's memory back once what has begun is finished; the next request loads it again."""
        self._unload = True
        self._wake.set()

    def status(self) -> dict[str, Any]:
        """For /health: state, what is loaded, how many answer and wait. Sizes in bytes."""
        loaded, memory = self._holder.loaded, self._holder.memory
        told: dict[str, Any] = {
            "state": self._state(),
            "base": loaded.base.name if loaded else None,
            "running": len(self._sent),
            "waiting": sum(not one.over for one in self._waiting),
            "restarts": self._holder.restarts,
        }
        if memory is not None:
            told |= {
                "adapters": memory.adapters,
                "memory_bytes": memory.active + memory.cache,
                "peak_bytes": memory.peak,
            }
        return told

    @property
    def loaded(self) -> Target | None:
        """What is held now; its adapter aside, the base of the last request that needed a swap."""
        return self._holder.loaded

    @property
    def holder(self) -> BaseHolder:
        """For the metrics: what is held, and what it took to have it."""
        return self._holder

    def _state(self) -> str:
        if self._giving_way:
            return "giving way"
        if self._holder.loading:
            return "loading"
        return "loaded" if self._holder.loaded else "idle"

    # The line ---------------------------------------------------------------------------------

    async def _dispatch_forever(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._dispatch()
            except Exception:  # the dispatcher outlives whatever one request meets
                log.exception("the dispatcher met a defect")
                self._refuse_waiting(EngineDied("The engine met a defect of ours.", fix="Call again."))

    async def _dispatch(self) -> None:
        """Send what can be sent, in order, until the line is empty or must wait for what has begun."""
        while True:
            if (self._giving_way or self._unload) and not self._sent:
                await self._holder.end()
                self._giving_way, self._unload = None, False
            head = self._head()
            if head is None or self._giving_way or self._unload:
                return
            if not self._holder.holds(head.request.target):
                if self._sent:
                    return
                await self._swap(head)
                continue
            rows = sum(one.request.rows for one in self._sent.values())
            if self._sent and rows + head.request.rows > self._settings.max_batch:
                return
            self._waiting.popleft()
            self._send(head)

    def _head(self) -> Generation | None:
        while self._waiting and self._waiting[0].over:
            self._waiting.popleft()
        return self._waiting[0] if self._waiting else None

    def _send(self, generation: Generation) -> None:
        if not generation.request.prompts:
            generation.tell(_HERE)
            return
        try:
            message = encode(generation.request.message(generation.number))
        except ValueError:
            log.exception("a request could not be written down")
            generation.fail(AfinaError("The request could not be passed to the engine."))
            return
        generation.attempts += 1
        self._sent[generation.number] = generation
        self._holder.send_line(message)

    async def _swap(self, head: Generation) -> None:
        """Load the base that the first in line needs; a failure is its own."""
        try:
            await self._holder.load(head.request.target)
            self._measured = 0
        except EngineDied as error:
            head.attempts += 1
            if head.attempts >= _ATTEMPTS:
                self._drop(head, error)
        except AfinaError as error:
            self._drop(head, error)

    def _drop(self, generation: Generation, error: AfinaError) -> None:
        with contextlib.suppress(ValueError):
            self._waiting.remove(generation)
        if not generation.over:
            generation.fail(error)

    def _refuse_waiting(self, error: AfinaError) -> None:
        for generation in self._waiting:
            if not generation.over:
                generation.fail(error)
        self._waiting.clear()

    def _on_cancel(self, generation: Generation) -> None:
        if generation.number in self._sent:
            self._holder.send_line(encode(Cancel(id=generation.number)))
        self._wake.set()

    # From the child ---------------------------------------------------------------------------

    def _on_event(self, event: Told) -> None:
        generation = self._sent.get(event.id)
        if generation is None:
            return
        if not generation.over and not isinstance(event, Cancelled):
            generation.tell(event)
        self._busy_at = time.monotonic()
        if isinstance(event, Done | Failed | Cancelled):
            del self._sent[event.id]
            self._holder.went_well()
            self._wake.set()

    def _on_death(self, error: EngineDied) -> None:
        again = []
        for generation in self._sent.values():
            if generation.over:
                continue
            if generation.started or generation.attempts >= _ATTEMPTS:
                generation.fail(error)
            else:
                again.append(generation)
        self._sent.clear()
        self._waiting.extendleft(reversed(again))
        self._wake.set()

    # The memory -------------------------------------------------------------------------------

    async def _tend_forever(self) -> None:
        """Each second: tell the ledger what is held, and give way to who waits for it."""
        while True:
            await asyncio.sleep(_POLL_S)
            if self._holder.loaded is None:
                continue
            try:
                await self._tend()
            except AfinaError as error:
                log.warning("the memory ledger: %s", error)
            except Exception:  # giving way must not end with one bad moment of the database
                log.exception("the memory ledger met a defect")

    async def _tend(self) -> None:
        memory = self._holder.memory
        held = memory.active + memory.cache if memory else 0
        if abs(held - self._measured) > _NOTABLE_BYTES:
            self._measured = held
            await asyncio.to_thread(room.measure, self._ws, held)
        entry = await asyncio.to_thread(room.wanted_by, self._ws)
        if entry is not None and self._giving_way is None:
            log.info("giving way to %s", entry.holder)
            self._giving_way = entry
            self._refuse_waiting(room.no_room(entry))
            self._wake.set()
        idle = time.monotonic() - self._busy_at
        limit = self._settings.idle_unload_s
        if limit and idle > limit and not self._sent and not self._waiting:
            self.unload()
