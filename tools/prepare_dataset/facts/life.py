"""Sentences on a life: birth and death, parents and spouse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tools.language.dates import DATE, other_forms, read_date
from tools.prepare_dataset.facts.fact import Fact, FactKind, Told
from tools.prepare_dataset.facts.lexicon import HUMAN, RELATIVE
from tools.prepare_dataset.facts.names import (
    FULL_PERSON,
    PERSON,
    PLACE,
    UPPER,
    ends_cleanly,
)

_BORN = re.compile(r"\b(?:[Nn]asceu|(?:was|is)\s+born(?:\s+and\s+raised)?|[Vv]eio\s+ao\s+mundo)\b")
_BORN_PARTICIPLE = re.compile(r"\b(?:[Nn]ascid[oa]|[Bb]orn)\b")
_DIED = re.compile(r"\b(?:[Mm]orreu|[Ff]aleceu|died|passed\s+away)\b")
_VERBS: tuple[tuple[re.Pattern[str], FactKind, FactKind], ...] = (
    (_BORN, "born_on", "born_in"),
    (_DIED, "died_on", "died_in"),
)
_ON = re.compile(
    rf",?\s+(?:(?:a|aos?|em|n[oa]|on|in)\s+(?:dia\s+|manhã\s+de\s+|noite\s+de\s+|madrugada\s+de\s+)?|(?:no\s+ano\s+de|in\s+the\s+year)\s+)"
    rf"(?P<date>{DATE})(?!\s*(?:a\.\s?C|BC))"
)
_KINDS_OF_PLACE = (
    r"(?:n?a\s+|the\s+)?(?:pequen[oa]\s+|antig[oa]\s+|small\s+)?(?:cidade|vila|aldeia|freguesia|lugar|povoação|concelho"
    r"|município|ilha|bairro|town|city|village|parish|island)\s+(?:d[aeo]s?|of)\s+"
)
_IN = re.compile(rf",?\s+(?:em|n[oa]s?|in|at)\s+(?:{_KINDS_OF_PLACE})?(?P<place>{PLACE})")
_NATAL = re.compile(r"\s+no\s+Natal\b")
_WIDER = re.compile(rf",\s*{PLACE}(?=\s*[,.;]|\s+(?:a|em|no\s+dia|on|in)\s+(?:\d|[JFMASOND]))")
_AGE = re.compile(
    r",?\s+(?:(?:aos|com)\s+[\w-]+(?:\s+e\s+\w+)?\s+anos(?:\s+de\s+idade)?|at\s+the\s+age\s+of\s+\w+|aged\s+\w+)"
)
_AFTERWARDS = re.compile(
    rf",?\s+(?:[oa]s?|uma?|the|an?|seus?|suas?|[oa]\s+seus?|[oa]\s+suas?|his|her)\s+(?:\w+\s+)?{HUMAN}\b(?!\s+mais)"
)
_COPULA_NOUN = re.compile(r"\s*(?:é|foi|era|is|was)\s+(?:uma?|an?|the)\s+[\w\s,-]+$")


@dataclass
class _Place:
    date: str = ""
    place: str = ""
    end: int = 0


def birth_and_death(told: Told) -> Iterator[Fact]:
    """When and where the person was born and died, told by the words directly after the verb."""
    for verbs, on, where in _VERBS:
        for verb in verbs.finditer(told.text):
            clause = told.clause(told.text[: verb.start()])
            found = _directly_after(told.text, verb.end())
            # What is only said to be so is no fact, but speaks against what is told elsewhere.
            if found is None or (clause is None and not told.sentence.doubtful):
                continue
            if not found.date and clause is not None and clause.when is not None and clause.when["date"]:
                found.date = clause.when["date"]
            yield from _dated(told, on, where, found)
    for verb in _BORN_PARTICIPLE.finditer(told.text):
        found = _directly_after(told.text, verb.end())
        if found is not None and _belongs(told, verb.start(), found.end):
            yield from _dated(told, "born_on", "born_in", found)


def _dated(told: Told, on: FactKind, where: FactKind, found: _Place) -> Iterator[Fact]:
    if found.date and read_date(found.date) is not None:
        yield told.fact(on, found.date, aliases=other_forms(found.date))
    if found.place:
        yield told.fact(where, found.place)


def _directly_after(text: str, position: int) -> _Place | None:
    """Date and place after a verb, in either order; None where another subject or a doubt follows."""
    found = _Place()
    for _ in range(4):
        date, place = _ON.match(text, position), _IN.match(text, position)
        age = _AGE.match(text, position)
        if date is not None and not found.date:
            found.date, position = date["date"], date.end()
        elif place is not None and not found.place and not _NATAL.match(text, position):
            found.place, position = place["place"], place.end()
            wider = _WIDER.match(text, position)
            position = wider.end() if wider else position
        elif age is not None:
            position = age.end()
        else:
            break
    found.end = position
    clean = ends_cleanly(text, position) and not _AFTERWARDS.match(text, position)
    return found if clean and (found.date or found.place) else None


def _belongs(told: Told, start: int, end: int) -> bool:
    """Whether «nascido em…» is said of the person: directly after the name, or before it."""
    before = told.text[:start]
    named = told.person.at(before.lstrip())
    if named is not None:
        tail = before.lstrip()[named:]
        return tail.strip(" ,(") == "" or (
            _COPULA_NOUN.match(tail) is not None and not re.search(rf"\b{RELATIVE}\b", tail)
        )
    if before.strip():
        return False
    after = told.text[end:].lstrip(" ,")
    if told.person.at(after) is not None:
        return True
    # «Nascida em Beja, foi pintora»: no other subject comes first.
    opens = re.match(rf"(?:[oa]s?|uma?|seus?|suas?|the|his|her|[{UPPER}]\w*|[oa]\s+seu)\b", after)
    return (
        opens is None
        and told.clause("") is not None
        and re.match(r"\w+(?:ou|eu|iu|oi|ava|ia|era)\b", after) is not None
    )


# Family --------------------------------------------------------------------------------------

_CHILD = (
    r"(?:filh[oa](?:\s+(?:únic[oa]|primogénit[oa]|mais\s+(?:velh|nov)[oa]))?\s+d[eoa]"
    r"|(?:the\s+)?(?:only\s+)?(?:son|daughter)\s+of)"
)
_PARENTS = rf"(?P<parents>{PERSON}\s+(?:e(?:\s+d[eoa])?|and)\s+{PERSON})"
_IS_CHILD = re.compile(rf"\b(?:[ÉéEe]ra|[Éé]|[Ff]oi|was|is)\s+(?:o\s+|a\s+)?{_CHILD}\s+{_PARENTS}")
_CHILD_APPOSED = re.compile(rf",\s+{_CHILD}\s+{_PARENTS}")
_PARENT = re.compile(
    r"(?:(?:O\s+s|S)eu\s+(?P<pai>pai)|(?:A\s+s|S)ua\s+(?P<mãe>mãe)|O\s+(?P<pai2>pai)|A\s+(?P<mãe2>mãe)|(?:His|Her)\s+(?:(?P<father>father)|(?P<mother>mother)))"
    rf"(?:\s*,\s*(?P<name>{PERSON})\s*,|\s+(?:chamava-se|chama-se|era|é|was|is)\s+(?P<called>{PERSON}))"
)
_OTHERS = re.compile(rf"\b(?:{HUMAN}|cas(?:ou|ara)|married|conheceu|met)\b", re.IGNORECASE)
_MARRIED = re.compile(
    r"\b(?:[Cc]as(?:ou|ara)(?:-se)?(?P<inside>[^.;:]{0,40}?)\s+com|[Ff]oi\s+casad[oa]\s+com|[Ee]ra\s+casad[oa]\s+com|[Éé]\s+casad[oa]\s+com"
    r"|married|(?:is|was)\s+married\s+to)\s+(?:(?:o|a|um|uma|the|an?)\s+(?:[a-zà-ÿ-]+\s+){1,2})?"
    rf"(?P<spouse>{FULL_PERSON})"
)
_MARRIED_FILLER = re.compile(
    rf"(?:,?\s+(?:em|in|a|no\s+ano\s+de)\s+(?:{DATE}|{PLACE})\s*,?)*|\s+(?:aos|pela\s+segunda\s+vez)[^,]*,?"
)


def family(told: Told) -> Iterator[Fact]:
    """Parents and spouse, where they are named."""
    for child in _IS_CHILD.finditer(told.text):
        if told.clause(told.text[: child.start()]) is not None:
            yield from _parents(told, child)
    apposed = _CHILD_APPOSED.search(told.text)
    if apposed is not None:
        before = told.text[: apposed.start()]
        named = told.person.at(before.lstrip())
        born = next(birth_and_death(told), None)
        directly = named is not None and re.fullmatch(r"\s*(?:\([^()]*\))?\s*", before.lstrip()[named:]) is not None
        if directly or (
            born is not None and born.kind.startswith("born") and _birth_ends(told.text) == apposed.start()
        ):
            yield from _parents(told, apposed)
    parent = _PARENT.match(told.text.lstrip())
    if parent is not None and told.clause("") is not None and _whose(told, parent):
        kind: FactKind = "mother" if any(parent[name] for name in ("mãe", "mãe2", "mother")) else "father"
        if parent["name"] or ends_cleanly(parent.string, parent.end()):
            yield told.fact(kind, parent["name"] or parent["called"])
    for married in _MARRIED.finditer(told.text):
        plain = _MARRIED_FILLER.fullmatch(married["inside"] or "") and ends_cleanly(told.text, married.end())
        # A marriage that may be the person's too speaks against there being one alone.
        sure = plain is not None and plain is not False and told.clause(told.text[: married.start()]) is not None
        yield told.fact("spouse", married["spouse"], sure=sure)


def _whose(told: Told, parent: re.Match[str]) -> bool:
    """Whether a parent can be the person's alone: nobody else was just spoken of."""
    gender = {"His": "o", "Her": "a"}.get(parent.group().split()[0], "")
    return _OTHERS.search(told.before) is None and gender in ("", told.person.gender)


def _parents(told: Told, child: re.Match[str]) -> Iterator[Fact]:
    if ends_cleanly(told.text, child.end("parents")):
        named = " ".join(child["parents"].split())
        short = re.sub(r"\se\sd[eoa]\s", " e ", named)
        yield told.fact("parents", named, aliases=(short,) if short != named else ())


def _birth_ends(text: str) -> int:
    verb = _BORN.search(text)
    found = _directly_after(text, verb.end()) if verb else None
    return found.end if found else -1
