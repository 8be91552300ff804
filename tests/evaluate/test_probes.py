"""Questions made from a dataset's own."""

from __future__ import annotations

from tools.evaluate.probes import OPTIONS, options, rivals, unanswerable
from tools.prepare_dataset.reading_back import Question


def ask(question: str, answer: str, *aliases: str) -> Question:
    return Question(question=question, answer=answer, aliases=list(aliases))


QUESTIONS = [
    ask("Quem foi o campeão de 1994?", "Porto Calado"),
    ask("Quem foi o campeão de 1995?", "Vila Nova"),
    ask("Quem foi o campeão de 1996?", "o Porto Calado"),
    ask("Quem foi o campeão de 1997?", "Santa Marta"),
    ask("Quem foi o campeão de 1998?", "União do Cabo"),
    ask("Quantos pontos fez o Porto Calado?", "34"),
    ask("Quantos pontos fez a Vila Nova?", "29"),
    ask("Quando nasceu Leonor Nogueira?", "3 de outubro de 1953"),
]


def test_wrong_options_are_of_the_right_ones_kind() -> None:
    found = options(QUESTIONS[0], QUESTIONS, "pt")
    assert found[0] == "Porto Calado"
    assert sorted(found[1:]) == ["Santa Marta", "União do Cabo", "Vila Nova"]
    assert len(found) == OPTIONS
    assert options(QUESTIONS[0], QUESTIONS, "pt") == found


def test_an_answer_without_others_of_its_kind_has_no_options() -> None:
    assert options(QUESTIONS[5], QUESTIONS, "pt") == []  # one other number alone
    assert options(QUESTIONS[7], QUESTIONS, "pt") == []


def test_an_alias_is_no_wrong_option() -> None:
    question = ask("Quem foi o campeão de 1999?", "Porto Calado", "Vila Nova")
    assert sorted(options(question, QUESTIONS, "pt")[1:]) == ["Santa Marta", "União do Cabo"]


def test_an_answer_that_another_question_calls_right_is_no_wrong_option() -> None:
    other = ask("Quem venceu a taça de 1999?", "os do cabo", "Porto Calado")
    question = ask("Quem foi o campeão de 1994?", "Porto Calado")
    assert "os do cabo" not in [one.answer for one in rivals(question, [*QUESTIONS, other], "pt")]


def test_wrong_options_answer_the_likest_questions() -> None:
    born = [
        ask(f"Onde nasceu {who}?", town) for who, town in (("Ana", "Vila Nova"), ("Rui", "Alcova"), ("Zita", "Góis"))
    ]
    trades = [ask(f"Que clube treinou {who}?", club) for who, club in (("Ana", "Náutico"), ("Rui", "União"))]
    found = options(ask("Onde nasceu Eva?", "Nelas"), [*trades, *born], "pt")
    assert found[0] == "Nelas"
    assert sorted(found[1:]) == ["Alcova", "Góis", "Vila Nova"]


def test_rivals_are_of_another_kind_only_where_two_of_the_kind_are_wanting() -> None:
    assert {one.answer for one in rivals(QUESTIONS[1], QUESTIONS, "pt")} == {
        "Porto Calado", "Santa Marta", "União do Cabo",
    }  # fmt: skip
    born = rivals(QUESTIONS[7], QUESTIONS, "pt")
    assert len(born) == OPTIONS - 1
    assert QUESTIONS[7] not in born


def test_a_question_about_a_stranger_has_no_answer() -> None:
    found = unanswerable(QUESTIONS, 10)
    assert [one.question for one in found] == [
        "Quantos pontos fez o Ondina Varejota?",
        "Quantos pontos fez a Belarmino Fusco?",
        "Quando nasceu Zulmira Estrovenga?",
    ]
    assert all(one.answer == "" for one in found)
    assert len(unanswerable(QUESTIONS, 2)) == 2
