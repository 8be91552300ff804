"""A second opinion on what the splits share: from the written rows, by another way than the one that cut it.

Train's words are laid in blocks of 7; a stretch of 13 words holds a whole block, wherever it starts.
So the blocks are looked for at every word of held-out text, and where one is found the stretch
around it is measured. What counts is told in `checks.overlap`.
"""

from __future__ import annotations

import re
import sys
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import Any

import numpy as np

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
        return [sys.intern(word.casefold()) for word in _WORD.findall(self.text)]

    def run(self, start: int) -> tuple[str, ...]:
        return tuple(self.words[start : start + _RUN])


@dataclass(frozen=True)
class SharedRun:
    """13 words of a held-out row, from word `word`, that a row of train has too."""

    held: Learned
    word: int
    train: Learned


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


def shared_runs(train: Sequence[Learned], held: Sequence[Learned]) -> Iterator[SharedRun]:
    """Every run that counts and stands on both sides, once for each place in held-out text."""
    blocks = _Blocks(train)
    counts = _Counting(train)
    for row in held:
        words = row.words
        seen: set[int] = set()
        for at, other, place in blocks.found_in(words):
            for start in _runs_around(words, at, other.words, place):
                if start not in seen and counts.both(row, start, other, start + place - at):
                    seen.add(start)
                    yield SharedRun(row, start, other)


class _Blocks:
    """The blocks of train, by a hash of their words: 16 bytes each, so that a library of books fits."""

    def __init__(self, train: Sequence[Learned]) -> None:
        hashes, rows, places = array("q"), array("I"), array("I")
        for index, row in enumerate(train):
            own = _hashes(row.words, _BLOCK)
            hashes.extend(own)
            rows.extend([index] * len(own))
            places.extend(range(0, len(own) * _BLOCK, _BLOCK))
        order = np.argsort(np.array(hashes, np.int64), kind="stable")
        self._train = train
        self._hashes = np.array(hashes, np.int64)[order]
        self._rows, self._places = np.array(rows, np.uint32)[order], np.array(places, np.uint32)[order]

    def found_in(self, words: list[str]) -> Iterator[tuple[int, Learned, int]]:
        """(word at which a block starts, a row of train that has it, the word of that row), in order."""
        own = np.array(_hashes(words, 1), np.int64)
        first, after = (np.searchsorted(self._hashes, own, side) for side in ("left", "right"))
        for at in np.flatnonzero(first < after).tolist():
            for found in range(first[at], after[at]):
                row, place = self._train[self._rows[found]], int(self._places[found])
                if row.words[place : place + _BLOCK] == words[at : at + _BLOCK]:
                    yield at, row, place


def _hashes(words: list[str], step: int) -> list[int]:
    """Of the block at each `step`th word."""
    return [hash(tuple(words[at : at + _BLOCK])) for at in range(0, len(words) - _BLOCK + 1, step)]


def _runs_around(words: list[str], at: int, others: list[str], place: int) -> range:
    """Where runs start in `words` that hold the block at `at`, and equal what is around `place` in `others`."""
    first, last, shift = at, at + _BLOCK, place - at
    lowest = max(0, -shift, at + _BLOCK - _RUN)
    while first > lowest and words[first - 1] == others[first + shift - 1]:
        first -= 1
    stop = min(len(words), len(others) - shift, at + _RUN)
    while last < stop and words[last] == others[last + shift]:
        last += 1
    return range(first, last - _RUN + 1)


class _Counting:
    """Whether runs count: most words are a table's cells, and of no formula that many answers of train have."""

    def __init__(self, train: Sequence[Learned]) -> None:
        self._answers = [row for row in train if row.origin.form not in ("", "passage")]

    def both(self, held: Learned, start: int, train: Learned, place: int) -> bool:
        return self._counts(held, start) and self._counts(train, place)

    def _counts(self, row: Learned, start: int) -> bool:
        if row.cells:
            known = {word.casefold() for word in _WORD.findall(row.cells)}
            return 2 * sum(word in known for word in row.run(start)) > _RUN
        if row.origin.form in ("", "passage"):
            return True
        places = [place for place in range(len(row.words) - _RUN + 1) if row.run(place) in self._formulas]
        own = [word for word in range(start, start + _RUN) if not any(p <= word < p + _RUN for p in places)]
        return 2 * len(own) > _RUN

    @cached_property
    def _formulas(self) -> set[tuple[str, ...]]:
        counts: Counter[tuple[str, ...]] = Counter()
        for row in self._answers:
            counts.update({row.run(start) for start in range(len(row.words) - _RUN + 1)})
        return {run for run, count in counts.items() if count >= _MANY_ANSWERS}
