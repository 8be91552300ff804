"""EPUBs and other packed files, made for a test, and damaged copies of them."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>'
    '<rootfile full-path="OEBPS/livro.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
STORY = "A menina subiu ao farol e contou os barcos que passavam ao largo da ilha, um por um, até ser noite. "


def zipped(path: Path, entries: Mapping[str, str | bytes], packing: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content, packing)
    return path


def page(body: str, title: str = "", attributes: str = "") -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml" '
        f'xmlns:epub="http://www.idpf.org/2007/ops"><head><title>{escape(title)}</title></head>'
        f"<body{attributes}>{body}</body></html>"
    )


def paragraphs(count: int, text: str = STORY) -> str:
    return "".join(f"<p>{text * 3}Passo {n}.</p>" for n in range(count))


def epub(
    path: Path,
    pages: Mapping[str, str],
    *,
    contents: str = "",
    ncx: str = "",
    title: str = "O Farol de Areia",
    author: str = "Ana Maresia",
    guide: str = "",
    not_linear: tuple[str, ...] = (),
    spine: tuple[str, ...] | None = None,
    more: Mapping[str, str | bytes] | None = None,
) -> Path:
    """pages: XHTML by name, in reading order. contents: the body of a navigation document (version 3). ncx: its
    navPoints (version 2). spine: other names than those of the pages. more: further entries by full path."""
    items = "".join(f'<item id="{name}" href="{name}.xhtml" media-type="application/xhtml+xml"/>' for name in pages)
    items += '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>' if contents else ""
    items += '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>' if ncx else ""
    refs = "".join(
        f'<itemref idref="{name}"{" linear=" + chr(34) + "no" + chr(34) if name in not_linear else ""}/>'
        for name in (spine if spine is not None else pages)
    )
    package = (
        f'<package xmlns="http://www.idpf.org/2007/opf" version="{2 if ncx else 3}.0">'
        f'<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title>'
        f"<dc:creator>{author}</dc:creator></metadata><manifest>{items}</manifest>"
        f'<spine toc="ncx">{refs}</spine><guide>{guide}</guide></package>'
    )
    entries: dict[str, str | bytes] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "OEBPS/livro.opf": package,
    }
    entries.update({f"OEBPS/{name}.xhtml": content for name, content in pages.items()})
    if contents:
        entries["OEBPS/nav.xhtml"] = page(contents)
    if ncx:
        entries["OEBPS/toc.ncx"] = f'<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>{ncx}</navMap></ncx>'
    return zipped(path, {**entries, **(more or {})})


def nav(*lines: tuple[str, str]) -> str:
    """A table of contents of (title, link)."""
    items = "".join(f'<li><a href="{link}">{title}</a></li>' for title, link in lines)
    return f'<nav epub:type="toc"><ol>{items}</ol></nav>'


def damaged(raw: bytes) -> Iterator[bytes]:
    """Copies cut off at every tenth byte, and copies with one byte flipped, spread over the file."""
    for length in range(1, len(raw), 10):
        yield raw[:length]
    for at in range(0, len(raw), max(1, len(raw) // 400)):
        yield raw[:at] + bytes([raw[at] ^ 0xFF]) + raw[at + 1 :]
