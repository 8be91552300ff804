"""EPUB books: the work's text in reading order, without what surrounds it, its notes and its data tables apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from lxml import etree

from tools.prepare_dataset.readers.archive import Archive, shown
from tools.prepare_dataset.readers.chapter_titles import Headings
from tools.prepare_dataset.readers.document import document_parts
from tools.prepare_dataset.readers.flow import Block, without_gaps
from tools.prepare_dataset.readers.front_matter import (
    CONTENTS,
    folded,
    heading_of_part,
    is_notes_heading,
    reason_for,
    reason_of,
)
from tools.prepare_dataset.readers.grid import Data
from tools.prepare_dataset.readers.markup import Content, Walker, words_of
from tools.prepare_dataset.readers.notes import Call, Notes, Place, calls_in, resolved, types_of
from tools.prepare_dataset.readers.package import Entry, Package, read_package
from tools.prepare_dataset.readers.part import Part, Unreadable
from tools.prepare_dataset.readers.trees import Malformed, letters, local, named, parse_page

_NO_TEXT = frozenset({"script", "style", "form", "button", "select", "textarea", "input"})
_BOILERPLATE = frozenset({"pg-boilerplate", "pgheader", "pgfooter"})
# The work has begun once so many characters of it were kept.
_BEGUN = 2000


def read_epub(path: Path) -> list[Part]:
    """The text of a book, then its tables. Raises Unreadable, or OSError when its bytes cannot be had."""
    with Archive(path, "EPUB") as archive:
        package = read_package(archive)
        book = _Book(archive, package)
        book.read()
    parts = document_parts(
        without_gaps(book.blocks),
        book.tables,
        "epub",
        package.title,
        mended={"broken_markup": book.mended},
        left_out=book.left_out,
    )
    if not parts:
        raise Unreadable(
            "There is no text in it: its pages are pictures, or all of it is front matter.",
            "Give an edition whose text can be marked and copied.",
        )
    return parts


@dataclass
class _Book:
    """Reads the documents twice: a note may stand in another one than the link that calls it."""

    archive: Archive
    package: Package
    blocks: list[Block] = field(default_factory=list)
    tables: list[tuple[str, Data]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    mended: int = 0
    _titles: set[str] = field(default_factory=set)
    _parents: set[Entry] = field(default_factory=set)
    _begun: int = 0  # characters of the work read so far

    def read(self) -> None:
        calls, confirmed = self._notes()
        entries: dict[str, list[Entry]] = {}
        for entry in self.package.entries:
            entries.setdefault(entry.path, []).append(entry)
        self._titles = {folded(entry.title) for entry in self.package.entries}
        self._parents = {above for above, below in pairwise(self.package.entries) if below.depth > above.depth}
        headings = Headings()
        self.left_out["pages outside of the reading order"] = self.package.passed_over
        for path, root in self._documents():
            content = self._content(path, root, calls.get(path, []), confirmed)
            self.left_out.update(content.left_out)
            leading = entries.get(path, [])
            blocks, tables = self._kept(path, root, content, leading)
            if blocks or tables:
                self._begun += sum(len(block.text) for block in blocks)
                self.blocks += headings.settle(blocks, leading)
                self.tables += tables

    def _kept(
        self, path: str, root: etree._Element, content: Content, entries: list[Entry]
    ) -> tuple[list[Block], list[tuple[str, Data]]]:
        """What of a document is the work: all, nothing, or its heading, where it opens a part.

        entries: lines of the contents that lead into it.
        """
        blocks = content.flow.blocks
        if not content.tables and not any(block.text for block in blocks):
            if content.left_out:
                return [], []
            self.left_out["pages without text"] += 1
            return [Block(entry.title, entry.depth) for entry in entries if entry in self._parents], []
        names = [self.package.title, *self.package.creators] if self._begun < _BEGUN else []
        kinds = self.package.kinds.get(path, set())
        reason = reason_for(blocks, kinds, self._share_of_links(path, root), self._titles, names)
        if reason is not None:
            self.left_out[reason] += 1
            return (heading_of_part(blocks, self._titles) if reason == CONTENTS else []), []
        return ([], []) if _is_notes(content) else (blocks, content.tables)

    def _documents(self) -> Iterator[tuple[str, etree._Element]]:
        for path in self.package.spine:
            try:
                root, mended = parse_page(self.archive.read(path))
            except Malformed as fault:
                raise Unreadable(
                    f"`{shown(path)}` in it cannot be read: {fault.reason}.",
                    "Get the EPUB again from where it comes from, or convert it again.",
                ) from fault
            self.mended += mended
            yield path, root

    def _notes(self) -> tuple[dict[str, list[Call]], frozenset[Place]]:
        """The calls that lead into each document, and the places that are notes."""
        calls: dict[str, list[Call]] = {}
        for path, root in self._documents():
            for _, call in calls_in(root, path):
                calls.setdefault(call.target[0], []).append(call)
        confirmed: set[Place] = set()
        if calls:
            for path, root in self._documents():
                confirmed |= Notes(root, path, calls.get(path, [])).confirmed
        self.mended = 0
        return calls, frozenset(confirmed)

    def _content(self, path: str, root: etree._Element, calls: list[Call], confirmed: frozenset[Place]) -> Content:
        notes = Notes(root, path, calls)
        notes.find_links(root, path, confirmed)

        def skip(element: etree._Element) -> str | None:
            reason = notes.reason(element)
            return _surrounding(element) if reason is None else reason

        walker = Walker(skip, pages=self.package.pages.get(path, {}))
        walker.walk(next(named(root, "body"), root))
        walker.content.flow.end()
        return walker.content

    def _share_of_links(self, path: str, root: etree._Element) -> float:
        """The share of a document's letters that stands in links to the book's documents."""
        spine = frozenset(self.package.spine)
        links = [a for a in named(root, "a") if resolved(a.get("href") or "", path)[0] in spine]
        if not links:
            return 0.0
        whole = letters(next(named(root, "body"), root))
        return sum(map(letters, links)) / whole if whole else 0.0


def _surrounding(element: etree._Element) -> str | None:
    tag = local(element)
    if tag in _NO_TEXT:
        return "boilerplate"
    if tag == "nav":
        return CONTENTS
    if tag == "aside":
        return "asides"
    if not words_of(element).isdisjoint(_BOILERPLATE):
        return "boilerplate"
    return reason_of(types_of(element))


def _is_notes(content: Content) -> bool:
    """Whether a document from which notes were taken is a list of them, by its heading."""
    headings = [block for block in content.flow.blocks if block.level]
    return content.left_out["notes"] > 0 and bool(headings) and all(is_notes_heading(h.text) for h in headings)
