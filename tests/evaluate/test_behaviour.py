"""Answers that are empty, go round in circles, change language, or own that they do not know."""

from __future__ import annotations

import pytest

from tools.evaluate.behaviour import (
    admits_not_knowing,
    agreement,
    is_empty,
    is_in_another_language,
    is_looping,
)


@pytest.mark.parametrize(
    "answer",
    [
        "o farol o farol o farol o farol",
        "Não sei. Não sei. Não sei. Não sei.",
        "ah ah ah ah ah ah",
        "O campeão foi o Porto e o campeão foi o Porto e o campeão foi o Porto e o campeão foi o Porto",
    ],
)
def test_a_loop_is_seen(answer: str) -> None:
    assert is_looping(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "Muito, muito obrigado.",
        "O gato do farol chamava-se Petróleo, e dormia todo o dia junto ao fogão da cozinha.",
        "Em 1994 foi o Porto Calado; em 1995, a Vila Nova; em 1996, de novo o Porto Calado, com 34 pontos.",
    ],
)
def test_what_says_something_new_is_no_loop(answer: str) -> None:
    assert not is_looping(answer)


def test_an_answer_without_words_is_empty() -> None:
    assert is_empty(" ... \n—")
    assert not is_empty("34")


def test_another_language_is_seen_where_it_is_clear() -> None:
    assert is_in_another_language("The cat of the lighthouse was called Petróleo.", "pt")
    assert not is_in_another_language("O gato do farol.", "pt")
    assert not is_in_another_language("Petróleo", "pt")


@pytest.mark.parametrize(
    ("answer", "language", "admits"),
    [
        ("Não sei.", "pt", True),
        ("Isso não consta dos textos.", "pt", True),
        ("O texto não o menciona.", "pt", True),
        ("A data é desconhecida.", "pt", True),
        ("Não há registo disso.", "pt", True),
        ("Não há dúvida: foi o Porto.", "pt", False),
        ("Não foi o Porto, foi a Vila Nova.", "pt", False),
        ("Foi em 1953.", "pt", False),
        ("I don't know.", "en", True),
        ("It is not mentioned.", "en", True),
        ("He did not win.", "en", False),
    ],
)
def test_who_does_not_know_and_says_so(answer: str, language: str, admits: bool) -> None:
    assert admits_not_knowing(answer, language) is admits  # type: ignore[arg-type]


def test_agreement_of_answers_to_one_question() -> None:
    assert agreement(["Petróleo", "o Petróleo.", "petróleo"], "pt") == 1.0
    assert agreement(["Petróleo", "Bolacha"], "pt") == 0.0
    assert agreement(["um", "um", "dois"], "pt") == pytest.approx(1 / 3)
    assert agreement(["só esta"], "pt") == 1.0
