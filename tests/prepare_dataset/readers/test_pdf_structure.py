"""The parts of a book in a PDF: chapters, title pages, notes and contents are told apart from the text."""

from __future__ import annotations

from pathlib import Path

from reportlab.pdfbase import pdfmetrics

from tests.prepare_dataset.readers.pdf_press import BOLD, LEADING, MARGIN, SERIF, SIZE, Press, prose
from tests.prepare_dataset.readers.test_pdf import TITLES, read
from tools.prepare_dataset.chapters import read_book


def test_the_outline_tells_the_chapters(tmp_path: Path) -> None:
    """Where the headings look like the text, or are pictures."""
    press = Press(tmp_path / "a.pdf")
    for n, title in enumerate(("I. A maré", "II. O vento", "III. A areia")):
        press.canvas.bookmarkPage(f"c{n}")
        press.canvas.addOutlineEntry(title, f"c{n}", 0)
        if n != 1:
            press.line(title)
            press.y -= LEADING
        press.paragraph(prose(n * 10, 10))
        press.new_page()
    press.save()
    part = read(tmp_path / "a.pdf")
    headings = [line for line in part.text.splitlines() if line.startswith("#")]
    assert headings == ["# I. A maré", "# II. O vento", "# III. A areia"]
    assert part.mended["headings"] == 1
    assert part.text.index("# II. O vento") < part.text.index(prose(10, 1)) < part.text.index("# III")


def test_headings_are_ranked_by_their_type(tmp_path: Path) -> None:
    press = Press(tmp_path / "a.pdf")
    press.heading("O Farol de Areia", 24, room=40)
    press.new_page()
    for n in range(2):
        press.heading(f"Parte {n + 1}", 18)
        for m in range(2):
            press.line(f"Capítulo {m + 1}", font=BOLD)
            press.y -= 6
            press.paragraph(prose(n * 50 + m * 10))
    press.save()
    headings = [line for line in read(tmp_path / "a.pdf").text.splitlines() if line.startswith("#")]
    chapters = ["### Capítulo 1", "### Capítulo 2"]
    assert headings == ["# O Farol de Areia", "## Parte 1", *chapters, "## Parte 2", *chapters]


def test_title_pages_hold_the_title_and_no_chapters(tmp_path: Path) -> None:
    press = Press(tmp_path / "a.pdf")
    press.heading("O Farol de Areia", 20)
    press.new_page()
    press.heading("Clemência Prado", 14)
    press.heading("O Farol de Areia", 28)
    press.new_page()
    press.line("Para a minha avó.", indent=100)
    for n in range(3):
        press.new_page()
        press.heading(f"Capítulo {n + 1}", 14)
        press.paragraph(prose(n * 10))
    press.save()
    book = read_book(read(tmp_path / "a.pdf").text, "outro")
    assert book.title == "O Farol de Areia"
    assert [chapter.title for chapter in book.chapters] == ["Capítulo 1", "Capítulo 2", "Capítulo 3"]


def test_footnotes_and_their_marks_are_left_out(tmp_path: Path) -> None:
    press = Press(tmp_path / "a.pdf")
    press.paragraph(prose(1, 12))
    press.line("O faroleiro chamava-lhe falésia")
    end = MARGIN + pdfmetrics.stringWidth("O faroleiro chamava-lhe falésia", SERIF, SIZE)
    press.canvas.setFont(SERIF, 7)
    press.canvas.drawString(end, press.y + LEADING + 4, "1")
    press.canvas.setFont(SERIF, 8.5)
    press.canvas.drawString(MARGIN, 60, "1 Assim se diz na ilha da rocha que cai a pique sobre")
    press.canvas.drawString(MARGIN, 50, "o mar, e por onde ninguém passa.")
    press.new_page()
    press.paragraph(prose(30, 12))
    press.line("A praça tem 40 m")
    end = MARGIN + pdfmetrics.stringWidth("A praça tem 40 m", SERIF, SIZE)
    press.canvas.setFont(SERIF, 7)
    press.canvas.drawString(end, press.y + LEADING + 4, "2")
    press.save()
    part = read(tmp_path / "a.pdf")
    assert "chamava-lhe falésia\n" in part.text
    assert "rocha" not in part.text
    assert part.text.endswith("A praça tem 40 m2\n")
    assert (part.left_out["notes"], part.left_out["note marks"]) == (1, 1)


def test_a_table_of_contents_is_left_out(tmp_path: Path) -> None:
    press = Press(tmp_path / "a.pdf")
    press.heading("Índice", 16)
    for n, title in enumerate(TITLES):
        press.line(f"{n + 1}. {title} {'. ' * 20}{n * 9 + 3}")
    press.new_page()
    press.paragraph(prose(1, 12))
    press.save()
    part = read(tmp_path / "a.pdf")
    assert part.text == f"{prose(1, 12)}\n"
    assert part.left_out == {"lines of contents": 4}
