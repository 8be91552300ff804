"""Workbooks as people make them: titles, merged cells, dates, hidden sheets; and as they should not be."""

from __future__ import annotations

import datetime as dt
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from openpyxl.styles import Font

from tests.prepare_dataset.readers.open_sheets import ODS_EMPTY, ods, ods_row, ods_text
from tools.prepare_dataset.readers import sheet_size
from tools.prepare_dataset.readers.part import Part, Unreadable
from tools.prepare_dataset.readers.sheet_table import written
from tools.prepare_dataset.readers.xlsx import read_workbook
from tools.prepare_dataset.records import read_table

HERE = Path(__file__).parent


def workbook(path: Path, *rows: list[Any], title: str = "Liga") -> Path:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(row)
    book.save(path)
    return path


def only(path: Path) -> Part:
    parts = read_workbook(path)
    assert len(parts) == 1
    return parts[0]


def test_a_sheet_becomes_a_table_that_the_tables_reader_takes(tmp_path: Path) -> None:
    part = only(workbook(tmp_path / "a.xlsx", ["Época", "Equipa"], [2023, "Marés, FC"], [2024, 'O "Porto"\nnovo']))
    assert (part.name, part.kind, part.encoding) == ("Liga", "table", "xlsx")
    assert part.text == 'Época,Equipa\n2023,"Marés, FC"\n2024,"O ""Porto"" novo"\n'
    table, problems = read_table(part.text, "a.xlsx")
    assert problems == []
    assert table is not None
    assert [record.cells for record in table.records] == [["2023", "Marés, FC"], ["2024", 'O "Porto" novo']]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (85.0, "85"),
        (1e15, "1000000000000000"),
        (1e-7, "0.0000001"),
        (-0.5, "-0.5"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1.234, "1.2340"),
        (float("nan"), ""),
        (True, "true"),
        (dt.date(2023, 5, 27), "2023-05-27"),
        (dt.datetime(2023, 5, 27), "2023-05-27"),
        (dt.datetime(2023, 5, 27, 20, 45), "2023-05-27 20:45"),
        (dt.datetime(2023, 5, 27, 23, 59, 59, 999_700), "2023-05-28"),
        (dt.time(20, 30), "20:30"),
        (dt.timedelta(hours=30), "30:00:00"),
        ("  São \r\n Tomé\t", "São Tomé"),
    ],
)
def test_cells_are_written_in_one_form(cell: Any, text: str) -> None:
    assert written(cell) == text


def test_what_surrounds_a_table_is_left_out_and_its_lines_are_the_sheets_rows(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["B3"] = "Classificação da Liga das Marés"
    sheet.merge_cells("B3:D3")
    for column, heading in zip("BDE", ("Equipa", "Pontos", "Golos"), strict=True):
        sheet[f"{column}5"] = heading
        sheet[f"{column}6"] = "x"
        sheet[f"{column}8"] = "y"
    sheet["Z900"].font = Font(bold=True)
    book.save(tmp_path / "a.xlsx")
    part = only(tmp_path / "a.xlsx")
    assert part.text == "\n\n\n\nEquipa,Pontos,Golos\nx,x,x\n\ny,y,y\n"
    assert part.title == "Classificação da Liga das Marés"
    assert part.left_out == {"title rows": 1}


def test_merged_cells_are_spread_and_headings_of_two_rows_joined(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ["Equipa", "Casa", None, "Pontos"],
        [None, "Vitórias", "Derrotas", None],
        ["Marés", 1, 2, 3],
        [None, 4, 5, 6],
    ):
        sheet.append(row)
    for area in ("A1:A2", "B1:C1", "D1:D2", "A3:A4"):
        sheet.merge_cells(area)
    book.save(tmp_path / "a.xlsx")
    part = only(tmp_path / "a.xlsx")
    assert part.text == "\nEquipa,Casa Vitórias,Casa Derrotas,Pontos\nMarés,1,2,3\nMarés,4,5,6\n"
    assert part.mended == {"merged_cells": 4}


def test_error_values_are_empty_and_counted(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ["Equipa", "Média"], ["Marés", "#DIV/0!"], ["Faro", 1.5])
    part = only(path)
    assert part.text == "Equipa,Média\nMarés,\nFaro,1.5\n"
    assert part.left_out == {"error values": 1}


def test_sheets_have_names_that_can_be_files_and_stay_apart(tmp_path: Path) -> None:
    book = Workbook()
    book.remove(book["Sheet"])
    for name in ("Época 23#24", "época 23-24", "..", "Só título", "Vazia", "Oculta"):
        sheet = book.create_sheet(name)
        for row in (["a", "b"], ["1", "2"]) if name != "Vazia" else ():
            sheet.append(row)
    book["Oculta"].sheet_state = "hidden"
    book["Só título"].delete_rows(1, 2)
    book["Só título"]["A1"] = "Notas do autor"
    book.save(tmp_path / "a.xlsx")
    parts = read_workbook(tmp_path / "a.xlsx")
    assert [part.name for part in parts] == ["Época 23-24", "época 23-24 2", "-"]
    assert parts[0].left_out == {"hidden sheets": 1, "sheets without a table": 1}
    assert parts[1].left_out == {}


def test_old_workbooks_are_read(tmp_path: Path) -> None:
    part = only(HERE / "liga.xls")
    assert part.text == "\nÉpoca,Equipa,Pontos,Data\n2023,Marés FC,85,2023-05-27\n2023,São Faro,84.5,\n"
    assert (part.encoding, part.left_out) == ("xls", {"hidden sheets": 1})
    (tmp_path / "a.xlsx").write_bytes((HERE / "liga.xls").read_bytes())
    assert only(tmp_path / "a.xlsx").text == part.text


def test_open_documents_are_read_without_their_endless_empty_cells(tmp_path: Path) -> None:
    number = '<table:table-cell office:value-type="float" office:value="85"/>'
    error = (
        '<table:table-cell office:value-type="string" office:string-value="" calcext:value-type="error">'
        "<text:p>#DIV/0!</text:p></table:table-cell>"
    )
    path = ods(
        tmp_path / "a.ods",
        ods_row(ods_text("Equipa"), ods_text("Pontos"), ODS_EMPTY),
        ods_row(ods_text("Marés"), number, ODS_EMPTY),
        ods_row(ods_text("Faro"), error, ODS_EMPTY),
        ods_row(ODS_EMPTY, repeated=1_048_573),
    )
    part = only(path)
    assert part.text == "Equipa,Pontos\nMarés,85\nFaro,\n"
    assert part.left_out == {"error values": 1}


def test_a_cell_at_the_end_of_the_sheet_is_told_before_room_is_made_for_all_in_between(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["A1"], sheet["XFD1048576"] = "Equipa", "x"
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(Unreadable, match="more than 1,000,000 cells") as caught:
        read_workbook(tmp_path / "a.xlsx")
    assert "Delete the empty rows" in caught.value.fix


def test_a_row_repeated_to_the_end_of_the_sheet_is_told(tmp_path: Path) -> None:
    path = ods(tmp_path / "a.ods", ods_row(ods_text("x"), repeated=1_048_576))
    with pytest.raises(Unreadable, match="more than 1,000,000 cells"):
        read_workbook(path)


def test_an_old_workbook_whose_sectors_lead_in_a_circle_is_told_at_once(tmp_path: Path) -> None:
    raw = bytearray((HERE / "liga.xls").read_bytes())
    (table,) = struct.unpack_from("<I", raw, 76)
    struct.pack_into("<I", raw, (table + 1) * 512, 0)  # the first sector follows itself
    (tmp_path / "a.xls").write_bytes(raw)
    with pytest.raises(Unreadable, match="damaged"):
        read_workbook(tmp_path / "a.xls")


@pytest.mark.parametrize("name", ["senha.xlsx", "senha.xls"])
def test_protected_workbooks_are_told(tmp_path: Path, name: str) -> None:
    path = HERE / name
    if name == "senha.xls":
        # An interface record made the one that tells of a password.
        path = tmp_path / name
        path.write_bytes((HERE / "liga.xls").read_bytes().replace(b"\xe1\x00\x02\x00", b"\x2f\x00\x02\x00", 1))
    with pytest.raises(Unreadable, match="protected by a password"):
        read_workbook(path)


def test_what_is_no_workbook_is_told(tmp_path: Path) -> None:
    whole = workbook(tmp_path / "a.xlsx", ["a", "b"], [1, 2]).read_bytes()
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w") as archive:
        archive.writestr("word/document.xml", "<document/>")
    (tmp_path / "c.xls").write_text("<table><tr><td>a</td></tr></table>")
    (tmp_path / "d.xlsx").write_bytes(whole[: len(whole) // 2])
    workbook(tmp_path / "e.xlsx")
    told = {}
    for name in ("b.xlsx", "c.xls", "d.xlsx", "e.xlsx"):
        with pytest.raises(Unreadable) as caught:
            read_workbook(tmp_path / name)
        told[name] = caught.value.reason
    assert told["b.xlsx"] == told["c.xls"] == "It is no workbook, in spite of its name."
    assert "damaged" in told["d.xlsx"]
    assert told["e.xlsx"] == "Its sheets are empty."


def test_a_sheet_that_lies_about_its_size_is_measured(tmp_path: Path) -> None:
    """The declared size is not looked at: neither a small nor a huge one changes what is read."""
    path = workbook(tmp_path / "a.xlsx", ["a", "b"], [1, 2])
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    sheet = files["xl/worksheets/sheet1.xml"]
    assert b'<dimension ref="A1:B2" />' in sheet or b'<dimension ref="A1:B2"/>' in sheet
    files["xl/worksheets/sheet1.xml"] = sheet.replace(b'ref="A1:B2"', b'ref="A1:XFD1048576"', 1)
    with zipfile.ZipFile(path, "w") as archive:
        for name, raw in files.items():
            archive.writestr(name, raw)
    assert only(path).text == "a,b\n1,2\n"
    assert sheet_size.MAX_CELLS == 1_000_000
