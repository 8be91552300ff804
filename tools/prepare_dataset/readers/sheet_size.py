"""How far the sheets of a workbook reach, told before a library makes room for every cell in between."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.prepare_dataset.readers.archive import Archive
from tools.prepare_dataset.readers.part import Unreadable

MAX_CELLS = 1_000_000
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
# A cell with something in it; one that has only a style is closed at once.
_CELL = re.compile(rb"<(?:\w{1,20}:)?c\b([^<>]{0,300}?)(/?)>")
_PLACE = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
_ERROR = re.compile(rb'\bt="e"')
_ODS_ERROR = re.compile(rb'calcext:value-type="error"')
_LONGEST = 400  # bytes that a match may span


def check_sheets(archive: Archive) -> int:
    """Read the sheets once. Returns how many cells hold errors such as `#DIV/0!`.

    Raises Unreadable when one sheet spans more than MAX_CELLS cells, however few are filled.
    """
    errors = 0
    for name in archive.names:
        if _SHEET.fullmatch(name):
            errors += _check_sheet(archive, name)
        elif name == "content.xml":
            errors += sum(1 for _ in _matches(archive, name, _ODS_ERROR))
    return errors


def too_large() -> Unreadable:
    return Unreadable(
        f"Its sheets span more than {MAX_CELLS:,} cells.",
        "Delete the empty rows and columns around the tables, or split them over several workbooks or .csv files.",
    )


def _check_sheet(archive: Archive, name: str) -> int:
    errors, top, left, bottom, right = 0, MAX_CELLS * 2, MAX_CELLS, 0, 0
    for match in _matches(archive, name, _CELL):
        if match[2]:
            continue
        errors += _ERROR.search(match[1]) is not None
        place = _PLACE.search(match[1])
        if place is None:
            continue
        row, column = int(place[2]), _column(place[1])
        top, bottom = min(top, row), max(bottom, row)
        left, right = min(left, column), max(right, column)
        if (bottom - top + 1) * (right - left + 1) > MAX_CELLS:
            raise too_large()
    return errors


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def _matches(archive: Archive, name: str, pattern: re.Pattern[bytes]) -> Iterator[re.Match[bytes]]:
    """All matches in an entry, of which only a piece is held at a time."""
    held = b""
    for chunk in archive.chunks(name):
        held += chunk
        end = 0
        for match in pattern.finditer(held):
            yield match
            end = match.end()
        held = held[max(end, len(held) - _LONGEST) :]
