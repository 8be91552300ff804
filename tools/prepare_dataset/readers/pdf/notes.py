"""Footnotes of PDF pages: lines in smaller type below the text, begun by a mark that calls them in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from tools.prepare_dataset.readers.pdf.rows import Row, without_note_marks

_SMALLER = 0.93  # than the running text
_MARK = re.compile(r"\W*?(\d{1,4}|[*†‡§]{1,3})(?!\d)")


def without_notes(pages: Sequence[Sequence[Row]], body: float) -> tuple[list[list[Row]], Counter[str]]:
    """The rows of each page without footnotes and their marks, and how many of each were left out.

    A note that goes on at the foot of the next page is known by the one before it. body: the size of the
    running text.
    """
    kept: list[list[Row]] = []
    left_out: Counter[str] = Counter()
    goes_on = False
    for rows in pages:
        start = _foot(rows, body)
        bare = [without_note_marks(row) for row in rows[:start]]
        marks = {mark for _, found in bare for mark in found}
        first = _MARK.match(rows[start].text) if start < len(rows) else None
        if first and first[1] in marks:
            begun = sum(1 for row in rows[start:] if (m := _MARK.match(row.text)) and m[1] in marks)
            left_out["notes"] += begun
        elif not (goes_on and start < len(rows) and not first):
            bare += [without_note_marks(row) for row in rows[start:]]
            start = len(rows)
        goes_on = start < len(rows)
        left_out["note marks"] += sum(len(found) for _, found in bare)
        kept.append([row for row, _ in bare if row is not None])
    return kept, +left_out


def _foot(rows: Sequence[Row], body: float) -> int:
    """Where the smaller lines at the foot of a page begin; its end where there are none."""
    start = len(rows)
    while start > 0 and rows[start - 1].size < _SMALLER * body:
        start -= 1
    return start if start > 0 else len(rows)
