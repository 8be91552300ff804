"""Biographies: a passage for each person, and questions about the facts that stand in it literally."""

from __future__ import annotations

from dataclasses import replace

from tools.prepare_dataset.facts.find import find_facts
from tools.prepare_dataset.facts.wording import FactWords, fact_words
from tools.prepare_dataset.language import Language, is_clearly_not
from tools.prepare_dataset.lives import Life, Section, find_lives
from tools.prepare_dataset.material import Ask, Exchange, Parsed, Passage, Source, Span, Unit
from tools.prepare_dataset.wording import Wording


def parse_biographies(source: Source, words: Wording) -> Parsed:
    """A passage for each person and for what stands beside them, and the facts that are stated outright.

    The questions are in the language of the life, whose words they use.
    """
    parsed = Parsed()
    lives, sections = find_lives(source)
    units: list[tuple[int, list[Unit]]] = [(section.start, [_section(source, section)]) for section in sections]
    for life in lives:
        span = Span(source.name, "biography", f"{source.name}#{life.person}", life.person, life.body, life.end)
        exchanges, asks = _questions(source, life, span, words)
        units.append((life.start, [_passage(span, words), *exchanges]))
        parsed.questions += asks
    parsed.units = [unit for _, found in sorted(units, key=lambda one: one[0]) for unit in found]
    return parsed


def _questions(source: Source, life: Life, span: Span, words: Wording) -> tuple[list[Exchange], list[Ask]]:
    """Each fact of a life as an exchange to train on, and as a question to test with."""
    asking = _asking(source.text[life.body : life.end], words)
    exchanges, asks = [], []
    for fact in find_facts(source.text, life.body, life.end, life.person, dated=life.dated, extra=life.front):
        train, test = asking.ask(fact, life.person)
        where = replace(span, start=fact.start, end=fact.end)
        turns = ({"role": "user", "content": train}, {"role": "assistant", "content": fact.answer})
        exchanges.append(Exchange(where, turns, "question"))
        told = (fact.start, fact.end)
        asks.append(Ask(test, fact.answer, fact.aliases, "biography", source.name, span.document, told))
    return exchanges, asks


def _passage(span: Span, words: Wording) -> Passage:
    heading = words.biography.format(person=span.place)
    return Passage(
        span,
        title=span.place,
        heading=heading + "\n\n",
        heading_more=words.continuation.format(heading=heading) + "\n\n",
        ask=words.ask_biography.format(person=span.place),
    )


def _section(source: Source, section: Section) -> Passage:
    title = section.title or source.title or source.file.path.stem
    span = Span(source.name, "biography", f"{source.name}#{title}", title, section.start, section.end)
    return Passage(span, title=title)


def _asking(text: str, words: Wording) -> FactWords:
    other: Language = "en" if words.facts.language == "pt" else "pt"
    return fact_words(other) if is_clearly_not(text, words.facts.language) else words.facts
