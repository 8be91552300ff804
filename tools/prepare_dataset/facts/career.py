"""Sentences on what a person did and when: clubs, offices, prizes, works."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from tools.language.dates import other_forms, read_date
from tools.prepare_dataset.facts.fact import Fact, FactKind, Told, Years
from tools.prepare_dataset.facts.lexicon import ENGLISH_PRIZE, GENTILIC, NO_CLUB, OFFICE, PRIZE
from tools.prepare_dataset.facts.names import NAMED, PLACE, TITLE, UPPER, WORD, ends_cleanly, without_quotes
from tools.prepare_dataset.facts.subject import SPAN, WHEN

_INSIDE = re.compile(rf"\s*,?\s+{WHEN}\s*,?(?=\s)")
_PLACE_INSIDE = re.compile(rf"\s*,?\s+(?:em|n[oa]s?|in)\s+{PLACE}\s*,?(?=\s+(?:[oa]s?|the)\s)")
_AFTER = re.compile(rf"\s*,?\s*(?:{SPAN}|(?:{WHEN}))")
# `no Farense, no Náutico e na União`: a part of what was done then.
_ONE_OF_SEVERAL = re.compile(
    rf"\s*(?:,|e|and)\s+(?:e\s+)?(?:(?:[oa]s?|n[oa]s?|pel[oa]s?|para\s+[oa]s?|the|for)\s+)?[«“\"{UPPER}]"
)
_MORE_YEARS = re.compile(
    r"\s*(?:,|e|and|ou|or)\s+(?:(?:em|in|de|from|entre|no)\s+)?(?:[12]\d{3}|outra\s+vez|novamente)"
)
_CLUB = rf"(?!(?:{NO_CLUB})\b)(?P<name>{NAMED})"
_PRIZE = (
    rf"(?P<name>(?:{PRIZE})(?:\s+{NAMED}|\s+d[aeo]s?\s+{NAMED})?|medalha\s+de\s+(?:ouro|prata|bronze)"
    rf"|(?:{WORD}\s+)+(?:{ENGLISH_PRIZE})(?:\s+(?:for|in|of)\s+{NAMED})?)"
)
_KIND_OF_WORK = (
    r"(?:romance|livro|poema|ensaio|conto|álbum|disco|obra|peça|novela|coletânea|novel|book|poem|essay|album|play)"
)
_WHICH = r"(?:(?:primeir|segund|terceir|últim)[oa]|first|second|last)"
# `«Os Gatos»`, `o Atlas das Areias`, `o seu primeiro livro de contos, Os Gatos`
_WORK = (
    rf"(?:(?:(?:[oa]s?|uma?|the|an?)\s+)?(?:(?:seu|sua|his|her)\s+)?(?:{_WHICH}\s+)?"
    rf"{_KIND_OF_WORK}\s*,?\s+(?:d[eo]s?\s+[a-zà-ÿ]+\s*,?\s+)?|(?P<article>[oa]s?)\s+)?(?P<name>{TITLE})"
)


@dataclass(frozen=True)
class _Event:
    """A verb, perhaps a time or place, then words that lead to the `name` of the object.

    human: only people do it. spans: it may last for years. Other events have one date.
    """

    kind: str
    verb: str
    link: str
    named: str
    human: bool = True
    spans: bool = False


_ANY = rf"(?P<name>{NAMED})"
_THE = r"(?:the)?"
# fmt: off
_EVENTS = (
    _Event("played", r"(?:[Jj]ogou|[Aa]linhou|[Aa]c?tuou|played)", r"(?:n[oa]s?|pel[oa]s?|for|at)", _CLUB, spans=True),
    _Event("played", r"[Rr]epresentou", r"[oa]s?", _CLUB, spans=True),
    _Event("coached", r"(?:[Tt]reinou|[Oo]rientou)", r"[oa]s?", _CLUB, spans=True),
    _Event("coached", r"(?:coached|managed)", _THE, _CLUB, spans=True),
    _Event("coached", r"[Ff]oi\s+treinadora?(?:\s+principal)?", r"d[oa]s?", _CLUB, spans=True),
    _Event("moved", r"(?:(?:[Tt]ransferiu|[Mm]udou)-se|se\s+(?:transferiu|mudou))", r"para(?:\s+[oa]s?)?", _ANY),
    _Event("moved", r"(?:moved|transferred)", r"to(?:\s+the)?", _ANY),
    _Event("joined", r"[Ii]ngressou", r"n[oa]s?", _ANY),
    _Event("joined", r"joined", _THE, _ANY),
    _Event("signed", r"[Aa]ssinou(?:\s+contrato)?", r"(?:pel[oa]s?|com\s+[oa]s?)", _CLUB),
    _Event("signed", r"signed", r"for(?:\s+the)?", _CLUB),
    _Event("founded", r"(?:[Ff]undou|founded)", r"(?:[oa]s?|the)", _ANY),
    _Event("won", r"(?:[Vv]enceu|[Gg]anhou|[Cc]onquistou|[Rr]ecebeu)", r"(?:[oa]s?|uma?)?", _PRIZE, human=False),
    _Event("won", r"[Ff]oi\s+(?:distinguid|galardoad|agraciad|premiad)[oa]", r"com\s+[oa]s?", _PRIZE, human=False),
    _Event("won", r"[Ff]oi-lhe\s+atribuíd[oa]", r"[oa]s?", _PRIZE, human=False),
    _Event("won", r"(?:won|received|was\s+awarded)", r"(?:the|an?)?", _PRIZE, human=False),
    _Event("published", r"(?:[Pp]ublicou|[Ee]ditou|[Ll]ançou|published|released)", r"", _WORK),
    _Event("wrote", r"(?:[Ee]screveu|wrote)", r"", _WORK),
)
# fmt: on
_PATTERNS = [
    (event, re.compile(rf"\b{event.verb}\b"), re.compile(rf"\s+(?P<link>{event.link})\s*{event.named}"))
    for event in _EVENTS
]
# What stands before a name after one verb, as it stands after the verb of the question.
_LINKS = {"do": "o", "da": "a", "dos": "os", "das": "as"}
_OFFICE = re.compile(
    rf"\b(?:[Ff]oi|was|served\s+as)\s+(?:o\s+|a\s+|um\s+|uma\s+|the\s+|an?\s+)?(?P<office>{OFFICE}(?:\s+{GENTILIC}|-\w+)?"
    rf"(?:\s+(?:d[aeo]s?|em|n[oa]|of|at|in)\s+(?:the\s+)?{NAMED}){{0,2}})"
)


def career(told: Told) -> Iterator[Fact]:
    """What was done at a time: asked both by the time and by the thing."""
    for event, verb, wanted in _PATTERNS:
        for match in verb.finditer(told.text):
            yield from _event(told, event, match, wanted)
    for match in _OFFICE.finditer(told.text):
        yield from _office(told, match)


def _event(told: Told, event: _Event, verb: re.Match[str], wanted: re.Pattern[str]) -> Iterator[Fact]:
    clause = told.clause(told.text[: verb.start()], human=event.human)
    if clause is None:
        return
    position = verb.end()
    inside = _INSIDE.match(told.text, position)
    position = inside.end() if inside else position
    place = _PLACE_INSIDE.match(told.text, position) if event.kind == "founded" else None
    found = wanted.match(told.text, place.end() if place else position)
    if found is None or not ends_cleanly(told.text, found.end()) or _ONE_OF_SEVERAL.match(told.text, found.end()):
        return
    when = _one_time(told.text, found.end(), clause.when, inside)
    if when is None or (when.span and not event.spans):
        return
    link = found["article"] or "" if "article" in wanted.groupindex else found["link"]
    link = _LINKS.get(link, re.sub(r"^com\s+", "", link) if event.kind == "won" else link)
    what = f"{link} {found['name']}".strip()
    yield told.fact(cast(FactKind, event.kind), without_quotes(found["name"]), years=when.years)
    yield told.fact(cast(FactKind, f"{event.kind}_when"), when.text, aliases=when.aliases, what=what)


def _office(told: Told, match: re.Match[str]) -> Iterator[Fact]:
    clause = told.clause(told.text[: match.start()])
    if clause is None or not ends_cleanly(told.text, match.end()):
        return
    when = _one_time(told.text, match.end(), clause.when, None)
    if when is not None and when.span:
        yield told.fact("held", match["office"], years=when.years)
        yield told.fact("held_when", when.text, aliases=when.aliases, what=match["office"])


@dataclass(frozen=True)
class _When:
    text: str
    years: Years
    aliases: tuple[str, ...]
    span: bool


def _one_time(text: str, end: int, before: re.Match[str] | None, inside: re.Match[str] | None) -> _When | None:
    """The time of an event, where exactly one is told: before the verb, inside, or after the object."""
    after = _AFTER.match(text, end)
    times = [match for match in (before, inside, after) if match is not None]
    if len(times) != 1:
        return None
    if after is not None and (_MORE_YEARS.match(text, after.end()) or not ends_cleanly(text, after.end())):
        return None
    return _when(times[0])


def _when(match: re.Match[str]) -> _When | None:
    groups = match.groupdict()
    for low, high in (("from", "to"), ("from2", "to2"), ("from3", "to3")):
        if groups.get(low):
            first, last = match[low], match[high]
            told = " ".join(match.group().strip(" ,()").split())
            return when_between(first, last, told) if int(first) < int(last) else None
    date = read_date(match["date"])
    if date is None:
        return None
    return _When(match["date"], (str(date.year),), other_forms(match["date"]), span=False)


def when_between(first: str, last: str, told: str) -> _When:
    forms = (f"{first}-{last}", f"{first}–{last}", f"{first} a {last}", f"{first} e {last}", f"{first} to {last}")
    aliases = tuple(form for form in (*forms, f"{first} and {last}") if form != told)
    return _When(told, (first, last), aliases, span=True)
