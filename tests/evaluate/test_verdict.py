"""What an evaluation concludes."""

from __future__ import annotations

import pytest

from tools.evaluate.contract import Interval, Repetition, Scores
from tools.evaluate.verdict import judge

UNSEEN, TRAINED, GENERAL = "bits_per_byte", "trained_bits_per_byte", "general_bits_per_byte_pt"
ANSWERS = "token_f1_above_chance"


def interval(metric: str, low: float, high: float) -> Interval:
    return Interval(metric=metric, model="livros", change=(low + high) / 2, low=low, high=high)


@pytest.mark.parametrize(
    ("intervals", "kind"),
    [
        ([(UNSEEN, -0.3, -0.1)], "learned"),
        ([(UNSEEN, -0.3, 0.1)], "not_proven"),
        ([(UNSEEN, 0.1, 0.3)], "worse"),
        ([(UNSEEN, -0.3, -0.1), (ANSWERS, -0.2, -0.1)], "not_proven"),
        ([(UNSEEN, -0.1, 0.1), (ANSWERS, 0.1, 0.3)], "learned"),
        ([(UNSEEN, -0.3, -0.1), ("choice_accuracy", 0.1, 0.3), (ANSWERS, -0.1, 0.1)], "learned"),
        # The form of the answers alone, and none of what they say.
        ([(UNSEEN, -0.3, -0.1), ("choice_accuracy", -0.1, 0.1), (ANSWERS, -0.1, 0.1)], "not_proven"),
        ([(UNSEEN, -0.05, 0.05), (TRAINED, -2.0, -1.0)], "memorized"),
        ([(UNSEEN, 0.2, 0.5), (TRAINED, -2.0, -1.0)], "memorized"),
        ([(UNSEEN, 0.2, 0.5), (TRAINED, 0.1, 0.3)], "worse"),
        ([(UNSEEN, -0.4, -0.2), (TRAINED, -0.5, -0.3)], "learned"),
        ([(UNSEEN, -0.4, -0.2), (TRAINED, -3.0, -2.0)], "learned"),
        ([(UNSEEN, -0.4, 0.01), (TRAINED, -0.5, -0.3)], "not_proven"),
        ([(UNSEEN, -0.05, 0.05), (TRAINED, -2.0, -1.0), (ANSWERS, 0.1, 0.3)], "learned"),
        # Words in common that answers to other questions have as well.
        ([(UNSEEN, -0.3, -0.1), ("token_f1", 0.2, 0.4), (ANSWERS, -0.1, 0.1)], "not_proven"),
        # Better on what it was trained on, by little or by less than chance explains.
        ([(UNSEEN, -0.02, 0.04), (TRAINED, -0.05, -0.03)], "not_proven"),
        ([(UNSEEN, -0.4, 0.5), (TRAINED, -0.5, -0.2)], "not_proven"),
        # Knowing decides, unless its own figures contradict each other.
        ([(UNSEEN, 0.2, 0.5), (TRAINED, -2.0, -1.0), (ANSWERS, 0.1, 0.3)], "learned"),
        ([(ANSWERS, 0.1, 0.3), ("choice_accuracy", -0.3, -0.1)], "not_proven"),
        ([(UNSEEN, 0.1, 0.3), (ANSWERS, -0.3, -0.1)], "worse"),
        ([(TRAINED, -2.0, -1.0)], "not_proven"),
        ([], "not_proven"),
    ],
)
def test_the_verdict_follows_the_intervals(intervals: list[tuple[str, float, float]], kind: str) -> None:
    verdict = judge("livros", [interval(*each) for each in intervals], "mares@1")
    assert verdict.kind == kind
    assert verdict.action.split(" ")[0] in {"ask_model", "start_finetune", "annotate_dataset"}


def test_copies_that_the_base_does_not_make_are_memorized() -> None:
    measured = [interval(UNSEEN, -0.4, 0.01), interval(TRAINED, -0.5, -0.3)]
    zeros = Scores(base=0, tuned={"livros": 0})
    copying = Repetition(passages=12, longest=zeros, given_back=zeros, copied=Scores(base=0, tuned={"livros": 0.5}))
    assert judge("livros", measured, "mares@1", repetition=copying).kind == "memorized"

    # What is copied word for word is memorized also where unseen rows are too few to compare.
    alone = judge("livros", [], "mares@1", repetition=copying)
    assert alone.kind == "memorized"
    assert "too few" in alone.text
    assert judge("livros", [interval(UNSEEN, -0.3, -0.1)], "mares@1", repetition=copying).kind == "learned"


def test_who_knows_more_but_writes_worse_is_told_so() -> None:
    told = judge("livros", [interval(UNSEEN, 0.1, 0.3), interval(ANSWERS, 0.1, 0.3)], "mares@1").text
    assert "less likely" in told
    assert "less likely" not in judge("livros", [interval(ANSWERS, 0.1, 0.3)], "mares@1").text


def test_other_models_intervals_do_not_count() -> None:
    other = interval(UNSEEN, -0.3, -0.1).model_copy(update={"model": "outro"})
    assert judge("livros", [other], "mares@1").kind == "not_proven"


def test_what_was_forgotten_is_said() -> None:
    learned = interval(UNSEEN, -0.3, -0.1)
    assert "forgot" in judge("livros", [learned, interval(GENERAL, 0.2, 0.4)], "mares@1").text
    assert "forgot" not in judge("livros", [learned, interval(GENERAL, 0.01, 0.4)], "mares@1").text


def test_an_adapter_of_zeros_has_proven_nothing() -> None:
    verdict = judge("livros", [interval(UNSEEN, -0.3, -0.1)], "mares@1", zero=True)
    assert verdict.kind == "not_proven"
    assert "zeros" in verdict.text
