"""The chapters of a book: found by Markdown headings, or by lines such as `CAPÍTULO IV` or `Chapter 4`."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import zip_longest

_MARKDOWN = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)
_NUMBER = (
    r"(?:\d{1,3}|[IVXLCDM]{1,8}"
    r"|(?:primeir|segund|terceir|quart|quint|sext|s[ée]tim|oitav|non|d[ée]cim|vig[ée]sim|[úu]ltim)[oa]"
    r"(?:[ \t-]\w+[oa])?"
    r"|one|two|three|four|five|six|seven|eight|nine|ten|um|dois|tr[êe]s|quatro|cinco|seis|sete|oito|nove|dez)"
)
_NAMED = (
    r"PR[ÓO]LOGO|EP[ÍI]LOGO|PREF[ÁA]CIO|INTRODU[ÇC][ÃA]O|POSF[ÁA]CIO"
    r"|PROLOGUE|EPILOGUE|PREFACE|FOREWORD|INTRODUCTION|AFTERWORD"
)
_REST = r"[ \t]*[.:\-–—][^\n]{0,120}|[ \t]+(?-i:[A-ZÀ-Ý])[^\n]{0,100}"
_PLAIN = re.compile(
    rf"^[ \t]*(?:(?:CAP[ÍI]TULO|CHAPTER|CAP\.)[ \t]+{_NUMBER}(?P<rest>{_REST})?|(?P<named>{_NAMED}))[ \t]*[.:]?[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
_ROMAN_ALONE = re.compile(r"(?<=\n\n)[ \t]*(?P<roman>[IVXL]{1,7})\.?[ \t]*\n(?=\n|[^\n]{1,80}\n\n)")
# Less than this between two headings is a table of contents, not a chapter.
_MIN_BODY = 200
_TITLE_LENGTH = 80


@dataclass(frozen=True)
class Chapter:
    """Characters `start` to `end` of the text, its heading included."""

    title: str
    start: int
    end: int


@dataclass(frozen=True)
class Book:
    title: str
    chapters: list[Chapter]


@dataclass(frozen=True)
class _Heading:
    start: int
    end: int
    title: str


def read_book(text: str, fallback_title: str) -> Book:
    """The book's title and its chapters, in order, covering all of the text but blank edges.

    A text without headings is one chapter, named after the book.
    """
    title, headings = _markdown(text)
    if not headings:
        headings = _plain(text)
        title = title or _first_line_title(text, headings)
    title = title or fallback_title
    headings = [h for h, after in zip_longest(headings, headings[1:]) if _has_body(text, h, after)]
    if not headings:
        return Book(title, _numbered(text, [Chapter(title, 0, len(text))]))
    chapters = []
    front = headings[0].start
    if _is_front_matter(text[:front]):
        chapters.append(Chapter(title, 0, front))
    else:
        front = 0
    for n, heading in enumerate(headings):
        end = headings[n + 1].start if n + 1 < len(headings) else len(text)
        chapters.append(Chapter(heading.title, front if n == 0 else heading.start, end))
    return Book(title, _numbered(text, chapters))


def _markdown(text: str) -> tuple[str, list[_Heading]]:
    """The title, if one heading stands above all others, and the headings of the chapters' level."""
    found = [(len(m[1]), _Heading(m.start(), m.end(), _clean(m[2]))) for m in _MARKDOWN.finditer(_without_code(text))]
    if not found:
        return "", []
    levels = Counter(level for level, _ in found)
    top = min(levels)
    if levels[top] > 1:
        return "", [heading for level, heading in found if level == top]
    title = next(heading.title for level, heading in found if level == top)
    deeper = [level for level in sorted(levels) if level > top and levels[level] > 1]
    if deeper:
        return title, [heading for level, heading in found if level == deeper[0]]
    return title, []


def _without_code(text: str) -> str:
    """The text with `#` lines of fenced code blanked out, at the same offsets."""
    return re.sub(r"^```.*?^```", lambda m: m[0].replace("#", " "), text, flags=re.MULTILINE | re.DOTALL)


def _plain(text: str) -> list[_Heading]:
    found = [_with_title_line(text, m) for m in _PLAIN.finditer(text) if _stands_alone(text, m.start())]
    if len([heading for heading in found if heading is not None]) < 2:
        roman = [_with_title_line(text, m) for m in _ROMAN_ALONE.finditer(text)]
        if len(roman) >= 3:
            return roman
    return found


def _stands_alone(text: str, start: int) -> bool:
    before = text[max(0, start - 200) : start]
    return before.rstrip(" \t").endswith("\n\n") or not before.strip()


def _with_title_line(text: str, match: re.Match[str]) -> _Heading:
    """The heading and, where its own line has no title, the short line after it that is one."""
    line = _clean(match.group())
    fields = match.groupdict()
    if fields.get("rest") or fields.get("named"):
        return _Heading(match.start(), match.end(), line)
    following = re.compile(r"\n{0,2}[ \t]*([^\n]+)(?=\n\n|\n?$)").match(text, match.end())
    if following is not None:
        title = _clean(following[1])
        if len(title) <= _TITLE_LENGTH and title[-1:] not in ".;,:" and not title.startswith(("—", "–", "-")):
            return _Heading(match.start(), following.end(), f"{line}: {title}")
    return _Heading(match.start(), match.end(), line)


def _clean(title: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"[*_`]+", "", title)).strip(" .:")


def _has_body(text: str, heading: _Heading, after: _Heading | None) -> bool:
    body = text[heading.end : after.start if after else len(text)].strip()
    return len(body) >= _MIN_BODY or (after is None and bool(body))


def _is_front_matter(text: str) -> bool:
    """Whether what precedes the first chapter is worth rows of its own; a title page goes with the first chapter."""
    return len(text.strip()) >= 2 * _MIN_BODY


def _first_line_title(text: str, headings: list[_Heading]) -> str:
    """The first line, where it stands alone like a title."""
    match = re.compile(r"\s*([^\n]+)(\n{2,}|$)").match(text)
    if match is None or (headings and match.start(1) >= headings[0].start):
        return ""
    line = _clean(match[1])
    letters = [c for c in line if c.isalpha()]
    if not letters or len(line) > _TITLE_LENGTH or match[1].rstrip()[-1] in ".;,":
        return ""
    return _sentence_case(line) if all(c.isupper() for c in letters) else line


def _sentence_case(title: str) -> str:
    """A title in capitals as it would be written in a sentence, its small words small."""
    small = {"o", "a", "os", "as", "de", "da", "do", "das", "dos", "e", "em", "no", "na", "the", "of", "and", "in"}
    words = title.lower().split()
    return " ".join(w if n and w in small else w[:1].upper() + w[1:] for n, w in enumerate(words))


def _numbered(text: str, chapters: list[Chapter]) -> list[Chapter]:
    """Edges without blanks, and titles that stand twice told apart."""
    seen: Counter[str] = Counter()
    trimmed = []
    for chapter in chapters:
        body = text[chapter.start : chapter.end]
        start = chapter.start + len(body) - len(body.lstrip())
        end = chapter.end - (len(body) - len(body.rstrip()))
        if end <= start:
            continue
        seen[chapter.title] += 1
        n = seen[chapter.title]
        trimmed.append(Chapter(chapter.title if n == 1 else f"{chapter.title} ({n})", start, end))
    return trimmed
