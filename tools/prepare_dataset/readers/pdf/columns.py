"""Rows to regions: columns of running text are read one after the other, all else row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median

from tools.prepare_dataset.readers.pdf.rows import Row

# Of the size of the type: a gap that is no space between words, and the least width of a column.
_GUTTER = 0.9
_NARROWEST = 8.0
_FEWEST_ROWS = 4
_DEPTH = 6


def regions_of(rows: Sequence[Row], depth: int = 0) -> list[list[Row]]:
    """The rows of a page in the order in which they are read; each list stands in one column."""
    found = _gutter(rows) if depth < _DEPTH else None
    if found is None:
        return [list(rows)] if rows else []
    start, end, at = found
    left = [part for row in rows[start:end] if (part := _part(row, right_of=False, at=at))]
    right = [part for row in rows[start:end] if (part := _part(row, right_of=True, at=at))]
    parts = (rows[:start], left, right, rows[end:])
    return [region for part in parts for region in regions_of(part, depth + 1)]


def _part(row: Row, *, right_of: bool, at: float) -> Row | None:
    words = tuple(word for word in row.words if (word.left > at) == right_of)
    return Row(words, row.page) if words else None


def _gutter(rows: Sequence[Row]) -> tuple[int, int, float] | None:
    """The first and the last row (exclusive) on both sides of a strip without words, and where that ends.

    Both sides must hold running text: several rows, most of which fill their column.
    """
    best: tuple[int, int, float] | None = None
    most = 0
    width = _GUTTER * median(row.size for row in rows) if rows else 0.0
    for at in _starts(rows, width):
        start = 0
        for end in range(len(rows) + 1):
            if end < len(rows) and not _crossed(rows[end], at, width):
                continue
            held = _held(rows[start:end], at)
            if held > most:
                best, most = (start, end, at), held
            start = end + 1
    return best


def _starts(rows: Sequence[Row], width: float) -> list[float]:
    """Where several rows begin, or go on after a gap: just before it there may be a gutter."""
    found: Counter[int] = Counter()
    for row in rows:
        found[round(row.left)] += 1
        for before, after in zip(row.words, row.words[1:], strict=False):
            found[round(after.left)] += after.left - before.right >= width
    return [start - 2.0 for start, count in sorted(found.items()) if count >= _FEWEST_ROWS]


def _crossed(row: Row, at: float, width: float) -> bool:
    return any(word.left < at and word.right > at - width for word in row.words)


def _held(rows: Sequence[Row], at: float) -> int:
    """How many rows a pair of columns has at least on each side; 0 when it is none."""
    sides = [[part for row in rows if (part := _part(row, right_of=right, at=at))] for right in (False, True)]
    fewest = min(map(len, sides))
    return fewest if fewest >= _FEWEST_ROWS and all(map(_is_running_text, sides)) else 0


def _is_running_text(rows: Sequence[Row]) -> bool:
    width = max(row.right for row in rows) - min(row.left for row in rows)
    size = median(row.size for row in rows)
    full = median(row.right - row.left for row in rows) > 0.6 * width
    close = median(row.gap for row in rows) < 2 * size  # or they are cells
    return width >= _NARROWEST * size and full and close and median(len(row.words) for row in rows) >= 3
