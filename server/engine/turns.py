"""What the engine does next: whom to send, which base is due, and whether to wait for a moment."""

from __future__ import annotations

import time
from collections.abc import Collection

from server.engine.generation import Generation
from server.engine.holder import BaseHolder
from server.engine.line import TURN_S, Line
from server.engine.suspects import Suspects

_SHORTEST_LINGER_S, _LONGEST_LINGER_S = 0.25, 1.0


class Turns:
    """Decides; changes nothing. max_rows: answers that are generated together."""

    def __init__(self, line: Line[Generation], holder: BaseHolder, suspects: Suspects, max_rows: int) -> None:
        self._line = line
        self._holder = holder
        self._suspects = suspects
        self._max_rows = max_rows

    def next(self) -> Generation | None:
        """The request whose turn it is; of another base than the loaded one when that is due."""
        loaded = self._holder.loaded
        base = loaded.base.fingerprint if loaded else None
        return self._line.next(base, self._holder.since, time.monotonic())

    def may_join(self, head: Generation, sent: Collection[Generation]) -> bool:
        """Whether the batch has room for it, and neither it nor what runs must be alone."""
        if not sent:
            return True
        if sum(one.request.rows for one in sent) + head.request.rows > self._max_rows:
            return False
        alone = self._suspects.must_be_alone
        return not alone(head.request, False) and not any(alone(one.request, one.writing) for one in sent)

    def linger_s(self, head: Generation, spoke_at: float) -> float:
        """Seconds to wait, before the base is swapped for `head`, for who was answered at `spoke_at` and may ask again.

        As long as a swap takes, at most a second, and never beyond the base's turn: else clients that ask
        one thing after the other would have the engine swap at every answer.
        """
        if self._holder.loaded is None:
            return 0.0
        swap_s = self._holder.load_s / max(1, self._holder.loads)
        until = spoke_at + min(_LONGEST_LINGER_S, max(_SHORTEST_LINGER_S, swap_s))
        return min(until, max(self._holder.since, head.since) + TURN_S) - time.monotonic()
