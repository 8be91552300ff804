"""Biographies: whose they are, and the few facts that stand in them literally."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from tools.prepare_dataset.facts import find_facts
from tools.prepare_dataset.material import Ask, Exchange, Parsed, Passage, Source, Span
from tools.prepare_dataset.wording import Wording

BIRTH = re.compile(
    r"\bnasceu\b|\bnascid[oa]\b|\bnatural d[eao]s?\b|\bvei[o] ao mundo\b|\b(?:was|is) born\b|\bborn (?:on|in)\b",
    re.IGNORECASE,
)
_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)
_OF = re.compile(
    r"^(?:biografia|biography|vida|life|sobre|about)\s+(?:de|do|da|dos|das|of)?\s*[:–—-]?\s*", re.IGNORECASE
)
_NAME = r"[A-ZÀ-Ý][\w’'-]*"


@dataclass(frozen=True)
class _Life:
    person: str
    start: int
    body: int  # where the text after the name's heading starts
    end: int


def parse_biographies(source: Source, words: Wording) -> Parsed:
    """A passage for each person, and the facts of birth and death that its sentences state outright."""
    parsed = Parsed()
    for life in _lives(source):
        key = f"{source.name}#{life.person}"
        span = Span(source.name, "biography", key, life.person, life.body, life.end)
        heading = words.biography.format(person=life.person)
        parsed.units.append(
            Passage(
                span,
                title=life.person,
                heading=heading + "\n\n",
                heading_more=words.continuation.format(heading=heading) + "\n\n",
                ask=words.ask_biography.format(person=life.person),
            )
        )
        for fact in find_facts(source.text, life.body, life.end, life.person):
            ask = getattr(words, f"ask_{fact.kind}").format(person=life.person)
            test = getattr(words, f"test_{fact.kind}").format(person=life.person)
            turns = ({"role": "user", "content": ask}, {"role": "assistant", "content": fact.answer})
            where = Span(source.name, "biography", key, life.person, fact.start, fact.end)
            parsed.units.append(Exchange(where, turns, "question"))
            parsed.questions.append(Ask(test, fact.answer, (), "biography", source.name, key))
    return parsed


def looks_like_biography(text: str) -> bool:
    """Whether a text is short, about one person, and says early when or where that person was born."""
    return len(text) < 15_000 and bool(BIRTH.search(text[:800])) and len(_HEADING.findall(text)) < 8


def _lives(source: Source) -> Iterator[_Life]:
    text = source.text
    headings = list(_HEADING.finditer(text))
    top = min((len(m[1]) for m in headings), default=0)
    for level in sorted({len(m[1]) for m in headings}):
        people = [m for m in headings if len(m[1]) == level]
        bounds = [*(m.start() for m in people[1:]), len(text)]
        about = [bool(BIRTH.search(text[m.end() : end][:800])) for m, end in zip(people, bounds, strict=True)]
        if len(people) > 1 and all(about):
            yield from (_life(text, _person(m[2]), m.start(), m.end(), e) for m, e in zip(people, bounds, strict=True))
            return
    first = headings[0] if headings and len(headings[0][1]) == top and not text[: headings[0].start()].strip() else None
    if first is not None:
        yield _life(text, _person(first[2]), 0, first.end(), len(text))
        return
    line = re.compile(r"\s*([^\n]{3,60})\n").match(text)
    if line is not None and _is_name(_person(line[1])):
        yield _life(text, _person(line[1]), 0, line.end(), len(text))
        return
    person = _name_of_file(source.name)
    yield _life(text, _name_in_text(text, person), 0, 0, len(text))


def _name_of_file(name: str) -> str:
    stem = re.sub(r"[-_]+", " ", PurePosixPath(name).stem)
    bare = _OF.sub("", re.sub(r"^bio(grafia)?\b\s*", "", stem)) or stem
    return " ".join(word[:1].upper() + word[1:] for word in bare.split())


def _life(text: str, person: str, start: int, body: int, end: int) -> _Life:
    inside = text[body:end]
    return _Life(person, start, body + len(inside) - len(inside.lstrip()), body + len(inside.rstrip()))


def _person(heading: str) -> str:
    return re.sub(r"\s+", " ", _OF.sub("", re.sub(r"[*_`#]+", "", heading).strip())).strip(" .:")


def _is_name(text: str) -> bool:
    words = [word for word in text.split() if word.lower() not in ("de", "da", "do", "das", "dos", "e", "of")]
    return 1 < len(words) <= 6 and all(word[:1].isupper() for word in words) and text[-1] not in ".!?;,"


def _name_in_text(text: str, fallback: str) -> str:
    """The name before the first verb of birth, where the text opens with it; else that of the file."""
    match = re.compile(rf"\s*({_NAME}(?:\s+(?:d[aeo]s?\s+)?{_NAME})+)[^.!?]{{0,80}}?\b(?:nasceu|was born)").match(text)
    return match[1] if match else fallback
