"""Answers for a report: each model's beside the right one, judged as the figures judge them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tools.evaluate.answers import contains, exact_match
from tools.evaluate.behaviour import admits_not_knowing
from tools.evaluate.items import spread
from tools.evaluate.measured import Asked, Form
from tools.evaluate.report.told import Told
from tools.evaluate.report.words import Words

_FORMS: Mapping[Form, str] = {
    "seen": "seen in training",
    "taught": "in the words of training",
    "reversed": "the other way round",
    "held_out": "held out",
    "unanswerable": "without an answer",
}


@dataclass(frozen=True)
class Answer:
    """What a model wrote. said: the judgement, and right whether it is a good one; picked: the option it holds
    likeliest, empty where there was no choice."""

    model: str
    text: str
    right: bool
    said: str
    picked: str


@dataclass(frozen=True)
class Example:
    """A question with every model's answer. form: where the right one stands; reference: that answer, in words."""

    question: str
    form: str
    reference: str
    answers: list[Answer]


def answered(told: Told, most: int, say: Words) -> list[Example]:
    """At most so many, evenly from all, those without an answer at the end."""
    return [_example(told, one, say) for one in spread(told.measured.asked or [], most)]


def _example(told: Told, one: Asked, say: Words) -> Example:
    reference = say("Right answer: {answer}", answer=one.question.answer)
    if one.form == "unanswerable":
        reference = say("No text answers this: the right answer is not to know.")
    return Example(
        question=one.question.question,
        form=say(_FORMS[one.form]),
        reference=reference,
        answers=[_answer(told, one, model, say) for model in told.beside],
    )


def _answer(told: Told, one: Asked, model: str, say: Words) -> Answer:
    text = one.answers[model]
    if one.form == "unanswerable":
        right = admits_not_knowing(text, told.language)
        said = "owns not to know" if right else "invents"
    elif exact_match(text, one.references, told.language):
        right, said = True, "right"
    else:
        right = contains(text, one.references, told.language)
        said = "contains it" if right else "wrong"
    return Answer(model, text, right, say(said), _picked(one, model, say))


def _picked(one: Asked, model: str, say: Words) -> str:
    if not one.options or model not in one.nats:
        return ""
    return say("Of {count} options, likeliest: {option}", count=len(one.options), option=one.likeliest(model))
