"""Books to passages: one a chapter, or stretches of about equal length where there are no chapters."""

from __future__ import annotations

import re

from tools.prepare_dataset.chapters import Chapter, read_book
from tools.prepare_dataset.material import Parsed, Passage, Source, Span, Unit
from tools.prepare_dataset.own_words import own_words
from tools.prepare_dataset.sentences import sentence_borders
from tools.prepare_dataset.tables import title_of
from tools.prepare_dataset.wording import Wording

# A text without chapters is parted into about 10 to 20 documents, so that some can be held out. Their size in
# characters doubles in steps: text added at the end, within a step, leaves the others as they are.
_MOST_STRETCHES = 20
_MIN_STRETCH, _MAX_STRETCH = 400, 6400


def parse_book(source: Source, words: Wording) -> Parsed:
    """Each chapter as a passage, with what it sums up or answers by itself."""
    book = read_book(source.text, title_of(source.name))
    if book.contents is not None:
        source.left_out["table of contents"] = source.left_out.get("table of contents", 0) + 1
    chapters = book.chapters
    if len(chapters) == 1:
        chapters = _stretches(source.text, chapters[0])
    title = source.title or book.title
    units: list[Unit] = []
    for chapter in chapters:
        document = f"{source.name}#{chapter.title}"
        span = Span(source.name, "book", document, chapter.title, chapter.start, chapter.end)
        units += [Passage(span, title=title), *own_words(source, chapter, title, words)]
    return Parsed(units=units)


def _stretches(text: str, whole: Chapter) -> list[Chapter]:
    """Parts of a text, cut between paragraphs, else lines, else sentences."""
    breaks = _breaks(text, whole.start, whole.end)
    target = _MIN_STRETCH
    while target < _MAX_STRETCH and whole.end - whole.start > target * _MOST_STRETCHES:
        target *= 2
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


def _breaks(text: str, start: int, end: int) -> list[int]:
    for gap in ("\n\n+", "\n"):
        found = [match.end() for match in re.compile(gap).finditer(text, start, end)]
        if found:
            return found
    return [after for _, after in sentence_borders(text, start, end)]
