"""PDFs that give little or no text: pictures, locked or damaged files, fonts without letters, made-up titles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from tests.prepare_dataset.readers.test_pdf import read
from tools.prepare_dataset.readers.part import Unreadable
from tools.prepare_dataset.readers.pdf.reader import read_pdf


def test_pages_that_are_pictures_are_told(tmp_path: Path) -> None:
    def scanned(canvas: Canvas) -> None:
        canvas.rect(60, 60, 200, 300, fill=1)
        canvas.showPage()

    canvas = Canvas(str(tmp_path / "a.pdf"))
    scanned(canvas)
    scanned(canvas)
    canvas.save()
    with pytest.raises(Unreadable, match="pictures of pages") as caught:
        read_pdf(tmp_path / "a.pdf")
    assert "OCR" in caught.value.fix
    canvas = Canvas(str(tmp_path / "b.pdf"))
    scanned(canvas)
    canvas.drawString(60, 700, "Era uma vez um farol que não queria apagar-se.")
    canvas.showPage()
    canvas.showPage()
    canvas.save()
    part = read(tmp_path / "b.pdf")
    assert part.left_out == {"pages without text": 1}
    assert part.pages == ((0, "2"),)


def test_fonts_without_characters_are_refused(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"))
    canvas.setFont("Vera", 11)
    for n in range(20):
        canvas.drawString(60, 700 - 14 * n, "".join(chr(0xE000 + k) for k in range(n, n + 40)))
    canvas.save()
    with pytest.raises(Unreadable, match="do not tell which letters"):
        read_pdf(tmp_path / "a.pdf")


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: Canvas(str(path), encrypt=StandardEncryption("segredo")), "protected by a password"),
        (lambda path: Canvas(str(path)), "Its pages are empty"),
    ],
)
def test_what_gives_no_text_is_told(tmp_path: Path, make: Callable[[Path], Canvas], told: str) -> None:
    canvas = make(tmp_path / "a.pdf")
    if "password" in told:
        canvas.drawString(60, 700, "Era uma vez.")
    canvas.showPage()
    canvas.save()
    with pytest.raises(Unreadable, match=told):
        read_pdf(tmp_path / "a.pdf")


def test_a_pdf_that_may_be_read_but_not_copied_is_read(tmp_path: Path) -> None:
    """Without a password to open it, its author's wish against copying is the reader's to weigh."""
    canvas = Canvas(str(tmp_path / "a.pdf"), encrypt=StandardEncryption("", "dono", canCopy=0))
    canvas.drawString(60, 700, "Era uma vez um farol.")
    canvas.save()
    assert read(tmp_path / "a.pdf").text == "Era uma vez um farol.\n"


@pytest.mark.parametrize("raw", [b"%PDF-1.7", b"Era uma vez um farol.", b"PK\x03\x04"])
def test_what_is_no_pdf_is_told(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "a.pdf").write_bytes(raw)
    with pytest.raises(Unreadable, match="damaged, or no PDF"):
        read_pdf(tmp_path / "a.pdf")


@pytest.mark.parametrize(
    ("title", "told"),
    [("O Farol de Areia", "O Farol de Areia"), ("Microsoft Word - livro.doc", ""), ("untitled", ""), ("capa.indd", "")],
)
def test_a_title_that_a_program_made_up_is_none(tmp_path: Path, title: str, told: str) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"))
    canvas.setTitle(title)
    canvas.drawString(60, 700, "Era uma vez um farol.")
    canvas.save()
    assert read(tmp_path / "a.pdf").title == told
