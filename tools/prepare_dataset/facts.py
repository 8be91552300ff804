"""Facts that a biography states outright: when and where a person was born, when they died.

Taken by literal patterns alone, so that an answer is always the text's own words; what is said in
another way is left to annotate_dataset.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

FactKind = Literal["born_on", "born_in", "died_on"]

_MONTH = (
    r"(?i:janeiro|fevereiro|março|abril|maio|junho|julho|agosto|setembro|outubro|novembro|dezembro"
    r"|january|february|march|april|may|june|july|august|september|october|november|december)"
)
_DATE = re.compile(
    rf",?\s+(?:a|ao|em|no|on|in)\s+(?:dia\s+)?(?P<date>\d{{1,2}}\.?º? de {_MONTH} de \d{{4}}"
    rf"|\d{{1,2}} {_MONTH} \d{{4}}|{_MONTH} \d{{1,2}}, \d{{4}}|{_MONTH} de \d{{4}}|{_MONTH} \d{{4}}|\d{{4}})\b"
)
_NAME = r"[A-ZÀ-Ý][\w’'-]*"
_SMALL = r"(?:d[aeo]s?|d’|of|the|e|and)"
_PLACE = re.compile(rf",?\s+(?:em|no|na|nos|nas|in|at)\s+(?P<place>{_NAME}(?:\s+(?:{_SMALL}\s+){{0,2}}{_NAME})*)")
_BORN = re.compile(r"\b(?:nasceu|nascid[oa]|was born|born)\b", re.IGNORECASE)
_DIED = re.compile(r"\b(?:morreu|faleceu|died)\b", re.IGNORECASE)
_RELATIVES = re.compile(
    r"\b(?:pai|mãe|pais|irmão|irmã|filh[oa]|marido|mulher|espos[oa]|avô|avó|ti[oa]|prim[oa]|sogr[oa]"
    r"|father|mother|brother|sister|son|daughter|husband|wife|uncle|aunt)\b",
    re.IGNORECASE,
)
# A full stop after an ordinal, an initial or an abbreviation ends no sentence.
_SENTENCE = re.compile(r"(?:[^.!?…]|(?<=\b[A-ZÀ-Ý])\.|(?<=\d)\.(?=\S))+[.!?…]*")


@dataclass(frozen=True)
class Fact:
    """An answer in the text's words, and the characters of the sentence that states it."""

    kind: FactKind
    answer: str
    start: int
    end: int


def find_facts(text: str, start: int, end: int, person: str) -> Iterator[Fact]:
    """The first fact of each kind about `person` in characters `start` to `end`."""
    found: set[FactKind] = set()
    before = ""
    for n, sentence in enumerate(_SENTENCE.finditer(text, start, end)):
        content, previous, before = sentence.group(), before, sentence.group()
        for verb in (_BORN, _DIED):
            match = verb.search(content)
            if match is None or not _is_about(content[: match.start()], person, previous, first=n == 0):
                continue
            for kind, answer in _after_verb(content, match.end(), died=verb is _DIED):
                if kind not in found:
                    found.add(kind)
                    yield Fact(kind, re.sub(r"\s+", " ", answer), sentence.start(), sentence.end())


def _after_verb(sentence: str, position: int, *, died: bool) -> Iterator[tuple[FactKind, str]]:
    """Date and place, in either order, directly after the verb."""
    for _ in range(2):
        date, place = _DATE.match(sentence, position), _PLACE.match(sentence, position)
        if date is not None:
            yield ("died_on" if died else "born_on"), date["date"]
            position = date.end()
        elif place is not None:
            if not died:
                yield "born_in", place["place"]
            position = place.end()
        else:
            return


def _is_about(before: str, person: str, previous: str, *, first: bool) -> bool:
    """Whether the subject of a verb is the person, by what stands before it in the sentence.

    Nobody else may stand between: «O pai, que nasceu…», «… e o irmão nasceu…».
    """
    before = before.strip(" \t\n,*_#")
    if not before or before in ("Ele", "Ela", "He", "She"):
        return not _RELATIVES.search(previous)
    names = person.split()
    if before.endswith((person, names[0], names[-1])):
        return not re.search(r"\b(?:de|do|da|of)\s+\S*$", before.removesuffix(person).removesuffix(names[-1]) + "x")
    near = before.removeprefix(person)
    return first and near != before and len(near) < 60 and not re.search(r"\b(?:que|cuj[oa]s?|who|whose)\b", near)
