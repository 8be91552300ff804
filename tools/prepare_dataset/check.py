"""Rows that must not be: empty ones, duplicates, and rows of train that give held-out text away."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from tools.prepare_dataset.contract import Overlap, Split
from tools.prepare_dataset.material import RowDraft

NGRAM = 13
# A row of train that shares so much of its n-grams with held-out text is a copy of it.
_LEAK = 0.5
_WORD = re.compile(r"\w+")


def drop_duplicates(rows: Sequence[RowDraft], dropped: Counter[str]) -> list[RowDraft]:
    """The rows without empty ones and exact repetitions, the first kept; counts what went."""
    seen: set[str] = set()
    kept = []
    for row in rows:
        words = " ".join(row.learned.split())
        # A question asked of two seasons has one answer: the whole row counts, not the answer.
        if not words:
            dropped["empty"] += 1
        elif words in seen:
            dropped["duplicate"] += 1
        else:
            seen.add(words)
            kept.append(row)
    return kept


def drop_leaks(split: dict[Split, list[RowDraft]], dropped: Counter[str]) -> Overlap:
    """Take rows out of train that repeat valid or test, and measure what is still shared.

    A row repeats held-out text when its words are the same, or half of its 13-grams stand there.
    """
    held: dict[Split, list[list[int]]] = {
        name: [list(_grams(row.own)) for row in split[name]] for name in ("valid", "test")
    }
    held_grams = {gram for rows in held.values() for grams in rows for gram in grams}
    held_texts = {_normal(row.learned) for name in held for row in split[name]}
    shared: set[int] = set()
    kept = []
    for row in split["train"]:
        grams = list(_grams(row.own))
        found = [gram for gram in grams if gram in held_grams]
        if _normal(row.learned) in held_texts or len(found) > _LEAK * max(1, len(grams)):
            dropped["repeats held-out text"] += 1
            continue
        shared.update(found)
        kept.append(row)
    split["train"] = kept

    def share(name: Split) -> float:
        grams = [gram for row in held[name] for gram in row]
        return round(sum(gram in shared for gram in grams) / len(grams), 6) if grams else 0.0

    touched = sum(any(gram in shared for gram in row) for rows in held.values() for row in rows)
    return Overlap(ngram=NGRAM, valid=share("valid"), test=share("test"), rows=touched)


def _normal(text: str) -> str:
    return " ".join(_WORD.findall(text.casefold()))


def _grams(text: str) -> Iterator[int]:
    """A number for each run of 13 words, the same in one process."""
    words = _WORD.findall(text.casefold())
    for start in range(len(words) - NGRAM + 1):
        yield hash(tuple(words[start : start + NGRAM]))
