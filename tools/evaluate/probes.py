"""Questions made from a dataset's own: other answers to choose among, and questions that nothing answers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence

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
    """The right answer and up to three wrong ones of its kind and like length; fewer than two wrong: none.

    Drawn from the answers to other questions, so that a model that learned the form of answers alone gains nothing.
    """
    right = [question.answer, *question.aliases]
    kind = _kind(question.answer)
    found: dict[str, str] = {}
    for other in others:
        same = _kind(other.answer) == kind and not any(exact_match(other.answer, [one], language) for one in right)
        if same and not any(exact_match(known, [other.answer], language) for known in found.values()):
            found.setdefault(other.answer.casefold(), other.answer)
    near = sorted(found.values(), key=lambda text: (abs(len(text) - len(question.answer)) // 4, _drawn(question, text)))
    return [question.answer, *near[: OPTIONS - 1]] if len(near) >= 2 else []


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
