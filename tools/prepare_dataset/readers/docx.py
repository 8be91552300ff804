"""Word documents: the text as it reads with all changes accepted, its tables of data apart."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

from tools.prepare_dataset.readers.archive import Archive
from tools.prepare_dataset.readers.document import document_parts
from tools.prepare_dataset.readers.flow import Flow, Style, without_gaps
from tools.prepare_dataset.readers.grid import Data, as_data, as_lines
from tools.prepare_dataset.readers.part import Part, Unreadable
from tools.prepare_dataset.readers.trees import Malformed, attribute, local, named, parse_xml
from tools.prepare_dataset.readers.word_styles import TITLE, Counting, Styles, is_on
from tools.prepare_dataset.readers.word_table import WordTable, is_deleted

_WHAT = "Word document"
# Elements whose text is not the document's, and the name under which they are counted.
_LEFT_OUT = {
    "del": "tracked deletions",
    "movefrom": "tracked deletions",
    "footnotereference": "notes",
    "endnotereference": "notes",
    "commentreference": "comments",
    "omath": "formulas",
    "altchunk": "embedded documents",
    "rt": "readings beside characters",
}
# What programs put there for want of a title.
_NO_TITLE = re.compile(
    r"microsoft word\b|word document$|(?:documento|document|untitled|sem t[íi]tulo)\s*\d*$|.*\.docx?$", re.IGNORECASE
)
_UNSEEN = frozenset(
    {"instrtext", "deltext", "delinstrtext", "fallback", "ppr", "rpr", "tblpr", "tblgrid", "trpr", "tcpr", "sdtpr"}
    | {"sdtendpr", "object", "rubypr", "sectpr"}
)
_WORDS = {"tab": " ", "nobreakhyphen": "-", "softhyphen": "\xad", "ptab": " "}


def read_docx(path: Path) -> list[Part]:
    """The text of a document, then its tables. Raises Unreadable, or OSError when its bytes cannot be had."""
    _refuse_others(path)
    with Archive(path, _WHAT) as archive:
        package = _Package(archive)
        body = next(named(package.document, "body"), None)
        if body is None:
            raise archive.damaged(package.path)
        styles = Styles.read(package.related("styles"), package.related("numbering"))
        title = package.title()
    reading = _Reading(styles, _has_title(body, styles))
    reading.read(body)
    reading.left_out["headers and footers"] += sum(1 for _ in named(body, "headerReference", "footerReference"))
    blocks = without_gaps(reading.flow.blocks)
    parts = document_parts(blocks, reading.tables, "docx", title or reading.title, mended={}, left_out=reading.left_out)
    if not parts:
        raise Unreadable("There is no text in it.", "If its pages are pictures, give the text itself.")
    return parts


def _refuse_others(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(6)
    if head.startswith(b"{\\rtf"):
        raise Unreadable("It is an RTF file with the name of a Word document.", "Open it and save it as .docx.")


class _Package:
    """The parts of a document that hold its text, found by their relations."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self.path = self._target("_rels/.rels", "", "officedocument")
        if not self.path:
            raise Unreadable(f"It is no {_WHAT}, in spite of its name.", "Give it the extension of what it is.")
        if self.path not in archive:
            raise archive.missing(self.path)
        self.document = self._tree(self.path)
        if local(self.document) != "document":
            raise Unreadable(f"It is no {_WHAT}, in spite of its name.", "Give it the extension of what it is.")

    def related(self, kind: str) -> etree._Element | None:
        """The root of a part that the document relates to, None where there is none."""
        folder, name = posixpath.split(self.path)
        path = self._target(f"{folder}/_rels/{name}.rels".lstrip("/"), folder, kind)
        return self._tree(path) if path in self._archive else None

    def title(self) -> str:
        path = self._target("_rels/.rels", "", "core-properties")
        if path not in self._archive:
            return ""
        found = next(("".join(map(str, e.itertext())) for e in named(self._tree(path), "title")), "")
        title = " ".join(found.split())[:300]
        return "" if _NO_TITLE.match(title) else title

    def _target(self, relations: str, folder: str, kind: str) -> str:
        if relations not in self._archive:
            return ""
        for relation in named(self._tree(relations), "Relationship"):
            if (relation.get("Type") or "").lower().endswith("/" + kind):
                target = relation.get("Target") or ""
                return posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
        return ""

    def _tree(self, path: str) -> etree._Element:
        try:
            return parse_xml(self._archive.read(path))
        except Malformed as fault:
            raise self._archive.damaged(path) from fault


@dataclass
class _Reading:
    """Goes through a body in order. has_title: a paragraph bears the title's style, headings stand one level below."""

    styles: Styles
    has_title: bool
    flow: Flow = field(default_factory=Flow)
    tables: list[tuple[str, Data]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    title: str = ""
    _counting: Counting = field(default_factory=Counting)
    _in_list: str = ""

    def read(self, container: etree._Element) -> None:
        """The blocks of a body, cell, text box or content control."""
        pending = [iter(container)]
        while pending:
            element = next(pending[-1], None)
            if element is None:
                pending.pop()
                continue
            tag = local(element)
            if tag == "p":
                self._paragraph(element)
            elif tag == "tbl":
                self._table(element)
            elif tag == "sdt" and _is_contents(element):
                self._leave_out_contents()
            elif not self._is_left_out(element):
                pending.append(iter(element))

    def _paragraph(self, paragraph: etree._Element) -> None:
        if self.styles.is_contents(paragraph):
            self._leave_out_contents()
            return
        level = self.styles.heading(paragraph)
        item = self.styles.numbered(paragraph) if level is None else None
        style = Style()
        if level is not None:
            style = Style(level=1 if level == TITLE else level + self.has_title)
        elif item is not None:
            indent = "  " * item.depth
            style = Style(tight=self._in_list == item.list_id, marker=indent + self._counting.marker(item))
        self.flow.style = style
        before = len(self.flow.blocks)
        boxes = self._inline(paragraph)
        self.flow.end()
        if len(self.flow.blocks) > before:
            self._in_list = item.list_id if item is not None else ""
            if level == TITLE:
                self.title = self.title or self.flow.heading
        self.flow.style = Style()
        for box in boxes:
            self.read(box)

    def _leave_out_contents(self) -> None:
        if not self.flow.blocks or self.flow.blocks[-1].text:
            self.left_out["table of contents"] += 1
            self.flow.left_out()

    def _inline(self, paragraph: etree._Element) -> list[etree._Element]:
        """Add a paragraph's own text. Returns the text boxes anchored in it, which come after it."""
        boxes: list[etree._Element] = []
        pending: list[Iterator[etree._Element]] = [iter(paragraph)]
        while pending:
            element = next(pending[-1], None)
            if element is None:
                pending.pop()
                continue
            tag = local(element)
            if tag == "txbxcontent":
                boxes.append(element)
            elif tag == "t":
                self.flow.text(element.text or "")
            elif tag in _WORDS:
                self.flow.text(_WORDS[tag])
            elif tag == "cr" or (tag == "br" and attribute(element, "type") in ("", "textWrapping")):
                self.flow.line()
            elif tag == "br":  # of a page or column
                self.flow.text(" ")
            elif not self._is_left_out(element):
                pending.append(iter(element))
        return boxes

    def _is_left_out(self, element: etree._Element) -> bool:
        tag = local(element)
        if tag in _LEFT_OUT:
            self.left_out[_LEFT_OUT[tag]] += 1
            return True
        if tag == "r" and _is_hidden(element):
            self.left_out["hidden text"] += 1
            return True
        return tag in _UNSEEN or not tag

    def _table(self, table: etree._Element) -> None:
        """Take a table as data, or as lines of words, or what is in its cells as it comes."""
        found = None if any(inner is not table for inner in named(table, "tbl")) else self._cells(table)
        data = as_data(found.rows, heading_rows=found.heading_rows) if found is not None else None
        if found is not None and (data is not None or found.is_words):
            self.left_out.update(found.left_out)
            if data is not None:
                self.tables.append((data.title or self.flow.heading, data))
                self.flow.left_out()
            else:
                self.flow.lines(as_lines(found.rows))
            return
        for row in table:
            if local(row) == "tr" and not is_deleted(row):
                self.read(row)

    def _cells(self, table: etree._Element) -> WordTable | None:
        def text_of(cell: etree._Element) -> list[str]:
            inner = _Reading(self.styles, False)
            inner.read(cell)
            found.left_out.update(inner.left_out)
            return [block.text for block in inner.flow.blocks if block.text]

        found = WordTable()
        return found if found.read(table, text_of) else None


def _has_title(body: etree._Element, styles: Styles) -> bool:
    return any(styles.heading(paragraph) == TITLE for paragraph in named(body, "p"))


def _is_contents(control: etree._Element) -> bool:
    return any("contents" in attribute(kind, "val").lower() for kind in named(control, "docPartGallery"))


def _is_hidden(run: etree._Element) -> bool:
    properties = next((child for child in run if local(child) == "rpr"), None)
    return properties is not None and is_on(properties, "vanish")
