"""A second opinion on what the splits share: from the written rows, by another way than the one that cut it.

Train's words are laid in blocks of 7; a run of 13 words holds a whole block, wherever it starts. So
the blocks are looked for at every word of held-out text, and only runs around one are looked for in
train. What counts is told in `checks.overlap`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, takewhile
from typing import Any

from tools.prepare_dataset.reading_back import Origin, told_by

_WORD = re.compile(r"\w+")
_RUN = 13
_BLOCK = (_RUN + 1) // 2
_MANY_ANSWERS = 5
_BLANKS = 100  # at most, between a passage's first sentence and the rest


@dataclass(frozen=True)
class Learned:
    """What a written row teaches. cells: the text that a table's row was made of, "" for other rows."""

    origin: Origin
    text: str
    cells: str = ""

    @cached_property
    def words(self) -> list[str]:
        return _folded(self.text)

    @property
    def is_answer(self) -> bool:
        return self.origin.form not in ("", "passage")

    def stretch(self, start: int, length: int) -> str:
        """Some words from one on, as one text."""
        return " ".join(self.words[start : start + length])

    def runs(self) -> list[str]:
        """All its runs, in order."""
        return [self.stretch(start, _RUN) for start in range(len(self.words) - _RUN + 1)]


def learned_by(origin: Origin, content: Mapping[str, Any], source: str) -> Iterator[Learned]:
    """What counts of a row: one text, or one for each answer of a conversation. source: the text it comes from."""
    span = source[origin.start : origin.end]
    if origin.row_start is not None:
        # The request of a passage ends with its first sentence, which is no wording of ours.
        prompt = str(content.get("prompt") or (content.get("messages") or [{}])[0].get("content") or "").rstrip()
        before = source[max(0, origin.start - len(prompt) - _BLANKS) : origin.start].rstrip()
        same = takewhile(lambda pair: pair[0] == pair[1], zip(reversed(prompt), reversed(before), strict=False))
        yield Learned(origin, f"{prompt[len(prompt) - sum(1 for _ in same) :]} {span}")
        return
    answers = [turn for turn in content.get("messages", [])[:-1] if turn["role"] == "assistant"]
    cells = span if origin.kind == "table" else ""
    for text in (*(str(turn.get("content") or "") for turn in answers), told_by(content)[origin.body_start :]):
        yield Learned(origin, text, cells)


def shared_runs(train: Sequence[Learned], held: Sequence[Learned]) -> Iterator[tuple[Learned, int]]:
    """Each held-out text, and the word from which 13 stand in train too and count on both sides."""
    blocks = {row.stretch(start, _BLOCK) for row in train for start in range(0, len(row.words) - _BLOCK + 1, _BLOCK)}
    near = [(row, sorted(_near_blocks(row, blocks))) for row in held]
    wanted = {row.stretch(start, _RUN) for row, starts in near for start in starts}
    if not wanted:
        return
    counting = _Counting(train)
    # Of train, only what has a block in common with held-out text can have a run in common.
    theirs = {stretch for run in wanted for stretch in _blocks_within(run)}
    there: set[str] = set()
    for row in train:
        if any(row.stretch(start, _BLOCK) in theirs for start in range(0, len(row.words) - _BLOCK + 1, _BLOCK)):
            counts = counting.of(row)
            there.update(run for start, run in enumerate(row.runs()) if run in wanted and counts(start))
    for row, starts in near:
        counts = counting.of(row)
        yield from ((row, start) for start in starts if row.stretch(start, _RUN) in there and counts(start))


def _near_blocks(row: Learned, blocks: Set[str]) -> set[int]:
    """Where runs start that hold one of the blocks."""
    last = len(row.words) - _RUN
    found: set[int] = set()
    for at in range(len(row.words) - _BLOCK + 1):
        if row.stretch(at, _BLOCK) in blocks:
            found.update(range(max(0, at + _BLOCK - _RUN), min(at, last) + 1))
    return found


def _blocks_within(run: str) -> Iterator[str]:
    words = run.split(" ")
    return (" ".join(words[start : start + _BLOCK]) for start in range(_RUN - _BLOCK + 1))


class _Counting:
    """Whether runs count: most words are a table's cells, and of no formula that many answers of train have."""

    def __init__(self, train: Sequence[Learned]) -> None:
        self._answers = [row for row in train if row.is_answer]

    def of(self, row: Learned) -> Callable[[int], bool]:
        """Whether the run of a row that starts at a word counts."""
        if row.cells:
            known = set(_folded(row.cells))
            return _mostly([word in known for word in row.words])
        if not row.is_answer:
            return lambda _: True
        own = [True] * len(row.words)
        for start, run in enumerate(row.runs()):
            if run in self._formulas:
                own[start : start + _RUN] = [False] * _RUN
        return _mostly(own)

    @cached_property
    def _formulas(self) -> set[str]:
        counts: Counter[str] = Counter()
        for row in self._answers:
            counts.update(set(row.runs()))
        return {run for run, count in counts.items() if count >= _MANY_ANSWERS}


def _mostly(words: Sequence[bool]) -> Callable[[int], bool]:
    sums = [0, *accumulate(words)]
    return lambda start: 2 * (sums[start + _RUN] - sums[start]) > _RUN


def _folded(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]
