"""Facts asked for their subject."""

from __future__ import annotations

import pytest

from tools.evaluate.reversing import reversed_questions
from tools.prepare_dataset.facts.fact import Fact, FactKind
from tools.prepare_dataset.facts.wording import fact_words
from tools.prepare_dataset.language import Language
from tools.prepare_dataset.reading_back import Question
from tools.prepare_dataset.results.wording import for_headings
from tools.prepare_dataset.wording import wording


def told(
    kind: FactKind,
    person: str,
    answer: str,
    *,
    years: tuple[str, ...] = (),
    language: Language = "pt",
    train: bool = True,
) -> Question:
    """A question on a fact as prepare_dataset words it."""
    fact = Fact(kind, answer, 0, 1, years=years or None)  # type: ignore[arg-type]
    _, test = fact_words(language).ask(fact, person)
    split = "train" if train else "test"
    return Question(question=test, answer=answer, kind="biography", document=f"vidas.md#{person}", split=split)


def table(kind: str, season: str, answer: str, *, language: Language = "pt", brazilian: bool = False) -> Question:
    words = wording(language).results
    words = for_headings(words, {"time"}) if brazilian else words
    text = words.kinds[kind].test[0].format(season=season)
    return Question(question=text, answer=answer, kind="table", document=f"liga.csv#{season}", split="train")


def pairs(questions: list[Question], limit: int = 100) -> list[tuple[str, list[str]]]:
    return [(one.question, [one.answer, *one.aliases]) for one in reversed_questions(questions, limit)]


@pytest.mark.parametrize(
    ("question", "turned", "subject"),
    [
        (told("born_in", "Ana Reis", "Beja"), "Quem tem Beja como terra natal?", "Ana Reis"),
        (told("died_on", "Ana Reis", "maio de 1921"), "Quem teve maio de 1921 como data da morte?", "Ana Reis"),
        (told("father", "Ana Reis", "Rui Paz"), "De quem foi pai Rui Paz?", "Ana Reis"),
        (
            told("held", "Ana Reis", "diretora da escola", years=("1962", "1994")),
            "Quem foi diretora da escola entre 1962 e 1994?",
            "Ana Reis",
        ),
        (told("won", "Ana Reis", "Búzio", years=("1988",)), "Quem ganhou a distinção «Búzio» em 1988?", "Ana Reis"),
        (told("spouse", "Ann Reed", "Tom Hill", language="en"), "Who married Tom Hill?", "Ann Reed"),
        (
            told("coached", "Ann Reed", "Rovers", years=("1950",), language="en"),
            "Who coached “Rovers” in 1950?",
            "Ann Reed",
        ),
        (table("champion", "2004", "Náutico"), "Em que temporada acabou Náutico em primeiro lugar?", "2004"),
        (table("most_scored", "2004", "Sol", brazilian=True), "Em que temporada teve Sol o melhor ataque?", "2004"),
        (table("last", "1994/95", "Rovers", language="en"), "In which season did Rovers finish last?", "1994/95"),
    ],
)  # fmt: skip
def test_a_fact_is_asked_for_its_subject(question: Question, turned: str, subject: str) -> None:
    assert pairs([question]) == [(turned, [subject])]


def test_all_subjects_of_a_value_are_right_and_too_many_ask_for_none() -> None:
    people = ["Ana Reis", "Rui Paz", "Eva Luz", "Zita Mar"]
    shared = [told("born_in", name, "Beja") for name in people[:3]]
    assert pairs(shared) == [("Quem tem Beja como terra natal?", people[:3])]
    assert pairs([told("born_in", name, "Beja") for name in people]) == []


def test_what_training_did_not_tell_is_not_asked() -> None:
    assert pairs([told("born_in", "Ana Reis", "Beja", train=False)]) == []


def test_a_question_that_says_a_word_of_its_answer_is_not_asked() -> None:
    assert pairs([told("father", "Ana Reis", "João Reis")]) == []


def test_questions_in_other_words_have_no_reverse() -> None:
    given = Question(
        question="Onde nasceu, afinal, Ana Reis?", answer="Beja", kind="biography", document="v#Ana Reis", split="train"
    )
    points = Question(
        question="Com quantos pontos terminou o Náutico a temporada 2004?", answer="34", kind="table", split="train"
    )
    # Another person's name in the place of the one that the document is about.
    other = told("born_in", "Ana Reis", "Beja").model_copy(update={"document": "v#Rui Paz"})
    assert pairs([given, points, other]) == []


def test_some_of_many_are_from_all_over() -> None:
    many = [told("born_in", f"Pessoa{chr(65 + n)} Um", f"Terra{chr(65 + n)}") for n in range(20)]
    found = reversed_questions(many, 5)
    assert [one.answer for one in found] == ["PessoaA Um", "PessoaE Um", "PessoaI Um", "PessoaM Um", "PessoaQ Um"]
