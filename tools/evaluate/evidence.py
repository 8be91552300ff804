"""Changes from base to tuned with their intervals: what a verdict stands on."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tools.evaluate.answers import token_f1
from tools.evaluate.contract import Interval
from tools.evaluate.measured import Asked, Measured, Texts
from tools.evaluate.probes import rivals
from tools.evaluate.statistics import paired_ratio_interval
from tools.evaluate.verdict import ABOVE_CHANCE
from tools.prepare_dataset.language import Language
from tools.prepare_dataset.reading_back import Question


def intervals(measured: Measured, base: str, model: str, language: Language) -> list[Interval]:
    """The changes that could be judged: those of five documents at least."""
    found = [
        _bits("bits_per_byte", measured.unseen, base, model),
        _bits("trained_bits_per_byte", measured.trained, base, model),
        *(
            _bits(f"general_bits_per_byte_{name}", texts, base, model)
            for name, texts in (measured.general or {}).items()
        ),
    ]
    known = [one for one in measured.asked or [] if one.own]
    found.append(_above_chance(known, base, model, language))
    found.append(_choices([one for one in known if one.options], base, model))
    return [one for one in found if one is not None]


def _bits(metric: str, texts: Texts | None, base: str, model: str) -> Interval | None:
    if texts is None or not texts.sizes:
        return None
    before, after = ([nats / math.log(2) for nats in texts.nats[name]] for name in (base, model))
    return _interval(metric, model, paired_ratio_interval(before, after, texts.sizes, texts.documents))


def _above_chance(asked: Sequence[Asked], base: str, model: str, language: Language) -> Interval | None:
    """Of token F1 less what the same answer scores where up to three like questions were asked, by which gain of
    form alone is taken away: an answer of the right kind, but another's, is worth nothing."""
    questions = [one.question for one in asked]
    wrong = [rivals(one, questions, language) for one in questions]
    kept = [(one, others) for one, others in zip(asked, wrong, strict=True) if others]

    def own(one: Asked, others: Sequence[Question], name: str) -> float:
        answer = one.answers[name]
        theirs = [token_f1(answer, [other.answer, *other.aliases], language) for other in others]
        return token_f1(answer, one.references, language) - sum(theirs) / len(theirs)

    before, after = ([own(one, others, name) for one, others in kept] for name in (base, model))
    groups = _groups([one for one, _ in kept])
    found = paired_ratio_interval(before, after, [1.0] * len(kept), groups) if kept else None
    return _interval(ABOVE_CHANCE, model, found)


def _choices(asked: Sequence[Asked], base: str, model: str) -> Interval | None:
    before, after = ([float(one.chose_right(name)) for one in asked] for name in (base, model))
    found = paired_ratio_interval(before, after, [1.0] * len(asked), _groups(asked)) if asked else None
    return _interval("choice_accuracy", model, found)


def _groups(asked: Sequence[Asked]) -> list[str]:
    """Questions on one document stand or fall together."""
    return [one.question.document or f"question {i}" for i, one in enumerate(asked)]


def _interval(metric: str, model: str, found: tuple[float, float, float] | None) -> Interval | None:
    if found is None:
        return None
    change, low, high = (round(value, 4) for value in found)
    return Interval(metric=metric, model=model, change=change, low=low, high=high)
