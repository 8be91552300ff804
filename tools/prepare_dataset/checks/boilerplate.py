"""Text around a work that is no part of it: licences, copyright pages, tables of contents, page heads.

Found by what such text says and by where it stands, both: «todos os direitos reservados» within a
story stays. What is found is left out of the rows and told; the source's text keeps it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise

from tools.prepare_dataset.checks.ngrams import WORD, merged
from tools.prepare_dataset.checks.notices import (
    EDITION,
    GUTENBERG_CREDITS,
    GUTENBERG_END,
    GUTENBERG_START,
    LEADERS,
    RIGHTS,
    is_navigation,
    is_page_head,
)
from tools.prepare_dataset.dropped import Drops
from tools.prepare_dataset.material import Parsed, Passage, Source, Span, Unit

LICENCE, COPYRIGHT, CONTENTS = "licence text", "copyright page", "table of contents"
PAGE_HEADS, NAVIGATION_LINE = "repeated page head", "navigation line"
# Copyright pages and contents stand in this share of a text, from its start or end, within these characters.
_EDGE_SHARE, _EDGE_LEAST, _EDGE_MOST = 0.1, 1500, 20_000
_LONGEST_NOTICE = 1500
_FEWEST_ENTRIES = 4
_FEWEST_DOCUMENTS, _SHARE_OF_DOCUMENTS = 4, 0.5
_LONGEST_HEAD = 120


@dataclass(frozen=True)
class Piece:
    """Characters of a source's text that are boilerplate."""

    reason: str
    start: int
    end: int


def take_out_boilerplate(source: Source, parsed: Parsed, drops: Drops) -> None:
    """Change the chapters of a book to be without it; a chapter falls into what stands before and after a piece."""
    passages = [unit for unit in parsed.units if isinstance(unit, Passage) and unit.composed is None]
    if source.kind != "book" or not passages:
        return
    pieces = find_boilerplate(source.text, passages)
    for piece in pieces:
        span = Span(source.name, "book", "", "", piece.start, piece.end)
        drops.text(piece.reason, span, source.text[piece.start : piece.end])
    parsed.units = list(chain.from_iterable(_without(unit, pieces, source.text) for unit in parsed.units))


def find_boilerplate(text: str, chapters: Sequence[Passage]) -> list[Piece]:
    """The boilerplate of a book, in order and apart from each other."""
    found = list(_licence(text))
    first = next((piece.end for piece in found if piece.start == 0), 0)
    last = next((piece.start for piece in found if piece.start), len(text))
    blocks = _Blocks(text, first, last)
    notices = list(_copyright(blocks))
    return _apart([*found, *notices, *_contents(blocks, chapters, notices), *_single_lines(text, chapters)])


def _without(unit: Unit, pieces: Sequence[Piece], text: str) -> Iterator[Unit]:
    if not isinstance(unit, Passage) or unit.composed is not None:
        yield unit
        return
    start = unit.span.start
    for piece in pieces:
        if piece.start < unit.span.end and start < piece.end:
            yield from _passage(unit, text, start, piece.start)
            start = piece.end
    yield from [unit] if start == unit.span.start else _passage(unit, text, start, unit.span.end)


def _passage(unit: Passage, text: str, start: int, end: int) -> Iterator[Passage]:
    body = text[start:end]
    if WORD.search(body):
        start += len(body) - len(body.lstrip())
        yield replace(unit, span=replace(unit.span, start=start, end=start + len(body.strip())))


def _apart(pieces: Sequence[Piece]) -> list[Piece]:
    """In order, of what overlaps that which starts first."""
    apart: list[Piece] = []
    for piece in sorted(pieces, key=lambda piece: (piece.start, -piece.end)):
        done = apart[-1].end if apart else 0
        if piece.end > done:
            apart.append(replace(piece, start=max(piece.start, done)))
    return apart


class _Blocks:
    """The paragraphs at the edges of a text: characters of each. first, last: where the work starts and ends."""

    def __init__(self, text: str, first: int, last: int) -> None:
        self.text = text
        edge = min(_EDGE_MOST, max(_EDGE_LEAST, int((last - first) * _EDGE_SHARE)))
        spans = [match.span() for match in re.finditer(r"[^\n]+(?:\n[^\n]+)*", text[:last]) if match.start() >= first]
        self.front = [span for span in spans if span[0] < first + edge]
        self.back = [span for span in spans if span[1] > last - edge and span[0] >= first + edge]

    def of(self, span: tuple[int, int]) -> str:
        return self.text[span[0] : span[1]]


def _licence(text: str) -> Iterator[Piece]:
    """What Project Gutenberg puts before and after a text."""
    if "gutenberg" not in text.casefold():
        return
    start, end = GUTENBERG_START.search(text), GUTENBERG_END.search(text)
    if start is not None:
        credits = GUTENBERG_CREDITS.match(text, start.end())
        yield Piece(LICENCE, 0, credits.end() if credits else start.end())
    if end is not None and end.start() > (start.end() if start else 0):
        yield Piece(LICENCE, end.start(), len(text))


def _copyright(blocks: _Blocks) -> Iterator[Piece]:
    """Paragraphs that tell the rights, and the lines about the edition next to them."""
    for edge in (blocks.front, blocks.back):
        notices = {
            n for n, span in enumerate(edge) if span[1] - span[0] <= _LONGEST_NOTICE and RIGHTS.search(blocks.of(span))
        }
        for step in (1, -1):
            for n in sorted(notices, reverse=step < 0):
                near = n + step
                while 0 <= near < len(edge) and near not in notices and _is_about_edition(blocks.of(edge[near])):
                    notices.add(near)
                    near += step
        for n in sorted(notices):
            yield Piece(COPYRIGHT, *edge[n])


def _is_about_edition(block: str) -> bool:
    lines = block.split("\n")
    return len(block) <= _LONGEST_NOTICE and sum(bool(EDITION.search(line)) for line in lines) * 2 >= len(lines)


def _contents(blocks: _Blocks, chapters: Sequence[Passage], notices: Sequence[Piece]) -> Iterator[Piece]:
    """The list of the chapters, which none of them holds, and paragraphs of lines that end in a page's number."""
    edges = [(chapter.span.start, chapter.span.end) for chapter in chapters]
    edges += [(notice.start, notice.end) for notice in notices]
    for (_, start), (end, _) in pairwise([(0, 0), *merged(edges)]):
        if len(WORD.findall(blocks.text[start:end])) >= _FEWEST_ENTRIES:
            yield Piece(CONTENTS, start, end)
    for span in (*blocks.front, *blocks.back):
        if len(LEADERS.findall(blocks.of(span))) >= _FEWEST_ENTRIES:
            yield Piece(CONTENTS, *span)


def _single_lines(text: str, chapters: Sequence[Passage]) -> Iterator[Piece]:
    """Ways to other pages, and lines in many chapters that look like heads and feet of pages."""
    places: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    documents: Counter[str] = Counter()
    for chapter in chapters:
        seen = set()
        for n, start, end in _short_lines(text, chapter.span.start, chapter.span.end):
            line = text[start:end]
            if is_navigation(line):
                yield Piece(NAVIGATION_LINE, start, end)
            elif n > 1 and is_page_head(line.strip()):
                key = re.sub(r"\d+", "#", line.strip().casefold())
                places[key].append((start, end))
                seen.add(key)
        documents.update(seen)
    for key, count in documents.items():
        if count >= max(_FEWEST_DOCUMENTS, _SHARE_OF_DOCUMENTS * len(chapters)):
            yield from (Piece(PAGE_HEADS, start, end) for start, end in places[key])


def _short_lines(text: str, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The number, start and end of each line with something in it that is no paragraph."""
    for n, line in enumerate(filter(None, text[start:end].split("\n"))):
        start = text.index(line, start)
        if len(line) <= _LONGEST_HEAD and line.strip():
            yield n, start, start + len(line)
        start += len(line)
