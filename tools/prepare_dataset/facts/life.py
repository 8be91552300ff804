"""Sentences on a life: birth and death, names, family, profession, studies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tools.prepare_dataset.dates import DATE, other_forms, read_date
from tools.prepare_dataset.facts.fact import Fact, FactKind, Told
from tools.prepare_dataset.facts.lexicon import ENGLISH_GENTILIC, GENTILIC, HUMAN, PROFESSION, RELATIVE
from tools.prepare_dataset.facts.names import (
    FULL_PERSON,
    NAMED,
    PERSON,
    PLACE,
    QUOTED,
    UPPER,
    ends_cleanly,
    fold,
    without_quotes,
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


# Names ---------------------------------------------------------------------------------------

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
    if parent is not None and told.clause("") is not None:
        kind: FactKind = "mother" if any(parent[name] for name in ("mãe", "mãe2", "mother")) else "father"
        if parent["name"] or ends_cleanly(parent.string, parent.end()):
            yield told.fact(kind, parent["name"] or parent["called"])
    for married in _MARRIED.finditer(told.text):
        plain = _MARRIED_FILLER.fullmatch(married["inside"] or "") and ends_cleanly(told.text, married.end())
        # A marriage that may be the person's too speaks against there being one alone.
        sure = plain is not None and plain is not False and told.clause(told.text[: married.start()]) is not None
        yield told.fact("spouse", married["spouse"], sure=sure)


def _parents(told: Told, child: re.Match[str]) -> Iterator[Fact]:
    if ends_cleanly(told.text, child.end("parents")):
        named = " ".join(child["parents"].split())
        short = re.sub(r"\se\sd[eoa]\s", " e ", named)
        yield told.fact("parents", named, aliases=(short,) if short != named else ())


def _birth_ends(text: str) -> int:
    verb = _BORN.search(text)
    found = _directly_after(text, verb.end()) if verb else None
    return found.end if found else -1


# Profession and studies ----------------------------------------------------------------------

_ONE = rf"{PROFESSION}(?:\s+{GENTILIC})?"
_PROFESSIONS = rf"{_ONE}(?:\s*,\s+{_ONE})*(?:\s+e\s+{_ONE})?"
_ENGLISH_PROFESSIONS = rf"(?:{ENGLISH_GENTILIC}\s+)?{PROFESSION}(?:\s*,\s+{PROFESSION})*(?:,?\s+and\s+{PROFESSION})?"
_IS_A = re.compile(
    rf"\b(?:(?:[Ff]oi|[Éé]|[Ee]ra)\s+(?:uma?\s+)?(?P<pt>{_PROFESSIONS})|(?:was|is)\s+(?:an?\s+)(?P<en>{_ENGLISH_PROFESSIONS}))"
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
        if told.clause(told.text[: found.start()]) is not None:
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
