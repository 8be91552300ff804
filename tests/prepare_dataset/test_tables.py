from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.prepare_dataset.support import source
from tools.prepare_dataset.material import Exchange, Parsed, Passage
from tools.prepare_dataset.records import parse_number, read_table, sniff_delimiter
from tools.prepare_dataset.standings import understand
from tools.prepare_dataset.tables import parse_table
from tools.prepare_dataset.wording import wording

LEAGUE = Path(__file__).parents[2] / "clients" / "sample" / "tabelas" / "liga-das-mares.csv"


def parse(text: str, name: str = "liga.csv") -> Parsed:
    return parse_table(source(name, text, "table"), wording("pt"))


def exchanges(parsed: Parsed) -> dict[str, str]:
    return {
        unit.messages[0]["content"]: unit.messages[1]["content"] for unit in parsed.units if isinstance(unit, Exchange)
    }


def seasons(parsed: Parsed) -> list[Passage]:
    return [unit for unit in parsed.units if isinstance(unit, Passage)]


def test_a_season_is_told_in_the_guides_form() -> None:
    first = seasons(parse(LEAGUE.read_text(encoding="utf-8")))[0]
    assert first.heading == "Classificação da temporada 2004:\n"
    assert first.composed is not None
    assert first.composed.startswith("1. Náutico de Porto Ameixo - 25 pontos\n2. Desportivo de Vale de Sargaço - 25")
    assert first.composed.endswith("\nMelhor marcador: Jacinto Moleiro (12 golos)")


def test_every_answer_agrees_with_the_cells() -> None:
    parsed = parse(LEAGUE.read_text(encoding="utf-8"))
    with LEAGUE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    asked = exchanges(parsed)
    checked = 0
    for season in sorted({row["época"] for row in rows}):
        teams = sorted((row for row in rows if row["época"] == season), key=lambda row: int(row["posição"]))
        first, second = teams[0], teams[1]
        assert asked[f"Quem foi o campeão da temporada {season}?"] == first["equipa"]
        assert asked[f"Que equipa ficou em último lugar na temporada {season}?"] == teams[-1]["equipa"]
        gap = int(first["pontos"]) - int(second["pontos"])
        question = f"Na temporada {season}, quantos pontos separaram {first['equipa']} de {second['equipa']}?"
        assert asked[question] == f"{gap} ponto" + "s" * (gap != 1)
        most = max(int(row["golos_do_marcador"]) for row in teams)
        best = [row["melhor_marcador"] for row in teams if int(row["golos_do_marcador"]) == most]
        told = asked.get(f"Quem foi o melhor marcador da temporada {season}?")
        assert told == (best[0] if len(best) == 1 else None)
        for row in teams:
            points = asked.get(f"Quantos pontos teve a equipa {row['equipa']} na temporada {season}?")
            if points is not None:
                checked += 1
                assert points == f"{row['pontos']} pontos"
    assert checked == 60


def test_questions_kept_for_evaluation_ask_in_other_words() -> None:
    parsed = parse(LEAGUE.read_text(encoding="utf-8"))
    assert len(parsed.questions) == len(exchanges(parsed))
    assert not {ask.question for ask in parsed.questions} & exchanges(parsed).keys()


def test_a_season_spans_its_lines() -> None:
    text = LEAGUE.read_text(encoding="utf-8")
    for unit in seasons(parse(text)):
        lines = text[unit.span.start : unit.span.end].split("\n")
        assert len(lines) == 8
        assert all(line.startswith(unit.span.place + ",") for line in lines)


@pytest.mark.parametrize(
    ("headings", "expected"),
    [
        ("Época;Posição;Equipa;Pontos;Vitórias", {"season": 0, "position": 1, "team": 2, "points": 3, "wins": 4}),
        ("TEMPORADA,Time,Pts,V,E,D", {"season": 0, "team": 1, "points": 2, "wins": 3, "draws": 4, "losses": 5}),
        ("Pos,Club,P,W,D,L,GF,GA,Pts", {"played": 2, "wins": 3, "draws": 4, "losses": 5, "scored": 6, "points": 8}),
        ("season,team,points,top scorer", {"scorer": 3}),
    ],
)
def test_headings_are_understood_in_both_languages(headings: str, expected: dict[str, int]) -> None:
    delimiter = ";" if ";" in headings else ","
    found = understand(headings.split(delimiter))
    assert found is not None
    assert expected.items() <= found.items()


def test_a_table_of_something_else_becomes_records() -> None:
    parsed = parse("cidade;habitantes\nLisboa;545 796\nPorto;\n", "cidades.csv")
    assert [unit.composed for unit in seasons(parsed)] == ["cidade: Lisboa\nhabitantes: 545 796", "cidade: Porto"]
    assert not parsed.questions


def test_positions_are_computed_where_there_are_none() -> None:
    asked = exchanges(parse("equipa,pontos,gm,gs\nA,3,2,2\nB,7,5,1\nC,3,4,1\n", "liga-2023-24.csv"))
    assert asked["Quem foi o campeão da temporada 2023/24?"] == "B"
    assert asked["Que equipa ficou em último lugar na temporada 2023/24?"] == "A"


def test_nothing_is_asked_of_a_place_that_two_teams_share() -> None:
    asked = exchanges(parse("época,equipa,pontos\n2001,A,7\n2001,B,7\n"))
    assert "Quem foi o campeão da temporada 2001?" not in asked
    assert asked["Quantos pontos teve a equipa A na temporada 2001?"] == "7 pontos"


def test_one_point_is_singular() -> None:
    assert exchanges(parse("época,equipa,pontos\n2001,A,7\n2001,B,6\n"))[
        "Na temporada 2001, quantos pontos separaram A de B?"
    ] == ("1 ponto")


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("equipa,pontos\nA,três\n", 2, 2, "under `pontos` is not a number"),
        ("equipa,pontos\nA,3\nB,\n", 3, 2, "under `pontos` is missing"),
        ("equipa,pontos\n,3\n", 2, 1, "team's name is missing"),
        ("época,equipa,pontos\n,A,3\n", 2, 1, "season is missing"),
        ("posição,equipa,pontos\n1.5,A,3\n", 2, 1, "is not a whole number"),
        ("equipa,pontos\nA,3,4\n", 2, 3, "has 3 cells"),
        ("equipa,pontos\nA\n", 2, 1, "has 1 cells"),
        ("2004,A,25\n2005,B,26\n", 1, 1, "numbers, not headings"),
        ("equipa,,pontos\nA,b,3\n", 1, 2, "heading is empty"),
        ("equipa,Equipa\nA,b\n", 1, 2, "stands twice"),
        ("equipa,pontos\n", 1, None, "no rows"),
        ("só uma coluna\nA\nB\n", 1, 1, "one column"),
        ('equipa,pontos\n"A,3\nB,4\n', 2, None, "quotation mark"),
    ],
)
def test_faults_are_told_by_line_and_cell(text: str, line: int, column: int | None, message: str) -> None:
    problem = parse(text).errors[0]
    assert (problem.path, problem.line, problem.column) == ("liga.csv", line, column)
    assert message in problem.message
    assert problem.fix


def test_all_faults_are_told_at_once() -> None:
    errors = parse("época,equipa,pontos\n2001,A,x\n2001,,3\n,C,y\n").errors
    assert [(problem.line, problem.column) for problem in errors] == [(2, 3), (3, 2), (4, 3)]


def test_points_that_contradict_the_results_are_told_and_do_not_stop() -> None:
    text = "época,equipa,pontos,jogos,vitórias,empates,derrotas\n2001,A,8,3,2,1,0\n2001,B,4,3,1,1,0\n2001,B,5,3,2,1,0\n"
    parsed = parse(text)
    assert not parsed.errors
    told = [(problem.line, problem.column, problem.message) for problem in parsed.warnings]
    assert (2, 3, "The points are 8; the wins and draws give 7.") in told
    assert (3, 4, "The games are not the sum of wins, draws and losses.") in told
    assert (4, 2, "The team stands twice in the season.") in told


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_beside_decimal_commas(delimiter: str) -> None:
    lines = [delimiter.join(cells) for cells in (["a", "b", "c"], ["1.5", "x y", "z"], ["2", "x", "y"])]
    assert sniff_delimiter("\n".join(lines)) == delimiter
    assert sniff_delimiter("nome;valor\nA;1,5\nB;2,5\n") == ";"


def test_quoted_cells_may_hold_separators_and_lines() -> None:
    text = 'nome,nota\n"Silva, Rui","uma\nduas"\nAna,três\n'
    table, problems = read_table(text, "x.csv")
    assert not problems
    assert table is not None
    assert [(record.line, record.cells) for record in table.records] == [
        (2, ["Silva, Rui", "uma\nduas"]),
        (4, ["Ana", "três"]),
    ]
    assert text[table.records[0].start : table.records[0].end] == '"Silva, Rui","uma\nduas"'


@pytest.mark.parametrize(
    ("cell", "value"),
    [("1.234", 1234), ("1,234", 1234), ("85,5", 85.5), ("-3", -3), ("1.234,5", 1234.5), ("2023/24", None), ("", None)],
)
def test_numbers_are_read_as_people_write_them(cell: str, value: float | None) -> None:
    assert parse_number(cell) == value
