"""Tables in documents: cells spread over rows and columns, and whether they are data or layout.

Data is a table with headings over at least two rows and two columns, which the table stage reads
without a fault. All else is text in the shape of a table, and stays in the running text.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.prepare_dataset.material import Source, SourceFile
from tools.prepare_dataset.records import folded, is_season, parse_number, read_table
from tools.prepare_dataset.tables import parse_tables
from tools.prepare_dataset.wording import wording

MAX_COLUMNS = 200
MAX_CELLS = 500_000
_MAX_HEADING_ROWS = 3
_LONG_CELL = 1000  # characters: more is a page laid out as a table
_LONG_ON_AVERAGE = 200
_LONG_HEADING = 80
_MOSTLY = 0.8


@dataclass(frozen=True, eq=False)
class Cell:
    """A cell as written once. heading: it is marked as one (`th`), or stands out (bold). Spans count from 1."""

    text: str
    heading: bool = False
    columns: int = 1
    rows: int = 1


Row = list[Cell]
_NONE = Cell("")


@dataclass(frozen=True)
class Data:
    """A table that is data: comma-separated text, headings first. title: a row over all columns at its top."""

    text: str
    title: str = ""


def spread(rows: Sequence[Sequence[Cell]]) -> list[Row]:
    """The cells at each place: one that spans several stands at each of them. Nothing where that is beyond bounds."""
    matrix: list[Row] = []
    hanging: dict[int, tuple[Cell, int]] = {}  # column: what hangs down, for how many rows more
    cells = 0
    for row in rows:
        placed: Row = []
        waiting = list(reversed(row))
        while waiting or len(placed) in hanging:
            column = len(placed)
            if column in hanging:
                cell, more = hanging.pop(column)
                placed.append(cell)
                if more > 1:
                    hanging[column] = (cell, more - 1)
                continue
            cell = waiting.pop()
            for at in range(column, column + max(1, min(cell.columns, MAX_COLUMNS))):
                placed.append(cell)
                if cell.rows > 1:
                    hanging[at] = (cell, cell.rows - 1)
            if len(placed) > MAX_COLUMNS:
                return []
        cells += len(placed)
        if cells > MAX_CELLS:
            return []
        matrix.append(placed)
    width = max((len(row) for row in matrix), default=0)
    return [row + [_NONE] * (width - len(row)) for row in matrix]


def as_data(rows: Sequence[Sequence[Cell]], *, heading_rows: int = 0) -> Data | None:
    """The table as data, or None. heading_rows: at its top, as the document itself tells; 0 where it does not."""
    matrix = [row for row in _without_blank_columns(spread(rows)) if any(cell.text for cell in row)]
    title = ""
    while matrix and _is_one_cell(matrix[0]):
        title = title or matrix[0][0].text
        matrix, heading_rows = matrix[1:], max(0, heading_rows - 1)
    if len(matrix) < 3 or len(matrix[0]) < 2 or _is_prose(matrix):
        return None
    top = min(heading_rows, _MAX_HEADING_ROWS) or _heading_rows(matrix)
    body = [row for row in matrix[top:] if not _is_one_cell(row) and not _repeats(row, matrix[:top])]
    if not top or len(body) < 2:
        return None
    headings = _headings(matrix[:top])
    text = _csv([headings, *([cell.text for cell in row] for row in body)])
    return Data(text, title) if _is_read(text, headings) else None


def as_lines(rows: Sequence[Sequence[Cell]]) -> list[str]:
    """The table as text, a line a row: `heading: value` where a row is that, else cells parted by bars."""
    lines = []
    for row in rows:
        cells = [cell for cell in row if cell.text]
        if len(cells) == 2 and cells[0].heading and not cells[1].heading:
            lines.append(f"{cells[0].text.rstrip(':')}: {cells[1].text}")
        elif cells:
            lines.append(" | ".join(cell.text for cell in cells))
    return lines


def _without_blank_columns(matrix: list[Row]) -> list[Row]:
    """Columns of flags, colours and gaps hold no text below the headings."""
    if not matrix:
        return []
    kept = [n for n in range(len(matrix[0])) if any(row[n].text and not _is_one_cell(row) for row in matrix[1:])]
    return [[row[n] for n in kept] for row in matrix] if kept else []


def _is_one_cell(row: Row) -> bool:
    """Whether one cell spans the row, or only its first one is filled, of three or more."""
    return len(row) > 1 and (row[0] is row[-1] or (len(row) > 2 and not any(cell.text for cell in row[1:])))


def _is_prose(matrix: list[Row]) -> bool:
    lengths = [len(cell.text) for row in matrix for cell in row]
    return max(lengths) > _LONG_CELL or sum(lengths) > _LONG_ON_AVERAGE * len(lengths)


def _heading_rows(matrix: list[Row]) -> int:
    """How many rows at the top are headings: by their marks, else one row of words over a column of numbers."""
    count = 0
    for row in matrix[: _MAX_HEADING_ROWS + 1]:
        if not all(cell.heading or not cell.text for cell in row):
            break
        count += 1
    if 0 < count <= _MAX_HEADING_ROWS:
        return count
    if count:  # a table of headings alone tells nothing by them
        return 1
    first = matrix[0]
    if not all(cell.text and len(cell.text) <= _LONG_HEADING and parse_number(cell.text) is None for cell in first):
        return 0
    body = matrix[1:]
    numeric = (sum(_is_figure(row[n].text) for row in body) for n in range(len(first)))
    return 1 if max(numeric) >= _MOSTLY * len(body) else 0


def _is_figure(text: str) -> bool:
    return parse_number(text) is not None or is_season(text)


def _repeats(row: Row, headings: list[Row]) -> bool:
    """Long tables say their headings again further down."""
    return any([cell.text for cell in row] == [cell.text for cell in heading] for heading in headings)


def _headings(rows: list[Row]) -> list[str]:
    """A name for each column, each its own: what stands over it, top down; its letter where nothing does."""
    names: list[str] = []
    seen: set[str] = set()
    for column, cells in enumerate(zip(*rows, strict=True)):
        told = list(dict.fromkeys(cell.text for cell in cells if folded(cell.text)))
        name = " ".join(told) or _letter(column)
        base, number = name, 1
        while folded(name) in seen:
            number += 1
            name = f"{base} ({number})"
        seen.add(folded(name))
        names.append(name)
    return names


def _letter(column: int) -> str:
    return chr(65 + column) if column < 26 else chr(64 + column // 26) + chr(65 + column % 26)


def _csv(rows: Sequence[Sequence[str]]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue()


def _is_read(text: str, headings: list[str]) -> bool:
    """Whether the table stage takes it: a fault in a table of somebody else's page must not stop the work."""
    table, _ = read_table(text, "")
    if table is None or table.headings != headings:
        return False
    source = Source(SourceFile(Path(), "", "table"), "", "", text, "table")
    return not parse_tables([source], wording("en"))[0].errors
