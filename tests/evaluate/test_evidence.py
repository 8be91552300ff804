"""The changes that a verdict stands on."""

from __future__ import annotations

import random

from tools.evaluate.answers import token_f1
from tools.evaluate.contract import Interval
from tools.evaluate.evidence import intervals
from tools.evaluate.measured import Asked, Measured
from tools.evaluate.verdict import ABOVE_CHANCE
from tools.prepare_dataset.reading_back import Question

TOWNS = ("Alcova", "Barrosa", "Dornes", "Ervedal", "Lamego", "Mértola", "Nelas")
SENTENCE = "Foi na bonita vila de {}, que fica à beira do mar."


def answered(answers: list[str], *, base: str = "Sei lá.") -> dict[str, Interval]:
    """The intervals where `answers` were given to questions whose answers are TOWNS, in their order."""
    asked = [
        Asked(
            question=Question(question=f"Onde nasceu a pessoa {n}?", answer=SENTENCE.format(town)),
            form="seen",
            answers={"base": base, "tuned": answer},
        )
        for n, (town, answer) in enumerate(zip(TOWNS, answers, strict=True))
    ]
    return {one.metric: one for one in intervals(Measured(asked=asked), "base", "tuned", "pt")}


def test_right_answers_are_above_chance() -> None:
    found = answered([SENTENCE.format(town) for town in TOWNS])
    assert found[ABOVE_CHANCE].low > 0


def test_answers_of_the_right_form_to_other_questions_are_not() -> None:
    turned = [*TOWNS[1:], TOWNS[0]]
    # Nearly all words in common, and none that matters.
    assert token_f1(SENTENCE.format(TOWNS[0]), [SENTENCE.format(TOWNS[1])]) > 0.8
    found = answered([SENTENCE.format(town) for town in turned])
    assert found[ABOVE_CHANCE].change <= 0
    always = answered([SENTENCE.format(TOWNS[0])] * len(TOWNS))
    assert always[ABOVE_CHANCE].low <= 0


def test_drawn_answers_are_as_often_above_chance_as_below() -> None:
    rng = random.Random(0)
    found = [answered([SENTENCE.format(rng.choice(TOWNS)) for _ in TOWNS])[ABOVE_CHANCE] for _ in range(20)]
    assert abs(sum(one.change for one in found) / len(found)) < 0.01
    assert sum(one.low > 0 for one in found) <= 2
