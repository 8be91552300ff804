"""What is accepted as resting on a passage, what is refused, and why."""

from __future__ import annotations

from typing import Any

import pytest

from tools.annotate_dataset.asked import Asked
from tools.annotate_dataset.checking import Fault, Rests, check_question
from tools.annotate_dataset.contract import Pair
from tools.annotate_dataset.quotes import find_quote
from tools.annotate_dataset.summaries import check_summary
from tools.language.one_form import tokens

PASSAGE = (
    "O avô, que tinha vinte e três anos, chegou ao farol\nem 12 de maio de 1924 com um caderno verde. Chovia. "
    "Foi o primeiro faroleiro do Areal da Moura. «Aqui fico», disse ele — e ficou mil duzentos e cinco dias. "
    "No 3.º andar guardava 1.500 velas e uma guarda-chuva."
)


def pair(**changes: Any) -> Pair:
    fields = {
        "passage": "p",
        "question": "Em que ano chegou o avô ao farol?",
        "answer": "em 1924",
        "quote": "chegou ao farol em 12 de maio de 1924 com um caderno",
    }
    return Pair.model_validate({**fields, **changes})


# Quotes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("  chegou ao farol \n em   12 de maio ", "chegou ao farol\nem 12 de maio"),
        ("Chegou ao Farol", "chegou ao farol"),
        ('"Aqui fico", disse ele - e ficou', "«Aqui fico», disse ele — e ficou"),
        ("“Aqui fico”", "«Aqui fico»"),
        ("uma guarda‑chuva", "uma guarda-chuva"),
    ],
)
def test_blanks_case_quotation_marks_and_dashes_of_a_quote_count_alike(quote: str, found: str) -> None:
    span = find_quote(PASSAGE, quote)
    assert span is not None
    assert PASSAGE[slice(*span)] == found


@pytest.mark.parametrize("quote", ["o avo", "chegou em 12 de maio", "chegou ... verde", "vô", "Aqui fico disse", "  "])
def test_what_is_not_copied_is_no_quote(quote: str) -> None:
    assert find_quote(PASSAGE, quote) is None


# Answers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "quote"),
    [
        ("23 anos", "tinha vinte e três anos"),
        ("vinte e três", "tinha vinte e três anos"),
        ("12/05/1924", "em 12 de maio de 1924"),
        ("1924-05-12", "em 12 de maio de 1924"),
        ("maio de 1924", "em 12 de maio de 1924"),
        ("No ano de 1924.", "no ano de 1924"),
        ("o 1.º faroleiro", "Foi o primeiro faroleiro do Areal da Moura"),
        ("terceiro", "No 3.º andar guardava"),
        ("1205 dias", "ficou mil duzentos e cinco dias"),
        ("1500 velas", "guardava 1.500 velas"),
        ("Na Moura", "faroleiro do Areal da Moura"),
        ("um caderno VERDE", "com um caderno verde"),
        ("“aqui fico”", "«Aqui fico», disse ele"),
    ],
)
def test_numbers_dates_articles_and_marks_may_be_written_in_another_way(answer: str, quote: str) -> None:
    passage = PASSAGE + " Foi no ano de 1924."
    question = "Que se sabe da vida do velho da lanterna?"
    found = check_question(pair(question=question, answer=answer, quote=quote), passage, "pt")
    assert isinstance(found, Rests), found


@pytest.mark.parametrize(
    ("answer", "quote"),
    [
        ("24 anos", "tinha vinte e três anos"),
        ("vinte anos", "tinha vinte e três anos"),
        ("3 anos", "tinha vinte e três anos"),
        ("13/05/1924", "em 12 de maio de 1924"),
        ("junho de 1924", "em 12 de maio de 1924"),
        ("o segundo faroleiro", "Foi o primeiro faroleiro do Areal da Moura"),
        ("1 faroleiro", "Foi o primeiro faroleiro do Areal da Moura"),
        ("150 velas", "guardava 1.500 velas"),
        ("um livro verde", "com um caderno verde"),
        ("o avo", "O avô, que tinha"),
        ("não chegou", "chegou ao farol"),
    ],
)
def test_other_numbers_synonyms_and_lost_accents_are_not_the_same(answer: str, quote: str) -> None:
    question = "Que se sabe da vida do velho da lanterna?"
    found = check_question(pair(question=question, answer=answer, quote=quote), PASSAGE, "pt")
    assert isinstance(found, Fault)
    assert "says what the quote does not" in found.reason


def test_several_quotes_may_prove_an_answer() -> None:
    several = pair(answer="um caderno verde e 1500 velas", quote=["um caderno verde", "1.500 velas"])
    found = check_question(several, PASSAGE, "pt")
    assert isinstance(found, Rests)
    assert [PASSAGE[start:end] for start, end in found.quotes] == ["um caderno verde", "1.500 velas"]


def test_number_words_of_both_languages_are_read() -> None:
    assert tokens("vinte e um, cento e dois, dois mil e cinco") == ("21", "102", "2005")
    assert tokens("twenty-one, two hundred and five, the twenty-first") == ("21", "205", "the", "21.")
    assert tokens("entre vinte e trinta") == ("entre", "20", "e", "30")
    assert tokens("um dia, uma vez") == ("um", "dia", "uma", "vez")


# Questions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"question": " "}, "question is empty"),
        ({"answer": ""}, "answer is empty"),
        ({"quote": ""}, "quote is empty"),
        ({"quote": ["chegou ao farol", " "]}, "quote is empty"),
        ({"quote": "chegou ao farol em 1925"}, "does not stand in the passage"),
        ({"quote": ["chegou ao farol", "em 1925"]}, "Quote 2 does not stand"),
        ({"answer": "em 1924, de barco"}, "says what the quote does not: `barco`"),
        ({"answer": "foi o da"}, "no content of its own"),
        ({"answer": "Sim."}, "yes or no"),
        ({"answer": "Não, em 1924"}, "yes or no"),
        ({"answer": "Yes"}, "yes or no"),
        ({"question": "Quando foi?"}, "too short to stand alone"),
        ({"question": "Foi em 1924 que chegou o avô?"}, "holds its answer"),
        ({"question": "O avô chegou em 1924 ou em 1925?"}, "holds its answer"),
        ({"question": "Chegou o avô em mil novecentos e vinte e quatro?"}, "holds its answer"),
        ({"question": "In what year did the grandfather come to the lighthouse?"}, "not in the passage's language"),
        ({"question": "Segundo o texto, em que ano chegou o avô?"}, "points at the passage"),
        ({"question": "Neste excerto, em que ano chegou o avô?"}, "points at the passage"),
        ({"question": "Em que ano, no texto, chegou o avô?"}, "points at the passage"),
        ({"question": "Que ano se lê no trecho acima sobre o avô?"}, "points at the passage"),
        ({"question": "De acordo com a passagem, quando chegou o avô?"}, "points at the passage"),
        ({"question": "Em que ano chegou ele lá?"}, "has a pronoun"),
        ({"question": "Em que ano chegou o seu irmão?"}, "has a pronoun"),
        ({"question": "Em que ano chegou?"}, "names too little"),
        ({"question": "Quando aconteceu isso ao certo?"}, "names too little"),
        ({"rephrased": "em que ano chegou o avô, ao farol"}, "repeats the question"),
        ({"rephrased": "Neste texto, quando chegou o avô?"}, "points at the passage"),
        ({"rephrased": "Quando é que ele lá chegou?"}, "has a pronoun"),
    ],
)
def test_what_is_wrong_with_a_pair_is_told(changes: dict[str, Any], reason: str) -> None:
    found = check_question(pair(**changes), PASSAGE, "pt")
    assert isinstance(found, Fault)
    assert reason in found.reason
    assert found.fix


@pytest.mark.parametrize(
    "question",
    [
        "Quem escreveu o texto da canção «O Farol»?",
        "Em que ano chegou o avô de Leonor?",
        "A que horas fecha a passagem de nível da Moura?",
        "Que caderno trouxe ele para o Areal da Moura?",
        "Em que ano chegou o faroleiro ao farol?",
    ],
)
def test_questions_that_stand_alone_are_accepted(question: str) -> None:
    assert isinstance(check_question(pair(question=question), PASSAGE, "pt"), Rests)


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("In this passage, when did the keeper arrive?", "points at the passage"),
        ("When did he arrive at that place?", "has a pronoun"),
        ("Em que ano chegou o homem ao farol?", "not in the passage's language"),
    ],
)
def test_english_questions_are_held_to_the_same(question: str, reason: str) -> None:
    passage = "The keeper was born in Leeds and came to the lighthouse in 1924 with a green book."
    one = pair(question=question, answer="1924", quote="came to the lighthouse in 1924")
    found = check_question(one, passage, "en")
    assert isinstance(found, Fault)
    assert reason in found.reason


# Repetitions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "answer", "reason"),
    [
        ("em que ano chegou ao farol o avô", "1924", "is there already."),
        ("Em que ano é que o avô chegou ao farol?", "1924", "is there already."),
        ("Em que ano chegou o velho avô ao farol?", "1924", "Nearly the same"),
        ("Em que ano chegou o avô ao farol?", "1925", "with another answer"),
        ("Em que ano chegou o velho avô ao farol?", "1925", None),
        ("Em que ano não chegou o avô ao farol?", "1924", None),
        ("Em que mês chegou o avô ao farol?", "maio", None),
    ],
)
def test_repeated_and_contradicting_questions_are_told(question: str, answer: str, reason: str | None) -> None:
    asked = Asked()
    asked.add("Em que ano chegou o avô ao farol?", "1924")
    asked.add("Quantos anos tinha o avô ao chegar?", "vinte e três", "23 anos")
    fault = asked.fault(question, answer)
    assert (reason is None) == (fault is None)
    assert fault is None or (reason or "") in fault.reason
    assert asked.fault("Quantos anos tinha o avô, ao chegar?", "23") is not None


# Summaries -----------------------------------------------------------------------------------

STORY = (
    "O velho do Norte foi ver as doze redes que deixara na praia. O mar levara duas, e as outras tinham muitos nós "
    "por desfazer. Trabalhou sentado na areia até ao meio-dia, quando chegou a neta Leonor com pão e figos. Comeram "
    "sem falar, porque o vento não deixava ouvir nada. À tarde, a neta contou trinta barcos no mar."
)
GOOD: dict[str, Any] = {
    "question": "",
    "form": "summary",
    "answer": "O velho passou a manhã a desfazer os nós das redes que o mar deixou. A neta Leonor trouxe pão e figos.",
    "quote": [
        "as outras tinham muitos nós por desfazer",
        "foi ver as doze redes que deixara na praia",
        "chegou a neta Leonor com pão e figos",
    ],
}


def test_a_summary_whose_sentences_are_quoted_is_accepted() -> None:
    found = check_summary(pair(**GOOD), STORY, "pt")
    assert isinstance(found, Rests), found
    assert [STORY[start:end] for start, end in found.quotes] == GOOD["quote"]
    figures = {**GOOD, "answer": GOOD["answer"].replace("das redes", "das 12 redes")}
    assert isinstance(check_summary(pair(**figures), STORY, "pt"), Rests)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"answer": "O velho viu redes."}, "too short"),
        ({"answer": STORY}, "characters"),
        ({"answer": "The old man went to see the nets that he had left on the beach in the north."}, "language"),
        ({"quote": ["foi ver as treze redes"]}, "does not stand"),
        ({"quote": GOOD["quote"][:2]}, "Sentence 2 of the summary rests on none"),
        ({"answer": GOOD["answer"].replace("das redes", "das treze redes")}, "a number that the passage does not"),
        ({"answer": GOOD["answer"].replace("Leonor", "Rosa")}, "a name that the passage does not: `Rosa`"),
        ({"answer": GOOD["answer"] + " Rosa trouxe pão e figos."}, "begins with `Rosa`"),
        ({"question": "Que fez o velho?"}, "answers no question"),
        ({"rephrased": "Que fez o velho?"}, "answers no question"),
    ],
)
def test_what_is_wrong_with_a_summary_is_told(changes: dict[str, Any], reason: str) -> None:
    found = check_summary(pair(**{**GOOD, **changes}), STORY, "pt")
    assert isinstance(found, Fault)
    assert reason in found.reason
    assert found.fix
