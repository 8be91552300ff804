"""Footnotes and endnotes in markup: which links call one, and which elements are one.

What books and pages mark as notes is taken at its word. Else a note is told by how it is linked: a
short mark (`1`, `[2]`, `*`) leads to a block that begins with the same mark or leads back.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from urllib.parse import unquote

from lxml import etree

from tools.prepare_dataset.readers.trees import local, named

_OPS = "{http://www.idpf.org/2007/ops}type"
_CALLS = frozenset({"noteref", "doc-noteref"})
_NOTES = frozenset(
    {"footnote", "footnotes", "endnote", "endnotes", "rearnote", "rearnotes", "note", "notes"}
    | {"doc-footnote", "doc-endnote", "doc-endnotes"}
)
_MARK = re.compile(
    r"[\[(]?\s*(\d{1,4}|[a-z]|[ivxl]{1,6}|[*†‡§¶]{1,4}|(?:nota?|note|n\.)\s*\d{1,4})\s*[\])]?", re.IGNORECASE
)
_BLOCKS = frozenset({"p", "div", "li", "aside", "dd", "dt", "section", "blockquote", "td", "tr", "figure", "footer"})
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "header", "nav", "caption", "th"})
_LEVELS = 12  # between a link and the block it stands in
_SIBLINGS = 50  # before a link, looked at for text
_LONGEST = 2000  # characters of a note that is told by its links alone

Place = tuple[str, str]
"""A document's path in the book, and an id in it."""


@dataclass(frozen=True)
class Call:
    """A link that may call a note. target, home: (document, id). typed: it is marked as a call; raised: it looks so."""

    mark: str
    target: Place
    home: frozenset[Place]
    typed: bool
    raised: bool


def types_of(element: etree._Element) -> set[str]:
    """What an element is by `epub:type` and `role`."""
    if not element.attrib:
        return set()
    told = f"{element.get(_OPS) or element.get('epub:type') or ''} {element.get('role') or ''}"
    return set(told.casefold().split())


def is_note(element: etree._Element) -> bool:
    """Whether an element is marked as a note, or a list of them."""
    return not _NOTES.isdisjoint(types_of(element))


def calls_in(root: etree._Element, document: str) -> Iterator[tuple[etree._Element, Call]]:
    """The links of a document that may call a note."""
    for link in named(root, "a"):
        target = resolved(link.get("href") or "", document)
        if not target[1]:
            continue
        home = frozenset(_home(link, document))
        if target in home:
            continue
        typed = not _CALLS.isdisjoint(types_of(link))
        mark = _mark(_text(link, 40))
        # What begins a block is a note's own number, which leads back.
        if typed or (mark and not _begins(link, _around(link))):
            yield link, Call(mark, target, home, typed, _is_raised(link))


def resolved(href: str, document: str) -> Place:
    """(document, id) that a link leads to, relative to the document it stands in; ("", "") outside of the book."""
    path, _, fragment = href.strip().partition("#")
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|//", path):
        return "", ""
    path = unquote(path)
    full = posixpath.normpath(posixpath.join(posixpath.dirname(document), path)) if path else document
    return full, unquote(fragment)


class Notes:
    """The notes of a document and the links that call them, as elements of its tree.

    blocks: one a note. rest: what belongs to it beside its block.
    """

    def __init__(self, root: etree._Element, document: str, calls: Iterable[Call]) -> None:
        self.blocks: set[etree._Element] = set()
        self.rest: set[etree._Element] = set()
        self.links: set[etree._Element] = set()
        by_id = _ids(root)
        confirmed: set[Place] = set()
        possible: dict[str, _Possible | None] = {}
        for call in calls:
            name = call.target[1]
            if call.target[0] != document or name not in by_id or call.target in confirmed:
                continue
            if name not in possible:
                possible[name] = _Possible.at(by_id[name], document)
            found = possible[name]
            if found is not None and found.is_note_of(call):
                self.blocks.add(found.block)
                self.rest.update(_with_following(found.block))
                confirmed.add(call.target)
        self.confirmed = frozenset(confirmed)

    def reason(self, element: etree._Element) -> str | None:
        """Why an element is left out, as a `Skip` tells it."""
        if element in self.blocks or is_note(element):
            return "notes"
        return "" if element in self.links or element in self.rest else None

    def find_links(self, root: etree._Element, document: str, confirmed: frozenset[Place]) -> None:
        """Fill `links`. confirmed: targets that are notes, in all documents."""
        self.links = {
            link for link, call in calls_in(root, document) if call.typed or call.raised or call.target in confirmed
        }


def _mark(text: str) -> str:
    match = _MARK.fullmatch(text.strip())
    return match[1].casefold() if match else ""


def _text(element: etree._Element, limit: int) -> str:
    pieces: list[str] = []
    length = 0
    for piece in element.itertext():
        pieces.append(str(piece))
        length += len(piece)
        if length > limit:
            break
    return "".join(pieces)


def _is_raised(link: etree._Element) -> bool:
    """Whether a link stands in `sup` alone, or holds nothing but one, or is in square brackets."""
    parent = link.getparent()
    if parent is not None and local(parent) == "sup":
        return True
    inner = [local(child) for child in link]
    if inner == ["sup"] and not (link.text or "").strip() and not (link[0].tail or "").strip():
        return True
    return re.fullmatch(r"\s*\[[^\]]*\]\s*", _text(link, 20)) is not None


def _home(link: etree._Element, document: str) -> Iterator[Place]:
    """The ids that a note may lead back to: of the link, what is in it, and what it stands in up to its block."""
    for element in link.iter():
        yield from ((document, name) for name in (element.get("id"), element.get("name")) if name)
    around = link.getparent()
    for _ in range(_LEVELS):
        if around is None or local(around) in ("body", "html"):
            return
        if around.get("id"):
            yield document, str(around.get("id"))
        if local(around) in _BLOCKS:
            return
        around = around.getparent()


def _ids(root: etree._Element) -> dict[str, etree._Element]:
    found: dict[str, etree._Element] = {}
    for element in root.iter():
        for name in (element.get("id"), element.get("name") if local(element) == "a" else None):
            if name:
                found.setdefault(str(name), element)
    return found


def _around(element: etree._Element) -> etree._Element | None:
    """The block that an element is or stands in."""
    found: etree._Element | None = element
    for _ in range(_LEVELS):
        if found is None or local(found) in _BLOCKS or local(found) in _HEADINGS:
            return found
        found = found.getparent()
    return None


def _begins(element: etree._Element, block: etree._Element | None) -> bool:
    """Whether nothing but blanks stands before an element in its block."""
    node = element
    while block is not None and node is not block:
        before = list(islice(node.itersiblings(preceding=True), _SIBLINGS))
        parent = node.getparent()
        if parent is None or (parent.text or "").strip() or len(before) == _SIBLINGS:
            return False
        if any((sibling.tail or "").strip() or _text(sibling, 1).strip() for sibling in before):
            return False
        node = parent
    return block is not None


def _with_following(block: etree._Element) -> Iterator[etree._Element]:
    """A term of a list goes with what is said of it, a row with its cells."""
    yield block
    if local(block) == "tr":
        yield from block
    if local(block) == "dt":
        for after in block.itersiblings():
            if local(after) != "dd":
                return
            yield after


@dataclass(frozen=True)
class _Possible:
    """A block that a link leads to, which may be a note. text: its first characters. leads: where its links lead."""

    block: etree._Element
    text: str
    leads: frozenset[Place]

    @staticmethod
    def at(element: etree._Element, document: str) -> _Possible | None:
        """The block that a link's target begins; None where a heading is in it: chapters lead back to contents too."""
        block = _around(element)
        if block is None or not _begins(element, block) or any(local(inner) in _HEADINGS for inner in block.iter()):
            return None
        row = block.getparent()
        block = row if local(block) == "td" and row is not None else block
        text = "".join(_text(piece, _LONGEST) for piece in _with_following(block)).strip()
        leads = frozenset(resolved(link.get("href") or "", document) for link in named(block, "a"))
        return _Possible(block, text, leads)

    def is_note_of(self, call: Call) -> bool:
        if len(self.text) <= len(call.mark) + 3:
            return False
        if call.typed:
            return True
        if len(self.text) >= _LONGEST and local(self.block) not in ("p", "li", "dd"):
            return False
        if not self.leads.isdisjoint(call.home):
            return True
        begins = re.match(rf"[\[(^↑]*\s*{re.escape(call.mark)}(?![\w,-])", self.text, re.IGNORECASE)
        return call.raised and (begins is not None or local(self.block) == "li")
