"""The cells of a sheet to the text of a table: one line a row, comma-separated, headings first."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import isfinite

Cell = int | float | str | bool | date | datetime | time | timedelta
# First row and column, last row and column, counted from 0.
Merged = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class SheetTable:
    """text: line n is the sheet's row n, so that what is said of a line can be found in the sheet; what is no
    part of the table is an empty line. title: what stands alone in a row above the headings."""

    text: str
    title: str
    title_rows: int
    merged: int
    columns: int
    rows: int


def table_of(rows: Sequence[Sequence[Cell]], start: tuple[int, int], merged: Sequence[Merged]) -> SheetTable:
    """The table in the cells of a sheet, of which the first stands at row and column `start`, from 0.

    Empty columns are left out. A merged cell's value stands in each of the cells that it covers. Where
    headings are merged over several columns, the row below names these: both are one heading.
    """
    grid = [[written(cell) for cell in row] for row in rows]
    titles = _title_rows(grid)
    title = next((cell for row in grid[:titles] for cell in row if cell), "")
    for row in grid[:titles]:
        row[:] = [""] * len(row)
    covers = [_moved(area, start) for area in merged]
    spread = [area for area in covers if area[0][0] >= titles and _spread(grid, area)]
    head = next((n for n, row in enumerate(grid) if any(row)), 0)
    if any(top == bottom == head and right > left for (top, left), (bottom, right) in spread):
        _join_headings(grid, head)
    kept = [n for n in range(max(map(len, grid), default=0)) if any(row[n] for row in grid)]
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    for row in grid:
        if any(row):
            writer.writerow([row[n] for n in kept])
        else:
            lines.write("\n")
    text = "\n" * start[0] + lines.getvalue()
    return SheetTable(text, title, _filled(rows[:titles]), len(spread), len(kept), sum(map(any, grid)))


def written(cell: Cell) -> str:
    """A cell as text: ISO dates, the shortest form of a number, one line. NaN and infinities are empty."""
    if isinstance(cell, str):
        return " ".join(cell.replace("\0", "").split())
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime):
        return _moment(cell)
    if isinstance(cell, time):
        return _clock(cell)
    if isinstance(cell, timedelta):
        minutes, seconds = divmod(round(cell.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    return cell.isoformat() if isinstance(cell, date) else _number(cell)


def _number(value: int | float) -> str:
    if isinstance(value, float) and not isfinite(value):
        return ""
    text = format(Decimal(repr(value)).normalize(), "f")
    _, point, decimals = text.partition(".")
    # Three digits after a point are thousands to a Portuguese reader: 1.234.
    return text + "0" if point and len(decimals) == 3 else text


def _moment(value: datetime) -> str:
    if value.microsecond >= 500_000:
        value += timedelta(seconds=1)
    clock = value.time().replace(microsecond=0)
    return value.date().isoformat() if clock == time() else f"{value.date().isoformat()} {_clock(clock)}"


def _clock(value: time) -> str:
    return value.isoformat("seconds" if value.second else "minutes")


def _title_rows(grid: Sequence[Sequence[str]]) -> int:
    """How many rows above the headings hold nothing, or one cell while a row below them holds more."""
    for number, row in enumerate(grid):
        if sum(1 for cell in row if cell) > 1:
            return number
    return 0


def _filled(rows: Sequence[Sequence[Cell]]) -> int:
    return sum(any(cell != "" for cell in row) for row in rows)


def _moved(area: Merged, start: tuple[int, int]) -> Merged:
    (top, left), (bottom, right) = area
    return (top - start[0], left - start[1]), (bottom - start[0], right - start[1])


def _spread(grid: list[list[str]], area: Merged) -> bool:
    """Write the first cell of a merged area into the others; whether there was anything to write."""
    (top, left), (bottom, right) = area
    if not (0 <= top < len(grid) and 0 <= left < len(grid[top]) and grid[top][left]):
        return False
    for row in grid[top : bottom + 1]:
        row[left : right + 1] = [cell or grid[top][left] for cell in row[left : right + 1]]
    return True


def _join_headings(grid: list[list[str]], head: int) -> None:
    """Headings of two rows to one: `Casa` over `Vitórias` is `Casa Vitórias`."""
    if head + 1 >= len(grid):
        return
    upper, lower = grid[head], grid[head + 1]
    grid[head + 1] = [
        f"{above} {below}" if above and below and above != below else above or below
        for above, below in zip(upper, lower, strict=True)
    ]
    grid[head] = [""] * len(upper)
