"""Characters of a repaired text to lines of the file as it came."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import PurePosixPath

from tools.prepare_dataset.edits import Step, undone
from tools.prepare_dataset.file_types import FILE_TYPES


def file_lines(name: str, text: str, steps: Sequence[Step], positions: Sequence[int]) -> list[int | None]:
    """The line, from 1, on which characters of a file's text stand in the file as it came.

    text: as repaired by `steps`. None for all in a file that has no lines for people to see, as a PDF.
    """
    if not positions or not has_lines(name):
        return [None] * len(positions)
    order = sorted(range(len(positions)), key=positions.__getitem__)
    came = [positions[index] for index in order]
    for step in reversed(steps):
        came = _before(step, came)
    text = undone(text, steps)
    found: list[int | None] = [None] * len(positions)
    line, done = 1, 0
    for index, position in zip(order, came, strict=True):
        line += text.count("\n", done, position)
        done = max(done, position)
        found[index] = line
    return found


def has_lines(name: str) -> bool:
    """Whether the text's lines are those of the file; those of a workbook are its sheet's rows."""
    return FILE_TYPES[PurePosixPath(name).suffix.lower()].reader in ("text", "workbook")


def _before(step: Step, positions: Sequence[int]) -> list[int]:
    """Where characters of the text after a step stood before it."""
    after = list(step.after())
    found = []
    for position in positions:
        index = bisect_right(after, position) - 1
        if index < 0:
            found.append(position)
            continue
        was, now = step.changes[step.which[index]]
        beyond = position - after[index]
        inside = min(beyond, len(was)) if beyond < len(now) else len(was) + beyond - len(now)
        found.append(step.starts[index] + inside)
    return found
