"""Runs of words of many texts, as numbers that are the same in every process."""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WORD = re.compile(r"\w+")
_BASE = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Runs:
    """All runs of `n` words within texts, in the texts' order.

    hashes: of each run. texts: of each run, the index of its text. words: of each run, the word of
    the text at which it starts. Shape (runs,).
    """

    n: int
    hashes: NDArray[np.uint64]
    texts: NDArray[np.int32]
    words: NDArray[np.int32]

    def only(self, which: NDArray[np.bool_]) -> Runs:
        """The runs chosen by a mask of shape (runs,)."""
        return Runs(self.n, self.hashes[which], self.texts[which], self.words[which])


class _Numbers(dict[str, int]):
    """A number for each word, in the order of their first appearance; case does not count."""

    def __init__(self) -> None:
        super().__init__()
        self._folded: dict[str, int] = {}

    def __missing__(self, word: str) -> int:
        number = self[word] = self._folded.setdefault(word.casefold(), len(self._folded))
        return number


class Words:
    """The words of texts as numbers, each text read once."""

    def __init__(self) -> None:
        self._numbers = _Numbers()
        self._known: dict[str, NDArray[np.uint32]] = {}

    def of(self, text: str) -> NDArray[np.uint32]:
        """A number for each word of a text, shape (words,)."""
        known = self._known.get(text)
        if known is None:
            ids = array("I", map(self._numbers.__getitem__, WORD.findall(text)))
            known = self._known[text] = np.array(ids, np.uint32)
        return known

    def runs(self, texts: Sequence[str], n: int) -> Runs:
        """Runs of `n` words. Two runs with one hash are the same words, but for one pair in 2**64."""
        numbers = [self.of(text) for text in texts]
        counts = np.array([len(own) for own in numbers], np.int32)
        mixed = _mixed(np.concatenate([*numbers, np.zeros(0, np.uint32)]).astype(np.uint64))
        total = max(0, len(mixed) - n + 1)
        hashes = np.zeros(total, np.uint64)
        for offset in range(n):
            hashes *= _BASE
            hashes += mixed[offset : offset + total]
        owners = np.repeat(np.arange(len(texts), dtype=np.int32), counts)
        whole = owners[:total] == owners[n - 1 :] if total else np.zeros(0, np.bool_)
        starts = np.repeat(np.cumsum(counts, dtype=np.int32) - counts, counts)
        position = np.arange(total, dtype=np.int32) - starts[:total]
        return Runs(n, hashes, owners[:total], position).only(whole)


def stand_in(hashes: NDArray[np.uint64], few: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which of many hashes are among few."""
    if not len(few):
        return np.zeros(len(hashes), np.bool_)
    known = np.unique(few)
    places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    found: NDArray[np.bool_] = known[places] == hashes
    return found


def _mixed(ids: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Numbers spread over 64 bits: the finalizer of SplitMix64 (Steele, Lea, Flood 2014)."""
    mixed = (ids + np.uint64(1)) * _BASE
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def characters_of(text: str, words: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The characters of stretches of words, each given as its first word and the one after its last."""
    spans = [match.span() for match in WORD.finditer(text)]
    return [(spans[first][0], spans[after - 1][1]) for first, after in words]


def merged(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges in order, those that touch or overlap made one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
