from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from docx import Document
from docx.document import Document as Doc
from docx.enum.text import WD_BREAK
from docx.oxml import parse_xml

from tests.prepare_dataset.readers.packed import STORY, damaged, zipped
from tools.prepare_dataset.chapters import read_book
from tools.prepare_dataset.readers.docx import read_docx
from tools.prepare_dataset.readers.part import Part, Unreadable

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
MORE = (
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" xmlns:v="urn:schemas-microsoft-com:vml" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
)


def read(document: Doc, path: Path) -> list[Part]:
    document.save(str(path / "d.docx"))
    return read_docx(path / "d.docx")


def text_of(document: Doc, path: Path) -> str:
    (part,) = read(document, path)
    return part.text


def run(text: str) -> str:
    return f"<w:r><w:t xml:space='preserve'>{text}</w:t></w:r>"


def raw(*paragraphs: str) -> Doc:
    """A document of paragraphs given as the XML in them."""
    document = Document()
    body = document.element.body
    for number, paragraph in enumerate(paragraphs):
        body.insert(number, parse_xml(f"<w:p {W} {R} {MORE}>{paragraph}</w:p>"))
    return document


def rows(document: Doc, *cells: tuple[str, ...]) -> None:
    table = document.add_table(rows=0, cols=len(cells[0]))
    for row in cells:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text


def test_headings_by_style_become_chapters_under_the_title(tmp_path: Path) -> None:
    document = Document()
    document.core_properties.title = "O Farol de Areia"
    document.add_paragraph("O FAROL DE AREIA", "Title")
    for name in ("A chegada", "O mar"):
        document.add_heading(name, 1)
        document.add_paragraph(STORY * 3)
        document.add_heading("Cena", 2)
        document.add_paragraph("— Quem é?")
    (part,) = read(document, tmp_path)
    assert (part.title, part.encoding, part.name, part.kind) == ("O Farol de Areia", "docx", "", None)
    assert part.text.startswith("# O FAROL DE AREIA\n\n## A chegada\n\nA menina")
    assert "\n\n### Cena\n\n— Quem é?\n\n## O mar" in part.text
    assert [chapter.title for chapter in read_book(part.text, "x").chapters] == ["A chegada", "O mar"]


@pytest.mark.parametrize(
    ("style", "properties", "level"),
    [
        ("Título 2", "", "## "),
        ("Cabeçalho 1", "", "# "),
        ("Capítulo", '<w:outlineLvl w:val="1"/>', "## "),
        ("Parecido", '<w:outlineLvl w:val="9"/>', ""),
    ],
)
def test_headings_are_told_by_name_and_outline_level(tmp_path: Path, style: str, properties: str, level: str) -> None:
    document = Document()
    new = parse_xml(
        f'<w:style {W} w:type="paragraph" w:styleId="X"><w:name w:val="{style}"/><w:pPr>{properties}</w:pPr></w:style>'
    )
    based = f'<w:style {W} w:type="paragraph" w:styleId="Y"><w:name w:val="Meu"/><w:basedOn w:val="X"/></w:style>'
    document.styles.element.append(new)
    document.styles.element.append(parse_xml(based))
    document.element.body.insert(0, parse_xml(f'<w:p {W}><w:pPr><w:pStyle w:val="Y"/></w:pPr>{run("Um")}</w:p>'))
    document.add_paragraph("Texto.")
    assert text_of(document, tmp_path) == f"{level}Um\n\nTexto.\n"


def test_lists_and_breaks_keep_their_lines_and_pages_leave_no_mark(tmp_path: Path) -> None:
    document = Document()
    verse = document.add_paragraph("Vai o barco,")
    verse.runs[0].add_break()
    verse.add_run("vem o\tmar.")
    document.add_paragraph("")
    page = document.add_paragraph("Fim da página.")
    page.add_run().add_break(WD_BREAK.PAGE)
    page.add_run("Outra.")
    document.add_paragraph("sal", "List Bullet")
    document.add_paragraph("pão", "List Bullet")
    document.add_paragraph("Primeiro", "List Number")
    document.add_paragraph("Segundo", "List Number")
    document.add_paragraph("# não é título")
    assert text_of(document, tmp_path) == (
        "Vai o barco,\nvem o mar.\n\nFim da página. Outra.\n\n- sal\n- pão\n\n1. Primeiro\n2. Segundo\n\n"
        "#\xa0não é título\n"
    )


def test_the_text_is_as_with_all_changes_accepted(tmp_path: Path) -> None:
    tracked = (
        run("O farol ")
        + f'<w:del w:id="1"><w:r><w:delText>velho</w:delText></w:r></w:del><w:ins w:id="2">{run("novo")}</w:ins>'
        + f'<w:moveFrom w:id="3">{run("daqui")}</w:moveFrom><w:moveTo w:id="4">{run(" da ilha")}</w:moveTo>'
        + run(".")
    )
    (part,) = read(raw(tracked), tmp_path)
    assert part.text == "O farol novo da ilha.\n"
    assert part.left_out == {"tracked deletions": 2}


def test_notes_comments_fields_and_hidden_text_are_left_out_and_links_kept(tmp_path: Path) -> None:
    first = (
        run("Os barcos")
        + '<w:r><w:footnoteReference w:id="1"/></w:r><w:r><w:endnoteReference w:id="1"/></w:r>'
        + '<w:r><w:commentReference w:id="1"/></w:r>'
        + f'<w:hyperlink w:anchor="x">{run(" da ilha")}</w:hyperlink>'
        + "<w:r><w:rPr><w:vanish/></w:rPr><w:t>segredo</w:t></w:r>"
        + '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>DATE</w:instrText></w:r>'
        + f'<w:r><w:fldChar w:fldCharType="separate"/></w:r>{run(" em maio")}'
        + '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
        + "<w:r><w:t>, guarda</w:t><w:noBreakHyphen/><w:t>chuva.</w:t></w:r>"
    )
    document = raw(first)
    document.sections[0].header.paragraphs[0].text = "Cabeçalho"
    document.sections[0].footer.paragraphs[0].text = "Rodapé"
    (part,) = read(document, tmp_path)
    assert part.text == "Os barcos da ilha em maio, guarda-chuva.\n"
    assert part.left_out == {"comments": 1, "headers and footers": 2, "hidden text": 1, "notes": 2}


def test_text_boxes_are_read_once_after_their_paragraph(tmp_path: Path) -> None:
    box = f"<w:txbxContent><w:p>{run('Na caixa.')}</w:p></w:txbxContent>"
    shape = (
        f"<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wps:txbx>{box}</wps:txbx></w:drawing>"
        f"</mc:Choice><mc:Fallback><w:pict><v:textbox>{box}</v:textbox></w:pict></mc:Fallback></mc:AlternateContent></w:r>"
    )
    old = f"<w:r><w:pict><v:shape><v:textbox>{box.replace('Na', 'Noutra')}</v:textbox></v:shape></w:pict></w:r>"
    assert text_of(raw(run("Antes") + shape + run(" e depois."), old), tmp_path) == (
        "Antes e depois.\n\nNa caixa.\n\nNoutra caixa.\n"
    )


def test_a_table_of_contents_is_left_out(tmp_path: Path) -> None:
    document = raw(*(f'<w:pPr><w:pStyle w:val="TOC1"/></w:pPr>{run(name)}' for name in ("A chegada 3", "O mar 9")))
    style = f'<w:style {W} w:type="paragraph" w:styleId="TOC1"><w:name w:val="toc 1"/></w:style>'
    document.styles.element.append(parse_xml(style))
    control = (
        f'<w:sdt {W}><w:sdtPr><w:docPartObj><w:docPartGallery w:val="Table of Contents"/></w:docPartObj></w:sdtPr>'
        f"<w:sdtContent><w:p>{run('Índice')}</w:p></w:sdtContent></w:sdt>"
    )
    document.add_paragraph("Era uma vez.")
    document.element.body.insert(3, parse_xml(control))
    (part,) = read(document, tmp_path)
    assert part.text == "Era uma vez.\n"
    assert part.left_out == {"table of contents": 2}


def test_tables_of_data_are_parts_and_others_text(tmp_path: Path) -> None:
    document = Document()
    document.add_heading("A liga", 1)
    rows(document, ("Equipa", "Pontos"), ("Faro Velho", "30"), ("Ilha, Nova", "28"))
    document.add_heading("A carta", 1)
    rows(document, ("De", "Rita"), ("Para", "o faroleiro"))
    prose, table = read(document, tmp_path)
    assert prose.text == "# A carta\n\nDe | Rita\nPara | o faroleiro\n"
    assert (table.name, table.kind) == ("A liga", "table")
    assert table.text == 'Equipa,Pontos\nFaro Velho,30\n"Ilha, Nova",28\n'


def test_merged_cells_stand_at_each_of_their_places(tmp_path: Path) -> None:
    document = Document()
    table = document.add_table(rows=4, cols=3)
    words = (("Época", "Equipa", "Pontos"), ("2003", "Faro", "30"), ("", "Ilha", "28"), ("2004", "Faro", "31"))
    for row, texts in zip(table.rows, words, strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    (part,) = read(document, tmp_path)
    assert part.text == "Época,Equipa,Pontos\n2003,Faro,30\n2003,Ilha,28\n2004,Faro,31\n"


def test_a_page_laid_out_as_a_table_is_read_cell_by_cell(tmp_path: Path) -> None:
    document = Document()
    table = document.add_table(rows=1, cols=2)
    table.cell(0, 0).text = STORY * 4
    inner = table.cell(0, 1).add_table(rows=1, cols=1)
    inner.cell(0, 0).text = "Dentro."
    assert text_of(document, tmp_path) == f"{(STORY * 4).rstrip()}\n\nDentro.\n"


def test_titles_that_a_program_made_up_are_none(tmp_path: Path) -> None:
    document = Document()
    document.add_paragraph("Era uma vez.")
    for title in ("Microsoft Word - livro.doc", "Documento1", "livro.docx", ""):
        document.core_properties.title = title
        (part,) = read(document, tmp_path)
        assert part.title == ""


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (b"{\\rtf1 Era uma vez.}", "RTF"),
        (b"Era uma vez.", "no Word document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "Office 97-2003"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le") * 40, "password"),
    ],
)
def test_other_files_with_the_name_of_a_document_are_refused_plainly(tmp_path: Path, head: bytes, told: str) -> None:
    (tmp_path / "d.docx").write_bytes(head)
    with pytest.raises(Unreadable, match=told):
        read_docx(tmp_path / "d.docx")


def test_missing_and_damaged_parts_are_named(tmp_path: Path) -> None:
    document = raw(run("Era uma vez."))
    document.save(str(tmp_path / "d.docx"))
    with zipfile.ZipFile(tmp_path / "d.docx") as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    body = "word/document.xml"
    with pytest.raises(Unreadable, match=r"`word/document\.xml` in it is damaged"):
        read_docx(zipped(tmp_path / "a.docx", {**entries, body: entries[body][:-100]}))
    with pytest.raises(Unreadable, match=r"`word/document\.xml` is missing"):
        read_docx(zipped(tmp_path / "b.docx", {name: raw for name, raw in entries.items() if name != body}))
    with pytest.raises(Unreadable, match="no Word document"):
        read_docx(zipped(tmp_path / "c.docx", {"xl/workbook.xml": "<workbook/>"}))
    laughs = b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>' + entries[body].replace(b"Era uma", b"&b;")
    laughs = laughs.replace(b"<?xml version='1.0' encoding='UTF-8' standalone='yes'?>", b"")
    (part,) = read_docx(zipped(tmp_path / "e.docx", {**entries, body: laughs}))
    assert part.text == "vez.\n"


def test_a_damaged_copy_is_unreadable_or_gives_the_text(tmp_path: Path) -> None:
    document = Document()
    document.add_heading("A liga", 1)
    rows(document, ("Equipa", "Pontos"), ("Faro Velho", "30"), ("Ilha", "28"))
    document.add_paragraph(STORY)
    whole = read(document, tmp_path)
    with zipfile.ZipFile(tmp_path / "d.docx") as archive:
        needed = ("[Content_Types].xml", "_rels/.rels", "word/document.xml", "word/_rels/document.xml.rels")
        small = zipped(tmp_path / "e.docx", {name: archive.read(name) for name in needed})
    assert read_docx(small)[0].text == whole[0].text.removeprefix("# ")
    read_anyway = 0
    for copy in damaged(small.read_bytes()):
        (tmp_path / "f.docx").write_bytes(copy)
        try:
            parts = read_docx(tmp_path / "f.docx")
        except Unreadable as fault:
            assert fault.reason.endswith(".")
        else:
            read_anyway += 1
            assert parts[0].text.strip().endswith(STORY.strip())
    assert read_anyway < 200
