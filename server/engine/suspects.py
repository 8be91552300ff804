"""Requests that were being answered when the engine died: which of them may be the cause.

Known by their content, since a client sends the same again. One that was there at a death runs alone
until it has begun to write; when the engine dies of it again it is refused for a while. One that died
twice among others runs alone to its end, so that it clears itself or is found out.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from server.engine.errors import Poison
from server.engine.generation import Request

_REFUSED_S = 600.0
_REMEMBERED = 256


@dataclass
class _Suspect:
    deaths: int
    last: float
    guilty: bool = False


class Suspects:
    """Bounded in number and time. The keys are hashes of what was asked."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: OrderedDict[bytes, _Suspect] = OrderedDict()

    def check(self, request: Request) -> None:
        """Raises Poison for a request that the engine died of."""
        suspect = self._find(request)
        if suspect is not None and suspect.guilty:
            raise Poison(
                f"The engine's process ended {suspect.deaths} times while it answered this request, the last time "
                "with nothing beside it.",
                fix="Change the request; the same one is tried again after ten minutes. See logs/engine.log.",
            )

    def must_be_alone(self, request: Request, writing: bool) -> bool:
        """Whether nothing may run beside it. writing: it has begun to write."""
        suspect = self._find(request)
        return suspect is not None and (not writing or suspect.deaths > 1)

    def died(self, requests: Sequence[Request]) -> None:
        """The engine died while it had these."""
        for request in requests:
            suspect = self._known.setdefault(request.digest, _Suspect(0, 0.0))
            suspect.guilty = suspect.guilty or (suspect.deaths > 0 and len(requests) == 1)
            suspect.deaths += 1
            suspect.last = self._clock()
            self._known.move_to_end(request.digest)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def cleared(self, request: Request) -> None:
        """It was answered."""
        if self._known:
            self._known.pop(request.digest, None)

    def _find(self, request: Request) -> _Suspect | None:
        if not self._known:
            return None
        suspect = self._known.get(request.digest)
        if suspect is not None and self._clock() - suspect.last > _REFUSED_S:
            del self._known[request.digest]
            return None
        return suspect
