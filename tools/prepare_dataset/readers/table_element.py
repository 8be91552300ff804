"""HTML's tables: the cells of a `table`, with their spans and headings."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from lxml import etree

from tools.prepare_dataset.readers.grid import MAX_CELLS, Cell
from tools.prepare_dataset.readers.trees import local, named

_HIDDEN = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
_LONG_CELL = 300  # characters of a cell that is still one of a table of words


@dataclass
class TableElement:
    """heading_rows: in `thead`. may_be_data: nothing speaks for layout. is_words: short cells, one paragraph each,
    or values beside their headings."""

    rows: list[list[Cell]]
    heading_rows: int
    caption: str
    may_be_data: bool
    is_words: bool


def read_table_element(
    element: etree._Element, text_of: Callable[[etree._Element], list[str] | None]
) -> TableElement | None:
    """The cells of a table; None for one that holds tables, or more cells than a table does.

    text_of: the paragraphs of a cell or caption, None where it is not to be seen.
    """
    if any(inner is not element for inner in named(element, "table")):
        return None
    layout = element.get("role") in ("presentation", "none")
    table = TableElement([], 0, "", not layout, True)
    cells, pairs, is_words = 0, 0, True
    for child in named(element, "caption", "tr"):
        if local(child) == "caption":
            table.caption = _one_line(text_of(child) or [])
            continue
        if is_hidden(child):
            continue
        row = []
        for cell in child:
            paragraphs = text_of(cell) if local(cell) in ("td", "th") else None
            if paragraphs is not None:
                row.append(_cell(cell, _one_line(paragraphs)))
                is_words = is_words and len(paragraphs) <= 1 and len(row[-1].text) <= _LONG_CELL
        cells += len(row)
        if cells > MAX_CELLS:
            return None
        parent = child.getparent()
        table.heading_rows += parent is not None and local(parent) == "thead"
        table.rows.append(row)
        pairs += len(row) == 2 and row[0].heading and not row[1].heading
    table.is_words = not layout and (is_words or 2 * pairs > len(table.rows))
    return table


def is_hidden(element: etree._Element) -> bool:
    """Whether a page's own attributes say that an element is not to be seen."""
    if element.get("hidden") is not None:
        return True
    # What is hidden from screen readers alone, such as a large first letter, is seen.
    style = element.get("style")
    return style is not None and _HIDDEN.search(style) is not None


def _one_line(paragraphs: list[str]) -> str:
    """A cell's paragraphs in one line: the items of a list are parted by semicolons."""
    line = ""
    for paragraph in paragraphs:
        item = paragraph.removeprefix("- ")
        line += ("; " if item != paragraph and line and not line.endswith(":") else " ") + item
    return " ".join(line.replace("\xad", "").split())


def _cell(element: etree._Element, text: str) -> Cell:
    stands_out = local(element) == "th" or _is_bold(element)
    return Cell(text, stands_out, _span(element.get("colspan")), _span(element.get("rowspan")))


def _is_bold(cell: etree._Element) -> bool:
    """Whether all of a cell's text is in `b` or `strong`."""
    inner = cell
    while len(inner) == 1 and not (inner.text or "").strip() and not (inner[0].tail or "").strip():
        inner = inner[0]
        if local(inner) in ("b", "strong"):
            return True
    return False


def _span(told: str | None) -> int:
    digits = (told or "").strip()
    return min(max(int(digits), 1), 1000) if digits.isdecimal() and len(digits) < 10 else 1
