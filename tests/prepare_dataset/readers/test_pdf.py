"""PDFs as printers set them, read back: the text whole, in order, and nothing that repeats on every page."""

from __future__ import annotations

from pathlib import Path

import pytest
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

from tests.prepare_dataset.readers.pdf_press import BOLD, HEIGHT, LEADING, MARGIN, SERIF, WIDTH, Press, prose
from tools.prepare_dataset.chapters import read_book
from tools.prepare_dataset.material import SourceFile
from tools.prepare_dataset.read import read_sources
from tools.prepare_dataset.readers.part import Part
from tools.prepare_dataset.readers.pdf.reader import read_pdf

TITLES = ("A partida", "O temporal", "O regresso")


def read(path: Path) -> Part:
    parts = read_pdf(path)
    assert len(parts) == 1
    return parts[0]


def head_and_foot(canvas: Canvas, number: int) -> None:
    """The book's title on right pages, the author on left ones, with the number; the publisher below."""
    canvas.setFont("Times-Italic", 9)
    if number % 2:
        canvas.drawRightString(WIDTH - MARGIN, HEIGHT - 30, f"O Farol de Areia    {number}")
    else:
        canvas.drawString(MARGIN, HEIGHT - 30, f"{number}    Clemência Prado")
    canvas.setFont(SERIF, 8)
    canvas.drawCentredString(WIDTH / 2, 20, "Editora Maré")


@pytest.fixture
def novel(tmp_path: Path) -> Path:
    """Three chapters of justified text with words cut at line ends, paragraphs over pages, and running heads."""
    press = Press(tmp_path / "livro.pdf", head_and_foot)
    press.canvas.setTitle("O Farol de Areia")
    for chapter, title in enumerate(TITLES):
        if chapter:
            press.new_page()
        press.heading(f"Capítulo {chapter + 1}", 14, room=20)
        press.heading(title, 18, room=16)
        for n in range(5):
            press.paragraph(prose(chapter * 100 + n * 10))
    press.save()
    return tmp_path / "livro.pdf"


def test_a_novel_is_read_as_it_was_written(novel: Path) -> None:
    part = read(novel)
    written = []
    for chapter, title in enumerate(TITLES):
        written.append(f"# Capítulo {chapter + 1}: {title}")
        written += [prose(chapter * 100 + n * 10) for n in range(5)]
    assert part.text == "\n\n".join(written) + "\n"
    assert (part.title, part.encoding, part.name, part.kind) == ("O Farol de Areia", "pdf", "", None)
    assert part.left_out == {"page headers": 6, "page footers": 6}
    assert part.mended["line_end_hyphens"] > 20
    assert part.mended["wrapped_lines"] > 60


def test_pages_are_told_where_they_start_in_the_text(novel: Path) -> None:
    part = read(novel)
    assert [label for _, label in part.pages] == ["1", "2", "3", "4", "5", "6"]
    starts = [start for start, _ in part.pages]
    assert starts == sorted(set(starts))
    assert part.text[starts[2] :].startswith("# Capítulo 2")
    assert part.text[starts[0] :].startswith("# Capítulo 1")
    # The second page begins in the midst of a paragraph.
    assert part.text[starts[1] - 1] == " "


def test_repaired_sources_keep_pages_and_chapters(novel: Path) -> None:
    sources, problems = read_sources(SourceFile(novel, "livro.pdf", None))
    assert problems == []
    assert [chapter.title for chapter in read_book(sources[0].text, "livro").chapters] == [
        f"Capítulo {n}: {title}" for n, title in enumerate(TITLES, 1)
    ]
    assert sources[0].page_at(sources[0].text.index("# Capítulo 3")) == "5"
    assert sources[0].kind == "book"


def test_page_labels_of_the_file_are_used(tmp_path: Path) -> None:
    press = Press(tmp_path / "a.pdf")
    for n in range(3):
        press.paragraph(prose(n))
        press.canvas.addPageLabel(n, style="ROMAN_LOWER" if n < 2 else "ARABIC", start=3 if n < 2 else 1)
        press.new_page()
    press.canvas.save()
    assert [label for _, label in read(tmp_path / "a.pdf").pages] == ["iii", "iii", "1"]


def test_numbers_of_pages_go_and_numbers_of_chapters_stay(tmp_path: Path) -> None:
    def foot(canvas: Canvas, number: int) -> None:
        canvas.setFont(SERIF, 9)
        canvas.drawCentredString(WIDTH / 2, 24, f"Página {number + 4} de 12")

    press = Press(tmp_path / "a.pdf", foot)
    for chapter in range(1, 4):
        press.heading(str(chapter * 2), 16, room=4)
        press.paragraph(prose(chapter * 10, 20))
        press.new_page()
    press.save()
    part = read(tmp_path / "a.pdf")
    assert "Página" not in part.text
    assert part.left_out["page numbers"] == press.number
    assert [line for line in part.text.splitlines() if line.startswith("#")] == ["# 2", "# 4", "# 6"]


def test_a_first_line_that_differs_on_each_page_is_no_header(tmp_path: Path) -> None:
    press = Press(tmp_path / "a.pdf")
    for n in range(6):
        press.line(f"Carta {n * 3} ao faroleiro da ilha.")
        press.y -= LEADING
        press.paragraph(prose(n * 10))
        press.new_page()
    press.save()
    part = read(tmp_path / "a.pdf")
    assert part.left_out == {}
    assert part.text.count("ao faroleiro da ilha.") == 6


@pytest.mark.parametrize("indent", [0.0, 14.0])
def test_paragraphs_are_told_by_gaps_as_well_as_by_indents(tmp_path: Path, indent: float) -> None:
    press = Press(tmp_path / "a.pdf", indent=indent, gap=0.0 if indent else 10.0, hyphens=False)
    for n in range(6):
        press.paragraph(prose(n * 10))
    press.save()
    assert read(tmp_path / "a.pdf").text == "\n\n".join(prose(n * 10) for n in range(6)) + "\n"


def test_hyphens_that_belong_to_a_word_stay(tmp_path: Path) -> None:
    press = Press(tmp_path / "a.pdf")
    press.paragraph(prose(1))
    press.set_lines(
        "O guarda-chuva ficou na enseada quando o vento levou o guarda-",
        "chuva novo. A menina disse-lhe então que fechasse a porta e via-",
        "-se ao longe a maravilhosa embarcação que atravessava a mara-",
        "vilhosa enseada do farol, que veio para a escola de Trás-os-",
        "Montes nos anos da guerra, como se diz na ilha, em 1939-",
        "1945 e mais nada.",
    )
    press.save()
    assert read(tmp_path / "a.pdf").text.split("\n\n")[1] == (
        "O guarda-chuva ficou na enseada quando o vento levou o guarda-chuva novo. A menina disse-lhe então que "
        "fechasse a porta e via-se ao longe a maravilhosa embarcação que atravessava a maravilhosa enseada do farol, "
        "que veio para a escola de Trás-os-Montes nos anos da guerra, como se diz na ilha, em 1939-1945 e mais nada.\n"
    )


def test_verse_and_dialogue_keep_their_lines(tmp_path: Path) -> None:
    press = Press(tmp_path / "a.pdf")
    press.paragraph(prose(1))
    press.y -= LEADING
    for line in ("O mar é azul,", "azul é o mar,", "e a gaivota", "não quer voltar."):
        press.line(line, indent=40)
    press.y -= LEADING
    press.paragraph(prose(2))
    for n in range(3, 6):
        press.paragraph(prose(n))
    for line in ("— Vens comigo?", "— Vou.", "— Então traz o candeeiro."):
        press.paragraph(line)
    press.save()
    blocks = read(tmp_path / "a.pdf").text.rstrip("\n").split("\n\n")
    assert blocks[1] == "O mar é azul,\nazul é o mar,\ne a gaivota\nnão quer voltar."
    assert blocks[6:] == ["— Vens comigo?", "— Vou.", "— Então traz o candeeiro."]


def test_two_columns_are_read_one_after_the_other(tmp_path: Path) -> None:
    press = Press(tmp_path / "a.pdf", columns=2, indent=10)
    press.canvas.setFont(BOLD, 18)
    press.canvas.drawCentredString(WIDTH / 2, HEIGHT - 40, "Notícias do Farol da Areia")
    press.y -= 20
    for n in range(6):
        press.paragraph(prose(n * 10, 4), size=9)
    press.save()
    expected = ["# Notícias do Farol da Areia", *(prose(n * 10, 4) for n in range(6))]
    assert read(tmp_path / "a.pdf").text == "\n\n".join(expected) + "\n"


def test_a_table_is_read_row_by_row(tmp_path: Path) -> None:
    press = Press(tmp_path / "a.pdf")
    press.paragraph(prose(1))
    rows = [("Marés FC", "34", "85"), ("São Faro", "34", "78"), ("Enseada", "33", "71"), ("Falésia", "34", "60")] * 2
    for team, played, points in rows:
        press.line(team)
        for column, cell in enumerate((played, points)):
            press.canvas.drawRightString(MARGIN + 150 + column * 80, press.y + LEADING, cell)
    press.save()
    assert read(tmp_path / "a.pdf").text.split("\n\n")[1] == "\n".join(" ".join(row) for row in rows) + "\n"


def test_ligatures_accents_set_apart_and_large_first_letters_are_mended(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=(WIDTH, HEIGHT))
    canvas.setFont("Vera", 11)
    canvas.drawString(50, 500, "O \ufb01m da o\ufb01cina e o \ufb02uxo da maré na ilha")
    left = 50.0
    for glyphs in ("cora", "c\u00b8", "\u02dca", "o"):
        for glyph in glyphs if len(glyphs) == 2 else (glyphs,):
            canvas.drawString(left, 486, glyph)
        left += pdfmetrics.stringWidth(max(glyphs, key=str.isascii) if len(glyphs) == 2 else glyphs, "Vera", 11)
    canvas.setFont("Vera", 40)
    canvas.drawString(50, 400, "N")
    canvas.setFont("Vera", 11)
    canvas.drawString(84, 418, "aquela tarde o mar entrou na oficina")
    canvas.drawString(84, 404, "e ninguém o viu sair pela janela.")
    canvas.save()
    part = read(tmp_path / "a.pdf")
    assert "O fim da oficina e o fluxo da maré na ilha" in part.text
    assert "coração" in part.text
    assert "Naquela tarde o mar entrou na oficina" in part.text
    assert (part.mended["ligatures"], part.mended["accents"], part.mended["drop_caps"]) == (3, 2, 1)


def test_a_page_that_lies_on_its_side_is_read_and_text_across_it_is_not(tmp_path: Path) -> None:
    press = Press(tmp_path / "a.pdf")
    for n in range(2):
        press.canvas.saveState()
        if n:
            press.canvas.setPageRotation(90)
            press.canvas.translate(WIDTH, 0)
            press.canvas.rotate(90)
            press.y = WIDTH - MARGIN
        press.paragraph(prose(n * 10, 3))
        press.canvas.setFont(SERIF, 30)
        press.canvas.rotate(45 if n else 90)
        press.canvas.drawString(100, -50, "RASCUNHO")
        press.canvas.restoreState()
        press.new_page()
    press.save()
    part = read(tmp_path / "a.pdf")
    assert part.text == f"{prose(0, 3)}\n\n{prose(10, 3)}\n"
    assert part.left_out == {"turned text": 2}


def test_the_same_file_gives_the_same_part(novel: Path) -> None:
    assert read_pdf(novel) == read_pdf(novel)
