"""What an EPUB tells of itself: title, reading order, contents, landmarks, protection. Versions 2 and 3.

The formats are those of https://www.w3.org/TR/epub-33/ and https://idpf.org/epub/20/spec/OPF_2.0.1_draft.htm.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from lxml import etree

from tools.prepare_dataset.readers.archive import Archive, shown
from tools.prepare_dataset.readers.notes import resolved, types_of
from tools.prepare_dataset.readers.part import Unreadable
from tools.prepare_dataset.readers.trees import Malformed, local, named, parse_page, parse_xml

_CONTAINER = "META-INF/container.xml"
# How fonts are made useless outside of their book; the text is as it was.
_OF_FONTS = frozenset({"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"})
_RIGHTS = ("META-INF/rights.xml", "META-INF/sinf.xml", "META-INF/license.lcpl")
_TEXTS = frozenset(
    {"application/xhtml+xml", "text/html", "application/x-dtbook+xml", "text/x-oeb1-document", "application/xml"}
)
_NCX = "application/x-dtbncx+xml"
_MAX_ENTRIES = 20_000


@dataclass(frozen=True)
class Entry:
    """A line of the table of contents. depth: from 1. path, fragment: where it leads."""

    title: str
    depth: int
    path: str
    fragment: str


@dataclass
class Package:
    """spine: paths of the documents to read, in order. passed_over: those outside of the order. kinds: what
    landmarks and guide call a document. pages: labels of printed pages, by path and id."""

    title: str = ""
    creators: list[str] = field(default_factory=list)
    spine: list[str] = field(default_factory=list)
    passed_over: int = 0
    kinds: dict[str, set[str]] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    pages: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Item:
    path: str
    media: str
    properties: frozenset[str]
    fallback: str


def read_package(archive: Archive) -> Package:
    """The package of an EPUB. Raises Unreadable for what is none, protected, or without its reading order."""
    if _CONTAINER not in archive:
        raise Unreadable("It is no EPUB: it has no container.", "Give it the extension of what it is.")
    path = _package_path(archive)
    root = _tree(archive, path)
    items = _manifest(root, archive, path)
    _refuse_protected(archive)
    package = Package(
        title=next((_words(e) for e in named(root, "title", "Title") if _words(e)), "")[:300],
        creators=[_words(e) for e in named(root, "creator")],
    )
    spine = next(named(root, "spine"), None)
    if spine is None:
        raise Unreadable(f"`{shown(path)}` in it tells no reading order.", "Convert it to EPUB again.")
    for reference in named(spine, "itemref"):
        _add(reference, items, package, archive)
    for reference in named(root, "reference"):
        target, fragment = resolved(reference.get("href") or "", path)
        if not fragment:
            package.kinds.setdefault(target, set()).add((reference.get("type") or "").casefold())
    _read_contents(archive, items, spine.get("toc") or "", package)
    return package


def _package_path(archive: Archive) -> str:
    files = list(named(_tree(archive, _CONTAINER), "rootfile"))
    packages = [f for f in files if "oebps-package" in (f.get("media-type") or "")] or files
    path = posixpath.normpath(unquote(packages[0].get("full-path") or "")) if packages else ""
    if not path or path == ".":
        raise archive.damaged(_CONTAINER)
    return _found(path, archive)


def _tree(archive: Archive, path: str) -> etree._Element:
    try:
        return parse_xml(archive.read(path))
    except Malformed as fault:
        raise archive.damaged(path) from fault


def _found(path: str, archive: Archive) -> str:
    """The path as the archive spells it: some programs change small letters and capitals."""
    found = archive.find(path)
    if found is None:
        raise archive.missing(path)
    return found


def _manifest(root: etree._Element, archive: Archive, package: str) -> dict[str, _Item]:
    items: dict[str, _Item] = {}
    for element in named(root, "item"):
        path, _ = resolved(element.get("href") or "", package)
        properties = frozenset((element.get("properties") or "").split())
        media = (element.get("media-type") or "").strip().casefold()
        items[element.get("id") or ""] = _Item(path, media, properties, element.get("fallback") or "")
    if len(items) > len(archive.names) * 2 + 100:
        raise archive.damaged(package)
    return items


def _add(reference: etree._Element, items: dict[str, _Item], package: Package, archive: Archive) -> None:
    name = reference.get("idref") or ""
    item = items.get(name)
    if item is None:
        raise Unreadable(
            f"Its reading order names `{shown(name)}`, which its list of files does not hold.",
            "Get the EPUB again from where it comes from, or convert it again.",
        )
    if reference.get("linear") == "no":
        package.passed_over += 1
        return
    for _ in range(5):  # a picture may name a text to stand in for it
        if item.media in _TEXTS or item.fallback not in items:
            break
        item = items[item.fallback]
    path = _found(item.path, archive)
    if item.media in _TEXTS and path not in package.spine:
        package.spine.append(path)


def _refuse_protected(archive: Archive) -> None:
    encrypted = False
    if "META-INF/encryption.xml" in archive:
        for data in named(_tree(archive, "META-INF/encryption.xml"), "EncryptedData"):
            method = next(named(data, "EncryptionMethod"), None)
            algorithm = method.get("Algorithm") if method is not None else None
            encrypted = encrypted or algorithm not in _OF_FONTS
    if encrypted or any(name in archive for name in _RIGHTS):
        raise Unreadable(
            "It is protected against copying (DRM), so that its text cannot be read.",
            "Ask the seller for an edition without protection.",
        )


def _read_contents(archive: Archive, items: dict[str, _Item], ncx: str, package: Package) -> None:
    """Contents, landmarks and pages: from the navigation document, else from the NCX of version 2."""
    navigation = next((item.path for item in items.values() if "nav" in item.properties), None)
    if navigation is not None:
        path = _found(navigation, archive)
        package.kinds.setdefault(path, set()).add("toc")
        _read_navigation(archive, path, package)
    item = items.get(ncx) or next((item for item in items.values() if item.media == _NCX), None)
    if not package.entries and item is not None and item.path in archive:
        root = _tree(archive, item.path)
        for map_ in named(root, "navMap"):
            package.entries += _points(map_, item.path)
        for target in named(root, "pageTarget"):
            _add_page(package, *_point(target, item.path))
    del package.entries[_MAX_ENTRIES:]


def _read_navigation(archive: Archive, path: str, package: Package) -> None:
    try:
        root, _ = parse_page(archive.read(path))
    except Malformed as fault:
        raise archive.damaged(path) from fault
    for nav in named(root, "nav"):
        types = types_of(nav)
        if "landmarks" in types:
            for link in named(nav, "a"):
                target, fragment = resolved(link.get("href") or "", path)
                if not fragment:
                    package.kinds.setdefault(target, set()).update(types_of(link))
        elif "page-list" in types:
            for link in named(nav, "a"):
                _add_page(package, _words(link), *resolved(link.get("href") or "", path))
        elif "toc" in types or "doc-toc" in types:
            package.entries += _lines(nav, path)


def _lines(nav: etree._Element, path: str) -> Iterator[Entry]:
    for item in named(nav, "li"):
        depth = sum(1 for around in item.iterancestors() if local(around) == "li") + 1
        link = next((child for child in item if local(child) == "a"), None)
        if link is not None and _words(link):
            yield Entry(_words(link), depth, *resolved(link.get("href") or "", path))


def _points(root: etree._Element, path: str) -> Iterator[Entry]:
    for point in named(root, "navPoint"):
        depth = sum(1 for around in point.iterancestors() if local(around) == "navpoint") + 1
        title, target, fragment = _point(point, path)
        if title:
            yield Entry(title, depth, target, fragment)


def _point(point: etree._Element, path: str) -> tuple[str, str, str]:
    label = next((child for child in point if local(child) == "navlabel"), None)
    content = next((child for child in point if local(child) == "content"), None)
    target = resolved(content.get("src") or "", path) if content is not None else ("", "")
    return (_words(label) if label is not None else "", *target)


def _add_page(package: Package, label: str, path: str, fragment: str) -> None:
    if label and fragment:
        package.pages.setdefault(path, {})[fragment] = label[:40]


def _words(element: etree._Element) -> str:
    """The text in an element, on one line."""
    return " ".join("".join(map(str, element.itertext())).split())
