"""Whose lives a text tells, and where each begins and ends."""

from __future__ import annotations

import pytest

from tests.prepare_dataset.support import source
from tools.prepare_dataset.biographies import parse_biographies
from tools.prepare_dataset.lives import find_lives, looks_like_biography
from tools.prepare_dataset.material import Exchange, Passage
from tools.prepare_dataset.wording import wording


def people(text: str, name: str = "gente.md") -> list[str]:
    return [life.person for life in find_lives(source(name, text, "biography"))[0]]


@pytest.mark.parametrize(
    ("heading", "person"),
    [
        ("# Ana Reis", "Ana Reis"),
        ("# Biografia de Ana Reis", "Ana Reis"),
        ("# A vida de Ana Reis", "Ana Reis"),
        ("# Ana Reis (1921–1990)", "Ana Reis"),
        ("# **Ana Reis** – pintora", "Ana Reis"),
        ("# 3. Ana Reis", "Ana Reis"),
        ("# Reis, Ana", "Ana Reis"),
        ("# ANA DE SÁ REIS", "Ana de Sá Reis"),
        ("# D. JOÃO VI", "D. João VI"),
        ("# Pelé", "Pelé"),
        ("# Seán O'Neill", "Seán O'Neill"),
        ("# Ludwig van der Duin", "Ludwig van der Duin"),
        ("Ana Reis", "Ana Reis"),
        ('---\ntitle: "Ana Reis"\ndata: 2020\n---', "Ana Reis"),
    ],
)
def test_the_name_is_taken_from_every_form_of_heading(heading: str, person: str) -> None:
    assert people(f"{heading}\n\nNasceu em Beja, em 1950.\n") == [person]


def test_a_heading_that_names_nobody_leaves_the_name_to_the_text() -> None:
    assert people("# Biografia\n\nAna Reis nasceu em Beja.\n") == ["Ana Reis"]
    assert people("# Vida Pessoal\n\nNasceu em Beja.\n", "biografia-de-rui-sa.txt") == ["Rui Sa"]


def test_lives_without_marks_are_parted_at_their_names() -> None:
    text = "Ana Reis\n\nAna Reis nasceu em Beja.\n\nPelé\n\nPelé nasceu no Brasil.\n\nBons Tempos\n\nEram outros.\n"
    lives, sections = find_lives(source("gente.txt", text, "biography"))
    assert [(life.person, text[life.body : life.end]) for life in lives] == [
        ("Ana Reis", "Ana Reis nasceu em Beja."),
        ("Pelé", "Pelé nasceu no Brasil.\n\nBons Tempos\n\nEram outros."),
    ]
    assert sections == []


def test_numbered_names_with_dates_part_lives() -> None:
    text = "1. Ana Reis (1921–1990)\n\nPintora. Viveu em Beja.\n\n2. Rui Sá (n. 1950)\n\nPintor.\n"
    parsed = parse_biographies(source("gente.txt", text, "biography"), wording("pt"))
    asked = {
        unit.messages[0]["content"]: unit.messages[1]["content"] for unit in parsed.units if isinstance(unit, Exchange)
    }
    assert asked == {
        "Quando nasceu Ana Reis?": "1921",
        "Quando morreu Ana Reis?": "1990",
        "Quando nasceu Rui Sá?": "1950",
    }


def test_what_stands_beside_the_lives_is_learned_too_and_asked_about_by_nobody() -> None:
    text = "# Gente\n\nTodos nasceram cá.\n\n## Ana Reis\n\nNasceu em Beja.\n\n## Rui Sá\n\nNasceu em Faro.\n"
    text += "\n## Fontes\n\nArquivo.\n"
    units = parse_biographies(source("gente.md", text, "biography"), wording("pt")).units
    passages = [unit for unit in units if isinstance(unit, Passage)]
    assert [unit.title for unit in passages] == ["Gente", "Ana Reis", "Rui Sá", "Fontes"]
    covered = "".join(text[unit.span.start : unit.span.end] for unit in passages)
    left = [line for line in text.split("\n") if line and line not in covered]
    assert left == ["## Ana Reis", "## Rui Sá"]
    assert [unit.ask is not None for unit in passages] == [False, True, True, False]


def test_parts_of_one_life_are_not_taken_for_people() -> None:
    text = "# Ana Reis\n\n## Primeiros Anos\n\nNasceu em Beja.\n\n## Vida Pessoal\n\nO filho nasceu em 1980.\n"
    assert people(text) == ["Ana Reis"]


def test_a_block_of_facts_before_the_text_is_read() -> None:
    text = "---\nnome: Ana Reis\nnascimento: 3 de março de 1950\n---\n\nPintora de barcos.\n"
    units = parse_biographies(source("a.md", text, "biography"), wording("pt")).units
    assert [turn["content"] for unit in units if isinstance(unit, Exchange) for turn in unit.messages] == [
        "Quando nasceu Ana Reis?",
        "3 de março de 1950",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ana Reis (Beja, 3 de março de 1921 – Porto, 4 de julho de 1990) pintou.", True),
        ("# Ana Reis\n\n- Nascimento: 3 de março de 1950\n", True),
        ("Ana Reis (1921–1990) foi uma pintora.", True),
        ("Camões (1524–1580) é lido em todo o capítulo, que fala de outras coisas.", False),
        ("O farol (1921) estava longe, e ninguém lá vivia.", False),
        ("Era uma vez um farol.", False),
        ("Ana nasceu. " + "Muito texto. " * 2000, False),
    ],
)
def test_a_biography_is_told_from_other_texts(text: str, expected: bool) -> None:
    assert looks_like_biography(text) is expected


def test_questions_are_in_the_language_of_the_life() -> None:
    text = "# John Doe\n\nJohn Doe was born in Leeds. He was the son of a miner and lived in the house by the sea."
    units = parse_biographies(source("j.md", text, "biography"), wording("pt")).units
    assert [unit.messages[0]["content"] for unit in units if isinstance(unit, Exchange)] == ["Where was John Doe born?"]


def test_each_fact_has_a_second_wording_for_the_test() -> None:
    text = "# Ana Reis\n\nAna Reis nasceu em Beja. Entre 1983 e 1986 jogou no Farense. Em 1988 recebeu o Prémio Búzio."
    parsed = parse_biographies(source("a.md", text, "biography"), wording("pt"))
    train = [unit.messages[0]["content"] for unit in parsed.units if isinstance(unit, Exchange)]
    assert train == [
        "Onde nasceu Ana Reis?",
        "Onde jogou Ana Reis entre 1983 e 1986?",
        "Quando jogou Ana Reis no Farense?",
        "Que prémio ou título ganhou Ana Reis em 1988?",
        "Quando ganhou Ana Reis o Prémio Búzio?",
    ]
    assert [ask.question for ask in parsed.questions] == [
        "Qual é a terra natal de Ana Reis?",
        "Que clube representou Ana Reis entre 1983 e 1986?",
        "Em que anos jogou Ana Reis no Farense?",
        "Que distinção obteve Ana Reis em 1988?",
        "Em que ano obteve Ana Reis o Prémio Búzio?",
    ]
