"""Sets books as PDFs for tests: justified lines, indents, words cut at line ends, running heads, columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import reportlab
from reportlab.lib.pagesizes import A5
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

FONTS = Path(reportlab.__file__).parent / "fonts"
SERIF, BOLD = "Times-Roman", "Times-Bold"
LEADING = 14.0
SIZE = 11.0
WIDTH, HEIGHT = A5
MARGIN = 54.0

pdfmetrics.registerFont(TTFont("Vera", str(FONTS / "Vera.ttf")))


def cut(word: str) -> list[tuple[str, str]]:
    """Where a word may be cut: before a consonant with a vowel after it, as Portuguese does, roughly."""
    vowels = "aeiouáéíóúâêôãõàAEIOU"
    return [
        (word[:n] + ("" if word[n - 1] == "-" else "-"), word[n:])
        for n in range(2, len(word) - 2)
        if word[n - 1] in vowels and word[n] not in vowels and word[n + 1] in vowels and word.isalpha()
    ]


class Press:
    """A book under way. on_page: draws the running head and foot of a page, from its number."""

    def __init__(
        self,
        path: Path,
        on_page: Callable[[Canvas, int], None] | None = None,
        *,
        columns: int = 1,
        hyphens: bool = True,
        indent: float = 14.0,
        gap: float = 0.0,
    ) -> None:
        self.canvas = Canvas(str(path), pagesize=A5, invariant=1)
        self.number = 1
        self._on_page, self._columns, self._hyphens, self._indent, self._gap = on_page, columns, hyphens, indent, gap
        gutter = 18.0
        self._width = (WIDTH - 2 * MARGIN - gutter * (columns - 1)) / columns
        self._step = self._width + gutter
        self._column = 0
        self.y = HEIGHT - MARGIN
        self._begin()

    def _begin(self) -> None:
        if self._on_page is not None:
            self._on_page(self.canvas, self.number)

    def new_page(self) -> None:
        self.canvas.showPage()
        self.number += 1
        self._column, self.y = 0, HEIGHT - MARGIN
        self._begin()

    def save(self) -> None:
        self.canvas.showPage()
        self.canvas.save()

    @property
    def left(self) -> float:
        return MARGIN + self._column * self._step

    def heading(self, text: str, size: float = 18.0, font: str = BOLD, room: float = 30.0) -> None:
        self.y -= room
        self.canvas.setFont(font, size)
        self.canvas.drawString(self.left, self.y, text)
        self.y -= room

    def line(self, text: str, *, indent: float = 0.0, font: str = SERIF, size: float = SIZE) -> None:
        """One line as it is."""
        self._room()
        self.canvas.setFont(font, size)
        self.canvas.drawString(self.left + indent, self.y, text)
        self.y -= LEADING

    def set_lines(self, *lines: str) -> None:
        """A paragraph whose line ends are given."""
        for n, line in enumerate(lines):
            self._room()
            indent = 0 if n else self._indent
            width = self._width - indent if n + 1 < len(lines) else 0
            self._justified(line.split(), self.left + indent, width, SERIF, SIZE)
            self.y -= LEADING

    def paragraph(self, text: str, font: str = SERIF, size: float = SIZE) -> None:
        """Justified, its first line indented."""
        words = text.split()
        first = True
        while words:
            self._room()
            width = self._width - (self._indent if first else 0)
            line, words = self._line(words, width, font, size)
            left = self.left + (self._indent if first else 0)
            self._justified(line, left, width if words else 0, font, size)
            self.y -= LEADING
            first = False
        self.y -= self._gap

    def _room(self) -> None:
        if self.y > MARGIN:
            return
        if self._column + 1 < self._columns:
            self._column += 1
            self.y = HEIGHT - MARGIN
        else:
            self.new_page()

    def _line(self, words: Sequence[str], width: float, font: str, size: float) -> tuple[list[str], list[str]]:
        fits = 0
        while fits < len(words) and pdfmetrics.stringWidth(" ".join(words[: fits + 1]), font, size) <= width:
            fits += 1
        line, rest = list(words[:fits]), list(words[fits:])
        if rest and self._hyphens:
            for start, end in reversed(cut(rest[0])):
                if pdfmetrics.stringWidth(" ".join([*line, start]), font, size) <= width:
                    return [*line, start], [end, *rest[1:]]
        return (line, rest) if line else ([rest[0]], rest[1:])

    def _justified(self, line: Sequence[str], left: float, width: float, font: str, size: float) -> None:
        text = " ".join(line)
        spread = (width - pdfmetrics.stringWidth(text, font, size)) / (len(line) - 1) if width and len(line) > 1 else 0
        out = self.canvas.beginText(left, self.y)
        out.setFont(font, size)
        out.setWordSpace(spread)
        out.textOut(text)
        self.canvas.drawText(out)


def prose(seed: int, sentences: int = 6) -> str:
    """A paragraph that is like no other, of words long enough to be cut."""
    people = ("a menina", "o faroleiro", "a professora", "o pescador", "a avó Clemência", "o capitão Abílio")
    verbs = ("acompanhava", "desenhava", "procurava", "recordava", "atravessava", "iluminava", "consertava")
    things = ("a embarcação", "os caranguejos", "a fotografia", "o candeeiro", "as gaivotas", "o telhado vermelho")
    places = ("na enseada", "junto ao cemitério", "na biblioteca", "sobre a falésia", "no mercado", "na maré vazia")
    told = []
    for n in range(seed, seed + sentences):
        who, did = people[n * 5 % 6], verbs[n * 3 % 7]
        what, where = things[(n * 7 + n // 6) % 6], places[(n + n // 5) % 6]
        told.append(f"Naquela tarde número {n}, {who} {did} {what} {where} enquanto a tempestade adormecia devagar.")
    return " ".join(told)
