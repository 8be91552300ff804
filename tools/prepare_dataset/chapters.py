"""The chapters of a book: by the headings of the form that the book uses, under the parts they stand in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from tools.prepare_dataset.contents import find_contents
from tools.prepare_dataset.headings import (
    CHAPTER,
    PART,
    Heading,
    capitals,
    clean,
    is_part,
    marked,
    named,
    number_alone,
    numbered,
)

# Less than this between two headings is a table of contents, not a chapter.
_MIN_BODY = 200
# Forms that ordinary text takes too are chapters' headings from so many on.
_FEWEST = 3
_LOOKED_AT = 2000
_TITLE_LENGTH = 80
_PART_SHARE = 0.2
_VISIBLE = re.compile(r"\S")
# A rule drawn across the page.
_RULE = re.compile(r"[ \t]*[-=_~*]{5,}")


@dataclass(frozen=True)
class Chapter:
    """Characters `start` to `end` of the text, its heading included. title: with the part's before it."""

    title: str
    start: int
    end: int


@dataclass(frozen=True)
class Book:
    """contents: where a table of contents stands, which no chapter holds."""

    title: str
    chapters: list[Chapter]
    contents: tuple[int, int] | None = None


def read_book(text: str, fallback_title: str) -> Book:
    """The book's title and its chapters, in order, covering all of the text but blank edges and the contents.

    A text without headings is one chapter, named after the book. Titles that stand twice in a part
    are numbered in their order.
    """
    contents = find_contents(text)
    visible = text if contents is None else _blanked(text, *contents)
    title, headings = _outline(visible)
    title = title or _first_line_title(visible, headings) or fallback_title
    headings = _with_body(visible, headings)
    if not headings:
        chapters = [Chapter(title, 0, len(text))]
    else:
        starts = [heading.start for heading in headings]
        front = _is_front_matter(visible[: starts[0]])
        chapters = [Chapter(title, 0, starts[0])] * front
        starts[0] = starts[0] if front else 0
        chapters += [
            Chapter(heading.title, start, end)
            for heading, start, end in zip(headings, starts, [*starts[1:], len(text)], strict=True)
        ]
    if contents is not None:
        chapters = [part for chapter in chapters for part in _apart(visible, chapter, *contents)]
    return Book(title, _numbered(visible, chapters), contents)


def _outline(text: str) -> tuple[str, list[Heading]]:
    """The title, where a heading is it, and the chapters' headings in the first form that gives some."""
    title, headings = _marked(text)
    if headings:
        return title, headings
    names = named(text)
    if any(not heading.side for heading in names):
        chapters = list(_placed(text, names, CHAPTER if any(_is_chapter(h) for h in names) else PART))
        if _with_body(text, chapters):
            return title, chapters
    for form in (numbered, number_alone, capitals):
        found = form(text)
        taken = {heading.start for heading in found}
        others = [heading for heading in names if heading.start not in taken]
        chapters = list(_placed(text, sorted([*found, *others], key=lambda heading: heading.start), CHAPTER))
        with_body = {heading.end for heading in _with_body(text, chapters)}
        if sum(heading.end in with_body for heading in found) >= _FEWEST:
            return title, chapters
    return title, []


def _is_chapter(heading: Heading) -> bool:
    return heading.level == CHAPTER and not heading.side


def _marked(text: str) -> tuple[str, list[Heading]]:
    """The title, if one heading stands above all others or opens the text, and the chapters' headings."""
    found = marked(text)
    if not found:
        return "", []
    levels = Counter(heading.level for heading in found)
    top = min(levels)
    title = ""
    first = next(heading for heading in found if heading.level == top)
    if levels[top] == 1 or _only_opens(text, first, found):
        title = first.title
        found = [heading for heading in found if heading is not first]
        levels[top] -= 1
    repeated = [level for level in sorted(levels) if levels[level] > 1]
    if not repeated:
        return title, []
    level = repeated[0]
    parts = _parts(text, found, level) if repeated[1:] else set()
    if parts:
        # Prologue and epilogue stand beside the parts.
        level, above = repeated[1], level
        found = [replace(h, level=level) if h.level == above and h.start not in parts else h for h in found]
    return title, list(_placed(text, found, level))


def _parts(text: str, found: Sequence[Heading], level: int) -> set[int]:
    """Where headings of a level start that stand over chapters: most of the level are called parts, or one holds a
    large share of the book and no text before the headings below it."""
    peers = [heading for heading in found if heading.level == level]
    called = {heading.start for heading in peers if is_part(heading.title)}
    if 2 * len(called) > len(peers):
        return called
    large = set()
    for heading, after in zip_longest(peers, peers[1:]):
        end = after.start if after else len(text)
        below = [h for h in found if heading.start < h.start < end]
        has_share = end - heading.start > _PART_SHARE * len(text)
        if has_share and len(below) >= _FEWEST and not _has_body(text, heading, below[0].start):
            large.add(heading.start)
    return large


def _only_opens(text: str, first: Heading, found: Sequence[Heading]) -> bool:
    """Whether the first heading is the book's, with no text of its own."""
    after = next((h for h in found if h.start > first.start and h.level <= first.level), None)
    return (
        first is found[0]
        and after is not None
        and not text[: first.start].strip()
        and not _has_body(text, first, after.start)
        and sum(heading.level == first.level for heading in found) > 2
    )


def _placed(text: str, headings: Sequence[Heading], level: int) -> Iterator[Heading]:
    """The headings of a level, their parts' titles before their own; a part's heading goes with its first chapter."""
    part: Heading | None = None
    opening: Heading | None = None
    for heading in headings:
        if heading.level < level:
            part = opening = heading
        elif heading.level == level:
            start = heading.start
            if opening is not None and not _has_body(text, opening, start):
                start = opening.start
            elif opening is not None:
                yield opening
            opening = None
            title = heading.title if part is None else f"{part.title} – {heading.title}"
            yield replace(heading, start=start, title=title)


def _with_body(text: str, headings: Sequence[Heading]) -> list[Heading]:
    followed = zip_longest(headings, headings[1:])
    return [heading for heading, after in followed if _has_body(text, heading, after.start if after else None)]


def _has_body(text: str, heading: Heading, end: int | None) -> bool:
    last = len(text) if end is None else end
    body = text[heading.end : min(last, heading.end + _LOOKED_AT)].strip()
    return len(body) >= _MIN_BODY or (end is None and bool(body))


def _is_front_matter(text: str) -> bool:
    """Whether what precedes the first chapter is worth rows of its own; a title page goes with the first chapter."""
    return len(text.strip()) >= 2 * _MIN_BODY


def _first_line_title(text: str, headings: Sequence[Heading]) -> str:
    """The first line, where it stands alone like a title."""
    match = re.compile(r"\s*([^\n]+)(\n{2,}|$)").match(text)
    if match is None or (headings and match.start(1) >= headings[0].start):
        return ""
    line = clean(match[1])
    letters = [c for c in line if c.isalpha()]
    if not letters or len(line) > _TITLE_LENGTH or match[1].rstrip()[-1] in ".;,":
        return ""
    return _sentence_case(line) if all(c.isupper() for c in letters) else line


def _sentence_case(title: str) -> str:
    """A title in capitals as it would be written in a sentence, its small words small."""
    small = {"o", "a", "os", "as", "de", "da", "do", "das", "dos", "e", "em", "no", "na", "the", "of", "and", "in"}
    words = title.lower().split()
    return " ".join(w if n and w in small else w[:1].upper() + w[1:] for n, w in enumerate(words))


def _blanked(text: str, start: int, end: int) -> str:
    """The text with characters made line ends, at the same offsets."""
    return f"{text[:start]}{chr(10) * (end - start)}{text[end:]}"


def _apart(text: str, chapter: Chapter, start: int, end: int) -> Iterator[Chapter]:
    """What a chapter holds before and after the contents, where that is more than a title page or an imprint."""
    if end <= chapter.start or chapter.end <= start:
        yield chapter
        return
    pieces = [replace(chapter, end=min(start, chapter.end)), replace(chapter, start=max(end, chapter.start))]
    whole = max(len(text[piece.start : piece.end].strip()) for piece in pieces)
    for piece in pieces:
        size = len(text[piece.start : piece.end].strip()) if piece.end > piece.start else 0
        if size and (size == whole or size >= 2 * _MIN_BODY):
            yield piece


def _numbered(text: str, chapters: Sequence[Chapter]) -> list[Chapter]:
    """Edges without blanks and rules, and titles that stand twice told apart."""
    seen: Counter[str] = Counter()
    trimmed = []
    for chapter in chapters:
        first = _VISIBLE.search(text, chapter.start, chapter.end)
        if first is None:
            continue
        seen[chapter.title] += 1
        n = seen[chapter.title]
        title = chapter.title if n == 1 else f"{chapter.title} ({n})"
        trimmed.append(Chapter(title, first.start(), _trimmed_end(text, first.start(), chapter.end)))
    return trimmed


def _trimmed_end(text: str, start: int, end: int) -> int:
    """Where characters `start` to `end`, which are not all blank, end without blanks and rules."""
    while True:
        while text[end - 1].isspace():
            end -= 1
        line = text.rfind("\n", start, end) + 1
        if not line or not _RULE.fullmatch(text, line, end):
            return end
        end = line
