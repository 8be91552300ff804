"""Changes to a text that can be told, followed and undone.

A text is mended in named steps. Each step's edits are kept, so that a place in the text as it came
can be followed to where it stands now, and the text as it came can be had back.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class Edit:
    """`was` at character `start` of the text before the step became `now`."""

    start: int
    was: str
    now: str


@dataclass(frozen=True)
class Step:
    """Edits made at once, in order and apart from each other. name: what was mended."""

    name: str
    edits: tuple[Edit, ...]

    def undo(self, text: str) -> str:
        """The text before this step, from the text after it."""
        return _replaced(
            text, [(start, edit.now, edit.was) for edit, start in zip(self.edits, self.after(), strict=True)]
        )

    def after(self) -> list[int]:
        """Where each edit's `now` starts in the text after the step."""
        grown = accumulate((len(edit.now) - len(edit.was) for edit in self.edits), initial=0)
        return [edit.start + more for edit, more in zip(self.edits, grown, strict=False)]


@dataclass
class EditedText:
    """A text and the steps that made it what it is."""

    text: str
    steps: list[Step] = field(default_factory=list)

    def apply(self, name: str, edits: Sequence[Edit]) -> None:
        """Make the edits, in order of their starts, as one step. None are no step."""
        if edits:
            self.text = _replaced(self.text, [(edit.start, edit.was, edit.now) for edit in edits])
            self.steps.append(Step(name, tuple(edits)))

    def substitute(self, name: str, pattern: re.Pattern[str], new: str | Callable[[re.Match[str]], str]) -> None:
        """Replace what a pattern finds; what stays the same is no edit."""
        found = ((m.start(), m.group(), new if isinstance(new, str) else new(m)) for m in pattern.finditer(self.text))
        self.apply(name, [Edit(*change) for change in found if change[1] != change[2]])

    def counts(self) -> dict[str, int]:
        """How many edits were made, by the name of the step."""
        counts: dict[str, int] = {}
        for step in self.steps:
            counts[step.name] = counts.get(step.name, 0) + len(step.edits)
        return counts

    def moved(self, positions: Sequence[int]) -> list[int]:
        """Where characters of the text as it came stand now; what was cut away leads to where it was."""
        for step in self.steps:
            starts = [edit.start for edit in step.edits]
            after = step.after()
            positions = [_moved(position, step.edits, starts, after) for position in positions]
        return list(positions)

    def original(self) -> str:
        """The text as it came."""
        text = self.text
        for step in reversed(self.steps):
            text = step.undo(text)
        return text


def _moved(position: int, edits: Sequence[Edit], starts: list[int], after: list[int]) -> int:
    index = bisect_right(starts, position) - 1
    if index < 0:
        return position
    edit = edits[index]
    beyond = position - edit.start - len(edit.was)
    if beyond >= 0:
        return after[index] + len(edit.now) + beyond
    return after[index] + min(position - edit.start, len(edit.now))


def _replaced(text: str, changes: Sequence[tuple[int, str, str]]) -> str:
    parts: list[str] = []
    done = 0
    for start, was, now in changes:
        if start < done or not text.startswith(was, start):
            raise ValueError(f"an edit at {start} does not fit the text")
        parts += (text[done:start], now)
        done = start + len(was)
    parts.append(text[done:])
    return "".join(parts)
