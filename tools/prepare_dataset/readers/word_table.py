"""Word's tables: cells with the columns and rows that they span."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from lxml import etree

from tools.prepare_dataset.readers.grid import MAX_CELLS, MAX_COLUMNS, Cell
from tools.prepare_dataset.readers.trees import attribute, local, named
from tools.prepare_dataset.readers.word_styles import is_on

_LONG_CELL = 300  # characters of a cell that is still one of a table of words


@dataclass
class _Open:
    """A cell that may go on in the rows below."""

    text: str
    heading: bool
    columns: int
    rows: int = 1


@dataclass
class WordTable:
    """rows: cells as `grid.spread` takes them. heading_rows: marked as repeated on each page. is_words: short cells,
    one paragraph each. left_out: by name, in all cells."""

    rows: list[list[Cell]] = field(default_factory=list)
    heading_rows: int = 0
    is_words: bool = True
    left_out: Counter[str] = field(default_factory=Counter)

    def read(self, table: etree._Element, text_of: Callable[[etree._Element], list[str]]) -> bool:
        """Take the cells of a table that holds no other; whether they are no more than a table holds.

        text_of: the paragraphs of a cell.
        """
        opened: list[list[_Open]] = []
        above: dict[int, _Open] = {}
        cells = 0
        for row in named(table, "tr"):
            if is_deleted(row):
                continue
            properties = next((child for child in row if local(child) == "trpr"), None)
            if properties is not None and is_on(properties, "tblheader") and self.heading_rows == len(opened):
                self.heading_rows += 1
            placed: list[_Open] = []
            skipped = _count(properties, "gridbefore") if properties is not None else 0
            if skipped:
                placed.append(_Open("", False, skipped))
            column = skipped
            for cell in named(row, "tc"):
                column += self._place(cell, column, placed, above, text_of)
            opened.append(placed)
            cells += len(placed)
            if cells > MAX_CELLS or column > MAX_COLUMNS:
                return False
        self.rows = [[Cell(c.text, c.heading, c.columns, c.rows) for c in row] for row in opened]
        return True

    def _place(
        self,
        cell: etree._Element,
        column: int,
        placed: list[_Open],
        above: dict[int, _Open],
        text_of: Callable[[etree._Element], list[str]],
    ) -> int:
        """Put a cell into its row, or let the one above go on; how many columns it spans."""
        properties = next((child for child in cell if local(child) == "tcpr"), None)
        columns = max(1, _count(properties, "gridspan")) if properties is not None else 1
        merge = None
        if properties is not None:
            merge = next((attribute(c, "val") or "continue" for c in properties if local(c) == "vmerge"), None)
        if merge == "continue" and column in above:
            above[column].rows += 1
            return columns
        paragraphs = text_of(cell)
        text = " ".join(" ".join(paragraphs).replace("\xad", "").split())
        self.is_words = self.is_words and len(paragraphs) <= 1 and len(text) <= _LONG_CELL
        placed.append(_Open(text, _is_bold(cell), columns))
        above.pop(column, None)
        if merge is not None:
            above[column] = placed[-1]
        return columns


def is_deleted(row: etree._Element) -> bool:
    """Whether a row is deleted by a tracked change."""
    properties = next((child for child in row if local(child) == "trpr"), None)
    return properties is not None and any(local(child) == "del" for child in properties)


def _count(properties: etree._Element, name: str) -> int:
    told = next((attribute(child, "val") for child in properties if local(child) == name), "")
    return min(int(told), MAX_COLUMNS + 1) if told.isdecimal() and len(told) < 6 else 0


def _is_bold(cell: etree._Element) -> bool:
    """Whether all of a cell's text is bold by its own properties."""
    runs = [run for run in named(cell, "r") if any(local(child) == "t" and child.text for child in run)]
    return bool(runs) and all(
        any(local(properties) == "rpr" and is_on(properties, "b") for properties in run) for run in runs
    )
