"""Sentences on what a person is called, does for a living, and studied."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.language.dates import DATE
from tools.prepare_dataset.facts.fact import Fact, Told
from tools.prepare_dataset.facts.lexicon import ENGLISH_GENTILIC, GENTILIC, PROFESSION
from tools.prepare_dataset.facts.names import NAMED, PERSON, QUOTED, ends_cleanly, fold, without_quotes

_KNOWN = r"(?:(?:mais|melhor|também|ainda|better|best|also)\s+)?(?:\w+mente\s+)?(?:conhecid[oa]|known)(?:\s+\w+mente)?"
_CALLED = rf"(?:(?:o|a|the)\s+)?(?P<called>{QUOTED}|{NAMED})"
_BY_NAME = rf"{_KNOWN}\s+(?:(?:como|as)\s+{_CALLED}|(?:por|by)\s+(?:o\s+|a\s+)?(?P<quoted>{QUOTED}))"
_APPOSED = re.compile(rf"\s*(?:\([^()]*\)\s*)?,?\s*{_BY_NAME}")
_WHOM = re.compile(
    rf"\s*,\s*a\s+quem\s+(?:todos|toda\s+a\s+gente|os\s+amigos|o\s+povo)\s+chama(?:m|va|vam)?\s+(?P<called>{QUOTED}|{NAMED})"
)
_NICKNAMED = re.compile(rf"\s*,\s*(?:de\s+alcunha|alcunhad[oa](?:\s+de)?|apelidad[oa]\s+de|nicknamed)\s+{_CALLED}")
_IS_KNOWN = re.compile(rf"\b(?:[ÉéEe]ra|[Éé]|[Ff]icou|[Ff]oi|[Tt]ornou-se|is|was|became)\s+{_BY_NAME}")
_IN_FULL = re.compile(
    rf"(?:\bde\s+seu\s+nome\s+completo|\bcujo\s+nome\s+completo\s+(?:é|era|foi)|\bwhose\s+full\s+name\s+(?:is|was))\s+(?P<name>{PERSON})"
)
_FULL_NAME_IS = re.compile(
    rf"(?:(?:O\s+s|S)eu\s+nome\s+completo\s+(?:é|era|foi)|(?:His|Her)\s+full\s+name\s+(?:is|was))\s+(?P<name>{PERSON})"
)


def names(told: Told) -> Iterator[Fact]:
    """The person's full name and the name by which they are known."""
    lead = re.match(rf"\s*(?P<name>{PERSON})", told.text)
    named = told.person.at(told.text.lstrip())
    if lead is not None and named is not None and told.first:
        end = lead.end()
        known = _APPOSED.match(told.text, end) or _WHOM.match(told.text, end) or _NICKNAMED.match(told.text, end)
        if known is not None and ends_cleanly(told.text, known.end()):
            yield from _known_as(told, lead["name"], known)
    for known in _IS_KNOWN.finditer(told.text):
        if told.clause(told.text[: known.start()]) is not None and ends_cleanly(told.text, known.end()):
            yield from _known_as(told, told.person.name, known)
    full = _IN_FULL.search(told.text) if told.first and named is not None else None
    is_own = told.clause("") is not None
    full = full or (_FULL_NAME_IS.match(told.text.lstrip()) if is_own else None)
    if full is not None and ends_cleanly(full.string, full.end()):
        yield told.fact("full_name", full["name"])


def _known_as(told: Told, name: str, known: re.Match[str]) -> Iterator[Fact]:
    called = known["called"] if "called" in known.re.groupindex else None
    quoted = known["quoted"] if "quoted" in known.re.groupindex else None
    other = without_quotes(called or quoted or "")
    if fold(name) != fold(told.person.name) and fold(other) == fold(told.person.name):
        yield told.fact("full_name", name)
        return
    if other and fold(other) not in (fold(name), fold(told.person.name)):
        yield told.fact("nickname", other)


# Profession and studies ----------------------------------------------------------------------

_ONE = rf"{PROFESSION}(?:\s+{GENTILIC})?"
_PROFESSIONS = rf"{_ONE}(?:\s*,\s+{_ONE})*(?:\s+e\s+{_ONE})?"
_ENGLISH_PROFESSIONS = rf"(?:{ENGLISH_GENTILIC}\s+)?{PROFESSION}(?:\s*,\s+{PROFESSION})*(?:,?\s+and\s+{PROFESSION})?"
_IS_A = re.compile(
    rf"\b(?:(?:[Ff]oi|[Éé]|[Ee]ra)\s+(?:(?P<article>uma?)\s+)?(?P<pt>{_PROFESSIONS})|(?:was|is)\s+(?:an?\s+)(?P<en>{_ENGLISH_PROFESSIONS}))"
    r"(?=\s*(?:[.,;]|$)|\s+(?:que|nascid[oa]|who|born|natural)\b)"
)
_DEGREE = re.compile(
    r"\b(?:[Ff]ormou-se|[Ll]icenciou-se|[Gg]raduou-se|[Bb]acharelou-se|[Dd]iplomou-se|se\s+(?:formou|graduou|licenciou))"
    rf"(?:,?\s+em\s+{DATE},?)?\s+em\s+(?P<subject>{NAMED}(?:\s+e\s+{NAMED})?)"
)
_STUDIED = re.compile(rf"\b(?:[Ee]studou|[Cc]ursou|studied)\s+(?P<subject>{NAMED})")
_SCHOOL = (
    r"(?:Universidade|Faculdade|Instituto|Escola|Conservatório|Academia|Liceu|Colégio|Seminário|Politécnico)"
    rf"(?:\s+{NAMED}|\s+(?:[A-ZÀ-Ý]\w+\s+)?d[aeo]s?\s+{NAMED})?|{NAMED}\s+(?:University|College|School|Institute|Academy|Conservatory)"
    rf"|(?:University|College|School|Institute|Academy|Conservatory)\s+of\s+{NAMED}"
)
_AT = re.compile(rf"\s*,?\s+(?:n[oa]|pel[oa]|em|at|from)\s+(?:the\s+)?(?P<school>{_SCHOOL})")
_STUDIED_AT = re.compile(
    rf"\b(?:[Ee]studou|[Ff]ormou-se|[Ll]icenciou-se|[Dd]outorou-se|studied|graduated)\s+(?:n[oa]|pel[oa]|at|from)\s+(?:the\s+)?(?P<school>{_SCHOOL})"
)


def work_and_studies(told: Told) -> Iterator[Fact]:
    """The profession, what was studied, and where."""
    for found in _IS_A.finditer(told.text):
        gender = {"um": "o", "uma": "a"}.get(found["article"] or "", told.person.gender)
        if told.clause(told.text[: found.start()]) is not None and told.person.gender in ("", gender):
            answer = found["pt"] or found["en"]
            told.person.roles.update(re.findall(PROFESSION, answer))
            yield told.fact("profession", answer)
    for studied in (*_DEGREE.finditer(told.text), *_STUDIED.finditer(told.text)):
        end = studied.end()
        if told.clause(told.text[: studied.start()]) is None or not ends_cleanly(told.text, end):
            continue
        yield told.fact("studied", studied["subject"])
        school = _AT.match(told.text, end)
        if school is not None and ends_cleanly(told.text, school.end()):
            yield told.fact("studied_at", school["school"])
    for studied in _STUDIED_AT.finditer(told.text):
        if told.clause(told.text[: studied.start()]) is not None and ends_cleanly(told.text, studied.end()):
            yield told.fact("studied_at", studied["school"])
