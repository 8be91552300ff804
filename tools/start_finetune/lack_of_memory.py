"""Did a worker die for want of memory, and which smaller plan does the same training?

Only evidence counts: a plan is not made smaller because a process died of something else.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.start_finetune.contract import Change, Plan, Setting

# The worker ends with it when MLX tells it that memory ran out.
EXIT_OUT_OF_MEMORY = 75
# What MLX and the drivers write before they abort: Metal, CUDA, the CPU's allocator.
_TOLD = (
    "kiogpucommandbuffercallbackerroroutofmemory",
    "insufficient memory",
    "out of memory",
    "unable to allocate",
    "attempting to allocate",
    "cudaerrormemoryallocation",
    "std::bad_alloc",
)
_ALMOST_ALL = 0.95
_EVENTS = Path("/sys/fs/cgroup/memory.events")
_TAIL = 64 * 1024


def tells_of_memory(text: str) -> bool:
    """Whether a message or log says that memory ran out."""
    lowered = text.lower()
    return any(words in lowered for words in _TOLD)


def oom_kills() -> int:
    """How often the system's memory killer struck in this control group; 0 where that is not told."""
    try:
        lines = _EVENTS.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def log_size(log: Path) -> int:
    return log.stat().st_size if log.is_file() else 0


@dataclass(frozen=True)
class Before:
    """What was known when the worker was started. log: bytes in its log."""

    kills: int
    log: int


def evidence(code: int, before: Before, log: Path, last: dict[str, Any] | None, total: int) -> str | None:
    """Why a worker that ended with `code` is held to have run out of memory; None where nothing says so.

    last: the memory in its last report, in bytes. total: the machine's memory.
    """
    if code == EXIT_OUT_OF_MEMORY:
        return "MLX could get no more memory"
    if log_tells_of_memory(log, before.log):
        return "its log says that memory ran out"
    if code == -signal.SIGKILL and oom_kills() > before.kills:
        return "the system's memory killer ended it"
    if code == -signal.SIGKILL and last is not None and last["system_available"] < (1 - _ALMOST_ALL) * total:
        return f"only {last['system_available'] / total:.0%} of the memory was free at its last report"
    return None


def log_tells_of_memory(log: Path, start: int) -> bool:
    """Whether what was written to a log from byte `start` on says that memory ran out."""
    return tells_of_memory(_written_since(log, start))


def _written_since(log: Path, start: int) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(start, log_size(log) - _TAIL))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def smaller(plan: Plan, why: str) -> Plan | None:
    """The next smaller plan that learns the same: fewer rows at once, then recomputed activations; None after those.

    A step still reads `batch_size` rows: its gradient is summed over parts.
    """
    rows = int(plan.value("rows_at_once") or plan.value("batch_size"))
    if rows > 1:
        name, asked, used = "rows_at_once", rows, rows // 2
    elif not plan.value("grad_checkpoint"):
        name, asked, used = "grad_checkpoint", False, True
    else:
        return None
    reason = f"the run ran out of memory: {why}"
    return plan.model_copy(
        update={
            "settings": {**plan.settings, name: Setting(value=used, source=reason)},
            "changes": [*plan.changes, Change(setting=name, asked=asked, used=used, reason=reason)],
        }
    )
