"""What is known of how a run's process ended: evidence, in our own words."""

from __future__ import annotations

import time

from tools.start_finetune.lack_of_memory import log_size, log_tells_of_memory
from tools.training_status.record import Record
from tools.workspace import machine, runs
from tools.workspace.machine import GB

# Of the machine's memory: with less than this available, the system ends processes.
ALMOST_NONE = 0.05
# Bytes at the end of a log: what was written further above is of earlier starts.
_LAST_WORDS = 4096


def how_it_ended(record: Record) -> str:
    """The evidence in one or two sentences: when it last told something, and what says why it ended."""
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(record.last_sign))
    told = [f"Its last sign of life was at {when}."]
    error = record.run.error or {}
    booted = machine.boot_id()
    if booted is not None and runs.boot_of(record.ws, record.run.run) not in (None, booted):
        told.append("The machine was started anew since.")
    elif error.get("message"):
        told.append(str(error["message"]))
    else:
        told += [str(event["message"]) for event in record.told("restarted", 1)]
    log = record.folder / "worker.log"
    if log_tells_of_memory(log, max(0, log_size(log) - _LAST_WORDS)):
        told.append("Its log says that memory ran out.")
    if (low := low_memory(record)) is not None:
        told.append(low)
    return " ".join(told)


def low_memory(record: Record) -> str | None:
    """What the last report says of the system's memory, where it was nearly used up."""
    last = record.reports[-1] if record.reports else None
    total = machine.memory().total
    if last is None or "system_available" not in last.memory:
        return None
    available = last.memory["system_available"]
    if available >= ALMOST_NONE * total:
        return None
    return f"{available / GB:.2f} of {total / GB:.1f} GB of memory were available at step {last.step}."
