"""Delimited text to records whose lines and characters are known, every fault told."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from tools.errors import Problem, printable

_DELIMITERS = (",", ";", "\t", "|")
_LOOKED_AT = 200
_MAX_LINES = 50  # of one record: more means a quote that was never closed
_KEY_HEADINGS = frozenset({"campo", "chave", "atributo", "propriedade", "item", "dado", "key", "field", "attribute"})
_VALUE_HEADINGS = frozenset({"valor", "valores", "descricao", "value", "values", "description", "dados"})
_COMMA_DECIMAL = re.compile(r"[+-]?(?:\d+,\d{1,2}|\d{4,},\d+|\d+,\d{4,}|\d{1,3}(?:[. ]\d{3})+,\d+)")
_POINT_DECIMAL = re.compile(r"[+-]?(?:\d+\.\d{1,2}|\d{4,}\.\d+|\d+\.\d{4,}|\d{1,3}(?:[, ]\d{3})+\.\d+)")
csv.field_size_limit(10_000_000)

Mark = Literal[",", "."]


@dataclass(frozen=True)
class Record:
    """One row of the table: its cells, its first line (from 1), and its characters in the text."""

    cells: list[str]
    line: int
    start: int
    end: int


@dataclass(frozen=True)
class Table:
    """A table with a heading for each column, "" over columns that hold nothing or number the rows.

    The records all have as many cells. caption: what stands alone above the headings. pairs: each
    record is a name and its value, and there are no headings.
    """

    headings: list[str]
    records: list[Record]
    caption: str = ""
    pairs: bool = False


def read_table(text: str, path: str) -> tuple[Table | None, list[Problem]]:
    """The table of a delimited text, and all its faults; no table when it cannot be read as one.

    In problems `column` counts the cells of a record from 1.
    """
    records, problems = _records(text, sniff_delimiter(text), path)
    if problems:
        return None, problems
    if not records:
        return None, [Problem(path=path, message="The table has no rows.", fix="Add a line of headings and rows.")]
    caption, records = _without_caption(records)
    header, rows = records[0], records[1:]
    if _is_pairs(records):
        told = header.cells[0].strip().endswith(":")
        return Table(["", ""], records if told else rows, caption, pairs=True), []
    width = len(header.cells)
    rows = [_fitted(record, width) for record in rows]
    problems = _header_problems(header, rows, path) + _width_problems(rows, width, path)
    if not rows:
        problems.append(
            Problem(path=path, line=header.line, message="There are headings but no rows.", fix="Add rows.")
        )
    return (None if problems else Table([cell.strip() for cell in header.cells], rows, caption)), problems


def sniff_delimiter(text: str) -> str:
    """The separator that cuts most lines into the same number of cells, more than one."""
    lines = [line for line in text.split("\n", _LOOKED_AT)[:_LOOKED_AT] if line.strip()]
    best, best_score = ",", 0.0
    for delimiter in _DELIMITERS:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        except csv.Error:
            continue
        if not widths or max(widths[:2]) < 2:
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


def _without_caption(records: list[Record]) -> tuple[str, list[Record]]:
    """What stands alone in the first lines, above headings of several cells, and the rest."""
    for index, record in enumerate(records[:3]):
        filled = [cell for cell in record.cells if cell.strip()]
        if len(filled) > 1:
            caption = " ".join(" ".join(record.cells) for record in records[:index])
            return " ".join(caption.split()), records[index:]
    return "", records


def _is_pairs(records: Sequence[Record]) -> bool:
    """Whether the rows are names with their values: `Fundação: | 1904`, or headings that say so."""
    if any(len(record.cells) != 2 for record in records):
        return False
    key, value = (folded(cell) for cell in records[0].cells)
    if key in _KEY_HEADINGS and value in _VALUE_HEADINGS:
        return len(records) > 1
    return all(record.cells[0].strip().endswith(":") for record in records)


def _fitted(record: Record, width: int) -> Record:
    """The record without empty cells beyond the headings, which spreadsheets leave."""
    if len(record.cells) <= width or any(cell.strip() for cell in record.cells[width:]):
        return record
    return Record(record.cells[:width], record.line, record.start, record.end)


def _width_problems(rows: Sequence[Record], width: int, path: str) -> list[Problem]:
    return [
        Problem(
            path=path,
            line=record.line,
            column=min(len(record.cells), width) + (len(record.cells) > width),
            message=f"The row has {len(record.cells)} cells, the headings are {width}.",
            fix="Add or remove a cell; a cell that holds the separator goes in quotes.",
        )
        for record in rows
        if len(record.cells) != width
    ]


def _header_problems(header: Record, rows: Sequence[Record], path: str) -> list[Problem]:
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
        name = folded(cell) or cell.strip()
        cells = [row.cells[column - 1].strip() for row in rows if len(row.cells) >= column]
        if not name and not _needs_no_name(cells, first=column == 1):
            tell(column, "The heading is empty.", "Name the column.")
        elif name and name in seen:
            tell(column, f"The heading `{printable(cell, 40)}` stands twice.", "Give each column its own name.")
        seen.add(name)
    return problems


def _needs_no_name(cells: Sequence[str], *, first: bool) -> bool:
    """Whether a column is empty, or the first one and numbers the rows as statistics programs do."""
    return not any(cells) or (first and all(cell.isdecimal() for cell in cells))


def folded(heading: str) -> str:
    """A heading without accents, case and punctuation: `Golos_Marcados` is `golos marcados`."""
    return re.sub(r"[^a-z0-9+/-]+", " ", plain_letters(heading)).strip()


def plain_letters(text: str) -> str:
    """Small letters without accents: `Março` is `marco`."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c))


def number_reader(cells: Sequence[str]) -> Callable[[str], float | None]:
    """`parse_number` for the cells of one column, which tell together what `,` and `.` mean in it."""
    comma = any(_COMMA_DECIMAL.fullmatch(cell.strip()) for cell in cells)
    point = any(_POINT_DECIMAL.fullmatch(cell.strip()) for cell in cells)
    mark: Mark | None = None if comma == point else "," if comma else "."
    return partial(parse_number, decimal=mark)


def parse_number(cell: str, decimal: Mark | None = None) -> float | None:
    """A number as people write it: `1.234`, `85,5`, `+3`, `1 234`; None for anything else.

    decimal: the mark of decimals, where it is known. Without it one mark before three digits parts thousands,
    unless a lone zero stands before it.
    """
    text = cell.strip()
    if text.isdecimal():
        return float(text)
    text = text.replace("\u00a0", "").replace("\u202f", "").replace("−", "-")
    if decimal != "." and re.fullmatch(r"[+-]?[1-9]\d{0,2}(?:[. ]\d{3})+(?:,\d+)?", text):
        text = re.sub(r"[. ]", "", text).replace(",", ".")
    elif decimal != "," and re.fullmatch(r"[+-]?[1-9]\d{0,2}(?:[, ]\d{3})+(?:\.\d+)?", text):
        text = re.sub(r"[, ]", "", text)
    elif re.fullmatch(r"[+-]?\d+(?:[.,]\d+)?", text):
        text = text.replace(",", ".")
    else:
        return None
    return float(text)


def is_season(cell: str) -> bool:
    """Whether a cell is a year or a pair of them: `2023`, `2023/24`, `2023-2024`."""
    return re.fullmatch(r"\s*(?:1[89]|20)\d\d(?:\s*[/–-]\s*(?:\d\d|\d{4}))?\s*", cell) is not None
