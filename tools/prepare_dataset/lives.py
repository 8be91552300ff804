"""Where the lives in a biographical text are: one file may hold one person's or many people's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from tools.language.dates import DATE, YEAR
from tools.prepare_dataset.facts.names import PERSON, fold, is_person_name
from tools.prepare_dataset.facts.sentences import plain
from tools.prepare_dataset.material import Source

_BIRTH = re.compile(
    r"\bnasceu\b|\bnascid[oa]\b|\bnatural d[eao]s?\b|\bveio ao mundo\b|\b(?:was|is) born\b|\bborn (?:on|in)\b"
    r"|^[ \t>*+|-]*(?:data de |date of )?(?:nascimento|birth|born)\s*[:|]",
    re.IGNORECASE | re.MULTILINE,
)
# `Ana Reis (Beja, 3 de março de 1921 – Porto, 1990)`, `Ana Reis (n. 1950)`, `Ana Reis (1921–1990) foi uma`
_DATED_NAME = re.compile(
    rf"\s*{PERSON}\s*\((?:[^()]{{0,60}}\b{DATE}\s*[-–—][^()]{{0,60}}\b{DATE}\s*\)"
    rf"|(?:n\.|nasc\.|b\.|born|\*)\s*[^()]{{0,40}}{YEAR}\s*\)"
    rf"|{YEAR}\s*[-–—]\s*{YEAR}\)\s+(?:foi|é|era|was|is)\s+(?:uma?|an?)\b)"
)
_EARLY = 800  # characters in which a life tells of its birth
_LONGEST = 15_000
_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)
_LINE = re.compile(r"(?:\A|\n[ \t]*\n)[ \t]*([^\n]{3,80})[ \t]*(?=\n)")
_FRONT = re.compile(r"\A---[ \t]*\n(?P<inside>.*?\n)---[ \t]*\n", re.DOTALL)
_FRONT_NAME = re.compile(r"^(?:title|t[ií]tulo|nome|name)\s*:\s*[\"']?(.+?)[\"']?\s*$", re.MULTILINE | re.IGNORECASE)
_OF = re.compile(
    r"^(?:(?:a|the)\s+)?(?:biografia|biography|vida|life|perfil|profile|sobre|about)\s*"
    r"(?:\b(?:de|do|da|dos|das|of)\b)?\s*[:–—-]?\s*",
    re.IGNORECASE,
)
# Headings of a life's parts, and of what stands beside lives on a page.
_PARTS = frozenset(
    re.findall(
        r"\w+",
        "biografia biografias biography biographies vida vidas life lives sobre about perfil profile infancia "
        "juventude carreira career obra obras works morte death familia family premios awards educacao education "
        "formacao estudos primeiros ultimos anos early later years personal pessoal legado legacy referencias "
        "references fontes sources notas notes introducao introduction prefacio preface indice contents bibliografia "
        "bibliography homenagens clubes clubs titulos palmares percurso trajetoria trajectoria historia history "
        "autores authors jogadores players nota apresentacao agradecimentos acknowledgements ligacoes links galeria "
        "gallery",
    )
)


@dataclass(frozen=True)
class Life:
    """A person's life: characters `start` to `end` of the text, `body` where what is told begins.

    dated: what a heading says in parentheses behind the name. front: characters of a block before
    the text that describes it in `name: value` lines.
    """

    person: str
    start: int
    body: int
    end: int
    dated: str = ""
    front: tuple[int, int] | None = None


@dataclass(frozen=True)
class Section:
    """Text beside the lives of a page: an introduction, sources. Its heading is in it."""

    title: str
    start: int
    end: int


@dataclass(frozen=True)
class _Mark:
    """A heading or a line that may be a person's name, and the text that follows it."""

    title: str
    start: int
    body: int
    level: int = 0


def looks_like_biography(text: str) -> bool:
    """Whether a text is short, about one person, and says early when or where that person was born."""
    front = _FRONT.match(text)
    body = text[front.end() :] if front else text
    return len(text) < _LONGEST and _tells_birth(body) and len(_HEADING.findall(text)) < 8


def find_lives(source: Source) -> tuple[list[Life], list[Section]]:
    """All lives of a text in order, at least one, and what else stands beside several of them."""
    text = source.text
    front = _FRONT.match(text)
    begin = front.end() if front else 0
    headings = [_Mark(m[2], m.start(), m.end(), len(m[1])) for m in _HEADING.finditer(text, begin)]
    several = _several(text, begin, headings)
    if several is not None:
        return several
    return [_only(source, text, front, begin, headings)], []


def _several(text: str, begin: int, headings: Sequence[_Mark]) -> tuple[list[Life], list[Section]] | None:
    lines = [_Mark(m[1], m.start(1), m.end()) for m in _LINE.finditer(text, begin) if not m[1].startswith("#")]
    levels = [[mark for mark in headings if mark.level == level] for level in sorted({m.level for m in headings})]
    for marks in [*levels, [mark for mark in lines if is_person_name(_name(mark.title))]]:
        bounds = [*(mark.start for mark in marks[1:]), len(text)][: len(marks)]
        people = [_opens_a_life(text, mark, end) for mark, end in zip(marks, bounds, strict=True)]
        if sum(people) > 1:
            return _parted(text, begin, marks, bounds, people)
    return None


def _opens_a_life(text: str, mark: _Mark, end: int) -> bool:
    name = _name(mark.title)
    if not is_person_name(name) or _is_part(name):
        return False
    body = text[mark.body : end]
    in_heading = _dated(mark.title) != ""
    told = in_heading or _tells_birth(body)
    named = re.search(rf"(?<!\w){re.escape(name.split()[-1])}(?!\w)", body[:_EARLY], re.IGNORECASE) is not None
    return told and (named or in_heading or (mark.level > 0 and " " in name))


def _parted(
    text: str, begin: int, marks: Sequence[_Mark], bounds: Sequence[int], people: Sequence[bool]
) -> tuple[list[Life], list[Section]]:
    lives: list[Life] = []
    sections: list[Section] = []
    if text[begin : marks[0].start].strip():
        sections.append(_section("", text, begin, marks[0].start))
    for mark, end, is_person in zip(marks, bounds, people, strict=True):
        if is_person:
            lives.append(_life(text, _spelled(_name(mark.title), text[mark.body : end]), mark, end))
        elif mark.level == 0 and lives:
            # A line that only looks like a name belongs to the life that it stands in.
            before = lives.pop()
            lives.append(_life(text, before.person, _Mark("", before.start, before.body), end, before.dated))
        else:
            sections.append(_section(_name(mark.title) or mark.title, text, mark.start, end))
    return lives, [section for section in sections if _has_body(text[section.start : section.end])]


def _only(source: Source, text: str, front: re.Match[str] | None, begin: int, headings: Sequence[_Mark]) -> Life:
    """The one life of a text. The name stands in its first heading or line, its description, its text, or its file."""
    top = min((mark.level for mark in headings), default=0)
    first = (
        headings[0] if headings and headings[0].level == top and not text[begin : headings[0].start].strip() else None
    )
    line = re.compile(r"\s*([^\n]{3,80})\n").match(text, begin)
    if first is None and line is not None and _is_title(_name(line[1])):
        first = _Mark(line[1], line.start(1), line.end())
    mark = first or _Mark("", begin, begin)
    mark = _Mark(mark.title, 0, mark.body)
    described = _FRONT_NAME.search(front["inside"]) if front else None
    candidates = [first.title if first else "", described[1] if described else "", source.title]
    body = text[mark.body :]
    person = next((name for name in map(_name, candidates) if is_person_name(name) and not _is_part(name)), "")
    person = person or _name_in_text(body) or _name_of_file(source.file.name)
    if first is not None and not person:
        person = _name(first.title) or first.title
    inside = (front.start("inside"), front.end("inside")) if front else None
    return _life(text, _spelled(person, body), mark, len(text), front=inside)


def _life(text: str, person: str, mark: _Mark, end: int, dated: str = "", front: tuple[int, int] | None = None) -> Life:
    inside = text[mark.body : end]
    body = mark.body + len(inside) - len(inside.lstrip())
    return Life(person, mark.start, body, mark.body + len(inside.rstrip()), dated or _dated(mark.title), front)


def _section(title: str, text: str, start: int, end: int) -> Section:
    inside = text[start:end]
    heading = _HEADING.match(inside.lstrip())
    lead = len(inside) - len(inside.lstrip())
    return Section(title or (_name(heading[2]) if heading else ""), start + lead, start + len(inside.rstrip()))


def _has_body(text: str) -> bool:
    return bool(_HEADING.sub("", text).strip())


def _tells_birth(text: str) -> bool:
    early = text.lstrip()[:_EARLY]
    return _BIRTH.search(early) is not None or _DATED_NAME.match(plain(_HEADING.sub("", early, count=1))) is not None


def _name(heading: str) -> str:
    """The person in a heading: without numbers, marks, `Biografia de`, dates and what follows a dash."""
    bare = re.sub(r"[*_`#]+", "", heading).strip()
    bare = re.sub(r"^(?:\d{1,3}|[IVXLC]{1,6})[.)]\s+(?=\S)", "", bare)
    bare = re.sub(r"\s*\([^()]*\)\s*$", "", bare)
    bare = re.sub(r"\s+[–—-]\s+.*$|,\s+[a-zà-ÿ].*$", "", bare)
    bare = re.sub(r"\s+", " ", _OF.sub("", bare)).strip(" .:,")
    turned = re.fullmatch(rf"({PERSON}),\s+({PERSON})", bare)
    return f"{turned[2]} {turned[1]}" if turned else bare


def _dated(heading: str) -> str:
    match = re.search(rf"\(([^()]*{YEAR}[^()]*)\)\s*$", heading)
    return match[1] if match else ""


def _is_part(name: str) -> bool:
    return any(word in _PARTS for word in fold(name).split())


def _is_title(name: str) -> bool:
    """Whether a line of its own at the start is a name: of two words or more, or it would be any word."""
    return " " in name and is_person_name(name) and not _is_part(name) and name[-1] not in ".!?;,"


def _spelled(person: str, body: str) -> str:
    """A name in capitals as its text spells it, or as names are spelled."""
    if not person.isupper() or len(person) < 4:
        return person
    found = re.search(rf"(?<!\w){re.escape(person)}(?!\w)", body, re.IGNORECASE)
    if found is not None and not found.group().isupper():
        return " ".join(found.group().split())
    small = {"de", "da", "do", "das", "dos", "e", "of", "van", "von"}
    roman = re.compile(r"[IVXL]+")
    words = person.split()
    return " ".join(
        word.lower() if word.lower() in small else word if roman.fullmatch(word) else word.capitalize()
        for word in words
    )


def _name_in_text(text: str) -> str:
    """The name before the first verb of birth or parenthesis with dates, where the text opens with it."""
    opening = plain(text[:_EARLY])
    match = re.compile(
        rf"\s*(?P<name>{PERSON})(?:\s*\(|[^.!?]{{0,80}}?\b(?:nasceu|was born|foi uma?|é uma?|was an?|is an?)\b)"
    ).match(opening)
    name = " ".join(match["name"].split()) if match else ""
    return name if " " in name else ""


def _name_of_file(name: str) -> str:
    stem = re.sub(r"[-_]+", " ", PurePosixPath(name).stem)
    bare = _OF.sub("", re.sub(r"^bio\b", "biografia", stem)) or stem
    small = ("de", "da", "do", "das", "dos", "e", "of")
    words = [word if n and word in small else word[:1].upper() + word[1:] for n, word in enumerate(bare.split())]
    return " ".join(words)
