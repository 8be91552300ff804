"""Books to passages: one a chapter, or stretches of about equal length where there are no chapters."""

from __future__ import annotations

import re

from tools.prepare_dataset.chapters import Chapter, read_book
from tools.prepare_dataset.material import Parsed, Passage, Source, Span
from tools.prepare_dataset.tables import title_of

# Documents that a text without chapters is parted into, so that some can be held out.
_STRETCHES = 10
_MIN_STRETCH = 400  # characters
_GAPS = (r"\n{2,}", r"\n", r"(?<=[.!?…])\s+")


def parse_book(source: Source) -> Parsed:
    book = read_book(source.text, title_of(source.name))
    chapters = book.chapters
    if len(chapters) == 1:
        chapters = _stretches(source.text, chapters[0])
    units = [
        Passage(
            Span(source.name, "book", f"{source.name}#{chapter.title}", chapter.title, chapter.start, chapter.end),
            title=book.title,
        )
        for chapter in chapters
    ]
    return Parsed(units=list(units))


def _stretches(text: str, whole: Chapter) -> list[Chapter]:
    """Parts of a text, cut between paragraphs, else lines, else sentences."""
    body = text[whole.start : whole.end]
    gaps = next((gap for gap in _GAPS if re.search(gap, body)), _GAPS[0])
    breaks = [whole.start + m.end() for m in re.finditer(gaps, body)]
    target = max(_MIN_STRETCH, (whole.end - whole.start) / _STRETCHES)
    starts = [whole.start]
    for position in breaks:
        if position - starts[-1] >= target and whole.end - position >= _MIN_STRETCH:
            starts.append(position)
    if len(starts) == 1:
        return [whole]
    ends = [*starts[1:], whole.end]
    return [
        Chapter(f"{whole.title}, {n}", start, start + len(text[start:end].rstrip()))
        for n, (start, end) in enumerate(zip(starts, ends, strict=True), 1)
    ]
