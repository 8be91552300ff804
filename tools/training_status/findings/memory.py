"""Is memory short? Swapping makes training many times slower, and ends in the death of the process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tools.training_status.contract import Finding
from tools.training_status.death import low_memory
from tools.training_status.record import Record
from tools.workspace.machine import GB

_SWAP_GREW = GB // 2
# Percent of a minute in which some process waited for memory.
_STALLED = 10.0
_DEATHS_TOLD = 2
# The guide's order against too little memory: setting, and the values to come down to.
_LADDER: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("batch_size", (1,)),
    ("grad_checkpoint", (True,)),
    ("lora_rank", (8, 4)),
    ("max_seq_length", (1024, 512)),
)


def short_of_memory(record: Record) -> Iterator[Finding]:
    """Swap that grows, memory used up, a peak above the budget, a plan made smaller after a death."""
    evidence = list(_evidence(record))
    if evidence:
        change = "Close other applications"
        smaller = _smaller(record)
        change += f", or start again with {json.dumps(smaller)}." if smaller else ", or take a smaller model."
        yield Finding(finding="memory is short", evidence=" ".join(evidence), change=change)


def _evidence(record: Record) -> Iterator[str]:
    for event in record.told("smaller_plan", _DEATHS_TOLD):
        yield str(event["message"])
    if not record.reports:
        return
    first, last = record.history[0], record.reports[-1]
    grown = last.memory.get("swap", 0) - first.memory.get("swap", last.memory.get("swap", 0))
    if grown >= _SWAP_GREW:
        before, after = first.memory["swap"] / GB, last.memory["swap"] / GB
        yield f"Swap grew from {before:.1f} GB at step {first.step} to {after:.1f} GB at step {last.step}."
    low = low_memory(record)
    if low is not None:
        yield low
    budget, peak = record.planned("budget_gb"), last.memory.get("peak", 0) / GB
    if budget is not None and peak > budget:
        predicted = record.planned("predicted_peak_gb") or 0.0
        yield f"The peak was {peak:.1f} GB; {predicted:.1f} were predicted, {budget:.1f} can be used."
    if record.active and (last.machine.memory_stall or 0.0) >= _STALLED:
        yield f"Processes waited for memory {last.machine.memory_stall:.0f}% of the time."
    if record.active and last.machine.memory_pressed:
        yield f"macOS told of memory pressure at step {last.step}."


def _smaller(record: Record) -> dict[str, Any] | None:
    """The next setting down the ladder."""
    for name, values in _LADDER:
        now = record.setting(name)
        for value in values:
            if now is not None and (now is False if value is True else now > value):
                return {name: value}
    return None
