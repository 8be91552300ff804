"""Running text as it is gathered from a document: blocks in reading order, then one text.

What markup and documents have in common stands here: blanks that run together, lines within a
paragraph, headings, list items, pages, and the gaps that left-out things leave.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

_BLANKS = re.compile("[ \t\n\r\f\v\xa0]+")
_LONGEST_HEADING = 200
_NOT_A_HEADING = re.compile(r"^(#{1,6})[ \t](?=.*\S)", re.MULTILINE)
_NUMBERING = re.compile(
    r"(?:(?:cap[íi]tulo|chapter|parte|part|livro|book|cap\.)\s+\w{1,16}|\w{1,16}\s+(?:cap[íi]tulo|parte|livro)"
    r"|\d{1,4}|[ivxlcdm]{1,8})\s*[.:]?",
    re.IGNORECASE,
)
BREAK = "* * *"
FENCE = "```"
_OPEN_FENCE = FENCE + "\n"


@dataclass(frozen=True)
class Block:
    """A paragraph, heading, list item or line of verse.

    text: "" marks where something was left out. level: of a heading, from 1; 0 for others. tight:
    follows the block before on the next line, without a gap. anchors: ids that links may lead to,
    of elements that start in it or before it. pages: (character of `text`, label) of pages that start in it.
    """

    text: str
    level: int = 0
    tight: bool = False
    anchors: tuple[str, ...] = ()
    pages: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Style:
    """How the block that is being gathered stands. marker: before its first line; indent: before the other ones."""

    level: int = 0
    tight: bool = False
    marker: str = ""
    indent: str = ""
    verbatim: bool = False


@dataclass
class Flow:
    """Gathers blocks. The caller says what starts and ends; `style` may change between blocks alone."""

    style: Style = field(default_factory=Style)
    blocks: list[Block] = field(default_factory=list)
    heading: str = ""  # the last one, for what stands below it
    _pieces: list[str] = field(default_factory=list)
    _length: int = 0
    _anchors: list[str] = field(default_factory=list)
    _pages: list[tuple[int, str]] = field(default_factory=list)

    def text(self, text: str) -> None:
        """Add running text; blanks run together, unless the style is verbatim."""
        if self.style.verbatim:
            text = text.replace("\r\n", "\n").expandtabs(4)
            begins = not self._pieces or self._pieces == [_OPEN_FENCE]
            self._add(text.lstrip("\n") if begins else text)
            return
        text = _BLANKS.sub(" ", text)
        if text.startswith(" ") and self._at_blank():
            text = text[1:]
        self._add(text)

    def line(self) -> None:
        """End the line within the block. Two ends in a row are a gap; more are no more."""
        if self._pieces and self._pieces[-1].endswith(" "):
            self._add(self._pop()[:-1])
        if self._length and not "".join(self._pieces[-2:]).endswith("\n\n"):
            self._add("\n")

    def fence(self) -> None:
        """Open a block of code, in a style that is verbatim."""
        self._add(_OPEN_FENCE)

    def anchor(self, name: str) -> None:
        if name:
            self._anchors.append(name)

    def page(self, label: str) -> None:
        """A page starts here."""
        self._pages.append((self._length, label))

    def left_out(self) -> None:
        """Something that stood here was left out."""
        self.end()
        self.blocks.append(Block(""))

    def scene_break(self) -> None:
        """A pause between paragraphs."""
        self.end()
        self.blocks.append(Block(BREAK))

    def lines(self, lines: Sequence[str]) -> None:
        """A block of lines; empty ones are left away."""
        self.end()
        outer, after = self.style, replace(self.style, tight=True, marker=self.style.indent)
        for line in filter(None, lines):
            self.text(line)
            self.end()
            self.style = after
        self.style = after if outer.marker else outer

    def end(self) -> None:
        """End the block, if anything is in it. Anchors and pages go on to the next one where nothing is."""
        text = "".join(self._pieces).rstrip()
        self._pieces, self._length = [], 0
        if not text.strip():
            self._pages = [(0, label) for _, label in self._pages]
            return
        style = self.style
        level = style.level if len(text) <= _LONGEST_HEADING and any(c.isalnum() for c in text) else 0
        before = 0
        if level:
            text = heading_line(text)
            self.heading = text
        else:
            before = len(style.marker)
            if not text.startswith(FENCE):
                text = _NOT_A_HEADING.sub("\\1\xa0", text)
            text = style.marker + text
            text = text.replace("\n", "\n" + style.indent) if style.indent else text
        pages = tuple((min(before + at if at else 0, len(text)), label) for at, label in self._pages)
        self.blocks.append(Block(text, level, style.tight, tuple(self._anchors), pages))
        self._anchors, self._pages = [], []
        if style.marker:
            # The item goes on: what follows in it stands below its first block.
            self.style = replace(style, marker=style.indent, tight=True)

    def _add(self, text: str) -> None:
        if text:
            self._pieces.append(text)
            self._length += len(text)

    def _pop(self) -> str:
        text = self._pieces.pop()
        self._length -= len(text)
        return text

    def _at_blank(self) -> bool:
        return not self._pieces or self._pieces[-1][-1] in " \n"


def heading_line(text: str) -> str:
    """The lines of a heading as one: `CAPÍTULO I` and its title are parted by a colon, a title's own lines are not."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    joined = lines[0] if lines else ""
    for line in lines[1:]:
        joined = titled(joined, line)
    return joined


def titled(number: str, title: str) -> str:
    """A chapter's number and its title in one line."""
    return f"{number.rstrip(' .:')}: {title}" if _NUMBERING.fullmatch(number) else f"{number} {title}"


def without_gaps(blocks: Sequence[Block]) -> list[Block]:
    """The blocks without headings under which all was left out, and without pauses beside a heading or an end."""
    kept: list[Block] = []
    pages: list[str] = []  # of headings that went, for what follows them
    emptied = False  # since the last block that was kept, something was left out
    for block in blocks:
        if not block.text:
            emptied = True
            continue
        while block.level and emptied and kept and kept[-1].level >= block.level:
            pages += [label for _, label in kept.pop().pages]
        if block.text == BREAK and (not kept or kept[-1].level or kept[-1].text == BREAK):
            continue
        if block.level and kept and kept[-1].text == BREAK:
            kept.pop()
        kept.append(replace(block, pages=(*((0, label) for label in pages), *block.pages)) if pages else block)
        pages, emptied = [], False
    while kept and (kept[-1].text == BREAK or (emptied and kept[-1].level)):
        kept.pop()
    return kept


def joined(blocks: Sequence[Block]) -> tuple[str, tuple[tuple[int, str], ...]]:
    """The text of the blocks, and (character, label) where each page starts in it."""
    pieces: list[str] = []
    pages: list[tuple[int, str]] = []
    length = 0
    for n, block in enumerate(blocks):
        gap = "" if n == 0 else "\n" if block.tight and not blocks[n - 1].level else "\n\n"
        mark = "#" * min(block.level, 6) + " " if block.level else ""
        start = length + len(gap)
        pages += [(start + (len(mark) + at if at else 0), label) for at, label in block.pages]
        pieces += (gap, mark, block.text)
        length = start + len(mark) + len(block.text)
    text = "".join(pieces)
    return (text + "\n" if text else ""), tuple(pages)
