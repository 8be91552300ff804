"""Tables of contents of PDFs: titles with the numbers of pages, which are no running text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tools.prepare_dataset.readers.pdf.rows import Row

_LEADERS = re.compile(r"(?:[.·…_][ ]?){4,}\s*(?:\d{1,4}|[ivxlc]{1,8})$")
_NUMBER_AT_END = re.compile(r"\s(?:\d{1,4}|[ivxlc]{1,8})$")
_TITLE = re.compile(
    r"\W*(?:[íi]ndice(?: geral| remissivo)?|conte[úu]dos?|sum[áa]rio|(?:table of )?contents|lista de \w+)\W*",
    re.IGNORECASE,
)
_FEWEST = 3
_SHARE = 0.3  # of the lines between the first entry and the last; others go on from an entry


def without_contents(pages: Sequence[Sequence[Row]]) -> tuple[list[list[Row]], int]:
    """The rows of each page that are no table of contents, and how many others there were."""
    kept: list[list[Row]] = []
    left_out = 0
    going_on = False
    for rows in pages:
        led = sum(1 for row in rows if _LEADERS.search(row.text))
        titles = [n for n, row in enumerate(rows) if _TITLE.fullmatch(row.text)]
        announced = going_on or bool(titles)
        entries = [n for n, row in enumerate(rows) if _is_entry(row)] if announced or led >= _FEWEST else []
        span = range(entries[0], entries[-1] + 1) if entries else range(0)
        going_on = len(entries) >= _FEWEST and len(entries) >= _SHARE * len(span)
        dropped = {*span, *titles} if going_on else set()
        kept.append([row for n, row in enumerate(rows) if n not in dropped])
        left_out += len(dropped)
    return kept, left_out


def _is_entry(row: Row) -> bool:
    """A title and, apart from it, a number."""
    led = _LEADERS.search(row.text) is not None
    return led or (row.gap > 2 * row.size and _NUMBER_AT_END.search(row.text) is not None)
