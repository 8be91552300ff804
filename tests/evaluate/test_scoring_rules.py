"""What counts as right, and what counts as proven."""

from __future__ import annotations

import random

import pytest

from tools.evaluate.answers import contains, exact_match, token_f1, words
from tools.evaluate.contract import Interval
from tools.evaluate.statistics import paired_ratio_interval
from tools.evaluate.verdict import judge


@pytest.mark.parametrize(
    ("answer", "reference", "right"),
    [
        ("O Farol de Areia.", "farol de areia", True),
        ("a mãe", "mãe", True),
        ("mae", "mãe", False),  # accents matter in Portuguese
        ("1.234,5", "1234.5", True),
        ("1 234", "1234", True),
        ("85,0", "85", True),
        ("3 de outubro de 1953", "3 de Outubro de 1953!", True),
        ("1953", "1954", False),
        ("Simão Taveira", "Taveira", False),
        ("", "Taveira", False),
    ],
)
def test_exact_match_is_fair_to_portuguese(answer: str, reference: str, right: bool) -> None:
    assert exact_match(answer, [reference]) is right


def test_any_alias_will_do() -> None:
    assert exact_match("Petróleo", ["um gato", "o Petróleo"])


def test_an_answer_in_a_sentence_is_contained_as_whole_words() -> None:
    assert contains("O campeão foi o Porto Calado, com 34 pontos.", ["Porto Calado"])
    assert not contains("O campeão foi o Porto Caladonense.", ["Porto Calado"])
    assert not contains("qualquer coisa", ["—"])


def test_token_f1_counts_the_words_in_common() -> None:
    assert token_f1("gato preto grande", ["gato preto"]) == pytest.approx(0.8)
    assert token_f1("cão", ["gato"]) == 0.0
    assert token_f1("gato gato", ["gato"]) == pytest.approx(2 / 3)


def test_words_keep_hyphens_and_accents() -> None:
    assert words("Guarda-chuva, Conceição!") == ["guarda-chuva", "conceição"]


def test_a_change_beyond_chance_has_an_interval_on_one_side_of_zero() -> None:
    rng = random.Random(0)
    base = [100 + rng.gauss(0, 5) for _ in range(30)]
    tuned = [value - 10 + rng.gauss(0, 2) for value in base]
    groups = [f"capítulo {i // 2}" for i in range(30)]
    found = paired_ratio_interval(base, tuned, [50.0] * 30, groups)
    assert found is not None
    change, low, high = found
    assert low < change < high < 0
    assert change == pytest.approx(-0.2, abs=0.03)


def test_no_change_has_zero_inside_its_interval() -> None:
    rng = random.Random(1)
    base = [rng.gauss(100, 5) for _ in range(40)]
    tuned = [value + rng.gauss(0, 5) for value in base]
    found = paired_ratio_interval(base, tuned, [1.0] * 40, [str(i) for i in range(40)])
    assert found is not None
    assert found[1] < 0 < found[2]


def test_rows_of_one_document_are_one_observation() -> None:
    many = [float(i) for i in range(40)]
    assert paired_ratio_interval(many, many, [1.0] * 40, ["a", "b", "c", "d"] * 10) is None


def interval(metric: str, low: float, high: float) -> Interval:
    return Interval(metric=metric, model="livros", change=(low + high) / 2, low=low, high=high)


@pytest.mark.parametrize(
    ("intervals", "kind"),
    [
        ([("bits_per_byte", -0.3, -0.1)], "learned"),
        ([("bits_per_byte", -0.3, 0.1)], "not_proven"),
        ([("bits_per_byte", 0.1, 0.3)], "worse"),
        ([("bits_per_byte", -0.3, -0.1), ("token_f1", -0.2, -0.1)], "not_proven"),
        ([("bits_per_byte", -0.1, 0.1), ("token_f1", 0.1, 0.3)], "learned"),
        ([], "not_proven"),
    ],
)
def test_the_verdict_follows_the_intervals(intervals: list[tuple[str, float, float]], kind: str) -> None:
    verdict = judge("livros", [interval(*each) for each in intervals], "mares@1")
    assert verdict.kind == kind
    assert verdict.action.split(" ")[0] in {"ask_model", "start_finetune", "annotate_dataset"}
