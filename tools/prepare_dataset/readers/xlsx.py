"""Workbooks of Excel and LibreOffice: each filled sheet is a table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from tools.prepare_dataset.readers.archive import Archive
from tools.prepare_dataset.readers.ole import MAGIC, check_chains
from tools.prepare_dataset.readers.part import Part, Unreadable
from tools.prepare_dataset.readers.part_names import PartNames
from tools.prepare_dataset.readers.sheet_size import MAX_CELLS, check_sheets, too_large
from tools.prepare_dataset.readers.sheet_table import SheetTable, table_of


def read_workbook(path: Path) -> list[Part]:
    """The sheets of a workbook in order. Raises Unreadable, or OSError when its bytes cannot be had.

    Hidden sheets are left out; so are, beside sheets with tables, those of one row or column.
    """
    errors = _checked(path)
    encoding = path.suffix.lower().removeprefix(".")
    with _reading(), _opened(path) as workbook:
        sheets = [sheet for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
        shown = [sheet.name for sheet in sheets if sheet.visible == SheetVisibleEnum.Visible]
        tables = dict(_tables(workbook, shown))
    whole = {name: table for name, table in tables.items() if table.rows > 1 and table.columns > 1} or tables
    left_out = {
        "hidden sheets": len(sheets) - len(shown),
        "sheets without a table": len(tables) - len(whole),
        "error values": errors,
    }
    if not whole:
        raise _nothing(len(sheets) - len(shown))
    names = _named(list(whole))
    parts = [_part(table, names[name], encoding) for name, table in whole.items()]
    told = {**parts[0].left_out, **{name: count for name, count in left_out.items() if count}}
    return [replace(parts[0], left_out=told), *parts[1:]]


def _checked(path: Path) -> int:
    """How many cells hold errors. Raises Unreadable for what is no workbook, or would never end, or flood us."""
    with path.open("rb") as file:
        head = file.read(8)
    if head == MAGIC:
        check_chains(path.read_bytes())
        return 0
    if not head.startswith(b"PK"):
        raise _no_workbook()
    with Archive(path, "workbook") as archive:
        if not any(name.lower().startswith("xl/") or name == "content.xml" for name in archive.names):
            raise _no_workbook()
        archive.check_all()
        return check_sheets(archive)


@contextmanager
def _reading() -> Iterator[None]:
    """The library's failures in our words."""
    try:
        yield
    except PasswordError as error:
        raise Unreadable("It is protected by a password.", "Remove the password and save it again.") from error
    except CalamineError as error:
        raise Unreadable("It is damaged.", "Open it, save it again, or save each sheet as .csv.") from error
    except BaseException as error:
        # A Rust library's panic is no `Exception`.
        if type(error).__name__ != "PanicException":
            raise
        raise Unreadable("It is damaged.", "Open it, save it again, or save each sheet as .csv.") from error


def _opened(path: Path) -> CalamineWorkbook:
    """The workbook, by the format that its name tells, else by its content."""
    try:
        return CalamineWorkbook.from_path(path)
    except PasswordError:
        raise
    except CalamineError:
        return CalamineWorkbook.from_filelike(BytesIO(path.read_bytes()))


def _tables(workbook: CalamineWorkbook, names: list[str]) -> Iterator[tuple[str, SheetTable]]:
    cells = 0
    for name in names:
        sheet = workbook.get_sheet_by_name(name)
        cells += sheet.height * sheet.width
        if cells > MAX_CELLS:
            raise too_large()
        if sheet.start is not None:
            yield name, _table(sheet, sheet.start)


def _table(sheet: CalamineSheet, start: tuple[int, int]) -> SheetTable:
    return table_of(sheet.to_python(), start, sheet.merged_cell_ranges or [])


def _part(table: SheetTable, name: str, encoding: str) -> Part:
    return Part(
        table.text,
        encoding,
        name=name,
        kind="table",
        title=table.title,
        mended={"merged_cells": table.merged} if table.merged else {},
        left_out={"title rows": table.title_rows} if table.title_rows else {},
    )


def _named(sheets: list[str]) -> dict[str, str]:
    """The sheets' names as parts of a file."""
    names = PartNames()
    return {sheet: names.new(sheet) for sheet in sheets}


def _no_workbook() -> Unreadable:
    return Unreadable("It is no workbook, in spite of its name.", "Give it the extension of what it is.")


def _nothing(hidden: int) -> Unreadable:
    if hidden:
        return Unreadable("Its only filled sheets are hidden.", "Show the sheets that are to be read, and save it.")
    return Unreadable("Its sheets are empty.", "Fill one, or leave the file out.")
