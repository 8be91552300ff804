"""The words of a PDF page, with their places, as PDFium tells its glyphs.

Places are in points from the left and the top of the page as it is read: a page that lies on its side
is turned first.
"""

from __future__ import annotations

import ctypes
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import zip_longest

import pypdfium2.raw as pdfium  # type: ignore[import-untyped]
from pypdfium2 import PdfPage

_BOLD = re.compile(r"bold|black|heavy|demi|(?:cm|sf|ec)(?:ss)?bx?\d", re.IGNORECASE)
_BOLD_WEIGHT = 600
# Glyphs of an accent alone, which TeX and others set over a letter.
_ACCENTS = {
    "´": "\u0301",
    "`": "\u0300",
    "ˆ": "\u0302",
    "^": "\u0302",
    "˜": "\u0303",
    "~": "\u0303",
    "¨": "\u0308",
    "¸": "\u0327",
}
_LIGATURES = {chr(0xFB00 + n): text for n, text in enumerate(("ff", "fi", "fl", "ffi", "ffl", "st", "st"))}
_HYPHEN = 2  # what PDFium puts in the place of a hyphen at a line's end
_SOFT_HYPHEN = "\u00ad"
_ASLANT = -1


@dataclass(slots=True)
class Word:
    """y: of the baseline. glued: nothing stands between it and the word before, though type or size change.

    raised: stands higher than the words around it, and is smaller, as the mark of a note.
    """

    text: str
    left: float
    right: float
    y: float
    size: float
    bold: bool = False
    glued: bool = False
    raised: bool = False


@dataclass
class PageWords:
    """width, height: points. glyphs: how many the page has; unreadable: how many of them have no character.

    mended, left_out: see `Part`.
    """

    words: list[Word]
    width: float
    height: float
    glyphs: int
    unreadable: int
    mended: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Glyph:
    """quarter: of a circle, by which the text is turned, or _ASLANT. run: of text that was set at once. space: white
    space stands before it."""

    text: str
    left: float
    right: float
    y: float
    size: float
    bold: bool
    quarter: int
    run: int
    space: bool


def read_words(page: PdfPage) -> PageWords:
    """The words of a page in the order in which they were set."""
    reader = _Reader()
    textpage = page.get_textpage()
    try:
        glyphs = list(reader.glyphs(textpage.raw))
    finally:
        textpage.close()
    box = page.get_bbox()
    turned = Counter(glyph.quarter for glyph in glyphs)
    quarter = max(range(4), key=lambda quarter: turned[quarter])
    upright = [glyph for glyph in glyphs if glyph.quarter == quarter]
    left, top, right, bottom = _turned_box(box, quarter)
    # What begins on the page and runs over its edge was meant to be read.
    begun = {g.run for g in upright if left - g.size <= g.left <= right + g.size and bottom <= g.y <= top}
    inside = [glyph for glyph in upright if glyph.run in begun]
    for glyph in inside:
        glyph.left, glyph.right, glyph.y = glyph.left - left, glyph.right - left, top - glyph.y
    result = PageWords([], right - left, top - bottom, reader.count, reader.unreadable, reader.mended)
    result.left_out["turned text"] = len({glyph.run for glyph in glyphs if glyph.quarter != quarter})
    result.left_out["text outside the page"] = len({g.run for g in upright} - {g.run for g in inside})
    result.words = list(_words(_composed(inside, result.mended)))
    return result


class _Reader:
    """Reads the glyphs of one page. What is common to a run of text is asked for once."""

    def __init__(self) -> None:
        self.count = self.unreadable = 0
        self.mended: Counter[str] = Counter()
        self._run = 0
        self._object: int | None = None
        self._size = 1.0
        self._bold = False
        self._quarter = 0

    def glyphs(self, page: pdfium.FPDF_TEXTPAGE) -> Iterator[_Glyph]:
        x, y, box = ctypes.c_double(), ctypes.c_double(), pdfium.FS_RECTF()
        space = True
        half = 0  # of a character that is told in two
        before = (math.nan, math.nan)
        for index in range(pdfium.FPDFText_CountChars(page)):
            code = pdfium.FPDFText_GetUnicode(page, index)
            if 0xD800 <= code < 0xDC00:
                half = code
                continue
            if 0xDC00 <= code < 0xE000:
                code = 0x10000 + ((half - 0xD800) << 10) + code - 0xDC00 if half else 0xFFFD
            half = 0
            char = "-" if code == _HYPHEN else chr(code) if code < 0x110000 else "\ufffd"
            if char.isspace() or pdfium.FPDFText_IsGenerated(page, index) == 1:
                space = True
                continue
            self.count += 1
            unreadable = _is_unreadable(char)
            self.unreadable += unreadable or pdfium.FPDFText_HasUnicodeMapError(page, index) == 1
            if unreadable:
                space = True
                continue
            self._look_at_run(page, index)
            pdfium.FPDFText_GetCharOrigin(page, index, x, y)
            pdfium.FPDFText_GetLooseCharBox(page, index, box)
            # PDFium itself tells a ligature as its letters, all in one place.
            if (x.value, y.value) == before and char in "fijlst":
                self.mended["ligatures"] += 1
            before = (x.value, y.value)
            left, right, at = box.left, box.right, y.value
            if self._quarter:
                left, _, right, _ = _turned_box((box.left, box.bottom, box.right, box.top), self._quarter)
                at = _turned(x.value, y.value, self._quarter)[1]
            yield _Glyph(char, left, right, at, self._size, self._bold, self._quarter, self._run, space)
            space = False

    def _look_at_run(self, page: pdfium.FPDF_TEXTPAGE, index: int) -> None:
        pointer = pdfium.FPDFText_GetTextObject(page, index)
        found = ctypes.addressof(pointer.contents) if pointer else None
        if found is not None and found == self._object:
            return
        self._object = found
        self._run += 1
        matrix = pdfium.FS_MATRIX()
        pdfium.FPDFText_GetMatrix(page, index, matrix)
        size = abs(pdfium.FPDFText_GetFontSize(page, index) * math.hypot(matrix.c, matrix.d))
        self._size = round(size, 2) if math.isfinite(size) and size > 0.1 else 1.0
        turn = math.atan2(matrix.b, matrix.a)
        quarters = turn / (math.pi / 2) if math.isfinite(turn) else 0.0
        self._quarter = round(quarters) % 4 if abs(quarters - round(quarters)) < 0.1 else _ASLANT
        name = ctypes.create_string_buffer(128)
        pdfium.FPDFText_GetFontInfo(page, index, name, len(name), None)
        heavy = pdfium.FPDFText_GetFontWeight(page, index) >= _BOLD_WEIGHT
        self._bold = heavy or _BOLD.search(name.value.decode("latin-1")) is not None


@cache
def _is_unreadable(char: str) -> bool:
    return char == "\ufffd" or (char != _SOFT_HYPHEN and unicodedata.category(char) in ("Cc", "Co", "Cn", "Cs"))


def _turned(x: float, y: float, quarter: int) -> tuple[float, float]:
    """A place on a page turned so that text written in direction `quarter` (of a circle) runs to the right."""
    return ((x, y), (y, -x), (-x, -y), (-y, x))[quarter % 4]


def _turned_box(box: Sequence[float], quarter: int) -> tuple[float, float, float, float]:
    """left, top, right, bottom of a box given by left, bottom, right, top."""
    ends = (_turned(box[0], box[1], quarter), _turned(box[2], box[3], quarter))
    (left, right), (bottom, top) = sorted(x for x, _ in ends), sorted(y for _, y in ends)
    return left, top, right, bottom


def _composed(glyphs: list[_Glyph], mended: Counter[str]) -> list[_Glyph]:
    """Accents that were set over or under a letter, as part of it."""
    kept: list[_Glyph] = []
    for glyph, after in zip_longest(glyphs, glyphs[1:]):
        mark = _ACCENTS.get(glyph.text)
        base = next((g for g in (after, kept[-1] if kept else None) if g and mark and _bears(g, glyph)), None)
        if mark and base:
            base.text = unicodedata.normalize("NFC", base.text.replace("ı", "i") + mark)
            base.space = base.space or (base is after and glyph.space)
            mended["accents"] += 1
        else:
            kept.append(glyph)
    return kept


def _bears(letter: _Glyph, accent: _Glyph) -> bool:
    shared = min(letter.right, accent.right) - max(letter.left, accent.left)
    width = min(letter.right - letter.left, accent.right - accent.left)
    near = abs(letter.y - accent.y) < letter.size
    return letter.text.isalpha() and near and width > 0 and shared > 0.5 * width


def _words(glyphs: Sequence[_Glyph]) -> Iterator[Word]:
    word: Word | None = None
    widest: float | None = None  # gap between the word's glyphs; None while it has but one
    for glyph in glyphs:
        text = _LIGATURES.get(glyph.text, glyph.text)
        if word is not None and not glyph.space and _goes_on(word, glyph, widest):
            widest = max(widest or 0.0, glyph.left - word.right)
            if word.bold == glyph.bold and 0.9 < glyph.size / word.size < 1.1:
                word.text += text
                word.right = max(word.right, glyph.right)
                continue
            yield _finished(word)
            word = Word(text, glyph.left, glyph.right, glyph.y, glyph.size, glyph.bold, glued=True)
            continue
        if word is not None:
            yield _finished(word)
        word, widest = Word(text, glyph.left, glyph.right, glyph.y, glyph.size, glyph.bold), None
    if word is not None:
        yield _finished(word)


def _goes_on(word: Word, glyph: _Glyph, widest: float | None) -> bool:
    """Whether a glyph touches the word, or stands where its last one stands, as the letters of a ligature do.

    A gap much wider than those before it is a blank that was not set as one; letters may be spaced.
    """
    size = max(word.size, glyph.size)
    gap = glyph.left - word.right
    if widest is not None and gap > 0.15 * size and gap > 2 * widest:
        return False
    return abs(glyph.y - word.y) < 0.5 * size and -1.2 * size < gap < size


def _finished(word: Word) -> Word:
    """A soft hyphen at the end was printed; others were not."""
    text = word.text
    word.text = text.replace(_SOFT_HYPHEN, "") + ("-" if len(text) > 1 and text.endswith(_SOFT_HYPHEN) else "")
    return word
