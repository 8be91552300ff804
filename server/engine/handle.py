"""The server's handle on the engine: a line of requests, one child process, one base at a time.

Requests wait here, clients taking turns; the child has only those that it can batch now. When it is
another base's turn, what has begun is finished, then the base is swapped. A child that dies ends the
requests that had begun and comes back with its base; those that had not begun are tried once more.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from typing import Any

from server.engine import room
from server.engine.errors import EngineDied, QueueFull, Stopping
from server.engine.generation import Generation, Request
from server.engine.holder import BaseHolder
from server.engine.line import Full, Line
from server.engine.models import Target
from server.engine.pace import Pace
from server.engine.protocol import (
    Cancel,
    Cancelled,
    Done,
    Failed,
    FromEngine,
    Loaded,
    LoadFailed,
    Memory,
    Ready,
    Started,
    encode,
)
from server.engine.suspects import Suspects
from server.engine.tending import Tending
from server.engine.turns import Turns
from server.settings import Settings
from tools.errors import AfinaError
from tools.models.sampling import GREEDY
from tools.workspace import ledger
from tools.workspace.layout import Workspace

log = logging.getLogger(__name__)

# A request is sent to at most this many children.
_ATTEMPTS = 2
# An engine that nobody waits for is started anew after at most so many deaths in a row.
_REVIVALS = 4

# Whoever asks for a base beforehand may wait for a large one.
_LOAD_TIMEOUT_S = 3600.0

# What `ensure` asks for: that the base be there, and nothing more.
_HERE = Done(id=0, prompt_tokens=0, completion_tokens=0)


def _stopping() -> Stopping:
    return Stopping("The server is stopping.", retry_after_s=5)


class Engine:
    """`start` it inside a running event loop, and `stop` it at the end.

    `generate` does not wait; what goes wrong later is raised to whoever iterates over the generation.
    """

    def __init__(self, ws: Workspace, settings: Settings) -> None:
        self._settings = settings
        self._numbers = itertools.count(1)
        self._line: Line[Generation] = Line(settings.max_queue)
        # What the child has, also what was cancelled there until its rows have left.
        self._sent: dict[int, Generation] = {}
        self.holder = BaseHolder(ws, settings, self._on_event, self._on_death)
        self._tending = Tending(ws, self.holder, self, settings.idle_unload_s)
        self._pace = Pace()
        self._suspects = Suspects()
        self._turns = Turns(self._line, self.holder, self._suspects, settings.max_batch)
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._giving_way: ledger.Entry | None = None
        self._revive: Target | None = None
        self._unload = False
        self._stopping = False
        self._busy_at = time.monotonic()
        self._spoke_at = 0.0

    # For callers ------------------------------------------------------------------------------

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._dispatch_forever()), asyncio.create_task(self._tending.run())]

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
        await self.holder.end()

    def generate(self, request: Request) -> Generation:
        """Put a request in line. Raises QueueFull, NoRoom, Poison or Stopping at once."""
        return self._begin(request, self._settings.request_timeout_s)

    def _begin(self, request: Request, timeout_s: float) -> Generation:
        if self._stopping:
            raise _stopping()
        if self._giving_way:
            raise room.no_room(self._giving_way)
        self._suspects.check(request)
        generation = Generation(next(self._numbers), request, timeout_s, self._on_end)
        try:
            self._line.join(generation)
        except Full as full:
            refusal = self._full(full)
            generation.fail(refusal)
            raise refusal from None
        self._pace.begun()
        self._busy_at = time.monotonic()
        self._wake.set()
        return generation

    async def ensure(self, target: Target) -> None:
        """Have a base loaded before anyone asks for it. Raises what stands in the way."""
        nothing = Request(target=target, prompts=(), max_tokens=1, sampling=GREEDY)
        generation = self._begin(nothing, _LOAD_TIMEOUT_S)
        async for _ in generation:
            pass

    def unload(self) -> None:
        """Give the model's memory back once what has begun is finished; the next request loads it again."""
        self._unload = True
        self._wake.set()

    def give_way(self, entry: ledger.Entry) -> None:
        """Unload for who waits for the memory, and tell those who ask meanwhile."""
        if self._giving_way is None:
            log.info("giving way to %s", entry.holder)
            self._giving_way = entry
            self._refuse_waiting(room.no_room(entry))
            self._wake.set()

    def status(self) -> dict[str, Any]:
        """For /health: state, what is loaded, how many answer and wait. Sizes in bytes."""
        loaded, memory = self.holder.loaded, self.holder.memory
        told: dict[str, Any] = {
            "state": self._state(),
            "base": loaded.base.name if loaded else None,
            "running": len(self._sent),
            "waiting": len(self._line),
            "restarts": self.holder.restarts,
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
        return self.holder.loaded

    @property
    def idle_s(self) -> float:
        return 0.0 if self._sent or len(self._line) else time.monotonic() - self._busy_at

    def _state(self) -> str:
        if self._giving_way:
            return "giving way"
        if self.holder.loading:
            return "loading"
        return "loaded" if self.holder.loaded else "idle"

    def _full(self, full: Full) -> QueueFull:
        told = f"{full.waiting} requests are waiting already" + (
            ", as many as one client may have." if full.own else "."
        )
        return QueueFull(told, retry_after_s=self._pace.retry_after_s(full.waiting), fix="Call again in a while.")

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
        """Send what can be sent until the line is empty or must wait for what has begun."""
        while True:
            if (self._giving_way or self._unload) and not self._sent:
                await self.holder.end()
                self._giving_way = self._revive = None
                self._unload = False
            if self._giving_way or self._unload:
                return
            head = self._turns.next()
            if head is None:
                if not self._sent:
                    self._pace.idle()
                if self._revive is None:
                    return
                await self._start_anew(self._revive)
            elif not self.holder.holds(head.request.target):
                if self._sent:
                    return
                if (pause := self._turns.linger_s(head, self._spoke_at)) > 0:
                    asyncio.get_running_loop().call_later(pause, self._wake.set)
                    return
                await self._swap(head)
            elif self._turns.may_join(head, self._sent.values()):
                self._line.take(head)
                self._send(head)
            else:
                return

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
        self.holder.send_line(message)

    async def _swap(self, head: Generation) -> None:
        """Load the base that the first in line needs; a failure is its own."""
        self._revive = None
        try:
            await self.holder.load(head.request.target)
        except EngineDied as error:
            head.attempts += 1
            if head.attempts >= _ATTEMPTS:
                self._drop(head, error)
        except AfinaError as error:
            self._drop(head, error)

    async def _start_anew(self, target: Target) -> None:
        """Have the base back that the engine had when it died, before anyone asks."""
        self._revive = None
        try:
            await self.holder.load(target)
        except AfinaError as error:
            log.warning("the engine is not back: %s", error)
            if isinstance(error, EngineDied) and self.holder.deaths <= _REVIVALS:
                self._revive = target

    def _drop(self, generation: Generation, error: AfinaError) -> None:
        if self._line.remove(generation):
            generation.fail(error)

    def _refuse_waiting(self, error: AfinaError) -> None:
        for generation in self._line.clear():
            generation.fail(error)

    def _on_end(self, generation: Generation) -> None:
        """The client left, or its time is over."""
        if generation.number in self._sent:
            self.holder.send_line(encode(Cancel(id=generation.number)))
        self._line.remove(generation)
        self._wake.set()

    # From the child ---------------------------------------------------------------------------

    def _on_event(self, event: FromEngine) -> None:
        if isinstance(event, Ready | Loaded | LoadFailed | Memory):
            return  # of no request
        generation = self._sent.get(event.id)
        if generation is None:
            return
        self._busy_at = self._spoke_at = time.monotonic()
        if isinstance(event, Started):
            self.holder.used(generation.request.target.adapter)
        if not generation.over and not isinstance(event, Cancelled):
            silent = not generation.writing
            generation.tell(event)
            if silent and generation.writing:
                self._wake.set()  # one that had to be alone may have company now
        if isinstance(event, Done | Failed | Cancelled):
            del self._sent[event.id]
            self._suspects.cleared(generation.request)
            self._pace.ended()
            self.holder.went_well()
            self._wake.set()

    def _on_death(self, error: EngineDied, loaded: Target | None) -> None:
        self._suspects.died([one.request for one in self._sent.values()])
        for generation in reversed(self._sent.values()):
            if generation.over:
                continue
            if generation.started or generation.attempts >= _ATTEMPTS:
                generation.fail(error)
            else:
                self._line.put_back(generation)
        self._sent.clear()
        self._revive = loaded
        self._wake.set()
