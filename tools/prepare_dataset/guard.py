"""A gap between train and held-out text that follows it or goes before it.

Where a chapter or stretch of train borders on one of valid or test, the story runs on: what the
model has read last bears on what it is then tested with. The sentences of train next to the border
are left out of it, as many as fit in `GAP_CHARACTERS` and in a tenth of the document. Held-out text
stays whole. (The same is done with time series: Lopez de Prado's embargo, Advances in Financial
Machine Learning, 2018, chapter 7.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from itertools import pairwise

from tools.prepare_dataset.contract import Split
from tools.prepare_dataset.dropped import Drops
from tools.prepare_dataset.material import RowDraft
from tools.prepare_dataset.shortening import Shortener, borders

GUARD_GAP = "guard gap"
GAP_CHARACTERS = 400
_SHARE = 0.1

Ranges = list[tuple[int, int]]


def leave_gaps(split: dict[Split, list[RowDraft]], shortener: Shortener, drops: Drops) -> None:
    """Shorten rows of train in place of `split`. Only books run on from one document to the next."""
    gaps = _gaps(split)
    train = []
    for index, row in enumerate(split["train"]):
        for start, end in gaps.get(index, []):
            drops.part(GUARD_GAP, row, start, end)
        train += shortener.without(row, gaps[index]) if index in gaps else [row]
    split["train"] = train


def _gaps(split: Mapping[Split, list[RowDraft]]) -> dict[int, Ranges]:
    """Characters of `learned` to leave out, by the index of the row in train."""
    placed = [(row, name == "train", index) for name, rows in split.items() for index, row in enumerate(rows)]
    copied = [one for one in placed if one[0].span.kind == "book" and one[0].row_start is not None]
    copied.sort(key=lambda one: (one[0].span.source, one[0].span.start))
    sizes: defaultdict[str, int] = defaultdict(int)
    for row, _, _ in copied:
        sizes[row.span.document] += len(row.learned)
    gaps: defaultdict[int, Ranges] = defaultdict(list)
    for (before, before_trains, first), (after, after_trains, second) in pairwise(copied):
        near = before.span.source == after.span.source and after.span.start - before.span.end < GAP_CHARACTERS
        if not near or before_trains == after_trains:
            continue
        row, index = (before, first) if before_trains else (after, second)
        room = min(GAP_CHARACTERS, int(sizes[row.span.document] * _SHARE), len(row.learned) // 2)
        gap = _end_gap(row.learned, room) if before_trains else _start_gap(row.learned, room)
        gaps[index] += [gap] if gap else []
    return {index: found for index, found in gaps.items() if found}


def _end_gap(text: str, room: int) -> tuple[int, int] | None:
    start = min((start for _, start in borders(text) if start >= len(text) - room), default=len(text))
    return (start, len(text)) if start < len(text) else None


def _start_gap(text: str, room: int) -> tuple[int, int] | None:
    end = max((start for _, start in borders(text) if start <= room), default=0)
    return (0, end) if end else None
