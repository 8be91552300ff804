"""Rows that say what another one says: the first is kept.

Running text repeats what is kept when nearly all of its runs of five words stand in at most three
kept rows: so a second edition is found too, whose rows are cut elsewhere. The runs are counted in
an exact index, not estimated. Questions that we worded and tables differ in a name or a number
alone, and are told apart by equality; so are texts too short to judge.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tools.prepare_dataset.checks.ngrams import Runs, Words
from tools.prepare_dataset.dropped import Drops
from tools.prepare_dataset.material import RowDraft

EMPTY, DUPLICATE, NEAR_DUPLICATE = "empty", "duplicate", "near duplicate"
_RUN = 5
# Share of a row's runs that must stand in kept rows: of books, and of what may be made by a pattern.
_BOOK, _OTHER = 0.8, 0.9
_FEWEST_WORDS, _FEWEST_IN_ANSWER = 40, 20
_MOST_REPEATED = 3  # kept rows that one row may repeat together
_REMEMBERED = 8  # kept rows in which a run is looked for


def drop_repetitions(rows: Sequence[RowDraft], words: Words, drops: Drops) -> list[RowDraft]:
    """The rows without empty, equal and nearly equal ones, in their order."""
    rows = _without_equal(rows, drops)
    repeats = {**_repeated_passages(rows, words), **_repeated_answers(rows, words)}
    for index in sorted(repeats):
        drops.row(NEAR_DUPLICATE, rows[index], rows[repeats[index]])
    return [row for index, row in enumerate(rows) if index not in repeats]


def _without_equal(rows: Sequence[RowDraft], drops: Drops) -> list[RowDraft]:
    """A question asked of two seasons may have one answer: the whole row counts, not the answer."""
    seen: dict[str, RowDraft] = {}
    for row in rows:
        words = " ".join(row.learned.split())
        if not words:
            drops.row(EMPTY, row)
        elif words in seen:
            drops.row(DUPLICATE, row, seen[words])
        else:
            seen[words] = row
    return list(seen.values())


def _repeated_passages(rows: Sequence[RowDraft], words: Words) -> dict[int, int]:
    """Of each row that repeats kept ones, the one that it repeats most; indices of `rows`."""
    chosen = [i for i, row in enumerate(rows) if row.form == "passage" and row.span.kind != "table"]

    def judge(row: RowDraft, kept: RowDraft, share: float) -> bool:
        if row.span.kind == "book":
            return share >= _BOOK
        return share >= _OTHER and _numbers(row) == _numbers(kept)

    return _repeats(rows, chosen, words, judge)


def _repeated_answers(rows: Sequence[RowDraft], words: Words) -> dict[int, int]:
    """The same of conversations: question and answer are repeated, not the one without the other."""
    chosen = [i for i, row in enumerate(rows) if row.form == "exchange"]

    def judge(row: RowDraft, kept: RowDraft, share: float) -> bool:
        if share < _BOOK or len(words.of(row.own)) < _FEWEST_IN_ANSWER or _numbers(row) != _numbers(kept):
            return False
        return _alike(row.own, kept.own, words) >= _BOOK

    return _repeats(rows, chosen, words, judge)


def _repeats(
    rows: Sequence[RowDraft],
    chosen: Sequence[int],
    words: Words,
    judge: Callable[[RowDraft, RowDraft, float], bool],
) -> dict[int, int]:
    """judge: of a row, the kept one that shares most of it, and the share of its runs in the few best."""
    runs = words.runs([rows[i].learned for i in chosen], _RUN)
    totals = np.bincount(runs.texts, minlength=len(chosen))
    shared = runs.only(_in_several_texts(runs))
    bounds = np.searchsorted(shared.texts, np.arange(len(chosen) + 1))
    index: defaultdict[int, list[int]] = defaultdict(list)
    found: dict[int, int] = {}
    for text, (start, end) in enumerate(pairwise(bounds)):
        mine = shared.hashes[start:end].tolist()
        if totals[text] + _RUN > _FEWEST_WORDS and len(mine) >= _BOOK * totals[text]:
            counts = Counter(owner for run in mine for owner in index.get(run, ()))
            best = sorted(counts, key=lambda owner: (-counts[owner], owner))[:_MOST_REPEATED]
            covered = sum(not set(best).isdisjoint(index.get(run, ())) for run in mine)
            if best and judge(rows[chosen[text]], rows[chosen[best[0]]], covered / totals[text]):
                found[chosen[text]] = chosen[best[0]]
                continue
        for run in mine:
            owners = index[run]
            if len(owners) < _REMEMBERED and text not in owners:
                owners.append(text)
    return found


def _in_several_texts(runs: Runs) -> NDArray[np.bool_]:
    """Which runs stand in more than one text."""
    if not len(runs.hashes):
        return np.zeros(0, np.bool_)
    order = np.argsort(runs.hashes, kind="stable")
    hashes = runs.hashes[order]
    same = hashes[1:] == hashes[:-1]
    # Most runs stand once: what follows is done with the others alone.
    repeated = np.append(same, False) | np.append(False, same)
    order, hashes = order[repeated], hashes[repeated]
    if not len(order):
        return np.zeros(len(runs.hashes), np.bool_)
    texts = runs.texts[order]
    first = np.append(True, hashes[1:] != hashes[:-1])
    group = np.cumsum(first) - 1
    # Texts ascend within a group: it holds several where its first and last differ.
    starts = np.flatnonzero(first)
    several = texts[starts] != texts[np.append(starts[1:], len(texts)) - 1]
    which = np.zeros(len(runs.hashes), np.bool_)
    which[order] = several[group]
    return which


def _numbers(row: RowDraft) -> list[str]:
    return sorted(re.findall(r"\d+", row.learned))


def _alike(first: str, second: str, words: Words) -> float:
    """Jaccard's measure of two texts' runs of words."""
    one, other = (set(words.runs([text], _RUN).hashes.tolist()) for text in (first, second))
    return len(one & other) / max(1, len(one | other))
