"""What counts as a right answer."""

from __future__ import annotations

import re
import string
from collections import Counter

import pytest

from tools.evaluate.answers import contains, exact_match, token_f1


@pytest.mark.parametrize(
    ("answer", "reference", "right"),
    [
        ("O Farol de Areia.", "farol de areia", True),
        ("a mãe", "mãe", True),
        ("mae", "mãe", False),  # accents matter in Portuguese
        ("1.234,5", "1234.5", True),
        ("1 234", "1234", True),
        ("85,0", "85", True),
        ("34,57", "34,6", True),  # rounded as the reference is
        ("34,6", "34,57", True),
        ("34", "34,57", False),
        ("35", "34", False),
        ("cento e cinquenta e nove", "159", True),
        ("terceiro lugar", "3.º lugar", True),
        ("3 lugar", "3.º lugar", False),
        ("3 de outubro de 1953", "3 de Outubro de 1953!", True),
        ("03/10/1953", "a 3 de outubro de 1953", True),
        ("10/03/1953", "3 de outubro de 1953", False),
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
    assert contains("Foi a 3 de outubro de 1953, ao romper do dia.", ["03/10/1953"])
    assert not contains("O campeão foi o Porto Caladonense.", ["Porto Calado"])
    assert not contains("qualquer coisa", ["—"])


def test_token_f1_counts_the_words_in_common() -> None:
    assert token_f1("gato preto grande", ["gato preto"]) == pytest.approx(0.8)
    assert token_f1("cão", ["gato"]) == 0.0
    assert token_f1("gato gato", ["gato"]) == pytest.approx(2 / 3)
    assert token_f1("média de 34,57", ["34,6 de média"]) == 1.0


SQUAD = [
    ("Denver Broncos", ["Denver Broncos", "The Denver Broncos"]),
    ("the Broncos", ["Denver Broncos"]),
    ("a golden anniversary!", ["golden anniversary", "gold"]),
    ("Santa Clara, California", ["Santa Clara", "in Santa Clara, California"]),
    ("An apple of the eye", ["the apple", "apple of an eye"]),
    ("Levi's Stadium", ["Levi's Stadium in Santa Clara", "Levi's"]),
    ("1985 and 1986", ["1985", "1986 and 1985"]),
    ("nothing of the kind", ["something else"]),
    ("", ["Broncos"]),
]


@pytest.mark.parametrize(("answer", "references"), SQUAD)
def test_plain_english_is_scored_as_by_squads_script(answer: str, references: list[str]) -> None:
    f1 = max(squad_f1(answer, reference) for reference in references)
    assert token_f1(answer, references, "en") == pytest.approx(f1)
    exact = any(squad_words(answer) == squad_words(reference) for reference in references)
    assert exact_match(answer, references, "en") is exact


# SQuAD's rules, as its evaluation script states them.
def squad_words(text: str) -> list[str]:
    plain = "".join(c for c in text.lower() if c not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", plain).split()


def squad_f1(answer: str, reference: str) -> float:
    given, wanted = squad_words(answer), squad_words(reference)
    if not given or not wanted:
        return float(given == wanted)
    common = sum((Counter(given) & Counter(wanted)).values())
    return 2 * common / (len(given) + len(wanted))
