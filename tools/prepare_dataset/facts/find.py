"""All facts of a biography, without those that it tells in two ways."""

from __future__ import annotations

from collections.abc import Iterable

from tools.language.dates import read_date
from tools.prepare_dataset.facts.calling import names, work_and_studies
from tools.prepare_dataset.facts.career import career
from tools.prepare_dataset.facts.fact import Fact, Told
from tools.prepare_dataset.facts.life import birth_and_death, family
from tools.prepare_dataset.facts.names import fold
from tools.prepare_dataset.facts.sentences import plain, sentences
from tools.prepare_dataset.facts.structured import Stations, after_name, labelled, life_in_parentheses
from tools.prepare_dataset.facts.subject import Discourse, Person

_RULES = (names, birth_and_death, family, work_and_studies, career)
# Whatever is longer than this many characters states nothing plainly.
_LONGEST = 1000
_DATED = frozenset({"born_on", "died_on"})


def find_facts(
    text: str, start: int, end: int, name: str, *, dated: str = "", extra: tuple[int, int] | None = None
) -> list[Fact]:
    """The facts about the person called `name` that characters `start` to `end` state outright, each once.

    dated: what stands in parentheses behind the name in a heading. extra: characters that describe the
    person in `name: value` lines.

    Taken by literal patterns alone, so that an answer is always the text's own words; what is said in
    another way is left to annotate_dataset. What is told in two ways, or left open, is not among them.
    """
    told = list(sentences(text, start, end))
    lead = next((sentence.text for sentence in told if not sentence.heading and not sentence.line), "")
    body = plain(text[start:end])
    person = Person.of(name, lead, body)
    discourse, stations = Discourse(person), Stations()
    found = list(after_name(body, start, person))
    if dated:
        at = text.rindex(dated, 0, start)
        found += life_in_parentheses(dated, at, at + len(dated))
    for line in sentences(text, *extra) if extra else ():
        found += labelled(line)
    first, before = True, ""
    for sentence in told:
        discourse.enter(sentence)
        stations.enter(sentence)
        if sentence.line and discourse.who != "other":
            found += labelled(sentence)
            found += stations.read(sentence)
        elif not sentence.heading and not sentence.line:
            one = Told(sentence, person, first, "" if sentence.opens else before, discourse.clause)
            for rule in _RULES if len(sentence.text) <= _LONGEST else ():
                found += rule(one)
            first, before = False, sentence.text
        discourse.leave(sentence)
    literal = [fact for fact in found if fact.answer in " ".join(text[fact.start : fact.end].split())]
    return _agreed(literal)


def _agreed(found: Iterable[Fact]) -> list[Fact]:
    """One fact of each kind, year and thing, the most exact one; none where two do not agree."""
    kept: dict[tuple[object, ...], Fact | None] = {}
    for fact in found:
        key = (fact.kind, fact.years, fold(fact.what))
        other = kept.get(key, fact)
        kept[key] = None if other is None else _joined(other, fact)
    return [fact for fact in kept.values() if fact is not None and fact.sure]


def _joined(one: Fact, other: Fact) -> Fact | None:
    if one is other:
        return one
    if one.kind in _DATED:
        first, second = read_date(one.answer), read_date(other.answer)
        if first is None or second is None:
            return None
        if second.refines(first):
            return other if other.sure and second.parts > first.parts else one
        return one if first.refines(second) else None
    forms = [{fold(text) for text in (fact.answer, *fact.aliases)} for fact in (one, other)]
    return one if forms[0] & forms[1] else None
