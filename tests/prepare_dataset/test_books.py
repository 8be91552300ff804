"""Books: chapters to continue, and what they sum up and answer by themselves."""

from __future__ import annotations

import pytest

from tests.prepare_dataset.support import source
from tools.prepare_dataset.books import parse_book
from tools.prepare_dataset.material import Exchange, Passage
from tools.prepare_dataset.wording import wording

BODY = "A duna andou sete metros num ano, e ninguém no farol deu por isso até ao verão seguinte. " * 12
SUMMARY = "A duna anda, e o farol fica. Quem mede a areia todos os domingos sabe-o antes dos outros."


def exchanges(text: str) -> list[Exchange]:
    units = parse_book(source("farol.md", text, "book"), wording("pt")).units
    return [unit for unit in units if isinstance(unit, Exchange)]


def book(inside: str) -> str:
    return f"# O Farol\n\n## A duna\n\n{BODY}\n\n{inside}\n\n## O mar\n\n{BODY}\n"


@pytest.mark.parametrize(
    "inside",
    [
        f"### Resumo\n\n{SUMMARY}\n\n### Exercícios\n\nMede a areia.",
        f"**Em resumo:**\n\n{SUMMARY}",
        f"Síntese\n\n{SUMMARY}",
    ],
)
def test_a_chapters_own_summary_answers_the_request_to_sum_it_up(inside: str) -> None:
    text = book(inside)
    (found,) = exchanges(text)
    assert [turn["content"] for turn in found.messages] == ["Resume o capítulo «A duna» de «O Farol».", SUMMARY]
    assert (found.form, text[found.span.start : found.span.end]) == ("summary", SUMMARY)
    assert found.span.document == "farol.md#A duna"


@pytest.mark.parametrize(
    "inside",
    [
        "### Resumo\n\nCurto.",
        f"### Resumo\n\n{BODY}",
        f"### Resumo\n\n{SUMMARY}\n\n### Resumo\n\n{SUMMARY}",
        f"O resumo disse tudo: {SUMMARY}",
    ],
)
def test_what_is_no_one_summary_of_a_chapter_is_not_taken_for_it(inside: str) -> None:
    assert exchanges(book(inside)) == []


def test_questions_that_a_book_answers_are_learned_with_their_answers() -> None:
    inside = "**Pergunta 1:** Quanto andou a duna num ano?\n\n**Resposta:** Sete metros.\n\nPergunta: E o mar?\n\nNada."
    found = exchanges(book(inside))
    assert [[turn["content"] for turn in one.messages] for one in found] == [
        ["Quanto andou a duna num ano?", "Sete metros."]
    ]
    assert found[0].form == "question"


def test_a_book_that_sums_nothing_up_gives_its_chapters_alone() -> None:
    units = parse_book(source("farol.md", book("Fim."), "book"), wording("pt")).units
    assert [(type(unit), unit.span.place) for unit in units] == [(Passage, "A duna"), (Passage, "O mar")]
