"""Changes to a text that can be told, followed and undone.

A text is mended in named steps. Each step's edits are kept, so that a place in the text as it came
can be followed to where it stands now, and the text as it came can be had back. A step of a large
file has hundreds of thousands of edits, nearly all alike: it keeps two numbers for each, and each
distinct change once.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

_CHUNK = 8192  # pieces of text that are joined at once


@dataclass(frozen=True, slots=True)
class Edit:
    """`was` at character `start` of the text before the step became `now`."""

    start: int
    was: str
    now: str


@dataclass(frozen=True)
class Step:
    """Edits made at once, in order and apart from each other.

    name: what was mended. starts: of each edit, in characters of the text before the step. changes:
    the distinct (was, now). which: of each edit, an index into `changes`.
    """

    name: str
    starts: array[int]
    changes: tuple[tuple[str, str], ...]
    which: array[int]

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def edits(self) -> Iterator[Edit]:
        """One by one, from the first."""
        return (Edit(start, *self.changes[kind]) for start, kind in zip(self.starts, self.which, strict=True))

    def undo(self, text: str) -> str:
        """The text before this step, from the text after it. Raises ValueError for another text."""
        before = _Rewriting(text)
        for after, edit in zip(self.after(), self.edits, strict=True):
            before.replace(after, edit.now, edit.was)
        return before.text()

    def after(self) -> Iterator[int]:
        """Where each edit's `now` starts in the text after the step."""
        return (start + more for start, more in zip(self.starts, self._grown(), strict=True))

    def follow(self, positions: Sequence[int]) -> list[int]:
        """Where characters of the text before the step stand after it."""
        after = array("Q", self.after())
        return [self._follow(position, after) for position in positions]

    def _follow(self, position: int, after: Sequence[int]) -> int:
        index = bisect_right(self.starts, position) - 1
        if index < 0:
            return position
        was, now = self.changes[self.which[index]]
        beyond = position - self.starts[index] - len(was)
        if beyond >= 0:
            return after[index] + len(now) + beyond
        return after[index] + min(position - self.starts[index], len(now))

    def _grown(self) -> Iterator[int]:
        """By how many characters the edits before each one made the text longer."""
        more = [len(now) - len(was) for was, now in self.changes]
        sums = accumulate((more[kind] for kind in self.which), initial=0)
        return (grown for grown, _ in zip(sums, self.starts, strict=False))


@dataclass
class EditedText:
    """A text and the steps that made it what it is."""

    text: str
    steps: list[Step] = field(default_factory=list)

    def apply(self, name: str, edits: Iterable[Edit]) -> None:
        """Make the edits, in order of their starts, as one step. None are no step.

        Raises ValueError for one that overlaps another or does not fit the text.
        """
        self._make(name, ((edit.start, edit.was, edit.now) for edit in edits))

    def substitute(self, name: str, pattern: re.Pattern[str], new: str | Callable[[re.Match[str]], str]) -> None:
        """Replace what a pattern finds; what stays the same is no edit."""
        found = ((m.start(), m.group(), new if isinstance(new, str) else new(m)) for m in pattern.finditer(self.text))
        self._make(name, (change for change in found if change[1] != change[2]))

    def counts(self) -> dict[str, int]:
        """How many edits were made, by the name of the step."""
        counts: dict[str, int] = {}
        for step in self.steps:
            counts[step.name] = counts.get(step.name, 0) + len(step)
        return counts

    def moved(self, positions: Sequence[int]) -> list[int]:
        """Where characters of the text as it came stand now; what was cut away leads to where it was."""
        for step in self.steps if positions else ():
            positions = step.follow(positions)
        return list(positions)

    def original(self) -> str:
        """The text as it came."""
        return undone(self.text, self.steps)

    def _make(self, name: str, changes: Iterable[tuple[int, str, str]]) -> None:
        starts, which = array("Q"), array("I")
        kinds: dict[tuple[str, str], int] = {}
        after = _Rewriting(self.text)
        for start, was, now in changes:
            after.replace(start, was, now)
            starts.append(start)
            which.append(kinds.setdefault((was, now), len(kinds)))
        if starts:
            self.text = after.text()
            self.steps.append(Step(name, starts, tuple(kinds), which))


def undone(text: str, steps: Sequence[Step]) -> str:
    """The text before the steps, from the text after them. Raises ValueError for another text."""
    for step in reversed(steps):
        text = step.undo(text)
    return text


class _Rewriting:
    """A text that is written anew from its start. Pieces are joined early: half a million strings weigh
    more than what stands in them."""

    def __init__(self, text: str) -> None:
        self._text, self._done = text, 0
        self._pieces: list[str] = []
        self._joined: list[str] = []

    def replace(self, start: int, was: str, now: str) -> None:
        if start < self._done or not self._text.startswith(was, start):
            raise ValueError(f"an edit at {start} does not fit the text")
        self._pieces += (self._text[self._done : start], now)
        self._done = start + len(was)
        if len(self._pieces) >= _CHUNK:
            self._joined.append("".join(self._pieces))
            self._pieces.clear()

    def text(self) -> str:
        return "".join([*self._joined, *self._pieces, self._text[self._done :]])
