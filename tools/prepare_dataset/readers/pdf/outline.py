"""The outline of a PDF (its bookmarks) as headings: the author's own, where there is one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pypdfium2 import PdfDocument  # type: ignore[import-untyped]

from tools.prepare_dataset.readers.flow import heading_line
from tools.prepare_dataset.readers.pdf.paragraphs import Paragraph

_DEPTH = 3
_MOST = 5000
# What programs write by themselves: `Página 3`, `_GoBack`, `capa.indd`.
_JUNK = re.compile(r"\W*(?:(?:p[áa]gina|page|folha|sheet|slide)?\s*\d+|_\w*|[^\s]*\.\w{3,4})\W*", re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """level: from 1. page: from 0."""

    level: int
    title: str
    page: int


def read_outline(document: PdfDocument) -> list[Entry]:
    """The entries that name parts of the text, in the order of their pages. Fewer than two are none."""
    entries: list[Entry] = []
    for number, bookmark in enumerate(document.get_toc()):
        if number >= _MOST:
            break
        if bookmark.level >= _DEPTH:
            continue
        dest = bookmark.get_dest()
        page = dest.get_index() if dest is not None else None
        title = " ".join(bookmark.get_title().replace("\0", "").split())[:200]
        if page is not None and page >= 0 and any(c.isalnum() for c in title) and not _JUNK.fullmatch(title):
            entries.append(Entry(bookmark.level + 1, title, page))
    entries.sort(key=lambda entry: entry.page)
    return entries if len(entries) > 1 else []


def apply_outline(paragraphs: list[Paragraph], entries: Sequence[Entry]) -> tuple[list[Paragraph], Counter[str]]:
    """The paragraphs with the outline's headings, and how many of these do not stand in the text.

    Other headings go below the outline's. A heading that is not found begins its page.
    """
    if not entries:
        return paragraphs, Counter()
    deepest = max(entry.level for entry in entries)
    for paragraph in paragraphs:
        paragraph.level = min(6, paragraph.level + deepest) if paragraph.level else 0
    missing = 0
    at = 0
    for entry in entries:
        at = next((n for n in range(at, len(paragraphs)) if _page(paragraphs[n]) >= entry.page), len(paragraphs))
        found = _find(paragraphs, at, entry)
        if found is None:
            missing += 1
            paragraphs.insert(at, Paragraph([], entry.level, title=entry.title))
            at += 1
            continue
        first, last = found
        rows = [row for paragraph in paragraphs[first:last] for row in paragraph.rows]
        text = heading_line("\n".join(row.text for row in rows)) if last - first > 1 else ""
        paragraphs[first:last] = [Paragraph(rows, entry.level, title=text)]
        at = first + 1
    return paragraphs, +Counter({"headings": missing})


def _page(paragraph: Paragraph) -> int:
    return paragraph.rows[0].page if paragraph.rows else -1


def _find(paragraphs: Sequence[Paragraph], start: int, entry: Entry) -> tuple[int, int] | None:
    """The paragraphs (first, end) on the entry's page that are its title: one, or two that follow each other."""
    wanted = _folded(entry.title)
    for n in range(start, len(paragraphs)):
        if _page(paragraphs[n]) != entry.page:
            break
        text = _folded(_text(paragraphs[n]))
        if text == wanted or (paragraphs[n].level and _holds(text, wanted)):
            return n, n + 1
        if n + 1 < len(paragraphs) and wanted == text + _folded(_text(paragraphs[n + 1])):
            return n, n + 2
    return None


def _holds(text: str, wanted: str) -> bool:
    """Whether a heading is a title with its number, or without."""
    short, long = sorted((text, wanted), key=len)
    return len(short) >= 4 and len(short) >= 0.4 * len(long) and (long.endswith(short) or long.startswith(short))


def _text(paragraph: Paragraph) -> str:
    return " ".join(row.text for row in paragraph.rows[:6])


def _folded(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())
