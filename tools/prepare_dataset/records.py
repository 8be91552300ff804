"""Delimited text to records whose lines and characters are known, every fault told."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

from tools.errors import Problem, printable

_DELIMITERS = (",", ";", "\t", "|")
_LOOKED_AT = 200
_MAX_LINES = 50  # of one record: more means a quote that was never closed
csv.field_size_limit(10_000_000)


@dataclass(frozen=True)
class Record:
    """One row of the table: its cells, its first line (from 1), and its characters in the text."""

    cells: list[str]
    line: int
    start: int
    end: int


@dataclass(frozen=True)
class Table:
    """A table with a heading for each column. The records all have as many cells."""

    headings: list[str]
    records: list[Record]


def read_table(text: str, path: str) -> tuple[Table | None, list[Problem]]:
    """The table of a delimited text, and all its faults; no table when it cannot be read as one.

    In problems `column` counts the cells of a record from 1.
    """
    delimiter = sniff_delimiter(text)
    records, problems = _records(text, delimiter, path)
    if problems:
        return None, problems
    if not records:
        return None, [Problem(path=path, message="The table has no rows.", fix="Add a line of headings and rows.")]
    header, rows = records[0], records[1:]
    problems = _header_problems(header, path)
    width = len(header.cells)
    for record in rows:
        if len(record.cells) != width:
            problems.append(
                Problem(
                    path=path,
                    line=record.line,
                    column=min(len(record.cells), width) + (len(record.cells) > width),
                    message=f"The row has {len(record.cells)} cells, the headings are {width}.",
                    fix="Add or remove a cell; a cell that holds the separator goes in quotes.",
                )
            )
    if not rows:
        problems.append(
            Problem(path=path, line=header.line, message="There are headings but no rows.", fix="Add rows.")
        )
    return (None if problems else Table([cell.strip() for cell in header.cells], rows)), problems


def sniff_delimiter(text: str) -> str:
    """The separator that cuts most lines into the same number of cells, more than one."""
    lines = [line for line in text.split("\n")[:_LOOKED_AT] if line.strip()]
    best, best_score = ",", 0.0
    for delimiter in _DELIMITERS:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        except csv.Error:
            continue
        if not widths or widths[0] < 2:
            continue
        common, times = Counter(widths).most_common(1)[0]
        score = times / len(widths) + (widths[0] == common) + min(common, 20) / 1000
        if common > 1 and score > best_score:
            best, best_score = delimiter, score
    return best


def _records(text: str, delimiter: str, path: str) -> tuple[list[Record], list[Problem]]:
    lines = [line + "\n" for line in text.split("\n")]
    offsets = [0]
    for line in lines:
        offsets.append(offsets[-1] + len(line))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    records: list[Record] = []
    while True:
        first = reader.line_num
        try:
            cells = next(reader)
        except StopIteration:
            return records, []
        except csv.Error:
            return [], [_quote_problem(path, first + 1)]
        if reader.line_num - first > _MAX_LINES:
            return [], [_quote_problem(path, first + 1)]
        if any(cell.strip() for cell in cells):
            end = min(offsets[reader.line_num], len(text))
            while end > offsets[first] and text[end - 1] == "\n":
                end -= 1
            records.append(Record(cells, first + 1, offsets[first], end))


def _quote_problem(path: str, line: int) -> Problem:
    return Problem(
        path=path,
        line=line,
        message="A quotation mark is not closed, or stands inside a cell.",
        fix="Put the cell in double quotes and write each quotation mark in it twice.",
    )


def _header_problems(header: Record, path: str) -> list[Problem]:
    problems: list[Problem] = []

    def tell(column: int, message: str, fix: str) -> None:
        problems.append(Problem(path=path, line=header.line, column=column, message=message, fix=fix))

    if any(parse_number(cell) is not None and not is_season(cell) for cell in header.cells):
        tell(1, "The first line holds numbers, not headings.", "Put a line with the columns' names first.")
        return problems
    if len(header.cells) < 2:
        tell(1, "The table has one column.", "Separate the cells with `,`, `;` or tabs; running text belongs in .txt.")
        return problems
    seen: set[str] = set()
    for column, cell in enumerate(header.cells, 1):
        name = folded(cell)
        if not name:
            tell(column, "The heading is empty.", "Name the column.")
        elif name in seen:
            tell(column, f"The heading `{printable(cell, 40)}` stands twice.", "Give each column its own name.")
        seen.add(name)
    return problems


def folded(heading: str) -> str:
    """A heading without accents, case and punctuation: `Golos_Marcados` is `golos marcados`."""
    plain = unicodedata.normalize("NFKD", heading.casefold())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return re.sub(r"[^a-z0-9+/-]+", " ", plain).strip()


def parse_number(cell: str) -> float | None:
    """A number as people write it: `1.234`, `85,5`, `+3`, `1 234`; None for anything else."""
    text = cell.strip().replace("\u00a0", "").replace("\u202f", "").replace("−", "-")
    if re.fullmatch(r"[+-]?\d{1,3}(?:[. ]\d{3})+(?:,\d+)?", text):
        text = re.sub(r"[. ]", "", text).replace(",", ".")
    elif re.fullmatch(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?", text):
        text = text.replace(",", "")
    elif re.fullmatch(r"[+-]?\d+(?:[.,]\d+)?", text):
        text = text.replace(",", ".")
    else:
        return None
    return float(text)


def is_season(cell: str) -> bool:
    """Whether a cell is a year or a pair of them: `2023`, `2023/24`, `2023-2024`."""
    return re.fullmatch(r"\s*(?:1[89]|20)\d\d(?:\s*[/–-]\s*(?:\d\d|\d{4}))?\s*", cell) is not None
