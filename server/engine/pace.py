"""How fast answers end, measured: what whoever is turned away is told to wait."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable

# Answers that the mean is taken of.
_REMEMBERED = 32
_LONGEST_S = 600


class Pace:
    """Told when work begins and when an answer ends; only time with work counts."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stretches: deque[float] = deque(maxlen=_REMEMBERED)
        self._busy_since: float | None = None

    def begun(self) -> None:
        if self._busy_since is None:
            self._busy_since = self._clock()

    def ended(self) -> None:
        """An answer is over."""
        now = self._clock()
        if self._busy_since is not None:
            self._stretches.append(now - self._busy_since)
            self._busy_since = now

    def idle(self) -> None:
        """There is no work left."""
        self._busy_since = None

    @property
    def seconds_each(self) -> float:
        """Mean seconds between the ends of two answers while there is work.

        The time since the last end counts where it is longer: the first answers of all have no mean yet.
        """
        open_s = self._clock() - self._busy_since if self._busy_since is not None else 0.0
        if not self._stretches:
            return open_s
        return max(sum(self._stretches) / len(self._stretches), open_s / (len(self._stretches) + 1))

    def retry_after_s(self, waiting: int) -> int:
        """Whole seconds, at least 1, until half of those who wait will have been served."""
        return max(1, min(_LONGEST_S, math.ceil(self.seconds_each * max(1, waiting) / 2)))
