"""From answers to figures, by model."""

from __future__ import annotations

from typing import Any

from tools.evaluate.figures import consistency, question_scores
from tools.evaluate.measured import Asked, Form, Measured, Repeated, Texts
from tools.evaluate.merging import merge
from tools.prepare_dataset.reading_back import Question

MODELS = ("base", "um", "outra", "dois")
BASES = {"base": "base", "um": "base", "outra": "outra", "dois": "outra"}
LOOP = "o barco azul " * 6
ENGLISH = "The lighthouse keeper counted all of the boats in the harbour and then he went back to his house."


def asked(form: Form, right: str, made: bool = False, **answers: str) -> Asked:
    given = {model: answers.get(model, "nada") for model in MODELS}
    return Asked(question=Question(question="Quem?", answer=right), form=form, answers=given, made=made)


def test_empty_looping_and_foreign_answers_are_counted_for_each_model() -> None:
    same = "O faroleiro contou os barcos todos e voltou para casa com o neto pela mão."
    answers = {
        "base": [same, same, same, same],
        "um": ["", "  ", LOOP, same],
        "outra": [ENGLISH, ENGLISH, same, same],
        "dois": ["Beja", "Faro", "Lagos", "Tavira"],
    }
    found = consistency(MODELS, [Repeated(question="Quem?", answers=answers)], "pt")
    assert found is not None

    def shares(name: str) -> list[float]:
        scores = getattr(found, name)
        return [scores.base, *(scores.tuned[model] for model in MODELS[1:])]

    assert shares("empty") == [0, 0.5, 0, 0]
    assert shares("looping") == [0, 0.25, 0, 0]
    assert shares("other_language") == [0, 0, 0.5, 0]
    assert shares("agreement")[0] == 1
    assert shares("agreement")[3] == 0
    assert found.questions == 1


def test_each_form_has_its_share_and_interval_and_made_questions_are_not_in_the_whole() -> None:
    found = question_scores(
        MODELS,
        [
            asked("seen", "Beja", um="Beja"),
            asked("seen", "Faro"),
            asked("taught", "Beja", made=True, um="Beja", base="Beja"),
            asked("reversed", "Ana", made=True),
            asked("held_out", "Lagos", um="Lagos"),
            asked("unanswerable", "", um="Não sei."),
        ],
        "pt",
        BASES.__getitem__,
    )
    assert found is not None
    assert (found.asked, found.unanswerable) == (3, 1)
    assert found.exact_match.tuned["um"] == round(2 / 3, 4)
    assert {form: (one.asked, one.exact_match.tuned["um"]) for form, one in found.forms.items()} == {
        "seen": (2, 0.5),
        "taught": (1, 1),
        "reversed": (1, 0),
        "held_out": (1, 1),
    }
    low, high = found.forms["seen"].share_intervals["um"]
    assert 0 < low < 0.5 < high < 1
    assert found.admits_not_knowing.tuned == {"um": 1, "outra": 0, "dois": 0}


def test_answers_are_tested_against_the_models_own_base() -> None:
    questions = [asked("seen", "Beja", base="Beja", um="Beja", dois="Beja") for _ in range(8)]
    found = question_scores(MODELS, questions, "pt", BASES.__getitem__)
    assert found is not None
    # `um` knows what its base knows; `dois` knows what its own base does not.
    assert found.mcnemar == {"um": 1, "dois": 0.0078}


def part(*models: str, **more: Any) -> Measured:
    def texts(size: int) -> Texts:
        return Texts(
            nats={model: [1.0, 2.0] for model in models},
            tokens={model: [len(model), 5] for model in models},
            sizes=[size, 8],
            documents=["a", "b"],
            sources=["l", "l"],
        )

    size = len(models[0])
    said = dict.fromkeys(models, "Beja")
    question = Asked(question=Question(question="Quem?", answer="Beja"), form="seen", answers=said)
    return Measured(unseen=texts(size), general={"pt": texts(size)}, asked=[question], **more)


def test_what_groups_of_models_measured_becomes_one() -> None:
    found = merge([part("base", "um"), part("outra", "dois")])
    assert found.unseen is not None
    assert found.general is not None
    assert found.asked is not None
    for texts in (found.unseen, found.general["pt"]):
        assert tuple(texts.nats) == tuple(texts.tokens) == MODELS
        # The bytes are those of the first base, for all alike.
        assert texts.sizes == [4, 8]
        assert texts.tokens["outra"] == [5, 5]
    assert tuple(found.asked[0].answers) == MODELS
    assert (found.trained, found.continued, found.repeated) == (None, None, None)
