"""Calls at work on threads, and how a process leaves while some of them wait for what nobody hears any more.

Python ends only when its threads have ended, and a call may wait for 45 s.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import NoReturn

# What a call has begun to write is finished; a longer wait is cut. Work that goes on is in other processes.
_LETTING_CALLS_END_S = 2.0


class CallsUnderWay:
    """Handlers at work on threads: those whose caller has left are among them."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()

    def __enter__(self) -> None:
        with self._changed:
            self._count += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    def wait_for_end(self, seconds: float) -> bool:
        """Whether all have ended within `seconds`."""
        with self._changed:
            return self._changed.wait_for(lambda: self._count == 0, seconds)


calls = CallsUnderWay()


def leave(code: int) -> NoReturn:
    """End the process now, once the calls that are about to end have ended."""
    calls.wait_for_end(_LETTING_CALLS_END_S)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
