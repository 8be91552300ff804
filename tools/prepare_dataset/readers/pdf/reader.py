"""PDF files to text. Pages without a text layer and fonts without characters are told, not guessed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pypdfium2.raw as pdfium  # type: ignore[import-untyped]
from pypdfium2 import PdfDocument, PdfiumError

from tools.prepare_dataset.hyphens import word_counts
from tools.prepare_dataset.readers.flow import Flow, Style, joined
from tools.prepare_dataset.readers.part import Part, Unreadable
from tools.prepare_dataset.readers.pdf.columns import regions_of
from tools.prepare_dataset.readers.pdf.contents import without_contents
from tools.prepare_dataset.readers.pdf.furniture import without_furniture
from tools.prepare_dataset.readers.pdf.headings import Headings, body_size
from tools.prepare_dataset.readers.pdf.notes import without_notes
from tools.prepare_dataset.readers.pdf.outline import Entry, apply_outline, read_outline
from tools.prepare_dataset.readers.pdf.paragraphs import Paragraph, paragraphs_of
from tools.prepare_dataset.readers.pdf.rows import Row, rows_of
from tools.prepare_dataset.readers.pdf.text import line_texts
from tools.prepare_dataset.readers.pdf.title_pages import settle_title_pages
from tools.prepare_dataset.readers.pdf.words import PageWords, read_words

# Fewer glyphs than this that are characters, and a page is noise.
_READABLE = 0.7
_NO_TITLE = re.compile(
    r"untitled|sem t[íi]tulo|documento?\s*\d*|microsoft word.*|.*\.\w{2,5}|[\d\W_]*", re.IGNORECASE | re.DOTALL
)


def read_pdf(path: Path) -> list[Part]:
    """The text of a PDF as one part. Raises Unreadable, or OSError when its bytes cannot be had."""
    with path.open("rb"):
        pass  # the library tells no reason for what the system refuses
    try:
        document = PdfDocument(path)
    except PdfiumError as error:
        raise _unopened(error) from error
    with document:
        try:
            return [_read(document)]
        except PdfiumError as error:
            raise _damaged() from error


def _read(document: PdfDocument) -> Part:
    mended: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    pages = _pages(document, left_out)
    for page in pages:
        mended += page.mended
        left_out += page.left_out
    rows = _rows(pages, mended, left_out)
    known = word_counts("\n".join(row.text for page in rows for row in page))
    headings = Headings([row for page in rows for row in page])
    regions = [region for page in rows for region in regions_of(page)]
    paragraphs = paragraphs_of(regions, headings)
    settle_title_pages(paragraphs)
    paragraphs, added = apply_outline(paragraphs, _outline(document))
    labels = [_label(document, n) for n in range(len(pages))]
    text, starts, joins = _text(paragraphs, labels, known)
    return Part(
        text,
        "pdf",
        title=_title(document),
        pages=starts,
        mended=dict(+(mended + added + joins)),
        left_out=dict(+left_out),
        whole_lines=True,
    )


def _pages(document: PdfDocument, left_out: Counter[str]) -> list[PageWords]:
    """The words of each page. Raises Unreadable when too few pages have any that can be read."""
    pages: list[PageWords] = []
    pictures = garbled = 0
    for number in range(len(document)):
        page = document[number]
        try:
            words = read_words(page)
            pictures += not words.glyphs and pdfium.FPDFPage_CountObjects(page) > 0
        finally:
            page.close()
        if words.glyphs and words.unreadable > (1 - _READABLE) * words.glyphs:
            garbled += 1
            words.words.clear()
        pages.append(words)
    readable = sum(bool(page.words) for page in pages)
    if garbled > readable:
        raise _unreadable_fonts()
    if not readable:
        raise _scanned() if pictures else Unreadable("Its pages are empty.", "Fill it, or leave it out.")
    left_out["pages without text"] += pictures
    left_out["pages with unreadable letters"] += garbled
    return pages


def _rows(pages: Sequence[PageWords], mended: Counter[str], left_out: Counter[str]) -> list[list[Row]]:
    """The rows of each page that are running text."""
    known = word_counts(" ".join(word.text for page in pages for word in page.words))
    rows: list[list[Row]] = []
    for number, page in enumerate(pages):
        found, counts = rows_of(page.words, number, known)
        mended += counts
        rows.append(found)
    body = body_size([row for page in rows for row in page])
    rows, furniture = without_furniture(rows, [page.height for page in pages], body)
    rows, notes = without_notes(rows, body)
    rows, contents = without_contents(rows)
    left_out += furniture + notes + Counter({"lines of contents": contents})
    return rows


def _label(document: PdfDocument, number: int) -> str:
    """As the file numbers a page, else its place, from 1."""
    told = "".join(char for char in document.get_page_label(number) if char.isprintable()).strip()
    return told[:20] or str(number + 1)


def _outline(document: PdfDocument) -> list[Entry]:
    try:
        return read_outline(document)
    except PdfiumError:
        return []  # a damaged outline does no harm to the text


def _text(
    paragraphs: Sequence[Paragraph], labels: Sequence[str], known: Counter[str]
) -> tuple[str, tuple[tuple[int, str], ...], Counter[str]]:
    """The text, where each page starts in it, and how often lines and words were joined."""
    flow = Flow()
    joins: Counter[str] = Counter()
    page = -1
    for paragraph in paragraphs:
        flow.style = Style(level=paragraph.level, tight=paragraph.tight)
        if paragraph.title:
            flow.text(paragraph.title)
        for row, text in zip(paragraph.rows, line_texts(paragraph, known, joins), strict=True):
            if row.page != page:
                page = row.page
                flow.page(labels[page])
            if not paragraph.title:
                flow.text(text)
                if paragraph.level and text.endswith(" "):
                    flow.line()
        flow.end()
    text, pages = joined(flow.blocks)
    return text, pages, joins


def _title(document: PdfDocument) -> str:
    """The title that the file gives itself, unless a program made it up."""
    title = " ".join(document.get_metadata_value("Title").replace("\0", " ").split())
    return "" if _NO_TITLE.fullmatch(title) or len(title) > 200 else title


def _unopened(error: PdfiumError) -> Unreadable:
    if getattr(error, "err_code", None) in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
        return Unreadable("It is protected by a password.", "Remove the password and save it again.")
    return _damaged()


def _damaged() -> Unreadable:
    return Unreadable("It is damaged, or no PDF in spite of its name.", "Export it again from where it comes from.")


def _scanned() -> Unreadable:
    return Unreadable(
        "It holds pictures of pages, no text.", "Make its text with a program for OCR (`ocrmypdf`), or give it as .txt."
    )


def _unreadable_fonts() -> Unreadable:
    return Unreadable(
        "Its fonts do not tell which letters they draw, so that no text can be had.",
        "Export it again as .docx or .epub, or make its text anew with a program for OCR (`ocrmypdf --force-ocr`).",
    )
