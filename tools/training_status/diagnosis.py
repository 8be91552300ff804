"""All that can be found wrong with a run, the gravest first. Nothing is said without its numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tools.training_status.contract import Finding
from tools.training_status.findings import answers, learning, machine, material, memory, speed
from tools.training_status.record import Record

_LOOKS: tuple[Callable[[Record], Iterator[Finding]], ...] = (
    learning.broke_down,
    memory.short_of_memory,
    machine.little_disk,
    learning.does_not_learn,
    learning.learns_by_heart,
    answers.odd_answers,
    machine.too_hot,
    speed.slow,
    machine.on_battery,
    material.cut_rows,
    speed.padded,
    speed.evaluated_often,
    learning.ended_too_soon,
)


def findings(record: Record, most: int) -> list[Finding]:
    """The findings on a run, at most `most`."""
    found = [finding for look in _LOOKS for finding in look(record)]
    return found[:most]
