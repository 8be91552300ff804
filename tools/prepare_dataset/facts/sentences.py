"""A biography as sentences and lines, its markup blanked out at the same offsets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from tools.prepare_dataset.facts.lexicon import DOUBT
from tools.prepare_dataset.sentences import sentence_borders

_LINK = re.compile(r"!?\[([^\[\]\n]*)\]\([^()\s]*\)")
_NOTE = re.compile(r"\[\^?\w{1,3}\]|</?\w[^<>\n]{0,80}>")
_BOLD = re.compile(r"\*\*|__|`")
_ITALIC = re.compile(r"(?<![\w*])([*_])(?=\S)([^*_\n]{1,120})(?<=\S)\1(?![\w*])")
_HEADING = re.compile(r"[ \t]*#{1,6}[ \t]+(.+?)[ \t#]*$")
_BULLET = re.compile(r"[ \t]*(?:\||(?:[-*•+]|\d{1,3}[.)])[ \t])")
_CELLS = re.compile(r"[^|\n]{1,80}\s\|\s")
# Lines that were wrapped are joined before: a line that ends like a paragraph is one.
_ENDED = re.compile(r"[.!?…][»”\"')]*\s*$")
_LABEL = re.compile(r"[ \t]*[^\W\d_][^\n:.!?]{1,38}:[ \t]")


@dataclass(frozen=True)
class Sentence:
    """Characters from `start` of the source, without markup. opens: it is the first of its paragraph.

    heading: it is none, but the title of what follows. line: it is a line of a list or table.
    """

    start: int
    text: str
    opens: bool = False
    heading: bool = False
    line: bool = False

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def doubtful(self) -> bool:
        """Whether it tells what others say, or what may not be so."""
        return DOUBT.search(self.text) is not None


def plain(text: str) -> str:
    """The text with markup blanked, *italics* in «quotes» instead, every character at its old place."""

    def blank(match: re.Match[str]) -> str:
        return " " * len(match.group())

    text = _LINK.sub(lambda m: (" " * (m.start(1) - m.start()) + m[1]).ljust(len(m.group())), text)
    text = _BOLD.sub(blank, _NOTE.sub(blank, text))
    return _ITALIC.sub(lambda m: f"«{m[2]}»", text)


def sentences(text: str, start: int, end: int) -> Iterator[Sentence]:
    """The sentences, list lines and headings in characters `start` to `end`, in order."""
    body = plain(text[start:end])
    for block, offset in _blocks(body):
        if (heading := _HEADING.fullmatch(block)) is not None:
            yield Sentence(start + offset + heading.start(1), heading[1], opens=True, heading=True)
        elif _is_line(block):
            yield Sentence(start + offset, block, opens=True, line=True)
        else:
            edges = [(0, 0), *sentence_borders(block, 0, len(block)), (len(block), len(block))]
            for number, ((_, begin), (stop, _)) in enumerate(pairwise(edges)):
                inside = block[begin:stop]
                lead = len(inside) - len(inside.lstrip())
                if inside.strip():
                    yield Sentence(start + offset + begin + lead, inside.strip(), opens=number == 0)


def _is_line(text: str) -> bool:
    """Whether a line is one of a list, a table or labelled facts."""
    return any(form.match(text) for form in (_BULLET, _LABEL, _CELLS))


def _blocks(body: str) -> Iterator[tuple[str, int]]:
    """Paragraphs, and lines that stand for themselves, with their offsets."""
    gathered: list[str] = []
    begun = offset = 0
    for line in body.split("\n"):
        alone = _HEADING.fullmatch(line) is not None or _is_line(line)
        ended = gathered and _ENDED.search(gathered[-1]) is not None
        if gathered and (alone or ended or not line.strip()):
            yield "\n".join(gathered), begun
            gathered = []
        if alone:
            yield line, offset
        elif line.strip():
            begun = begun if gathered else offset
            gathered.append(line)
        offset += len(line) + 1
    if gathered:
        yield "\n".join(gathered), begun
