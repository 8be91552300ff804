from __future__ import annotations

from tests.prepare_dataset.results.asking import answers, texts
from tests.prepare_dataset.support import source
from tools.prepare_dataset.material import Parsed
from tools.prepare_dataset.tables import parse_tables
from tools.prepare_dataset.wording import wording

MATCHES = (
    "época,casa,fora,resultado\n1980,A,B,1-0\n1980,B,C,1-0\n1980,C,A,1-1\n1981,A,B,1-0\n1981,B,C,0-0\n1981,C,A,0-2\n"
)
STANDINGS = "época,posição,equipa,pontos\n1980,1,A,3\n1980,2,B,2\n1980,3,C,1\n"


def parse(**tables: str) -> dict[str, Parsed]:
    sources = [source(f"{name}.csv", text, "table") for name, text in tables.items()]
    return dict(zip(tables, parse_tables(sources, wording("pt")), strict=True))


def test_standings_that_another_table_gives_are_not_counted_again() -> None:
    parsed = parse(jogos=MATCHES, tabela=STANDINGS)
    assert [unit.heading for unit in texts(parsed["jogos"])] == [
        "Resultados da temporada 1980:\n",
        "Classificação da temporada 1981:\n",
        "Resultados da temporada 1981:\n",
    ]
    assert "Standings of 1 season taken from tabela.csv" in parsed["jogos"].notes[0]
    assert answers(parsed["tabela"])["champion", "1980"] == "A"
    assert not parsed["tabela"].warnings  # two points for a win, as the standings tell


def test_a_season_in_two_tables_is_one_document() -> None:
    parsed = parse(jogos=MATCHES, tabela=STANDINGS)
    assert texts(parsed["jogos"])[0].span.document == texts(parsed["tabela"])[0].span.document == "tabela.csv#1980"
    assert texts(parsed["jogos"])[1].span.document == "jogos.csv#1981"


def test_standings_that_the_matches_contradict_are_told() -> None:
    parsed = parse(jogos=MATCHES, tabela=STANDINGS.replace("B,2", "B,1"))
    assert [(problem.path, problem.line, problem.column, problem.message) for problem in parsed["tabela"].warnings] == [
        ("tabela.csv", 3, 4, "The points are 1; the matches give 2.")
    ]


def test_two_leagues_with_the_same_seasons_are_named_in_the_questions() -> None:
    other = STANDINGS.replace(",A,", ",D,").replace(",B,", ",E,").replace(",C,", ",F,")
    parsed = parse(primeira=STANDINGS, segunda=other)
    assert answers(parsed["primeira"])["champion", "1980 (Primeira)"] == "A"
    assert answers(parsed["segunda"])["champion", "1980 (Segunda)"] == "D"
    assert texts(parsed["segunda"])[0].heading == "Classificação da temporada 1980 (Segunda):\n"
    assert texts(parsed["segunda"])[0].span.document == "segunda.csv#1980"


def test_leagues_with_other_seasons_need_no_name() -> None:
    parsed = parse(antes=STANDINGS, depois=STANDINGS.replace("1980", "1990"))
    assert ("champion", "1980") in answers(parsed["antes"])
    assert ("champion", "1990") in answers(parsed["depois"])
