"""Sentences are told apart where a reader would, and never torn."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.prepare_dataset.sentences import (
    Border,
    character_borders,
    clause_borders,
    every_border,
    line_borders,
    sentence_borders,
    tears_a_line,
    word_borders,
)


def parts(text: str) -> list[str]:
    borders = [(0, 0), *sentence_borders(text, 0, len(text)), (len(text), len(text))]
    return [text[a[1] : b[0]] for a, b in pairwise(borders)]


@pytest.mark.parametrize(
    "sentences",
    [
        ["O farol acendeu-se.", "A Sra. D. Leonor subiu com o Sr. Dr. Abel."],
        ["Vinha do séc. XVIII, cf. p. 5, cap. 3, vol. 2 e n.º 7 do art. 4.º da lei.", "Ficou."],
        ["D. João VI e S. Pedro olhavam o mar.", "J. R. Moreira pintou-os na R. Direita, na Est. da Luz."],
        ["Nasceu em 100 a.C. na Av. Central.", "Morreu no 5.º ano."],
        ["— Vens? — perguntou ela. — Já é noite.", "Ele foi."],
        ["«Não vou.»", "«Vais!»", "Calaram-se todos… e esperaram… até de manhã."],
        ["Quem disse? — Eu! — gritou o rapaz.", "(Ninguém acreditou.)", "Foi assim."],
        ['Ele disse: "Basta!"', "E foi. . . sem olhar.".replace(". . .", "...")],
        ["Fundou a Silva & Cia. Lda. em 1920.", "Em 12 dez. 1931 vendeu-a."],
        ["Custou 1.234,50 euros.", "Pagou-os, etc.", "Mr. Abel e Mrs. Reis vieram, i.e. Todos."],
        ["Foi no ano de 1974.", "Depois, nada.[3]", "Fim."],
        ["灯台は古い。", "海は青い！", "本当？", "はい。"],
    ],
)
def test_sentences_end_where_a_reader_would_say(sentences: list[str]) -> None:
    glue = "" if "。" in "".join(sentences) else " "
    assert parts(glue.join(sentences)) == sentences


def test_items_of_a_list_keep_their_numbers() -> None:
    text = "Passos:\n1. Abrir a porta.\n2. Subir a escada.\n- Acender a luz."
    assert parts(text) == ["Passos:\n1. Abrir a porta.", "2. Subir a escada.", "- Acender a luz."]


def test_an_ordinary_word_is_an_abbreviation_only_before_a_number() -> None:
    assert parts("Foi ao mar. Viu o barco n.º 3.") == ["Foi ao mar.", "Viu o barco n.º 3."]
    assert parts("Foi a 3 mar. 1920 que partiu.") == ["Foi a 3 mar. 1920 que partiu."]


def test_clauses_end_at_commas_dashes_and_line_ends_but_not_within_numbers() -> None:
    text = "veio, viu; e 1,5 metros — muito —\n   depois foi"
    borders = list(clause_borders(text, 0, len(text)))
    cuts = [(0, 0), *borders, (len(text), len(text))]
    assert [text[a[1] : b[0]] for a, b in pairwise(cuts)] == [
        "veio,",
        "viu;",
        "e 1,5 metros",
        "— muito —",
        "depois foi",
    ]


@pytest.mark.parametrize(
    "whole", ["👩‍👩‍👧", "👍🏽", "🇵🇹", "e\u0301", "❤\ufe0f", "\r\n", "नि", "🏴\U000e0067\U000e0062\U000e007f"]
)
def test_what_a_reader_sees_as_one_character_is_not_torn(whole: str) -> None:
    text = f"a{whole}{whole}b"
    inside = {start for start, _ in character_borders(text, 0, len(text))}
    assert inside == {1, 1 + len(whole), 1 + 2 * len(whole)}


@given(st.text(alphabet=st.sampled_from("aA1 .,;!?…»\n—-()👩\u200d🇵🇹é\u0301。"), max_size=80), st.data())
def test_borders_lie_in_order_within_bounds_and_skip_blanks_alone(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    for finder in (sentence_borders, clause_borders, word_borders, character_borders, every_border):
        borders: list[Border] = list(finder(text, start, end))
        flat = [position for border in borders for position in border]
        assert flat == sorted(flat)
        assert all(start < before and after < end for before, after in borders)
        assert all(not text[before:after].strip() for before, after in borders)


WRAPPED = "     O farol acendeu-se nessa noite como em todas as outras, sem que\n     ninguém"


@pytest.mark.parametrize(
    ("text", "torn"),
    [
        (WRAPPED, True),
        (WRAPPED.replace("ninguém", "Ninguém"), True),
        (WRAPPED.replace("ninguém", "* ninguém"), False),
        (WRAPPED.replace("sem que", "sem que."), False),
        (WRAPPED.replace("\n", "\n\n"), False),
        ("ó mar salgado\nquanto do teu sal", False),
        ("porto 80\nregisto /var/log", False),
        ("2.1. O mar\n----------", True),
        ("— Vens?\n— Não", False),
        (
            "Uma linha que é um parágrafo inteiro, pois o texto não foi partido a nenhuma largura e segue " * 2
            + "\nOutra",
            False,
        ),
    ],
)
def test_line_ends_within_sentences_are_told_from_those_of_verses_and_lists(text: str, torn: bool) -> None:
    (border,) = line_borders(text, 0, len(text))
    assert tears_a_line(text, border) is torn
