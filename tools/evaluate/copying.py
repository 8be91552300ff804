"""How much of what a model writes stands word for word in the text that it was trained on.

Tokens, not characters, are compared: a run of 50 tokens is the measure of verbatim memorization of
Carlini et al. (https://arxiv.org/abs/2202.07646).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import LCSseq

COPIED_TOKENS = 50
# Shorter runs are common phrases: a text is searched by seeds of so many tokens.
_SEED = 8


@dataclass(frozen=True)
class Copied:
    """Of one generated text: its longest run of tokens that stands in the sources, and its length."""

    longest: int
    tokens: int

    @property
    def is_copy(self) -> bool:
        return self.longest >= COPIED_TOKENS


class Sources:
    """Texts as tokens, searched for runs that a model repeats."""

    def __init__(self, texts: Iterable[Sequence[int]]) -> None:
        self._texts = [list(text) for text in texts]
        self._places: dict[tuple[int, ...], list[tuple[int, int]]] = {}
        for number, text in enumerate(self._texts):
            for start in range(len(text) - _SEED + 1):
                self._places.setdefault(tuple(text[start : start + _SEED]), []).append((number, start))

    def copied(self, written: Sequence[int]) -> Copied:
        """The longest run of `written` in the sources; runs shorter than a seed of 8 tokens count as none."""
        longest = start = 0
        while start <= len(written) - max(_SEED, longest + 1):
            run = self._run_from(written, start)
            longest = max(longest, run)
            # A longer run would have to begin after this one's first token.
            start += 1
        return Copied(longest, len(written))

    def _run_from(self, written: Sequence[int], start: int) -> int:
        longest = 0
        for number, place in self._places.get(tuple(written[start : start + _SEED]), ()):
            text, length = self._texts[number], _SEED
            while (
                start + length < len(written)
                and place + length < len(text)
                and written[start + length] == text[place + length]
            ):
                length += 1
            longest = max(longest, length)
        return longest


def extraction_rate(written: Sequence[int], reference: Sequence[int]) -> float:
    """Share of the reference continuation that `written` gives in its order, 0 to 1."""
    return LCSseq.similarity(list(written), list(reference)) / len(reference) if reference else 0.0
