"""Word's styles and numbering: which paragraphs are headings, list items or entries of a table of contents.

Names as in ECMA-376, part 1; a document of the strict variant uses the same ones in another namespace.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from lxml import etree

from tools.prepare_dataset.readers.trees import attribute, local, named

# Word keeps the English names of its styles in every language; other programs write their own.
_HEADING = re.compile(
    r"(?:heading|t[íi]tulo|cabe[çc]alho|titre|encabezado|[üu]berschrift|intestazione|kop|rubrik)\s*([1-9])",
    re.IGNORECASE,
)
_TITLE = frozenset({"title", "título", "titulo", "titre", "titel", "titolo"})
_CONTENTS = re.compile(
    r"(?:toc|contents|sum[áa]rio|[íi]ndice)\s*(?:\d|heading)|toc heading|cabe[çc]alho do [íi]ndice", re.I
)
_BODY_LEVEL = 9  # an outline level that means running text
_DEEPEST_CHAIN = 20
TITLE = 0


@dataclass(frozen=True)
class Numbered:
    """A list item: its list, its depth from 0, and whether it is counted."""

    list_id: str
    depth: int
    ordered: bool


@dataclass
class _Style:
    name: str = ""
    based_on: str = ""
    outline: int | None = None
    list_id: str | None = None
    depth: int = 0


@dataclass
class Styles:
    """What a document's styles and lists say of a paragraph."""

    _styles: dict[str, _Style] = field(default_factory=dict)
    _ordered: dict[tuple[str, int], bool] = field(default_factory=dict)
    _default: str = ""

    @staticmethod
    def read(styles: etree._Element | None, numbering: etree._Element | None) -> Styles:
        """From the roots of `styles.xml` and `numbering.xml`, where the document has them."""
        found = Styles()
        for element in named(styles, "style") if styles is not None else ():
            if attribute(element, "type") == "paragraph":
                found._styles[attribute(element, "styleId")] = _style(element)
        if numbering is not None:
            found._ordered = _ordered_lists(numbering)
        return found

    def heading(self, paragraph: etree._Element) -> int | None:
        """The level of a heading from 1, TITLE for the work's title, None for running text."""
        own = _value(paragraph, "outlinelvl")
        if own.isdecimal():
            return int(own) + 1 if int(own) < _BODY_LEVEL else None
        for style in self._chain(paragraph):
            match = _HEADING.fullmatch(style.name)
            if match:
                return int(match[1])
            if style.name.casefold() in _TITLE:
                return TITLE
            if style.outline is not None:
                return style.outline + 1 if style.outline < _BODY_LEVEL else None
        return None

    def is_contents(self, paragraph: etree._Element) -> bool:
        """Whether a paragraph is a line of a table of contents, or its heading."""
        return any(_CONTENTS.fullmatch(style.name) for style in self._chain(paragraph))

    def numbered(self, paragraph: etree._Element) -> Numbered | None:
        """The list that a paragraph is an item of; None for other paragraphs."""
        list_id, depth = _value(paragraph, "numid"), _value(paragraph, "ilvl")
        if not list_id:
            for style in self._chain(paragraph):
                if style.list_id is not None:
                    list_id, depth = style.list_id, depth or str(style.depth)
                    break
        if not list_id or list_id == "0":
            return None
        level = min(int(depth), 8) if depth.isdecimal() else 0
        return Numbered(list_id, level, self._ordered.get((list_id, level), False))

    def _chain(self, paragraph: etree._Element) -> list[_Style]:
        """A paragraph's style and those that it is based on."""
        chain: list[_Style] = []
        name = _value(paragraph, "pstyle")
        while name in self._styles and len(chain) < _DEEPEST_CHAIN:
            chain.append(self._styles[name])
            name = chain[-1].based_on
        return chain


@dataclass
class Counting:
    """The numbers of list items, as a reader sees them."""

    _counts: Counter[tuple[str, int]] = field(default_factory=Counter)

    def marker(self, item: Numbered) -> str:
        if not item.ordered:
            return "- "
        for key in [key for key in self._counts if key[0] == item.list_id and key[1] > item.depth]:
            del self._counts[key]
        self._counts[item.list_id, item.depth] += 1
        return f"{self._counts[item.list_id, item.depth]}. "


def is_on(properties: etree._Element, name: str) -> bool:
    """Whether a property such as `b` or `vanish` is set."""
    return any(local(child) == name and attribute(child, "val") not in ("0", "false", "off") for child in properties)


def _style(element: etree._Element) -> _Style:
    style = _Style()
    for child in element.iter():
        tag, value = local(child), attribute(child, "val")
        if tag == "name":
            style.name = value.strip()
        elif tag == "basedon":
            style.based_on = value
        elif tag == "outlinelvl" and value.isdecimal():
            style.outline = int(value)
        elif tag == "numid":
            style.list_id = value
        elif tag == "ilvl" and value.isdecimal():
            style.depth = int(value)
    return style


def _ordered_lists(numbering: etree._Element) -> dict[tuple[str, int], bool]:
    """Whether the items of a list are counted, by the list's id and the depth."""
    abstract: dict[str, dict[int, bool]] = {}
    for element in named(numbering, "abstractNum"):
        levels: dict[int, bool] = {}
        for level in named(element, "lvl"):
            depth = attribute(level, "ilvl")
            form = next((attribute(child, "val") for child in named(level, "numFmt")), "decimal")
            if depth.isdecimal():
                levels[int(depth)] = form not in ("bullet", "none")
        abstract[attribute(element, "abstractNumId")] = levels
    ordered: dict[tuple[str, int], bool] = {}
    for element in named(numbering, "num"):
        reference = next((attribute(child, "val") for child in named(element, "abstractNumId")), "")
        for depth_of, is_ordered in abstract.get(reference, {}).items():
            ordered[attribute(element, "numId"), depth_of] = is_ordered
    return ordered


def _value(paragraph: etree._Element, name: str) -> str:
    """A property of a paragraph; "" where it has none of its own."""
    for properties in paragraph:
        if local(properties) == "ppr":
            for child in properties:
                if local(child) == "numpr" and name in ("numid", "ilvl"):
                    return next((attribute(inner, "val") for inner in child if local(inner) == name), "")
                if local(child) == name:
                    return attribute(child, "val")
    return ""
