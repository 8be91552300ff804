"""Questions kept for evaluation: each is about what train told, or about text that was held out, and says which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.prepare_dataset.support import source
from tools.prepare_dataset.biographies import parse_biographies
from tools.prepare_dataset.books import parse_book
from tools.prepare_dataset.contract import Split
from tools.prepare_dataset.material import Ask, Exchange, Parsed, Passage, RowDraft, Source
from tools.prepare_dataset.questions import drop_contradictions, settle
from tools.prepare_dataset.wording import wording

ANA = source("ana.md", "# Ana Reis\n\nAna Reis nasceu em Beja, em 1950.\n\nAna Reis morreu em Faro.\n", "biography")
RUI = source("rui.md", "# Rui Sá\n\nRui Sá nasceu em Évora.\n", "biography")
BOOK = source(
    "farol.md",
    "# O Farol\n\n## Um\n\n"
    + "O farol acendia-se à noite. " * 10
    + "\n\n## Dois\n\n"
    + "A duna andou sete metros num ano. " * 10,
    "book",
)


def row(one: Source, start: int, end: int, document: str) -> RowDraft:
    span = next(unit.span for unit in parsed_of(one).units if unit.span.document == document)
    moved = type(span)(span.source, span.kind, span.document, span.place, start, end)
    text = one.text[start:end]
    return RowDraft({"text": text}, moved, text, text, 1, 0)


def parsed_of(one: Source) -> Parsed:
    return parse_biographies(one, wording("pt")) if one.kind == "biography" else parse_book(one, wording("pt"))


def whole(one: Source, document: str) -> RowDraft:
    span = next(unit.span for unit in parsed_of(one).units if unit.span.document == document)
    return row(one, span.start, span.end, document)


def settled(
    asks: Sequence[Ask], split: Mapping[Split, list[RowDraft]], *sources: Source
) -> list[tuple[str, str | None, str | None]]:
    passages = [unit for one in sources for unit in parsed_of(one).units if isinstance(unit, Passage)]
    kept = settle(asks, passages, {one.name: one for one in sources}, split)
    return [(question.answer, question.document, question.split) for question in kept]


def test_facts_that_train_told_are_asked_and_those_of_held_out_lives_are_not() -> None:
    asks = [*parsed_of(ANA).questions, *parsed_of(RUI).questions]
    split: dict[Split, list[RowDraft]] = {
        "train": [whole(ANA, "ana.md#Ana Reis")],
        "valid": [],
        "test": [whole(RUI, "rui.md#Rui Sá")],
    }
    told = settled(asks, split, ANA, RUI)
    assert told == [(answer, "ana.md#Ana Reis", "train") for answer in ("1950", "Beja", "Faro")]


def test_of_a_life_in_several_splits_only_what_trains_rows_tell_is_asked() -> None:
    border = ANA.text.index("\n\nAna Reis morreu")
    split: dict[Split, list[RowDraft]] = {
        "train": [row(ANA, 0, border, "ana.md#Ana Reis")],
        "valid": [],
        "test": [row(ANA, border + 2, len(ANA.text) - 1, "ana.md#Ana Reis")],
    }
    assert [answer for answer, _, _ in settled(parsed_of(ANA).questions, split, ANA)] == ["1950", "Beja"]


def test_given_questions_are_marked_by_where_the_text_that_answers_them_went() -> None:
    def given(answer: str, name: str = "farol.md") -> Ask:
        return Ask(f"O que é {answer}?", answer, (), "", name)

    split: dict[Split, list[RowDraft]] = {
        "train": [whole(BOOK, "farol.md#Um")],
        "valid": [],
        "test": [whole(BOOK, "farol.md#Dois")],
    }
    asks = [given("acendia-se à noite"), given("sete metros"), given("a"), given("vento"), given("sete metros", "x.md")]
    asks[2] = Ask("Que artigo?", "a", (), "", "farol.md")
    asks[4] = Ask("Quantos metros?", "sete metros", (), "", "x.md")
    assert settled(asks, split, BOOK) == [
        ("acendia-se à noite", "farol.md#Um", "train"),
        ("sete metros", "farol.md#Dois", "test"),
        ("a", "farol.md#Dois", "test"),
        ("vento", None, None),
        ("sete metros", None, None),
    ]


def test_a_question_on_two_people_of_one_name_is_asked_of_neither() -> None:
    other = source("outra.md", "# Ana Reis\n\nAna Reis nasceu em Sines, em 1950.\n", "biography")
    parsed = [parsed_of(ANA), parsed_of(other)]
    gone = drop_contradictions(parsed)
    assert [unit.messages[1]["content"] for unit in gone] == ["Beja", "Sines"]
    left = [str(unit.messages[0]["content"]) for one in parsed for unit in one.units if isinstance(unit, Exchange)]
    assert left == ["Quando nasceu Ana Reis?", "Onde morreu Ana Reis?", "Quando nasceu Ana Reis?"]
    assert [ask.answer for one in parsed for ask in one.questions] == ["1950", "Faro", "1950"]
    assert all(isinstance(one.units[0], Passage) for one in parsed)
