"""HTML's elements to running text: paragraphs, headings, lists, verse and tables, the same for pages and books."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from lxml import etree

from tools.prepare_dataset.readers.flow import FENCE, Flow, Style
from tools.prepare_dataset.readers.grid import Data, as_data, as_lines
from tools.prepare_dataset.readers.notes import types_of
from tools.prepare_dataset.readers.table_element import is_hidden, read_table_element
from tools.prepare_dataset.readers.trees import local

Skip = Callable[[etree._Element], str | None]
"""Why an element is left out: the name that it is counted under, "" for what is not worth counting; None keeps it."""

# What a reader of the page never sees as text.
_UNSEEN = frozenset(
    {"head", "title", "meta", "link", "template", "img", "picture", "source", "track", "area", "map", "param", "wbr"}
    | {"audio", "video", "canvas", "iframe", "object", "embed", "applet", "frameset", "rp", "rt", "rtc", "colgroup"}
    | {"svg", "math", "noscript", "annotation"}
)
_COUNTED = {"math": "formulas", "rt": "readings beside characters"}
_BLOCKS = frozenset(
    {"p", "div", "section", "article", "main", "aside", "header", "footer", "nav", "body", "address", "blockquote"}
    | {"center", "figure", "figcaption", "details", "summary", "fieldset", "form", "legend", "dl", "dt", "dd"}
    | {"ul", "ol", "menu", "dir", "li", "hgroup", "search", "tr", "td", "th", "caption", "table", "tbody", "thead"}
    | {"tfoot", "html", "listing", "xmp", "plaintext", "pre"}
)
_LISTS = frozenset({"ul", "ol", "menu", "dir"})
_HEADING = re.compile(r"h([1-6])")
# Classes of lines of verse: on their own, and within what is marked as a poem.
_VERSE = frozenset({"verse", "verso", "poemline", "poem-line", "verseline", "verse-line", "poetryline", "linha-verso"})
_LINE = _VERSE | {"line", "l", "v", "linha", "versos"}
_STANZA = frozenset({"stanza", "strophe", "estrofe", "linegroup", "line-group", "lg"})
_POEM = _STANZA | {"poem", "poetry", "poema", "poesia"}
_POEM_TYPES = frozenset({"z3998:poem", "z3998:verse", "z3998:song", "z3998:hymn"})
_UNSEEN_CLASSES = frozenset(
    {"linenum", "lineno", "line-number", "linenumber", "lnum"}
    | {"sr-only", "visually-hidden", "visuallyhidden", "screen-reader-text"}
)
_PAGE_NUMBERS = frozenset({"pagenum", "pageno", "page-number", "pagenumber"})
_RAISED = str.maketrans("0123456789+-−=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿ")
_LOWERED = str.maketrans("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎")
_ORDINALS = {"o": "º", "a": "ª"}


@dataclass
class Content:
    """What a walk gives. tables: (name told by caption, title row or heading, data)."""

    flow: Flow = field(default_factory=Flow)
    tables: list[tuple[str, Data]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass
class _List:
    ordered: bool
    number: int
    depth: int
    started: bool = False


class Walker:
    """Walks an element's tree in order and tells the flow what it meets. Deep trees cost no stack."""

    def __init__(self, skip: Skip, *, pages: Mapping[str, str] | None = None, in_cell: bool = False) -> None:
        """pages: the labels of those that start at an id."""
        self.content = Content()
        self._skip, self._pages, self._in_cell = skip, pages or {}, in_cell
        self._flow = self.content.flow
        self._lists: list[_List] = []

    def walk(self, root: etree._Element) -> Content:
        """Add all that is in `root`."""
        stack: list[tuple[etree._Element, Iterator[etree._Element], Style, int]] = []
        current: etree._Element | None = root
        while current is not None or stack:
            if current is not None:
                before = self._flow.style, len(self._lists)
                if self._start(current):
                    stack.append((current, iter(current), *before))
                    self._flow.text(current.text or "")
                else:
                    self._tail(current, root)
            element, children, style, lists = stack[-1] if stack else (root, iter(()), Style(), 0)
            current = next(children, None)
            if current is None and stack:
                stack.pop()
                self._end(element, style)
                del self._lists[lists:]
                self._tail(element, root)
        return self.content

    def _tail(self, element: etree._Element, root: etree._Element) -> None:
        if element is not root and element.tail:
            self._flow.text(element.tail)

    def _start(self, element: etree._Element) -> bool:
        """Open an element; False when it is left out or dealt with whole."""
        tag = local(element)
        flow = self._flow
        if not tag:
            return False
        for name in filter(None, (element.get("id"), element.get("name") if tag == "a" else None)):
            flow.anchor(name)
            if name in self._pages:
                flow.page(self._pages[name])
        if _is_page_number(element):
            if element.get("id") not in self._pages:
                flow.page(_page_label(element))
            return False
        if tag in _UNSEEN or is_hidden(element) or not _UNSEEN_CLASSES.isdisjoint(words_of(element)):
            if tag in _COUNTED:
                self.content.left_out[_COUNTED[tag]] += 1
            return False
        reason = self._skip(element)
        if reason is not None:
            self._leave_out(element, reason)
            return False
        if tag == "table" and not self._in_cell and self._table(element):
            return False
        return self._open(element, tag)

    def _open(self, element: etree._Element, tag: str) -> bool:
        flow = self._flow
        heading = _HEADING.fullmatch(tag)
        if tag == "br":
            flow.line()
        elif tag == "hr":
            flow.scene_break()
        elif tag in ("sup", "sub") and len(element) == 0:
            flow.text(_shifted(element.text or "", tag))
            return False
        elif tag == "q":
            flow.text("“")
        elif flow.style.level and (tag in _BLOCKS or heading):
            flow.line()
        elif heading:
            flow.end()
            flow.style = Style(level=int(heading[1]))
        elif tag in _BLOCKS or _is_line(element):
            flow.end()
            self._open_block(element, tag)
        return True

    def _open_block(self, element: etree._Element, tag: str) -> None:
        flow, outer = self._flow, self._flow.style
        if tag in _LISTS:
            start = element.get("start") or "1"
            number = int(start) if start.isdecimal() and len(start) < 7 else 1
            self._lists.append(_List(tag == "ol", number, len(self._lists)))
        elif tag == "li" and self._lists:
            inner = self._lists[-1]
            mark = f"{inner.number}. " if inner.ordered else "- "
            inner.number += 1
            indent = "  " * inner.depth
            flow.style = Style(tight=inner.started or inner.depth > 0, marker=indent + mark, indent=indent + "  ")
            inner.started = True
        elif tag == "pre":
            flow.style = replace(outer, verbatim=True)
            if any(local(child) == "code" for child in element):
                flow.fence()
        elif tag == "dd":
            flow.style = replace(outer, tight=True)
        elif _is_line(element):
            before = element.getprevious()
            flow.style = replace(outer, tight=before is not None and _is_line(before))
        elif not (outer.marker or outer.indent) and tag not in ("tr", "td", "th"):
            flow.style = replace(outer, tight=False)

    def _end(self, element: etree._Element, style: Style) -> None:
        tag = local(element)
        flow = self._flow
        if tag == "q":
            flow.text("”")
        elif style.level:
            if tag in _BLOCKS:
                flow.line()
        elif tag in _BLOCKS or _HEADING.fullmatch(tag) or _is_line(element):
            if tag == "pre" and flow.style.verbatim and any(local(child) == "code" for child in element):
                flow.text("\n" + FENCE)
            flow.end()
            # Within a list item the marker stands before the first block alone.
            used = style.marker and flow.style.marker != style.marker and tag != "li"
            flow.style = flow.style if used else style

    def _leave_out(self, element: etree._Element, reason: str) -> None:
        if reason:
            self.content.left_out[reason] += 1
        if local(element) in _BLOCKS and local(element) != "nav" and any(str(t).strip() for t in element.itertext()):
            self._flow.left_out()

    def _table(self, element: etree._Element) -> bool:
        """Take a table as data, or as lines of words; False when it lays out what is to be read as it comes."""
        table = read_table_element(element, self._cell_text)
        if table is None:
            return False
        data = as_data(table.rows, heading_rows=table.heading_rows) if table.may_be_data else None
        if data is not None:
            self.content.tables.append((table.caption or data.title or self._flow.heading, data))
            self._flow.left_out()
            return True
        if not table.is_words:
            return False
        self._flow.lines([table.caption, *as_lines(table.rows)])
        return True

    def _cell_text(self, cell: etree._Element) -> list[str] | None:
        """The paragraphs of a cell, row or caption; None where it is left out."""
        if is_hidden(cell) or self._skip(cell) is not None:
            return None
        return [block.text for block in Walker(self._skip, in_cell=True).walk(cell).flow.blocks if block.text]


def _is_page_number(element: etree._Element) -> bool:
    """Whether an element is where a page of the printed book starts, its number included."""
    if not types_of(element).isdisjoint(("pagebreak", "doc-pagebreak")):
        return True
    return local(element) in ("span", "a") and not words_of(element).isdisjoint(_PAGE_NUMBERS)


def _page_label(element: etree._Element) -> str:
    label = element.get("title") or element.get("aria-label") or "".join(map(str, element.itertext()))
    return " ".join(str(label).split()).strip("[].()")[:40]


def words_of(element: etree._Element) -> set[str]:
    """The classes of an element, in small letters, without the numbers that programs put behind them."""
    told = element.get("class")
    return {re.sub(r"[-_]?\d+$", "", name) for name in told.casefold().split()} if told else set()


def _is_line(element: etree._Element) -> bool:
    """Whether an element is a line of verse."""
    tag = local(element)
    if tag not in ("p", "div", "span"):
        return False
    classes = words_of(element)
    parent = element.getparent()
    in_stanza = tag != "span" and parent is not None and not words_of(parent).isdisjoint(_STANZA)
    if in_stanza or not classes.isdisjoint(_VERSE):
        return True
    if classes.isdisjoint(_LINE):
        return False
    around = parent
    for _ in range(3):
        if around is None:
            return False
        if not words_of(around).isdisjoint(_POEM) or not types_of(around).isdisjoint(_POEM_TYPES):
            return True
        around = around.getparent()
    return False


def _shifted(text: str, tag: str) -> str:
    """Raised and lowered figures as characters of their own: `m²`, `H₂O`, `1.º`; other text as it is."""
    plain = text.strip()
    if tag == "sup" and plain in _ORDINALS:
        return _ORDINALS[plain]
    table = _RAISED if tag == "sup" else _LOWERED
    if plain and len(plain) <= 6 and all(ord(c) in table for c in plain):
        return plain.translate(table)
    return text
