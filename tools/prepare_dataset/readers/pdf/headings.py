"""Which lines of a PDF are headings, by the size and weight of their type."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from tools.prepare_dataset.readers.flow import titled
from tools.prepare_dataset.readers.pdf.rows import Row

_LARGER = 1.14  # than the running text
_LONGEST_BOLD = 100  # characters of a heading that is no larger than the text
_DEEPEST = 6
# A heading that begins like this does not go on from the line before it.
_NUMBERED = re.compile(r"\d{1,3}(?:\.\d{1,3})*\.?\s|(?:cap[íi]tulo|chapter|parte|part)\s+\w{1,16}\b", re.IGNORECASE)


def body_size(rows: Sequence[Row]) -> float:
    """The size of most of the text, in points."""
    sizes: Counter[float] = Counter()
    for row in rows:
        sizes[row.size] += len(row.text)
    return min(sizes, key=lambda size: (-sizes[size], size), default=0.0)


class Headings:
    """The styles of headings in a document, larger ones above smaller ones, bold above plain."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.body = body_size(rows)
        text = [row for row in rows if row.size == self.body]
        bold = sum(len(row.text) for row in text if row.bold)
        # Where the text itself is bold, boldness is no heading.
        self._bold_stands_out = bold < 0.3 * sum(len(row.text) for row in text)
        styles = {style for row in rows if (style := self._style(row)) is not None}
        self._levels = {style: min(n, _DEEPEST) for n, style in enumerate(sorted(styles, reverse=True), 1)}

    def are_alike(self, row: Row, other: Row) -> bool:
        """Whether two lines are of one style of headings, or both of none."""
        return self._style(row) == self._style(other)

    def level(self, row: Row, *, apart: bool) -> int:
        """From 1; 0 for what is no heading. apart: it is no part of a longer paragraph."""
        style = self._style(row)
        if style is None or (style[0] == self.body and not apart):
            return 0
        return self._levels[style]

    def relation(
        self, heading: Sequence[Row], row: Row, level: int, own: int
    ) -> Literal["goes on", "next line", "new paragraph"]:
        """Whether a heading goes on in the line after it: in one style, or `CAPÍTULO I` with its title."""
        last = heading[-1]
        if last.page != row.page:
            return "new paragraph"
        distance = (row.y - last.y) / max(last.size, row.size)
        number = len(heading) == 1 and titled(last.text, row.text) != f"{last.text} {row.text}"
        goes_on = (level == own and distance < 1.6) or (number and distance < 4)
        return "goes on" if goes_on and distance > 0 and not _NUMBERED.match(row.text) else "new paragraph"

    def _style(self, row: Row) -> tuple[float, bool] | None:
        if not any(c.isalnum() for c in row.text):
            return None
        if row.size >= _LARGER * self.body:
            return row.size, row.bold
        ends = row.text[-1] in ".;,"
        fits = len(row.text) <= _LONGEST_BOLD and row.size >= self.body and row.gap < 2.5 * row.size
        if row.bold and self._bold_stands_out and fits and not ends:
            return self.body, True
        return None
