"""How much of what a model writes stands word for word in the text that it was trained on.

Tokens, not characters, are compared: a run of 50 tokens is the measure of verbatim memorization of
Carlini et al. (https://arxiv.org/abs/2202.07646).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rapidfuzz.distance import LCSseq

COPIED_TOKENS = 50
# Shorter runs are common phrases: runs are found by seeds of so many tokens.
SEED = 8


def longest_runs(written: Sequence[Sequence[int]], texts: Iterable[Sequence[int]]) -> list[int]:
    """For each written text, the tokens of its longest run that stands in one of `texts`; 0 below a seed.

    The texts go by one after the other, so that a whole library is never in memory.
    """
    seeds: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    for number, one in enumerate(written):
        for place in range(len(one) - SEED + 1):
            seeds.setdefault(tuple(one[place : place + SEED]), []).append((number, place))
    longest = [0] * len(written)
    for text in texts:
        for start in range(len(text) - SEED + 1):
            for number, place in seeds.get(tuple(text[start : start + SEED]), ()):
                one = written[number]
                # A run that could begin a token earlier was counted there.
                if start == 0 or place == 0 or text[start - 1] != one[place - 1]:
                    longest[number] = max(longest[number], _run(one, place, text, start))
    return longest


def _run(one: Sequence[int], place: int, text: Sequence[int], start: int) -> int:
    length = SEED
    while place + length < len(one) and start + length < len(text) and one[place + length] == text[start + length]:
        length += 1
    return length


def given_back(written: Sequence[int], reference: Sequence[int]) -> float:
    """Share of the reference continuation that `written` gives in its order, 0 to 1."""
    return LCSseq.similarity(list(written), list(reference)) / len(reference) if reference else 0.0
