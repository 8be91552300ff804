"""What in a book is not the work: cover, title page, imprint, contents.

Told by what the book itself calls its documents and sections, else by what stands in them, in
Portuguese and English. What is told by words alone must be short and full of them: a chapter that
speaks of copyright is a chapter.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence

from tools.prepare_dataset.readers.flow import Block

COVER, TITLE, IMPRINT, CONTENTS = "cover", "title page", "copyright page", "table of contents"
OTHER = "front matter"
_KINDS = {
    **dict.fromkeys(("cover", "frontispiece", "doc-cover"), COVER),
    **dict.fromkeys(("titlepage", "title-page", "halftitlepage", "halftitle", "fulltitle"), TITLE),
    **dict.fromkeys(("copyright-page", "copyright", "imprint", "imprimatur", "colophon", "doc-colophon"), IMPRINT),
    **dict.fromkeys(("toc", "doc-toc", "toc-brief", "landmarks", "page-list", "doc-pagelist"), CONTENTS),
    **dict.fromkeys(("loi", "lot", "loa", "lov"), CONTENTS),
    **dict.fromkeys(("seriespage", "other-credits", "promotional-copy"), OTHER),
}
# How long a document may be that is left out by what the book calls it, characters.
_LONGEST = {COVER: 3000, TITLE: 3000, IMPRINT: 15_000, CONTENTS: 60_000, OTHER: 15_000}
_CONTENTS_WORDS = frozenset(
    {"indice", "sumario", "conteudo", "conteudos", "indice geral", "tabua de materias", "contents", "table of contents"}
)
_NOTES_WORDS = frozenset(
    {"notas", "nota", "notas de rodape", "notas de fim", "notas do tradutor", "notas do autor", "notas finais"}
    | {"notes", "footnotes", "endnotes", "end notes", "translators notes", "notes and references"}
)
_RIGHTS = re.compile(
    r"\bISBN\b|©|\(c\)\s*\d{4}|direitos reservados|rights reserved|dep[óo]sito legal|dados internacionais de cataloga"
    r"|cataloging[- ]in[- ]publication|t[íi]tulo original:",
    re.IGNORECASE,
)
_IMPRINT_SIGNS = re.compile(
    r"\bISBN\b|©|\(c\)\s*\d{4}|\bcopyright\b|todos os direitos reservados|direitos reservados|all rights reserved"
    r"|dep[óo]sito legal|dados internacionais de cataloga|cataloging[- ]in[- ]publication|ficha catalogr[áa]fica"
    r"|t[íi]tulo original|original title|first published|published by|publicado por|impresso (?:em|por|na|no)"
    r"|printed (?:in|by)|\b\d{1,2}\.?\s?[ªa]\s+edi[çc][ãa]o|\bedition\b|\bedi[çc][ãa]o:|\brevis[ãa]o:|\bcapa:"
    r"|\btradu[çc][ãa]o:|\bpagina[çc][ãa]o:|\beditora\b|obra de fic[çc][ãa]o|work of fiction|reproduced|reproduzid[ao]|\bpublisher\b|\bpublishing\b|https?://|www\.|@\w+\.",
    re.IGNORECASE,
)
_CHARACTERS_A_SIGN = 300
_IMPRINT_LENGTH = 6000
_TITLE_LENGTH = 400
_LINE = 150
_SHARE_OF_LINKS = 0.6


def reason_of(kinds: Collection[str]) -> str | None:
    """Why a section of such kinds (`epub:type`, landmarks, guide) is left out; None for all others."""
    return next((_KINDS[kind] for kind in sorted(kinds) if kind in _KINDS), None)


def reason_for(
    blocks: Sequence[Block], kinds: Collection[str], links: float, titles: Collection[str], names: Sequence[str]
) -> str | None:
    """Why a document is left out, or None.

    kinds: what the book calls it. links: the share of its text that leads to other documents. titles:
    of the table of contents, folded. names: the book's title, then its authors, where the work has not
    begun yet; empty after that.
    """
    texts = [block.text for block in blocks if block.text]
    length = sum(map(len, texts))
    told = reason_of(kinds)
    if told is not None and length <= _LONGEST[told]:
        return told
    if _is_contents(texts, links, titles):
        return CONTENTS
    if length <= _IMPRINT_LENGTH and _is_imprint(texts, length):
        return IMPRINT
    if names and 0 < length <= _TITLE_LENGTH and all(len(text) <= _LINE for text in texts):
        lines = {folded(line) for text in texts for line in text.split("\n")}
        if folded(names[0]) in lines | {folded(" ".join(texts))} and len(names[0]) > 2:
            return TITLE
    return None


def heading_of_part(blocks: Sequence[Block], titles: Collection[str]) -> list[Block]:
    """What stays of a list of chapters: its heading, where the table of contents tells it as a part's."""
    heading = next((block for block in blocks if block.level), None)
    if heading is None or folded(heading.text) not in titles or folded(heading.text) in _CONTENTS_WORDS:
        return []
    return [heading]


def is_notes_heading(text: str) -> bool:
    """Whether a heading stands over notes."""
    return folded(text) in _NOTES_WORDS


def folded(text: str) -> str:
    """The words of a text without case, accents and marks, in any script."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(re.findall(r"[^\W_]+", "".join(c for c in plain if not unicodedata.combining(c))))


def _is_imprint(texts: Sequence[str], length: int) -> bool:
    signs = {match.group().casefold() for text in texts for match in _IMPRINT_SIGNS.finditer(text)}
    dense = len(signs) >= 2 and len(signs) * _CHARACTERS_A_SIGN >= length
    return dense and any(_RIGHTS.search(text) for text in texts)


def _is_contents(texts: Sequence[str], links: float, titles: Collection[str]) -> bool:
    lines = [line for text in texts for line in text.split("\n") if line.strip()]
    if links >= _SHARE_OF_LINKS and len(lines) >= 3:
        return True
    if not lines or folded(lines[0]) not in _CONTENTS_WORDS:
        return False
    rest = lines[1:]
    if not rest or not _are_short(rest):
        return False
    known = sum(1 for line in rest if folded(re.sub(r"[\s.…]*\d*$", "", line.removeprefix("- "))) in titles)
    return known * 2 >= len(rest) or links >= _SHARE_OF_LINKS / 2


def _are_short(lines: Iterable[str]) -> bool:
    return all(len(line) <= _LINE for line in lines)
