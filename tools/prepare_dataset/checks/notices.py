"""What the text around a work says, in Portuguese and English, as patterns."""

from __future__ import annotations

import re

_LINES = re.IGNORECASE | re.MULTILINE
GUTENBERG_START = re.compile(
    r"^[ \t]*\*{3}[ \t]*START OF (?:TH(?:E|IS) )?PROJECT GUTENBERG[^*]{0,300}\*{3}[ \t]*$"
    r"|^[ \t]*\*END\*? ?THE SMALL PRINT![^\n]*$",
    _LINES,
)
GUTENBERG_CREDITS = re.compile(r"\s*(?:produced by|e-?text prepared by)[^\n]*(?:\n[^\n]+)*", re.IGNORECASE)
GUTENBERG_END = re.compile(
    r"^[ \t]*(?:\*{3}[ \t]*END OF (?:TH(?:E|IS) )?PROJECT GUTENBERG|End of (?:the )?Project Gutenberg)", _LINES
)
# Said on copyright pages and in the notes of digital libraries, and hardly elsewhere.
RIGHTS = re.compile(
    r"todos os direitos (?:desta (?:edi[çc][ãa]o|obra) )?(?:(?:est[ãa]o|s[ãa]o) )?reservados|direitos reservados para"
    r"|all rights reserved|(?:©|^[ \t]*\(c\)|^[ \t]*copyright\b)[ \t]*(?:©|\(c\))?[ \t]*(?:by |\d{4}|[A-ZÀ-Ý]\w)"
    r"|dep[óo]sito legal|cip-brasil|ficha catalogr[áa]fica|impress[ãa]o e acabamento"
    r"|(?:nenhuma|qualquer) parte desta (?:publica[çc][ãa]o|obra|edi[çc][ãa]o)|no part of this (?:book|publication)"
    r"|permitido o uso apenas para fins educacionais|texto[- ]base digitalizado por"
    r"|pode ser redistribu[íi]do livremente",
    _LINES,
)
# What stands beside it, line by line, and means nothing alone.
EDITION = re.compile(
    r"\bISBN\b|^[ \t]*(?:\d{1,3}\.?[ªa]? edi[çc][ãa]o\b|(?:t[íi]tulo|t[íi]tulo original|autor|tradu[çc][ãa]o"
    r"|revis[ãa]o|pagina[çc][ãa]o|composi[çc][ãa]o|capa|cover design|projeto gr[áa]fico|impress[ãa]o|e-?mail"
    r"|tel|telefone|fax)\b\.?[ \t]*:"
    r"|editora\b|edi[çc][õo]es\b|(?:https?://|www\.)\S+[ \t]*$|first published|published by|printed in|impresso em"
    r"|\d{4}-\d{3} \w)",
    re.IGNORECASE,
)
# The way to the number of a page, and the number.
LEADERS = re.compile(r"(?:[.·…_]{4,}|(?:[.·…] ){4,})[ \t]*(?:\d{1,4}|[ivxlc]{1,7})\b")
# A number of a page at an edge, an address, a sign of rights; and lines in capitals, see `is_page_head`.
_HEAD = re.compile(r"\d{1,4} \D{4,}|\D{4,} \d{1,4}|.*(?:www\.|https?://|©).*")
_BETWEEN = re.compile(r"[|·•/»›>→←‹«<\[\]-]+")
_BACK = frozenset({"voltar ao topo", "voltar ao índice", "voltar ao início", "voltar ao sumário", "back to top"})
_PLACES = _BACK | frozenset(
    {"índice", "sumário", "início", "topo", "anterior", "seguinte", "próximo", "próxima", "próximo capítulo"}
    | {"capítulo anterior", "capítulo seguinte", "página seguinte", "página anterior", "contents", "table of contents"}
    | {"home", "top", "next", "previous", "next chapter", "previous chapter", "next page", "previous page"}
)


def is_navigation(line: str) -> bool:
    """Whether a line leads to other pages: `« Anterior | Índice | Seguinte »`, `[Voltar ao topo]`."""
    if len(line) > 80 or not (set("|·•»›→←‹«") & set(line) or "oltar ao" in line or "ack to" in line):
        return False
    names = [name for part in _BETWEEN.split(line.casefold()) if (name := part.strip(" \t()"))]
    return bool(names) and _PLACES.issuperset(names) and (len(names) > 1 or names[0] in _BACK)


def is_page_head(line: str) -> bool:
    """Whether a line may be the head or foot of a page: many other lines look so too."""
    if line.isupper():
        return len(line) > 7 and line[-1].isalnum()
    return bool(line) and _HEAD.fullmatch(line) is not None
