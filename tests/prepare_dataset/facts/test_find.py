"""Sentences, lines and tables that say a fact outright, each with the fact that they give."""

from __future__ import annotations

import time

import pytest

from tools.prepare_dataset.facts.fact import Fact
from tools.prepare_dataset.facts.find import find_facts

LIFE = [
    ("Ana Reis nasceu em Beja, a 3 de março de 1950.", {"born_on": "3 de março de 1950", "born_in": "Beja"}),
    (
        "Ana Reis nasceu a 1.º de Maio de 1950, na vila de Serpa.",
        {"born_on": "1.º de Maio de 1950", "born_in": "Serpa"},
    ),
    ("Nascida em 1950 no Porto, Ana Reis pinta.", {"born_on": "1950", "born_in": "Porto"}),
    ("Nascida em Beja, foi viver para Faro.", {"born_in": "Beja"}),
    ("Ana Reis, nascida em Beja em 1950, pinta.", {"born_on": "1950", "born_in": "Beja"}),
    ("Ana Reis é uma pintora portuguesa nascida em Beja.", {"born_in": "Beja", "profession": "pintora portuguesa"}),
    ("Ana nasceu no Funchal. Morreu em 2001.", {"born_in": "Funchal", "died_on": "2001"}),
    ("Pintou barcos. Ela nasceu em Lisboa, Portugal, em 1950.", {"born_in": "Lisboa", "born_on": "1950"}),
    ("Em 3 de março de 1950, Ana Reis nasceu em Beja.", {"born_on": "3 de março de 1950", "born_in": "Beja"}),
    ("Ana Reis nasceu em Beja e morreu em Faro.", {"born_in": "Beja", "died_in": "Faro"}),
    ("Ana Reis, filha de gente do mar, nasceu em Sines.", {"born_in": "Sines"}),
    ("Ana Reis, que nasceu em Sines, pinta.", {"born_in": "Sines"}),
    ("Morreu aos oitenta anos, em Tavira, a 4 de maio de 2001.", {"died_in": "Tavira", "died_on": "4 de maio de 2001"}),
    ("Ana Reis faleceu no dia 4 de maio de 2001.", {"died_on": "4 de maio de 2001"}),
    ("Ana Reis nasceu em São Tomé e Príncipe.", {"born_in": "São Tomé e Príncipe"}),
    ("O pai era padeiro.\n\nAna Reis nasceu em Natal, em 1950.", {"born_in": "Natal", "born_on": "1950"}),
    ("Ana Reis nasceu em 1950.\n\nNasceu a 3 de março de 1950.", {"born_on": "3 de março de 1950"}),
    (
        "Ana Reis nasceu em Beja, filha de Rui Reis e de Rosa Melo.",
        {"born_in": "Beja", "parents": "Rui Reis e de Rosa Melo"},
    ),
    ("Ana Reis, filha de Rui Reis e Rosa Melo, pinta.", {"parents": "Rui Reis e Rosa Melo"}),
    ("Ana Reis pinta. O seu pai, António Reis, era padeiro.", {"father": "António Reis"}),
    ("Ana Reis pinta. A mãe chamava-se Rosa Melo.", {"mother": "Rosa Melo"}),
    ("Casou em 1943 com Rui Lourenço, de Sines.", {"spouse": "Rui Lourenço"}),
    ("Ana Reis casou-se, em Beja, com o pintor Rui Sá.", {"spouse": "Rui Sá"}),
    (
        "Ana Reis foi uma escritora, jornalista e pintora portuguesa.",
        {"profession": "escritora, jornalista e pintora portuguesa"},
    ),
    ("Ana Reis é médica.", {"profession": "médica"}),
    (
        "Ana Reis foi uma escritora portuguesa. A escritora nasceu em Beja.",
        {"profession": "escritora portuguesa", "born_in": "Beja"},
    ),
    (
        "Formou-se em Filologia Românica pela Universidade de Coimbra.",
        {"studied": "Filologia Românica", "studied_at": "Universidade de Coimbra"},
    ),
    ("Ana Reis estudou Geografia em Coimbra.", {"studied": "Geografia"}),
    ("Estudou no Conservatório de Lisboa.", {"studied_at": "Conservatório de Lisboa"}),
    ("Ana Reis, mais conhecida como Ana do Farol, pinta.", {"nickname": "Ana do Farol"}),
    ("Ana Reis, conhecida por «a Faroleira», pinta.", {"nickname": "a Faroleira"}),
    ("Ana Reis ficou conhecida como a Rainha das Dunas.", {"nickname": "Rainha das Dunas"}),
    ("Ana Maria de Sousa Reis, mais conhecida como Ana Reis, pinta.", {"full_name": "Ana Maria de Sousa Reis"}),
    ("Ana Reis, de seu nome completo Ana Maria Reis, pinta.", {"full_name": "Ana Maria Reis"}),
    (
        "Ana Reis (Beja, 3 de março de 1921 – Porto, 4 de julho de 1990) pintou.",
        {"born_in": "Beja", "born_on": "3 de março de 1921", "died_in": "Porto", "died_on": "4 de julho de 1990"},
    ),
    ("**Ana Reis** (1921–1990) pintou.", {"born_on": "1921", "died_on": "1990"}),
    ("Ana Reis (n. 1950) pinta.", {"born_on": "1950"}),
    ("Ana Reis (Beja, Portugal, 3 de março de 1950) pinta.", {"born_in": "Beja", "born_on": "3 de março de 1950"}),
    ("Ana Reis was born in Beja on March 3, 1950.", {"born_in": "Beja", "born_on": "March 3, 1950"}),
    (
        "Ana Reis is a Portuguese painter born in Beja. She died on 4 May 2001 in Faro.",
        {"profession": "Portuguese painter", "born_in": "Beja", "died_on": "4 May 2001", "died_in": "Faro"},
    ),
    (
        "Ana Reis was the daughter of Rui Reis and Rosa Melo. She married John Doe in 1950.",
        {"parents": "Rui Reis and Rosa Melo", "spouse": "John Doe"},
    ),
    ("Ana Reis, better known as Lady Lantern, painted.", {"nickname": "Lady Lantern"}),
    (
        "Ana Reis studied History at the University of Oxford.",
        {"studied": "History", "studied_at": "University of Oxford"},
    ),
]
CAREER = [
    ("Entre 1983 e 1986 jogou no Farense.", "played", ("1983", "1986"), "Farense", "entre 1983 e 1986"),
    ("Ana Reis jogou pelo Farense de 1990 a 1994.", "played", ("1990", "1994"), "Farense", "de 1990 a 1994"),
    (
        "Ana Reis representou o Sport Clube e Ginásio (1983–1986).",
        "played",
        ("1983", "1986"),
        "Sport Clube e Ginásio",
        "1983–1986",
    ),
    ("Em 1987 transferiu-se para o Farense.", "moved", ("1987",), "Farense", "1987"),
    ("Em 1987, Ana Reis se mudou para Lisboa.", "moved", ("1987",), "Lisboa", "1987"),
    (
        "Ana Reis treinou a União do Cabo entre 2001 e 2004.",
        "coached",
        ("2001", "2004"),
        "União do Cabo",
        "entre 2001 e 2004",
    ),
    ("Ingressou no Instituto das Dunas em 1980.", "joined", ("1980",), "Instituto das Dunas", "1980"),
    ("Assinou pelo Farense em 3 de maio de 1990.", "signed", ("1990",), "Farense", "3 de maio de 1990"),
    ("Em 1980 fundou em Cabo Lento o Instituto das Dunas.", "founded", ("1980",), "Instituto das Dunas", "1980"),
    (
        "Pintou muito e foi bibliotecária em Porto Ameixo entre 1962 e 1994.",
        "held",
        ("1962", "1994"),
        "bibliotecária em Porto Ameixo",
        "entre 1962 e 1994",
    ),
    ("Em 1988 recebeu o Prémio Búzio de Prata.", "won", ("1988",), "Prémio Búzio de Prata", "1988"),
    ("Ana Reis foi galardoada com o Prémio Búzio em 1998.", "won", ("1998",), "Prémio Búzio", "1998"),
    ("Conquistou a Taça das Ilhas em 2005.", "won", ("2005",), "Taça das Ilhas", "2005"),
    (
        "Publicou, em 1992, o Atlas das Areias Andantes, com 88 mapas.",
        "published",
        ("1992",),
        "Atlas das Areias Andantes",
        "1992",
    ),
    ("Ana Reis publicou «Os gatos do cais» em 1905.", "published", ("1905",), "Os gatos do cais", "1905"),
    ("Ana Reis publicou o seu primeiro romance, *O Farol*, em 1905.", "published", ("1905",), "O Farol", "1905"),
    ("Em 1905 escreveu A Casa da Duna.", "wrote", ("1905",), "A Casa da Duna", "1905"),
    (
        "Ana Reis played for Farol Rovers from 1983 to 1986.",
        "played",
        ("1983", "1986"),
        "Farol Rovers",
        "from 1983 to 1986",
    ),
    ("In 1998 she won the Golden Lantern Prize.", "won", ("1998",), "Golden Lantern Prize", "1998"),
    ("She published The House of Sand in 1905.", "published", ("1905",), "The House of Sand", "1905"),
]
LINES = [
    ("Nascimento: 12 de maio de 1950", {"born_on": "12 de maio de 1950"}),
    ("- **Nascimento:** 12 de maio de 1950, Beja", {"born_on": "12 de maio de 1950", "born_in": "Beja"}),
    ("* Nascimento: Beja, 12/05/1950 (74 anos)", {"born_on": "12/05/1950", "born_in": "Beja"}),
    ("- Naturalidade: Beja, Portugal", {"born_in": "Beja"}),
    ("| Nome completo | Ana Maria Reis |", {"full_name": "Ana Maria Reis"}),
    ("- Profissão: pintora e faroleira\n- Cônjuge: Rui Sá", {"profession": "pintora e faroleira", "spouse": "Rui Sá"}),
    (
        "Nome completo | Ana Maria Reis\nNascimento | 12 de maio de 1950\n\nPintou.",
        {"full_name": "Ana Maria Reis", "born_on": "12 de maio de 1950"},
    ),
    ("- Pai: Rui Reis\n- Mãe: Rosa Melo", {"father": "Rui Reis", "mother": "Rosa Melo"}),
    ("- Born: 12 May 1950\n- Place of death: Faro", {"born_on": "12 May 1950", "died_in": "Faro"}),
]


def found(text: str) -> list[Fact]:
    return find_facts(text, 0, len(text), "Ana Reis")


@pytest.mark.parametrize(("text", "expected"), [*LIFE, *LINES])
def test_facts_of_a_life_are_the_texts_own_words(text: str, expected: dict[str, str]) -> None:
    assert {fact.kind: fact.answer for fact in found(text)} == expected


@pytest.mark.parametrize(("text", "kind", "years", "what", "when"), CAREER)
def test_what_was_done_is_asked_by_its_time_and_by_its_name(
    text: str, kind: str, years: tuple[str, ...], what: str, when: str
) -> None:
    facts = {fact.kind: fact for fact in found(text)}
    told = facts.pop(kind)  # type: ignore[call-overload]
    timed = facts.pop(f"{kind}_when")  # type: ignore[call-overload]
    assert facts == {}
    assert (told.years, told.answer) == (years, what)
    assert timed.answer.lower() == when
    assert timed.what.endswith(what) or what in timed.what


@pytest.mark.parametrize(("text", "expected"), [*LIFE, *LINES])
def test_every_answer_stands_in_the_characters_that_it_names(text: str, expected: dict[str, str]) -> None:
    for fact in found(text):
        assert fact.answer in text[fact.start : fact.end]


def test_a_whole_date_is_also_right_in_its_other_forms() -> None:
    assert found("Ana Reis nasceu a 3 de março de 1950.")[0].aliases == ("1950-03-03", "03/03/1950")
    assert found("Ana Reis nasceu em março de 1950.")[0].aliases == ()


def test_tables_and_lists_of_stations_are_read() -> None:
    table = "| Período | Clube |\n|---|---|\n| 1983–1986 | Farense |\n| 1986–1990 | Náutico |\n| 1990–? | União |\n"
    assert [(fact.years, fact.answer) for fact in found(table) if fact.kind == "played"] == [
        (("1983", "1986"), "Farense"),
        (("1986", "1990"), "Náutico"),
    ]
    lists = "## Clubes\n\n- 1983–1986: Farense\n\n## Obras\n\n- *Os Gatos* (1905)\n- 1907: O Farol\n"
    lists += "\n## Netos\n\n- Rui (1990)"
    assert [(fact.kind, fact.answer) for fact in found(lists)] == [
        ("played", "Farense"),
        ("played_when", "1983–1986"),
        ("published", "Os Gatos"),
        ("published_when", "1905"),
        ("published", "O Farol"),
        ("published_when", "1907"),
    ]


def test_two_things_in_one_year_are_asked_by_name_alone() -> None:
    facts = found("Publicou Os Gatos em 1905. Publicou O Farol em 1905.")
    assert [(fact.kind, fact.what, fact.answer) for fact in facts] == [
        ("published_when", "Os Gatos", "1905"),
        ("published_when", "O Farol", "1905"),
    ]


@pytest.mark.parametrize(
    ("name", "text", "kind", "answer"),
    [
        ("D. João VI", "D. João VI nasceu em Lisboa, a 13 de maio de 1767.", "born_in", "Lisboa"),
        ("Pelé", "Edson Arantes do Nascimento, mais conhecido como Pelé, nasceu em 1940.", "born_on", "1940"),
        ("Seán O'Neill", "Seán O'Neill was born in Cork.", "born_in", "Cork"),
        ("Inês d’Orey-Castro", "Inês d’Orey-Castro nasceu em Évora.", "born_in", "Évora"),
        ("José de Sá e Melo", "José de Sá e Melo nasceu em Óbidos.", "born_in", "Óbidos"),
        ("Quim Taveira", "Joaquim Taveira, a quem toda a gente chama Quim, nasceu em Olhão.", "born_in", "Olhão"),
        ("J. R. Saraiva", "J. R. Saraiva nasceu em Viseu.", "born_in", "Viseu"),
        ("Ludwig van der Duin", "Ludwig van der Duin nasceu em Bona.", "born_in", "Bona"),
    ],
)
def test_names_of_every_make_are_told(name: str, text: str, kind: str, answer: str) -> None:
    assert {fact.kind: fact.answer for fact in find_facts(text, 0, len(text), name)}[kind] == answer  # type: ignore[index]


@pytest.mark.parametrize(
    "piece", ["Ana Reis foi escritora, ", "Ana Reis jogou no Ana de Reis Sá ", "Ana Reis publicou «", "[a*"]
)
def test_the_time_grows_with_the_text_alone(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    begun = time.process_time()
    found(text)
    assert time.process_time() - begun < 20
