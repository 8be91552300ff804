"""Rows to paragraphs, over columns and pages: by indents, gaps, and lines that end before they had to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest
from typing import Literal

from tools.prepare_dataset.readers.pdf.headings import Headings
from tools.prepare_dataset.readers.pdf.rows import Row

Relation = Literal["goes on", "next line", "new paragraph"]
_INDENT = 0.7  # of the size of the type; less is no indent
_GAP = 1.45  # of the distance between lines; more is a gap
_TABULAR = 2.5  # of the size of the type: cells stand that far apart
_FEW_ROWS = 5
_SENTENCE_END = re.compile(r"[.!?…:;][\"'»”’)\]]*$")
_ITEM = re.compile(r"[•●▪■◦‣·*]\s|\(?(?:\d{1,3}|[a-z]|[ivx]{1,5})[.)]\s|\d{1,3}\s?[-–—]\s")
_DASH = re.compile(r"[-–—]\s*")


@dataclass(eq=False)
class Column:
    """Where the lines of a region begin and end, in points."""

    rows: Sequence[Row]
    left: float
    right: float


@dataclass(frozen=True)
class Line:
    row: Row
    column: Column

    @property
    def indent(self) -> float:
        return self.row.left - self.column.left

    @property
    def room(self) -> float:
        """What is left of the column after the line."""
        return self.column.right - self.row.right

    @property
    def is_centred(self) -> bool:
        return self.indent > 1.5 * self.row.size and abs(self.indent - self.room) < 1.5 * self.row.size

    @property
    def is_tabular(self) -> bool:
        return self.row.gap > _TABULAR * self.row.size


@dataclass
class Paragraph:
    """rows: its lines. level: of a heading, from 1; 0 for others. tight: stands right below the one before."""

    rows: list[Row]
    level: int = 0
    tight: bool = False
    title: str = field(default="", repr=False)  # instead of the rows' text


def paragraphs_of(regions: Sequence[Sequence[Row]], headings: Headings) -> list[Paragraph]:
    """The paragraphs and headings of regions in reading order."""
    lines = [Line(row, column) for column in _columns(regions) for row in column.rows]
    layout = _Layout(lines)
    found: list[Paragraph] = []
    before: Line | None = None
    for line, after in zip_longest(lines, lines[1:]):
        level = headings.level(line.row, apart=_apart(before, line, after, layout, headings))
        relation: Relation = "new paragraph"
        if before is not None and level and found[-1].level:
            relation = headings.relation(found[-1].rows, line.row, found[-1].level, level)
        elif before is not None and not level and not found[-1].level:
            relation = layout.relation(before, line)
        if relation == "goes on":
            found[-1].rows.append(line.row)
            found[-1].level = min(found[-1].level, level)
        else:
            found.append(Paragraph([line.row], level, tight=relation == "next line"))
        before = line
    return [_not_too_long(paragraph) for paragraph in found]


def _not_too_long(paragraph: Paragraph) -> Paragraph:
    """What is long is no heading, however large its type."""
    if paragraph.level and (len(paragraph.rows) > 4 or sum(len(row.text) for row in paragraph.rows) > 200):
        paragraph.level = 0
    return paragraph


def _apart(before: Line | None, line: Line, after: Line | None, layout: _Layout, headings: Headings) -> bool:
    """Whether a line neither runs on from one of other type before it, nor into one after it."""

    def runs_on(first: Line | None, second: Line | None) -> bool:
        if first is None or second is None or headings.are_alike(first.row, second.row):
            return False
        return layout.relation(first, second) == "goes on"

    return not runs_on(before, line) and not runs_on(line, after)


def _columns(regions: Sequence[Sequence[Row]]) -> Iterator[Column]:
    """Regions of few lines do not tell how wide they are: others that begin at the same place do."""
    known: list[Column] = []
    for rows in regions:
        lefts = sorted(row.left for row in rows)
        known.append(Column(rows, lefts[len(lefts) // 10], _right_edge([row.right for row in rows])))
    whole = [column for column in known if len(column.rows) >= _FEW_ROWS]
    for column in known:
        if len(column.rows) < _FEW_ROWS:
            alike = [other for other in whole if abs(other.left - column.left) < 40]
            if alike:
                left = min(alike, key=lambda other: abs(other.left - column.left)).left
                column.left = min(column.left, left)
                column.right = max(column.right, sorted(other.right for other in alike)[len(alike) // 2])
        yield column


def _right_edge(rights: Sequence[float]) -> float:
    """Where justified lines end, or the longest of ragged ones. A line may stick out."""
    counts = Counter(round(right) for right in rights)
    edge = max(counts, key=lambda right: (counts[right - 1] + counts[right] + counts[right + 1], right))
    together = [right for right in rights if abs(right - edge) <= 1.5]
    return max(together if len(rights) >= _FEW_ROWS and len(together) >= 0.3 * len(rights) else rights)


class _Layout:
    """How a document sets its paragraphs."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._leading = _leadings(lines)
        starts = Counter(
            round(line.indent)
            for before, line in pairwise(lines)
            if line.indent > _INDENT * line.row.size > before.indent and not line.is_centred
        )
        self._indents = starts.total() >= max(3, 0.04 * len(lines))
        self._usual = min(starts, key=lambda indent: (-starts[indent], indent), default=0)

    def relation(self, before: Line, line: Line) -> Relation:
        """How a line follows another that stands before it in reading order."""
        size = line.row.size
        beside = before.column is line.column
        distance = line.row.y - before.row.y if beside else 0.0
        if abs(size - before.row.size) > 0.12 * size or distance > _GAP * self._leading.get(size, 1.2 * size):
            return "new paragraph"
        if before.is_tabular or line.is_tabular:
            return "next line" if beside and before.is_tabular and line.is_tabular else "new paragraph"
        if before.is_centred or line.is_centred:
            if before.is_centred and line.is_centred and beside:
                return "next line"
            if not self._is_full(before, line):
                return "new paragraph"
        return self._plain(before, line)

    def _plain(self, before: Line, line: Line) -> Relation:
        """The same for lines that stand in one column or two, without gap, cells or centring."""
        size, text = line.row.size, line.row.text
        beside = before.column is line.column
        ended = _SENTENCE_END.search(before.row.text) is not None
        small = text[:1].islower()
        if not self._is_full(before, line):
            if small and not ended and before.room < 0.4 * (before.column.right - before.column.left):
                return "goes on"
            begins = self._indents and abs(line.indent - self._usual) < 0.3 * size
            short = line.room > 2 * size and abs(line.indent - before.indent) < _INDENT * size and not begins
            return "next line" if beside and (short or _ITEM.match(text)) else "new paragraph"
        if _ITEM.match(text) and ended:
            return "next line" if beside else "new paragraph"
        if line.indent > _INDENT * size and line.indent - before.indent > _INDENT * size:
            hangs = (small or _ITEM.match(before.row.text) is not None) and not ended
            return "goes on" if hangs else "new paragraph"
        dash = _DASH.match(text)
        if dash and ended and not text[dash.end() : dash.end() + 1].islower():
            return "new paragraph"
        if not beside and ended and not small and not self._indents:
            return "new paragraph"
        return "goes on"

    def _is_full(self, before: Line, line: Line) -> bool:
        """Whether the first word of a line would not have fitted on the one before it."""
        first = line.row.words[0]
        if before.row.text.endswith("-") and line.row.text[:1].isalnum():
            return True
        return before.room < (first.right - first.left) + 0.2 * line.row.size


def _leadings(lines: Sequence[Line]) -> dict[float, float]:
    """The usual distance between two lines, by the size of their type."""
    distances: dict[float, Counter[float]] = {}
    for before, line in pairwise(lines):
        if before.column is line.column and before.row.size == line.row.size:
            distance = round(2 * (line.row.y - before.row.y)) / 2
            if 0 < distance < 3 * line.row.size:
                distances.setdefault(line.row.size, Counter())[distance] += 1
    return {size: min(counts, key=lambda d: (-counts[d], d)) for size, counts in distances.items()}
