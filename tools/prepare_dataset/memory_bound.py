"""A bound on the memory of a preparation: what would make the machine swap ends in a finding, not in a crash."""

from __future__ import annotations

import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import psutil

from tools.errors import DataError, Problem
from tools.prepare_dataset.stages import Stages
from tools.workspace.machine import GB, memory

_MOST = 8 * GB
_LOOK_EVERY_S = 0.1
# Libraries allocate between two looks: beyond this much more, the system refuses.
_SLACK = 2 * GB


def default_bound() -> int:
    """Bytes that a preparation may take here: half of the machine's memory, at most 8 GB."""
    return min(_MOST, memory().total // 2)


@contextmanager
def bounded(limit: int, stages: Stages) -> Iterator[None]:
    """End the body with a DataError that names stage and file once this process holds more than `limit` bytes.

    For the main thread: it looks between two steps of Python. Where a library takes all at once, Linux
    refuses it the memory; macOS knows no such limit.
    """
    process = psutil.Process()

    def look(_: int, __: FrameType | None) -> None:
        if process.memory_info().rss > limit:
            raise _too_much(limit, stages)

    earlier = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, _LOOK_EVERY_S, _LOOK_EVERY_S)
    try:
        with _refused_beyond(limit + _SLACK):
            yield
    except MemoryError as error:
        raise _too_much(limit, stages) from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, earlier)


@contextmanager
def _refused_beyond(size: int) -> Iterator[None]:
    if not sys.platform.startswith("linux"):
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    allowed = [size, *(bound for bound in (soft, hard) if bound != resource.RLIM_INFINITY)]
    resource.setrlimit(resource.RLIMIT_DATA, (min(allowed), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _too_much(limit: int, stages: Stages) -> DataError:
    doing = stages.doing[:1].lower() + stages.doing[1:]
    told = f"The material needs more than {limit / GB:.1f} GB of memory (while {doing})."
    problem = Problem(
        path=stages.name or "sources", message=told, fix="Split it, or make several datasets of parts of it."
    )
    return DataError("The material is too large to prepare at once.", field="sources", problems=[problem])
