"""Questions made from a dataset's own: other answers to choose among, and questions that nothing answers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from tools.evaluate.answers import exact_match
from tools.language.dates import read_date
from tools.language.words import words
from tools.prepare_dataset.language import Language
from tools.prepare_dataset.reading_back import Question

OPTIONS = 4
# Invented: no person or place that a text is likely to name.
_STRANGERS = (
    "Ondina Varejota", "Belarmino Fusco", "Zulmira Estrovenga", "Quitério Valhadares", "Eudóxia Ramalheda",
    "Tancredo Perdigoto", "Gumersinda Alvorão", "Hermenegildo Sardoal",
)  # fmt: skip
_WORD = r"[A-ZÀ-Þ][\w'’-]{2,}"
_NAME = re.compile(rf"(?<![.?!«“\"]\s)(?<=\s){_WORD}(?:\s(?:(?:de|da|do|das|dos|e|of|the)\s)?{_WORD})*")


def options(question: Question, others: Iterable[Question], language: Language) -> list[str]:
    """The right answer and up to three wrong ones of its kind; fewer than two wrong: none.

    Drawn from the answers to other questions, so that a model that learned the form of answers alone gains nothing.
    """
    wrong = [other.answer for other in _of_one_kind(question, others, language)]
    return [question.answer, *wrong[: OPTIONS - 1]] if len(wrong) >= 2 else []


def rivals(question: Question, others: Sequence[Question], language: Language) -> list[Question]:
    """Up to three other questions whose answers are wrong here, of the same kind where there are two such.

    What an answer has in common with theirs, it has by its form and not by what it says.
    """
    near = _of_one_kind(question, others, language)
    if len(near) < 2:
        near = _nearest(question, [other for other in others if not _answers_too(question, other, language)])
    return near[: OPTIONS - 1]


def _of_one_kind(question: Question, others: Iterable[Question], language: Language) -> list[Question]:
    """Others with wrong answers of the same kind, each answer once, the likest question first."""
    kind = _kind(question.answer)
    found: list[Question] = []
    for other in _nearest(question, [other for other in others if _kind(other.answer) == kind]):
        if not _answers_too(question, other, language) and not any(
            exact_match(known.answer, [other.answer], language) for known in found
        ):
            found.append(other)
            if len(found) == OPTIONS - 1:
                break
    return found


def _answers_too(question: Question, other: Question, language: Language) -> bool:
    """Whether an answer to `other` is right here too."""
    right = [question.answer, *question.aliases]
    return any(exact_match(answer, right, language) for answer in (other.answer, *other.aliases))


def _nearest(question: Question, others: Iterable[Question]) -> list[Question]:
    """The likest first: asked in most of the same words, so that it asks for the same thing of another, then by
    the answer's length."""
    asked = _said(question.question)

    def distance(other: Question) -> tuple[int, int, str]:
        theirs = _said(other.question)
        shared = len(asked & theirs) / max(1, len(asked | theirs))
        length = abs(len(other.answer) - len(question.answer)) // 4
        return -round(5 * shared), length, _drawn(question, other.answer)

    return sorted(others, key=distance)


def unanswerable(questions: Sequence[Question], limit: int) -> list[Question]:
    """Questions about people whom no text names: a dataset's own, with a name of theirs replaced by an invented one."""
    found: list[Question] = []
    for question in questions:
        match = max(_NAME.finditer(question.question), key=lambda one: len(one.group()), default=None)
        if match is None:
            continue
        stranger = _STRANGERS[len(found) % len(_STRANGERS)]
        text = question.question[: match.start()] + stranger + question.question[match.end() :]
        found.append(Question(question=text, answer="", kind=question.kind, source=question.source))
        if len(found) == limit:
            break
    return found


@lru_cache(20_000)
def _said(text: str) -> frozenset[str]:
    return frozenset(words(text))


@lru_cache(20_000)
def _kind(answer: str) -> str:
    if read_date(answer) is not None:
        return "date"
    said = words(answer)
    if said and all(word[0].isdigit() for word in said):
        return "number"
    if len(said) <= 5 and answer[:1].isupper():
        return "name"
    return "words"


def _drawn(question: Question, text: str) -> str:
    """An order that is the same on every machine, and another for each question."""
    return hashlib.sha256(f"{question.question}\n{text}".encode()).hexdigest()
