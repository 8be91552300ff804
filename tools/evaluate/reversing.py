"""Facts asked the other way round: for the subject, given the value.

A model that learned "A is B" need not know "B is A" (Berglund et al. 2023, The Reversal Curse,
https://arxiv.org/abs/2309.12288): who answers these too has learned the fact, not the sentence. The
facts are those that `prepare_dataset` found in the material, read back from its own questions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from tools.evaluate.items import spread
from tools.language.words import words
from tools.prepare_dataset.language import Language
from tools.prepare_dataset.reading_back import Question
from tools.prepare_dataset.results.wording import for_headings
from tools.prepare_dataset.wording import wording

# A value that more subjects share asks for no one of them.
_MOST_SUBJECTS = 3
# Kinds of facts whose value leads to few subjects. A person is asked for from a biography, a season from a table.
_PT: Mapping[str, str] = {
    "nickname": "Que pessoa é conhecida por {answer}?",
    "born_on": "Quem tem {answer} como data de nascimento?",
    "born_in": "Quem tem {answer} como terra natal?",
    "died_on": "Quem teve {answer} como data da morte?",
    "died_in": "Quem teve {answer} como lugar da morte?",
    "parents": "De quem foram pais {answer}?",
    "father": "De quem foi pai {answer}?",
    "mother": "De quem foi mãe {answer}?",
    "spouse": "Quem casou com {answer}?",
    "coached": "Quem treinou a equipa «{answer}» {when}?",
    "held": "Quem foi {answer} {when}?",
    "founded": "Quem fundou a instituição «{answer}»?",
    "won": "Quem ganhou a distinção «{answer}» {when}?",
    "published": "Quem publicou a obra «{answer}»?",
    "wrote": "Quem escreveu a obra «{answer}»?",
    "champion": "Em que temporada acabou {answer} em primeiro lugar?",
    "runner_up": "Em que temporada acabou {answer} em segundo lugar?",
    "last": "Em que temporada acabou {answer} em último lugar?",
    "top_scorer": "Em que temporada foi {answer} quem mais marcou?",
    "most_scored": "Em que temporada teve {answer} o melhor ataque?",
    "fewest_scored": "Em que temporada teve {answer} o pior ataque?",
    "most_conceded": "Em que temporada teve {answer} a pior defesa?",
    "fewest_conceded": "Em que temporada teve {answer} a melhor defesa?",
}
_EN: Mapping[str, str] = {
    "nickname": "Which person is known as {answer}?",
    "born_on": "Whose date of birth is {answer}?",
    "born_in": "Whose birthplace is {answer}?",
    "died_on": "Whose date of death was {answer}?",
    "died_in": "Whose place of death was {answer}?",
    "parents": "Whose parents were {answer}?",
    "father": "Whose father was {answer}?",
    "mother": "Whose mother was {answer}?",
    "spouse": "Who married {answer}?",
    "coached": "Who coached “{answer}” {when}?",
    "held": "Who was {answer} {when}?",
    "founded": "Who founded “{answer}”?",
    "won": "Who won “{answer}” {when}?",
    "published": "Who published “{answer}”?",
    "wrote": "Who wrote “{answer}”?",
    "champion": "In which season did {answer} finish first?",
    "runner_up": "In which season did {answer} finish second?",
    "last": "In which season did {answer} finish last?",
    "top_scorer": "In which season did {answer} score the most?",
    "most_scored": "In which season did {answer} have the best attack?",
    "fewest_scored": "In which season did {answer} have the worst attack?",
    "most_conceded": "In which season did {answer} have the worst defence?",
    "fewest_conceded": "In which season did {answer} have the best defence?",
}


@dataclass(frozen=True)
class _Pattern:
    """How a question on a fact of one kind is worded, as an expression with groups, and the question turned round."""

    asked: re.Pattern[str]
    turned: str


def reversed_questions(questions: Sequence[Question], limit: int) -> list[Question]:
    """At most `limit` of the facts that training told, asked for their subject; several subjects are all right.

    questions: the dataset's own. Those that are not worded as `prepare_dataset` words facts have no reverse.
    """
    found: dict[str, list[tuple[str, Question]]] = {}
    for question in questions:
        turned = _turned(question) if question.split == "train" else None
        if turned is not None:
            found.setdefault(turned[0], []).append((turned[1], question))
    asked = []
    for text, told in found.items():
        subjects = list(dict.fromkeys(subject for subject, _ in told))
        if len(subjects) <= _MOST_SUBJECTS and not any(_is_given_away(subject, text) for subject in subjects):
            update = {"question": text, "answer": subjects[0], "aliases": subjects[1:], "cells": []}
            asked.append(told[0][1].model_copy(update=update))
    return spread(asked, limit)


def _turned(question: Question) -> tuple[str, str] | None:
    """The question turned round, and the subject that answers it."""
    _, _, person = (question.document or "").partition("#")
    for pattern in _patterns(question.kind):
        match = pattern.asked.fullmatch(question.question)
        if match is None:
            continue
        groups = match.groupdict(default="")
        # A person's name is known to the letter: no pattern may cut it elsewhere.
        if "person" in groups and groups["person"] != person:
            continue
        answer = question.answer.strip().rstrip(".")
        return pattern.turned.format(answer=answer, when=groups.get("when", "")), groups.get("person") or match[
            "season"
        ]
    return None


@cache
def _patterns(kind: str) -> tuple[_Pattern, ...]:
    languages: tuple[tuple[Language, Mapping[str, str]], ...] = (("pt", _PT), ("en", _EN))
    make = {"biography": _of_biographies, "table": _of_tables}.get(kind)
    return tuple(pattern for language, turned in languages for pattern in make(language, turned)) if make else ()


def _of_biographies(language: Language, turned: Mapping[str, str]) -> Iterator[_Pattern]:
    facts = wording(language).facts
    when = "|".join(form.replace("{}", r"\S+") for form in (facts.year, facts.years))
    for kind, asked in facts.asked.items():
        if kind in turned:
            for text in asked:
                yield _Pattern(_expression(text, {"person": ".+?", "when": when}), turned[kind])


def _of_tables(language: Language, turned: Mapping[str, str]) -> Iterator[_Pattern]:
    words = wording(language).results
    for results in (words, for_headings(words, {"time"})):
        for kind, asked in results.kinds.items():
            if kind in turned:
                for text in asked.test:
                    yield _Pattern(_expression(text, {"season": ".+?"}), turned[kind])


def _expression(template: str, groups: Mapping[str, str]) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", template)
    return re.compile(
        "".join(f"(?P<{part}>{groups[part]})" if n % 2 else re.escape(part) for n, part in enumerate(parts))
    )


def _is_given_away(subject: str, question: str) -> bool:
    """Whether a word of the subject stands in the question, as a father's surname does: an echo would be half right."""
    said = {word for word in words(question) if len(word) > 2}
    return any(word in said for word in words(subject))
