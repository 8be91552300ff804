"""What is looked after once a second, whatever requests come: a silent engine, the memory ledger, idleness."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from server.engine import room
from server.engine.holder import BaseHolder
from tools.errors import AfinaError
from tools.workspace import ledger
from tools.workspace.layout import Workspace

log = logging.getLogger(__name__)

_POLL_S = 1.0
# Changes of memory smaller than this are not worth a row.
_NOTABLE_BYTES = 16 * 1024**2


class Tended(Protocol):
    """What is asked of the engine's handle. idle_s: seconds since there was anything to do, 0 while there is."""

    def give_way(self, entry: ledger.Entry) -> None: ...
    def unload(self) -> None: ...
    @property
    def idle_s(self) -> float: ...


class Tending:
    """`run` it for as long as the engine's handle lives. idle_unload_s: 0 for never."""

    def __init__(self, ws: Workspace, holder: BaseHolder, tended: Tended, idle_unload_s: float) -> None:
        self._ws = ws
        self._holder = holder
        self._tended = tended
        self._idle_unload_s = idle_unload_s
        self._told = 0

    async def run(self) -> None:
        while True:
            await asyncio.sleep(_POLL_S)
            for look in (self._holder.end_if_hung, self._tell_memory, self._look_for_waiters):
                try:
                    await look()
                except AfinaError as error:
                    log.warning("the memory ledger: %s", error)
                except Exception:  # one bad moment of the database must not end what looks after the engine
                    log.exception("looking after the engine met a defect")
            if self._idle_unload_s and self._holder.loaded and self._tended.idle_s > self._idle_unload_s:
                self._tended.unload()

    async def _tell_memory(self) -> None:
        memory = self._holder.memory
        held = memory.active + memory.cache if memory else 0
        if self._holder.loaded is None:
            self._told = 0
        elif abs(held - self._told) > _NOTABLE_BYTES:
            self._told = held
            await asyncio.to_thread(room.measure, self._ws, held)

    async def _look_for_waiters(self) -> None:
        if self._holder.loaded is None:
            return
        entry = await asyncio.to_thread(room.wanted_by, self._ws)
        if entry is not None:
            self._tended.give_way(entry)
