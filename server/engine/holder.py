"""The engine's process together with what it holds: started, loaded, swapped, and started anew when it dies."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable

from server.engine import room
from server.engine.errors import EngineDied, NoRoom
from server.engine.models import Target
from server.engine.process import LOG_NAME, EngineProcess
from server.engine.protocol import (
    AdapterRef,
    FromEngine,
    Load,
    Loaded,
    LoadFailed,
    Memory,
    Ready,
)
from server.settings import Settings
from tools.errors import AfinaError
from tools.models.answer_costs import longest_load_s, longest_step_s
from tools.workspace import ledger
from tools.workspace.layout import Workspace
from tools.workspace.locks import FileLock

log = logging.getLogger(__name__)

_LOCK_WAIT_S = 20.0
_SECOND_LOOK_S = 0.5
# Before the next start, by how many deaths came one after another.
_BACK_OFF_S = (0.0, 0.5, 2.0, 5.0, 15.0, 30.0)


class BaseHolder:
    """One base in one child process, or none.

    on_event: told what the engine says of requests. on_death: told why the child is gone, and what it had
    loaded, when it was not ended by `end`. loads, swaps, restarts: counted since the start; load_s: seconds
    that the loads took. deaths: in a row. since: when the base was loaded, in monotonic seconds.
    """

    def __init__(
        self,
        ws: Workspace,
        settings: Settings,
        on_event: Callable[[FromEngine], None],
        on_death: Callable[[EngineDied, Target | None], None],
    ) -> None:
        self._ws = ws
        self._settings = settings
        self._on_event = on_event
        self._on_death = on_death
        self._process: EngineProcess | None = None
        self._predicted = 0
        self._answer: asyncio.Future[Loaded] | None = None
        # The adapters in use of late, the longest unused first, and the base they belong to.
        self._recent: OrderedDict[AdapterRef, None] = OrderedDict()
        self._recent_base = ""
        self._longest_silence_s = 0.0
        self.loaded: Target | None = None
        self.memory: Memory | None = None
        self.loading = False
        self.since = 0.0
        self.deaths = 0
        self.restarts = 0
        # Bases loaded, how many in place of another, and the seconds that all of them took.
        self.loads = self.swaps = 0
        self.load_s = 0.0

    def holds(self, target: Target) -> bool:
        return self.loaded is not None and self.loaded.base.fingerprint == target.base.fingerprint

    def send_line(self, line: bytes) -> None:
        if self._process is not None:
            self._process.send_line(line)

    def went_well(self) -> None:
        """A request was answered: the next start need not wait."""
        self.deaths = 0

    def used(self, adapter: AdapterRef | None) -> None:
        """A request with this adapter has begun: an engine that is started anew has it from the start."""
        if adapter is not None:
            self._recent[adapter] = None
            self._recent.move_to_end(adapter)
            while len(self._recent) > self._settings.max_adapters:
                self._recent.popitem(last=False)

    async def end_if_hung(self) -> None:
        """Kill a child that has said nothing for longer than its work can take; that is a death as any other."""
        process = self._process
        if process is None or process.silent_s <= self._longest_silence_s:
            return
        # When the whole machine slept, what the child said is yet to be read.
        await asyncio.sleep(_SECOND_LOOK_S)
        if process is self._process and process.silent_s > self._longest_silence_s:
            log.error("the engine has said nothing for %.0f s: it is ended", process.silent_s)
            await process.kill(f"it had said nothing for {process.silent_s:.0f} s and was ended")

    async def load(self, target: Target) -> None:
        """Hold the target's base, in place of another.

        Raises NoRoom, and then goes on holding what it held; EngineDied; or what is wrong with the base.
        """
        self.loading = True
        began, before = time.monotonic(), self.loaded
        try:
            await self._load(target)
            self.loads += 1
            self.swaps += before is not None
            self.load_s += time.monotonic() - began
        except (NoRoom, EngineDied):
            raise
        except AfinaError:
            await self.end()
            raise
        finally:
            self.loading = False

    async def end(self) -> None:
        """End the child and give its memory back."""
        process, self._process = self._process, None
        self.loaded = self.memory = None
        if process is not None:
            await process.stop()
            await asyncio.to_thread(room.release, self._ws)

    async def _load(self, target: Target) -> None:
        settings = self._settings
        budget = await asyncio.to_thread(ledger.budget, self._ws)
        plan = room.plan(target.base, settings.max_batch, budget)
        process = await self._living_process(plan.predicted)
        self.loaded = None
        if self._recent_base != target.base.fingerprint:
            self._recent.clear()
            self._recent_base = target.base.fingerprint
        process.heard()
        self._longest_silence_s = settings.engine_hang_s + longest_load_s(plan.predicted)
        self._answer = asyncio.get_running_loop().create_future()
        message = Load(
            base=target.base.name,
            folder=str(target.folder),
            max_rows=settings.max_batch,
            room=plan.room,
            most=plan.most,
            prefixes=plan.prefixes,
            max_adapters=settings.max_adapters,
            adapters=list(self._recent),
        )
        try:
            if not process.alive:
                raise self._died(process)
            process.send(message)
            answer = await self._answer
        finally:
            self._answer = None
        log.info("loaded %s in %.1f s", answer.base, answer.seconds)
        self.loaded, self._predicted, self.since = target, plan.predicted, time.monotonic()
        self._longest_silence_s = settings.engine_hang_s + longest_step_s(target.base)

    async def _living_process(self, predicted: int) -> EngineProcess:
        """The child, with the bytes claimed for it; started when there is none."""
        if self._process is not None:
            await self._claim_instead(predicted)
            return self._process
        await asyncio.sleep(_BACK_OFF_S[min(self.deaths, len(_BACK_OFF_S) - 1)])
        lock = await self._lock()
        try:
            await asyncio.to_thread(room.claim, self._ws, predicted)
            self._process = await EngineProcess.spawn(self._ws, lock, self._on_message, self._on_end)
            self._longest_silence_s = self._settings.engine_hang_s
        except EngineDied:
            self.deaths += 1
            raise
        finally:
            lock.release()
        return self._process

    async def _claim_instead(self, predicted: int) -> None:
        """Claim for another base while one is held; a refusal leaves the one that is held its room."""
        try:
            await asyncio.to_thread(room.claim, self._ws, predicted)
        except NoRoom:
            try:
                await asyncio.to_thread(room.claim, self._ws, self._predicted)
            except NoRoom:
                await self.end()
            raise

    async def _lock(self) -> FileLock:
        """The engine's lock; an engine whose server was killed may take a moment to leave."""
        path = self._ws.lock_path(room.HOLDER)
        deadline = time.monotonic() + _LOCK_WAIT_S
        while (lock := FileLock.try_acquire(path)) is None:
            if time.monotonic() > deadline:
                raise EngineDied(
                    "Another engine holds this workspace.", fix="Stop the Afina server that was started before this."
                )
            await asyncio.sleep(0.1)
        return lock

    def _on_message(self, message: FromEngine) -> None:
        match message:
            case Loaded():
                if self._answer and not self._answer.done():
                    self._answer.set_result(message)
            case LoadFailed():
                if self._answer and not self._answer.done():
                    self._answer.set_exception(AfinaError.from_dict(message.error))
            case Memory():
                self.memory = message
            case Ready():
                pass
            case _:
                self._on_event(message)

    def _on_end(self, process: EngineProcess) -> None:
        if process is not self._process:
            return  # ended by us
        log.error("the engine's process ended: %s", process.ending)
        loaded = self.loaded
        self._process = self.loaded = self.memory = None
        self.deaths += 1
        self.restarts += 1
        error = self._died(process)
        if self._answer and not self._answer.done():
            self._recent.clear()  # one of them may be what it died of
            self._answer.set_exception(error)
        self._on_death(error, loaded)

    def _died(self, process: EngineProcess) -> EngineDied:
        return EngineDied(
            f"The engine's process ended while it was at work ({process.ending}).",
            fix=f"Call again: it is started anew. Its last lines are in {self._ws.logs / LOG_NAME}.",
        )
