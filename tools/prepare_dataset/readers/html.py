"""Web pages: the article's text, its tables of data apart, without what surrounds it on the screen."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from lxml import etree

from tools.prepare_dataset.decode import Decoded, decode
from tools.prepare_dataset.readers.document import document_parts
from tools.prepare_dataset.readers.flow import Block, without_gaps
from tools.prepare_dataset.readers.markup import Content, Walker, words_of
from tools.prepare_dataset.readers.notes import Notes, calls_in, types_of
from tools.prepare_dataset.readers.part import Part, Unreadable
from tools.prepare_dataset.readers.trees import Malformed, declared_codec, letters, local, named, parse_html, parse_page

MAX_BYTES = 64 * 1024**2
_LOOKED_AT = 4096  # bytes in which a page declares its encoding
_DECLARED = re.compile(
    rb"""(?:<meta\b[^>]{0,500}?charset|<\?xml\b[^>]{0,200}?encoding)\s*=\s*["']?\s*([\w.:-]{2,40})""", re.I
)
_BOILERPLATE_TAGS = frozenset(
    {
        "script",
        "style",
        "nav",
        "footer",
        "aside",
        "dialog",
        "button",
        "select",
        "textarea",
        "input",
        "datalist",
        "label",
    }
)
_PROGRAMS = frozenset({"script", "style", "noscript", "template", "textarea", ""})
_OUTSIDE = ("script", "style", "nav", "header", "footer", "aside", "form")
_BOILERPLATE_ROLES = frozenset(
    {"navigation", "banner", "contentinfo", "complementary", "search", "form", "menu", "menubar", "toolbar", "dialog"}
    | {"alert", "tablist", "doc-toc"}
)
# By class or id; a whole name, never a piece of one.
_BOILERPLATE = frozenset(
    {"nav", "navbar", "navigation", "menu", "sidebar", "breadcrumb", "breadcrumbs", "footer", "site-footer"}
    | {"site-header", "cookie", "cookies", "cookie-banner", "cookie-consent", "consent", "advert", "advertisement"}
    | {"ads", "ad", "banner", "share", "sharing", "social", "social-share", "related", "related-posts", "comments"}
    | {"newsletter", "pagination", "pager", "skip-link", "toc", "tags", "noprint", "no-print"}
    | {"navbox", "vertical-navbox", "metadata", "catlinks", "printfooter", "mw-editsection", "mw-jump-link", "hatnote"}
    | {"mw-indicators", "sitesub", "contentsub", "jump-to-nav", "ambox", "tmbox", "sistersitebox", "portalbox"}
    | {"authority-control", "mw-hidden-catlinks", "mw-empty-elt", "vector-toc", "mw-portlet", "pg-boilerplate"}
    | {"docnav", "headerlink", "sphinxsidebar"}
)
_NOTE_CLASSES = frozenset({"reflist", "references", "mw-references-wrap", "footnotes", "footnote", "endnotes", "notas"})
_NOTE_CALLS = frozenset({"reference", "footnote-ref", "footnoteref", "noteref"})
_KEPT_IN = ("main", "article", "h1")
_MOST = 0.3
_PEER = 0.3  # of the longest article's prose: one that holds less is a teaser
_PARAGRAPH = 80  # characters of a paragraph, not of a line
_SHARE_OF_LINKS = 0.8
_FORM = 200  # characters of running text: some pages are a form as a whole
_SITE = re.compile(r"\s+[|–—·•-]\s+")


def read_html(path: Path) -> list[Part]:
    """The text of a page, then its tables. Raises Unreadable, or OSError when its bytes cannot be had."""
    if path.stat().st_size > MAX_BYTES:
        raise Unreadable(f"It is larger than {MAX_BYTES // 1024**2} MB, as no page is.", "Split it into several files.")
    decoded = _decoded(path.read_bytes())
    try:
        root = _root(decoded.text, path.suffix.lower() == ".xhtml")
    except Malformed as fault:
        raise Unreadable(f"It cannot be read as a page: {fault.reason}.", "Give its text as .txt or .md.") from fault
    content = _content(root)
    content.flow.end()
    blocks = without_gaps(content.flow.blocks)
    title = _title(root)
    if title and blocks and not any(block.level == 1 or (block.level and block.text == title) for block in blocks):
        blocks.insert(0, Block(title, 1))
    mended = {"byte_order_mark": int(decoded.had_bom), "encoding": int(decoded.encoding != "utf_8")}
    parts = document_parts(blocks, content.tables, decoded.encoding, title, mended=mended, left_out=content.left_out)
    if not parts:
        raise Unreadable(
            "There is no text in it: what a browser shows is put there by a program.",
            "Copy the text from the browser into a .txt file.",
        )
    return [replace(parts[0], rival=decoded.rival), *parts[1:]]


def _decoded(raw: bytes) -> Decoded:
    """UTF-8 where it is UTF-8: programs convert pages and leave their declarations as they were. Else as declared."""
    found = _DECLARED.search(raw[:_LOOKED_AT])
    codec = declared_codec(found[1].decode("ascii", "replace")) if found else None
    if codec not in (None, "utf_8") and b"\0" not in raw:
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError:
            try:
                return Decoded(raw.decode(str(codec)), str(codec), False)
            except (UnicodeDecodeError, LookupError):
                pass  # the declaration is wrong
    return decode(raw)


def _root(text: str, is_xml: bool) -> etree._Element:
    if is_xml or text.lstrip().startswith("<?xml"):
        with suppress(Malformed):  # most pages that call themselves XML are none
            return parse_page(text)[0]
    return parse_html(text)


def _content(root: etree._Element) -> Content:
    notes = Notes(root, "", [call for _, call in calls_in(root, "")])
    notes.find_links(root, "", notes.confirmed)
    roots = _roots(root)
    menus = {menu for top in roots for menu in _menus(top)}

    def skip(element: etree._Element) -> str | None:
        reason = notes.reason(element)
        if reason is not None:
            return reason
        return "boilerplate" if element in menus else _surrounding(element)

    walker = Walker(skip)
    for element in roots:
        walker.walk(element)
        walker.content.flow.end()
    around = _count(root) - sum(map(_count, roots))
    walker.content.left_out["boilerplate"] += around
    return walker.content


def _count(root: etree._Element) -> int:
    return sum(1 for _ in named(root, *_OUTSIDE))


def _roots(root: etree._Element) -> list[etree._Element]:
    """Where the article is: the page's `main`, and in it the articles, as far as these hold most of the prose."""
    found = [next(named(root, "body"), root)]
    main = [element for element in found[0].iter() if local(element) == "main" or element.get("role") == "main"]
    if main and _prose(main[0]) >= _MOST * _prose(found[0]):
        found = main[:1]
    articles = [e for e in named(found[0], "article") if not any(local(a) == "article" for a in e.iterancestors())]
    # Beside the article there are teasers of others.
    lengths = [_prose(article) for article in articles]
    whole = [article for article, length in zip(articles, lengths, strict=True) if length >= _PEER * max(lengths)]
    if whole and sum(map(_prose, whole)) >= _MOST * _prose(found[0]):
        found = whole
    return found


def _prose(element: etree._Element) -> int:
    """Characters in paragraphs, whatever they are marked as: lines of menus and teasers are shorter."""
    return sum(length for inner in element.iter() if (length := _own(inner)) >= _PARAGRAPH)


def _own(element: etree._Element) -> int:
    """Characters of an element's own text, without what stands in elements in it."""
    if local(element) in _PROGRAMS:
        return 0
    return len(element.text or "") + sum(len(child.tail or "") for child in element)


def _menus(root: etree._Element) -> list[etree._Element]:
    """Lists of links above the first paragraph or below the last one: ways to other pages."""
    lists: list[etree._Element] = []
    before: list[int] = []  # how many lists stand above each paragraph
    for element in root.iter():
        if local(element) in ("ul", "ol"):
            lists.append(element)
        elif _own(element) >= _PARAGRAPH:
            before.append(len(lists))
    edges = [*lists[: before[0]], *lists[before[-1] :]] if before else []
    return [element for element in edges if _is_of_links(element)]


def _is_of_links(element: etree._Element) -> bool:
    links = sum(map(letters, named(element, "a")))
    return links > 0 and links >= _SHARE_OF_LINKS * letters(element)


def _surrounding(element: etree._Element) -> str | None:
    tag = local(element)
    if tag in ("main", "article", "body", "html", "br"):
        return None
    if tag in _BOILERPLATE_TAGS:
        return "boilerplate"
    names = words_of(element) | {(element.get("id") or "").casefold()}
    if not names.isdisjoint(_NOTE_CALLS) and tag in ("sup", "a", "span"):
        return ""
    if not names.isdisjoint(_NOTE_CLASSES):
        return "notes"
    surrounds = tag == "header" and not any(local(a) in ("main", "article") for a in element.iterancestors())
    surrounds = surrounds or not names.isdisjoint(_BOILERPLATE) or not types_of(element).isdisjoint(_BOILERPLATE_ROLES)
    surrounds = surrounds or (tag == "form" and _prose(element) < _FORM)
    if surrounds and next(named(element, *_KEPT_IN), None) is None:
        return "boilerplate"
    return None


def _title(root: etree._Element) -> str:
    """The one main heading, else what the page calls itself, without the site's name."""
    headings = [" ".join("".join(map(str, element.itertext())).split()) for element in named(root, "h1")]
    headings = [heading for heading in headings if heading and len(heading) <= 200]
    if len(headings) == 1:
        return headings[0]
    told = next((" ".join("".join(map(str, e.itertext())).split()) for e in named(root, "title")), "")
    return (_SITE.split(told)[0] if len(_SITE.split(told)[0]) > 2 else told)[:200]
