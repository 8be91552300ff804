"""Lines that are headings, in the forms in which books and manuals write them.

Each function gives the headings of one form, in order, with their levels: those of a part stand above
those of a chapter. Which form a text uses is for `chapters` to choose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

PART, CHAPTER = 1, 2


@dataclass(frozen=True, slots=True)
class Heading:
    """Characters `start` to `end` of a text. level: smaller stands above. side: prologue and the like."""

    start: int
    end: int
    title: str
    level: int
    side: bool = False


_BLOCK = re.compile(r"\n[ \t]*\n+")
_ATX = re.compile(r"(#{1,6})[ \t]+(\S.{0,300}?)[ \t]*#*$", re.MULTILINE)
_UNDERLINED = re.compile(
    r"^(?P<title>[^\n]{1,120}(?:\n[ \t]+[^\n]{1,120})?)\n(?P<line>[ \t]*(?:={3,}|-{3,}|~{3,}))[ \t]*$", re.MULTILINE
)
_NUMBERS = re.compile(r"(\d{1,3}(?:\.\d{1,3})*)[.)]?[ \t]+\S")

_ORDINAL = (
    r"(?:(?:primeir|segund|terceir|quart|quint|sext|s[ée]tim|oitav|non|d[ée]cim|vig[ée]sim|trig[ée]sim|[úu]ltim)[oa]"
    r"(?:[ \t-](?:primeir|segund|terceir|quart|quint|sext|s[ée]tim|oitav|non)[oa])?"
    r"|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|last)"
)
_NUMBER = (
    rf"(?:\d{{1,4}}|[IVXLCDM]{{1,8}}|{_ORDINAL}|[úu]nico"
    r"|one|two|three|four|five|six|seven|eight|nine|ten|um|dois|duas|tr[êe]s|quatro|cinco|seis|sete|oito|nove|dez"
    r"|onze|doze|treze|catorze|quinze|dezasseis|dezassete|dezoito|dezanove|vinte)"
)
_PARTS = r"(?:PARTE|LIVRO|TOMO|VOLUME|PART|BOOK)"
_CHAPTERS = r"(?:CAP[ÍI]TULO|CHAPTER|CAP\.|CANTO|AC?TO|LIÇÃO|LESSON)"
_SIDES = (
    r"PR[ÓO]LOGO|EP[ÍI]LOGO|PREF[ÁA]CIO|INTRODU[ÇC][ÃA]O|POSF[ÁA]CIO|APRESENTA[ÇC][ÃA]O|CONCLUS[ÃA]O|AGRADECIMENTOS"
    r"|NOTA PR[ÉE]VIA|NOTAS? D[OA] (?:AUTORA?|EDITORA?|TRADUTORA?)|ADVERT[ÊE]NCIA|DEDICAT[ÓO]RIA|GLOSS[ÁA]RIO"
    r"|BIBLIOGRAFIA|(?:AP[ÊE]NDICE|ANEXO)(?:[ \t]+(?:\d{1,2}|[A-Z]{1,4}))?"
    r"|PROLOGUE|EPILOGUE|PREFACE|FOREWORD|INTRODUCTION|AFTERWORD|CONCLUSION|ACKNOWLEDG(?:E?)MENTS"
    r"|APPENDIX(?:[ \t]+(?:\d{1,2}|[A-Z]))?|GLOSSARY|BIBLIOGRAPHY"
)
_REST = r"[ \t]*[.:\-–—][^\n]{0,120}|[ \t]+(?-i:[A-ZÀ-Ý«“\"])[^\n]{0,100}"
_NAMED = re.compile(
    rf"^[ \t]*[*_]{{0,3}}(?:(?:(?P<part>{_PARTS}[ \t]+{_NUMBER}|{_ORDINAL}[ \t]+{_PARTS})"
    rf"|{_CHAPTERS}[ \t]+{_NUMBER}|{_ORDINAL}[ \t]+{_CHAPTERS})(?P<rest>{_REST})?"
    rf"|(?P<side>{_SIDES}))[ \t]*[.:]?[*_]{{0,3}}[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"^[ \t]{0,8}(?P<number>\d{1,3}|[IVXLC]{1,7})(?:[.)][ \t]*[-–—]?|[ \t]*[-–—]|(?=[ \t]))[ \t]+"
    r"(?P<rest>[A-ZÀ-Ý«“\"¿¡][^\n]{0,90})$",
    re.MULTILINE,
)
_ALONE = re.compile(
    r"^[ \t]*[-–—*]?[ \t]*(?P<number>\d{1,3}|[IVXLC]{1,7})[ \t]*[.)]?[ \t]*[-–—*]?[ \t]*$", re.MULTILINE
)
_CAPITALS = re.compile(r"^[ \t]*(?P<rest>[^\na-zà-öø-ÿ]{3,70})$", re.MULTILINE)
_TITLE_LINE = re.compile(r"\n{0,2}[ \t]*([^\n]+)(?=\n\n|\n?$)")
_TITLE_LENGTH = 80
_ENDS = (".", ";", ",", ":")
_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}


def marked(text: str) -> list[Heading]:
    """Headings of Markdown and underlined ones. Where all are marked alike, their numbers tell the level."""
    plain = _without_code(text)
    found = [
        Heading(m.start(), m.end(), clean(m["title"]), 1 if "=" in m["line"] else 2)
        for m in at_blocks(_UNDERLINED, plain)
        if _fits(m["title"], m["line"].strip())
    ]
    lines = [0, *(m.end() for m in re.finditer("\n(?=#)", plain))]
    hashes = [m for m in (_ATX.match(plain, start) for start in lines) if m is not None]
    # In a file of settings, or a text that quotes some, `#` begins a comment, often in the midst of a block.
    alone = [_opens_block(plain, m.start()) and (len(found) < 2 or _ends_block(plain, m)) for m in hashes]
    if 2 * sum(alone) > len(hashes):
        found += [Heading(m.start(), m.end(), clean(m[2]), len(m[1])) for m in hashes]
        found.sort(key=lambda heading: heading.start)
    numbers = [_NUMBERS.match(heading.title) for heading in found]
    if len({heading.level for heading in found}) == 1 and 2 * sum(map(bool, numbers)) > len(found):
        return [
            replace(heading, level=number[1].count(".") + 1 if number else 1)
            for heading, number in zip(found, numbers, strict=True)
        ]
    return found


def named(text: str) -> list[Heading]:
    """`PARTE I`, `CAPÍTULO IV`, `Chapter 4`, `Prólogo`, each with the title on its line or the next."""
    found: list[Heading] = []
    for match in at_blocks(_NAMED, text):
        if _is_sentence(match["rest"] or ""):
            continue
        level = PART if match["part"] else CHAPTER
        own = bool(match["rest"] or match["side"])
        heading = _with_title_line(text, match, level, side=bool(match["side"]), has_title=own)
        # A running head repeats on each page.
        if not found or found[-1].title != heading.title:
            found.append(heading)
    return found


def numbered(text: str) -> list[Heading]:
    """`1. Título`, `II – Título`, alone in their paragraphs and in sequence."""
    found = [m for m in at_blocks(_NUMBERED, text) if _ends_block(text, m) and m["rest"].rstrip()[-1] not in _ENDS]
    return [Heading(m.start(), m.end(), clean(m.group()), CHAPTER) for m in _in_sequence(found)]


def number_alone(text: str) -> list[Heading]:
    """`I`, `2`, `— III —`, in sequence; not the numbers of pages, which stand within sentences."""
    found = _in_sequence(list(at_blocks(_ALONE, text)))
    later = [m.start() for m in found if _value(m["number"]) > 1]
    after_sentence = [text[max(0, start - 100) : start].rstrip()[-1:] in ".!?…:»”\"'—" for start in later]
    if sum(after_sentence) < 0.8 * len(later):
        return []
    return [_with_title_line(text, m, CHAPTER, has_title=False) for m in found]


def capitals(text: str) -> list[Heading]:
    """Lines in capitals, alone in their paragraphs."""
    return [
        Heading(m.start(), m.end(), clean(m.group()), CHAPTER)
        for m in at_blocks(_CAPITALS, text)
        if _ends_block(text, m) and m["rest"].rstrip()[-1] not in _ENDS and _is_title_in_capitals(m["rest"])
    ]


def is_part(title: str) -> bool:
    match = _NAMED.fullmatch(title)
    return match is not None and match["part"] is not None


def named_label(line: str) -> str | None:
    """`Capítulo 1` of `Capítulo 1: A partida`; None for a line that is no such heading."""
    match = _NAMED.fullmatch(line)
    if match is None:
        return None
    return clean(line[: match.start("rest")] if match["rest"] else line)


def is_heading(paragraph: str) -> bool:
    """Whether a paragraph, all of it, looks like a heading of one of these forms."""
    if len(paragraph) > 250 or paragraph.count("\n") > 2:
        return False
    for pattern in (_ATX, _UNDERLINED, _NAMED):
        if pattern.fullmatch(paragraph):
            return True
    if "\n" in paragraph or paragraph.rstrip()[-1:] in _ENDS:
        return False
    numbers = _NUMBERS.match(paragraph.lstrip())
    if numbers is not None:
        return len(paragraph) <= _TITLE_LENGTH
    return _ALONE.fullmatch(paragraph) is not None or _is_title_in_capitals(paragraph)


def at_blocks(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Where a pattern matches at the first line of a block: one before which stands a blank line, or nothing."""
    first = len(text) - len(text.lstrip("\n"))
    for start in (first, *(m.end() for m in _BLOCK.finditer(text))):
        match = pattern.match(text, start)
        if match is not None:
            yield match


def _opens_block(text: str, start: int) -> bool:
    before = text[max(0, start - 200) : start]
    return before.rstrip(" \t").endswith("\n\n") or not before.strip()


def _ends_block(text: str, match: re.Match[str]) -> bool:
    return text[match.end() : match.end() + 2] in ("\n\n", "\n", "")


def clean(title: str) -> str:
    """A title without emphasis and with single blanks."""
    bare = re.sub(r"`([^`]*)`|(?<!\w)[*_]+|[*_]+(?!\w)", r"\1", title)
    return re.sub(r"\s+", " ", bare).strip(" .:")


def _without_code(text: str) -> str:
    """The text with the marks of fenced code blanked out, at the same offsets."""
    if "```" not in text:
        return text
    return re.sub(r"^```.*?^```", lambda m: re.sub(r"[#=~-]", " ", m[0]), text, flags=re.MULTILINE | re.DOTALL)


def _fits(title: str, line: str) -> bool:
    """Whether a line under a title is as long as it; a rule across the page is no underline."""
    length = max(len(part.strip()) for part in title.split("\n"))
    has_letters = any(c.isalnum() for c in title)
    return has_letters and (line[0] == "=" or 0.6 * length <= len(line) <= 1.4 * length + 4)


def _is_sentence(rest: str) -> bool:
    return len(rest) > 60 and rest.rstrip()[-1] in ".;,"


def _with_title_line(text: str, match: re.Match[str], level: int, *, side: bool = False, has_title: bool) -> Heading:
    """The heading and, where its own line has no title, the short line after it that is one."""
    line = clean(match.group())
    following = None if has_title else _TITLE_LINE.match(text, match.end())
    if following is not None:
        title = clean(following[1])
        ends = title[-1:] in (".", ";", ",", ":") or following[1].rstrip()[-1:] in (".", ";", ",", ":")
        other = _NAMED.fullmatch(following[1]) is not None or _ALONE.fullmatch(following[1]) is not None
        if title and len(title) <= _TITLE_LENGTH and not ends and not other and title[0] not in "—–-":
            return Heading(match.start(), following.end(), f"{line}: {title}", level, side)
    return Heading(match.start(), match.end(), line, level, side)


def _in_sequence(found: Sequence[re.Match[str]]) -> list[re.Match[str]]:
    """Those numbered one after the other, from 1 on; each part may begin anew."""
    runs: list[list[re.Match[str]]] = []
    last = 0
    for match in found:
        number = _value(match["number"])
        if number == 1:
            runs.append([match])
        elif runs and number == last + 1:
            runs[-1].append(match)
        else:
            continue
        last = number
    return [match for run in runs if len(run) > 1 for match in run]


def _value(number: str) -> int:
    if number.isdigit():
        return int(number)
    values = [_VALUES[char] for char in number]
    return sum(-a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True))


def _is_title_in_capitals(line: str) -> bool:
    letters = [c for c in line if c.isalpha()]
    return len(letters) >= 3 and len(line.strip()) <= 70 and all(c.isupper() for c in letters)
