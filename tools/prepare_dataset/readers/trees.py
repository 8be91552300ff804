"""Bytes to element trees, from files that nobody vouches for.

No document type reaches the parser: entities are ours alone (those that HTML names), so that nothing
is fetched, no file is read in and nothing multiplies. Trees are bounded in depth and number of tags.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from functools import lru_cache
from html.entities import html5

from lxml import etree

# Elements and attributes cost some hundred bytes each, whatever the file's size.
_MAX_MARKS = 8_000_000
_END = 2000  # characters in which a whole page closes
_DECLARATION = re.compile(r"\s*<\?xml\b[^>]*?\?>")
_DECLARED = re.compile(rb"""^\s*<\?xml\b[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]{2,40})["']""")
_DOCTYPE = re.compile(r"<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>", re.DOTALL | re.IGNORECASE)
_FIRST_ELEMENT = re.compile(r"<[^\W\d_]")
_ENTITY = re.compile(r"&([^\W\d][\w.:-]{0,60});")
_KEPT_BY_XML = frozenset({"amp", "lt", "gt", "quot", "apos"})
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_ENCODINGS = re.compile(
    r"(?:iso[-_]?8859[-_]\d{1,2}|windows[-_]125\d|cp(?:125\d|850|437)|latin[-_]?\d|koi8[-_][ru]|us[-_]?ascii"
    r"|(?:x[-_])?mac(?:intosh|[-_]?roman)|gb(?:k|2312|18030)|big5|shift[-_]?jis|euc[-_](?:jp|kr))"
)


class Malformed(Exception):
    """The bytes are no tree: `reason` says why, in our words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def parse_xml(raw: bytes) -> etree._Element:
    """The root of a sound XML document. Raises Malformed."""
    return _parsed(_decoded(raw))


def parse_page(raw: bytes | str) -> tuple[etree._Element, bool]:
    """The root of an XHTML page, and whether it had to be mended as HTML is. Raises Malformed.

    A page that breaks off is not mended: what is missing would go unseen.
    """
    text = raw if isinstance(raw, str) else _decoded(raw)
    try:
        return _parsed(text), False
    except Malformed as fault:
        if "</html" not in text[-_END:].lower():
            raise Malformed("it breaks off") from fault
        return parse_html(text), True


def _parsed(text: str) -> etree._Element:
    text = _ENTITY.sub(_character, _without_prolog(text))
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    _check_size(text)
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Malformed("it is not well-formed XML") from error
    if getattr(root.getroottree().docinfo, "doctype", ""):
        raise Malformed("it declares things before its text that no text needs")
    return root


def parse_html(text: str) -> etree._Element:
    """The root of an HTML page, mended as browsers mend it. Raises Malformed where there is none."""
    _check_size(text)
    # The limits lifted by `huge_tree` are of depth, from 256 to 2,048, and of one text's length.
    parser = etree.HTMLParser(
        encoding="utf-8", no_network=True, huge_tree=True, remove_comments=True, remove_pis=True, recover=True
    )
    try:
        root = etree.fromstring(_CONTROLS.sub(" ", _without_prolog(text)).encode("utf-8", "replace"), parser)
    except (etree.LxmlError, ValueError) as error:
        raise Malformed("it holds nothing that a page is made of") from error
    if root is None:
        raise Malformed("it holds nothing that a page is made of")
    if any("depth" in entry.message for entry in parser.error_log):
        raise Malformed("its elements are nested more than two thousand deep")
    return root


def declared_codec(label: str) -> str | None:
    """Python's name for an encoding that a page declares, if it is one of texts; browsers read Latin-1 as cp1252."""
    name = label.strip().casefold()
    if name in ("utf-8", "utf8"):
        return "utf_8"
    if not _ENCODINGS.fullmatch(name):
        return None
    if name in ("iso-8859-1", "iso8859-1", "latin1", "latin-1", "us-ascii", "iso_8859-1"):
        return "cp1252"
    if "mac" in name:
        return "mac_roman"
    return name.replace("windows-", "cp").replace("windows_", "cp").replace("-", "_")


def local(element: etree._Element) -> str:
    """An element's name without its namespace, in small letters; "" for an entity, comment or instruction."""
    tag = element.tag
    return _bare(tag) if isinstance(tag, str) else ""


@lru_cache(maxsize=4096)
def _bare(tag: str) -> str:
    return tag.rpartition("}")[2].lower()


def named(root: etree._Element, *names: str) -> Iterator[etree._Element]:
    """The elements of these local names, spelt as the document spells them, in its order."""
    return root.iter(*(f"{{*}}{name}" for name in names))


def letters(element: etree._Element) -> int:
    """How many characters an element's text has, blanks apart."""
    return sum(len("".join(str(text).split())) for text in element.itertext())


def attribute(element: etree._Element, name: str) -> str:
    """An attribute by its local name, whatever its namespace; "" where there is none."""
    value = element.get(name)
    if value is not None:
        return str(value)
    for key, found in element.attrib.items():
        if str(key).rpartition("}")[2].rpartition(":")[2] == name:
            return str(found)
    return ""


def _check_size(text: str) -> None:
    if text.count("<") + text.count("=") > _MAX_MARKS:
        raise Malformed("it has millions of tags, as no text does")


def _decoded(raw: bytes) -> str:
    """An XML document's text by its mark, its declaration, else UTF-8."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _strict(raw, "utf-16")
    found = _DECLARED.match(raw)
    codec = declared_codec(found[1].decode("ascii")) if found else None
    return _strict(raw, "utf-8-sig" if codec in (None, "utf_8") else str(codec))


def _strict(raw: bytes, codec: str) -> str:
    try:
        return raw.decode(codec).removeprefix("\ufeff")
    except (UnicodeError, LookupError) as error:
        raise Malformed("its letters are damaged") from error


def _without_prolog(text: str) -> str:
    """The text without its XML declaration and document type."""
    match = _DECLARATION.match(text)
    text = text[match.end() if match else 0 :].lstrip()
    first = _FIRST_ELEMENT.search(text)
    # A document type may hold elements' names; what is not cut here, the parser for XML refuses.
    start = text[: first.start() if first else None].upper().find("<!DOCTYPE")
    match = _DOCTYPE.match(text, start) if start >= 0 else None
    return text[:start] + text[match.end() :] if match is not None else text


def _character(match: re.Match[str]) -> str:
    name = match[1]
    if name in _KEPT_BY_XML:
        return match.group()
    return html.escape(html5.get(name + ";", ""), quote=False)
