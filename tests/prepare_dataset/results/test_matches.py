from __future__ import annotations

import pytest

from tests.prepare_dataset.results.asking import answers, asked, parse, texts
from tools.prepare_dataset.material import Exchange

# Four teams, each twice against each other: A wins all, B beats C and D, C and D share everything.
FOUR = [
    ("A", "B", "2-1"), ("C", "D", "1-1"), ("A", "C", "3-0"), ("B", "D", "1-0"), ("D", "A", "0-3"), ("B", "C", "1-0"),
    ("B", "A", "0-1"), ("D", "C", "1-1"), ("C", "A", "0-3"), ("D", "B", "0-1"), ("A", "D", "3-0"), ("C", "B", "0-1"),
]  # fmt: skip


def portuguese(rows: list[tuple[str, str, str]] = FOUR, season: str = "2004") -> str:
    lines = [f"{season};{n // 2 + 1};{home};{score};{away}" for n, (home, away, score) in enumerate(rows)]
    return "\n".join(["Época;Jornada;Equipa da casa;Resultado;Equipa visitante", *lines]) + "\n"


def told(parsed_problems: list) -> list[tuple[int | None, int | None, str]]:
    return [(problem.line, problem.column, problem.message) for problem in parsed_problems]


def test_matches_become_standings_and_results() -> None:
    table, results = texts(parse(portuguese()))
    assert table.heading == "Classificação da temporada 2004:\n"
    assert table.composed == (
        "1. A - 18 pontos\n2. B - 12 pontos\n3. C - 2 pontos\n4. D - 2 pontos\n"
        "Mais golos marcados: A (15 golos)\nMenos golos sofridos: A (1 golo)"
    )
    assert results.heading == "Resultados da temporada 2004:\n"
    assert results.composed is not None
    assert results.composed.startswith("Jornada 1:\nA 2-1 B\nC 1-1 D\n\nJornada 2:\nA 3-0 C\n")
    assert results.span.document == table.span.document == "liga.csv#2004"


def test_the_question_of_a_match_spans_its_row() -> None:
    text = portuguese()
    parsed = parse(text)
    units = [unit for unit in parsed.units if isinstance(unit, Exchange)]
    about_matches = [pair for pair in zip(asked(parsed), units, strict=True) if pair[0].kind in ("winner", "score")]
    assert len(about_matches) == 3
    for one, unit in about_matches:
        _, _, home, _, away = text[unit.span.start : unit.span.end].split(";")
        assert (home, away) == (one["home"], one["away"])


def test_matches_in_english_with_dates_and_separate_goals() -> None:
    rows = [f"{day:02}/09/2003,{home},{away},{score[0]},{score[2]}" for day, (home, away, score) in enumerate(FOUR, 14)]
    parsed = parse("\n".join(["Date,HomeTeam,AwayTeam,FTHG,FTAG", *rows]), "e0.csv", "en")
    table, results = texts(parsed)
    assert table.heading == "Standings of the 2003/04 season:\n"
    assert table.composed is not None
    assert table.composed.startswith("1. A - 18 points\n2. B - 12 points\n")
    assert results.composed is not None
    assert results.composed.startswith("14 September 2003:\nA 2-1 B\n\n15 September 2003:\n")
    assert answers(parsed, "en")["champion", "2003/04"] == "A"


def test_a_brazilian_table_is_told_in_its_own_words() -> None:
    rows = [f"2004,{n // 2 + 1},{home},{score},{away}" for n, (home, away, score) in enumerate(FOUR)]
    parsed = parse("\n".join(["Ano,Rodada,Mandante,Placar,Visitante", *rows]))
    table, results = texts(parsed)
    assert "Mais gols marcados: A (15 gols)" in (table.composed or "")
    assert (results.composed or "").startswith("Rodada 1:\n")
    assert answers(parsed)["champion", "2004"] == "A"


def test_matches_without_a_score_are_passed_over_and_counted() -> None:
    rows = [*FOUR[:-1], ("C", "B", "adiado")]
    parsed = parse(portuguese(rows))
    assert not parsed.errors
    assert "Read as 11 matches in 1 season, 1 more without a score passed over." in parsed.notes[0]
    table = texts(parsed)[0]
    assert table.heading == "Classificação da temporada 2004, com jogos por disputar:\n"
    found = answers(parsed)
    assert found["champion", "2004"] == "A"  # nobody can reach A any more
    assert ("last", "2004") not in found  # C has a match left
    assert not [key for key in found if key[0] == "points" and key[2] in ("B", "C")]


def test_rows_that_name_a_round_stand_above_its_matches() -> None:
    rows = [
        "Casa,Resultado,Fora,",
        "1.ª jornada,,,",
        "A,2-1,B,",
        "C,0-0,D,",
        "2.ª jornada,,,",
        "B,1-0,C,",
        "Fonte: o jornal,,,",
    ]
    parsed = parse("\n".join(rows), "liga-2004.csv")
    assert not parsed.errors
    assert [problem.line for problem in parsed.warnings if "remark" in problem.message] == [7]
    assert texts(parsed)[-1].composed == "1.ª jornada:\nA 2-1 B\nC 0-0 D\n\n2.ª jornada:\nB 1-0 C"


def test_dates_whose_order_no_cell_tells_are_told() -> None:
    rows = ["Data,Casa,Resultado,Fora", "3/4/2004,A,2-1,B", "5/2/2004,B,0-0,C", "1/6/2004,C,0-0,A"]
    parsed = parse("\n".join(rows))
    assert "The dates under `Data` read as day/month: no cell tells the order." in parsed.notes[0]
    assert "3 de abril de 2004" in (texts(parsed)[-1].composed or "")


def test_a_cup_has_results_and_no_standings() -> None:
    rows = [
        "Época,Fase,Casa,Resultado,Fora",
        "2004,Meia-final,A,2-1,B",
        "2004,Meia-final,C,0-1,D",
        "2004,Final,A,3-2,D",
    ]
    parsed = parse("\n".join(rows))
    assert [unit.heading for unit in texts(parsed)] == ["Resultados da temporada 2004:\n"]
    assert "No standings counted of 1 season, whose matches are not those of a league." in parsed.notes[0]
    assert {kind for kind, *_ in answers(parsed)} == {"winner", "score"}


def test_the_matches_of_one_club_are_no_league() -> None:
    rows = [("A", team, "1-0") for team in "BCDEFG"]
    assert len(texts(parse(portuguese(rows)))) == 1


def test_teams_level_on_all_counts_are_told_and_their_places_not_asked_for() -> None:
    parsed = parse(portuguese())
    problem = next(problem for problem in parsed.warnings if "`C` and `D`" in problem.message)
    assert problem.line == 2
    found = answers(parsed)
    assert ("last", "2004") not in found
    assert ("position", "2004", "C") not in found
    assert found["position", "2004", "B"] == "2.º lugar"


@pytest.mark.parametrize(
    ("row", "line", "column", "message"),
    [
        (("A", "A", "1-0"), 14, 5, "plays against itself"),
        (("A", "a ", "1-0"), 14, 5, "plays against itself"),
        (("A", "", "1-0"), 14, 5, "team's name is missing"),
        (("A", "B", "-1-2"), 14, 4, "goals are negative"),
        (("A", "B", "dois a um"), 14, 4, "under `Resultado` is not a score"),
    ],
)
def test_rows_that_cannot_be_are_errors(row: tuple[str, str, str], line: int, column: int, message: str) -> None:
    errors = parse(portuguese([*FOUR, row])).errors
    assert [(problem.line, problem.column) for problem in errors] == [(line, column)]
    assert message in errors[0].message
    assert errors[0].fix


@pytest.mark.parametrize(
    ("cells", "column", "message"),
    [
        ("2-1,A,B,-2,1", 4, "goals are negative"),
        ("2-1,A,B,2.5,1", 4, "is not a whole number"),
        ("2-1,A,B,um,1", 4, "is not a number"),
        ("2-1,A,B,,1", 4, "goals of one side are missing"),
        (",A,B,2,1", 1, "date is missing, and nothing else tells the season"),
    ],
)
def test_cells_that_cannot_be_are_errors(cells: str, column: int, message: str) -> None:
    text = "Date,Home,Away,Home Goals,Away Goals\n2003-09-01,A,B,2,1\n2003-09-02,B,A,1,1\n"
    problem = parse(f"{text}{cells.replace('2-1,', '2003-09-03,')}\n").errors[0]
    assert (problem.line, problem.column) == (4, column)
    assert message in problem.message


def dated(*rows: str) -> str:
    lines = [f"2004;2004-09-{day:02};{home};{away};{score}" for day, (home, away, score) in enumerate(FOUR, 1)]
    return "\n".join(["Época;Data;Casa;Fora;Resultado", *lines, *rows]) + "\n"


def test_a_match_that_stands_twice_is_counted_once() -> None:
    parsed = parse(dated("2004;2004-09-01;A;B;2-1"))
    assert (14, 3, "The match stands on line 2 already: it was counted once.") in told(parsed.warnings)
    assert answers(parsed)["champion", "2004"] == "A"
    assert "1. A - 18 pontos" in (texts(parsed)[0].composed or "")


def test_one_match_with_two_results_is_an_error() -> None:
    errors = parse(dated("2004;2004-09-01;A;B;2-2")).errors
    assert told(errors) == [(14, 3, "The match stands on line 2 with another result.")]


def test_what_contradicts_itself_is_told_by_row() -> None:
    found = told(parse(dated("2004;2004-09-12;A;C;4-0", "2004;ontem;D;B;0-0", "2006;2006-09-01;A;B;0-0")).warnings)
    assert (14, 4, "`C` plays on that day on line 13 too.") in found
    assert (15, 2, "The cell is not a date.") in found
    assert (16, 1, "The season 2005 is missing before this one.") in found


def test_a_result_that_its_score_contradicts_is_told() -> None:
    text = "season,home,away,fthg,ftag,ftr\n2004,A,B,2,1,H\n2004,B,C,0,0,H\n2004,C,A,0,1,A\n"
    assert (3, 6, "The outcome is `H`, the score 0-0.") in told(parse(text).warnings)


def test_one_team_in_two_spellings_is_one_team() -> None:
    rows = [
        ("Á", "B", "2-1"),
        *[(home.replace("A", "Á"), away.replace("A", "Á"), score) for home, away, score in FOUR[1:]],
    ]
    parsed = parse(portuguese([*rows[:-2], ("a", "D", "3-0"), rows[-1]]))
    assert (12, 3, "The team is written `Á` elsewhere: it was read as the same.") in told(parsed.warnings)
    assert answers(parsed)["champion", "2004"] == "Á"


def league(teams: list[str], season: str) -> list[str]:
    """Each against each, twice: the earlier in the list wins."""
    pairs = [(home, away) for home in teams for away in teams if home != away]
    return [f"{season},{h},{a},{'1-0' if teams.index(h) < teams.index(a) else '0-1'}" for h, a in pairs]


def test_a_misspelt_team_and_a_missing_match_are_told() -> None:
    teams = ["Náutico", "Desportivo", "Atlético", "União", "Faroleiros", "Recreativo"]
    rows = league(teams, "2004")
    missing = told(parse("\n".join(["época,casa,fora,resultado", *rows[:-1]])).warnings)
    assert (30, 2, "`Recreativo` has 9 matches in the season, most teams have 10.") in missing
    rows[6] = rows[6].replace("Atlético", "Atlétco")
    misspelt = told(parse("\n".join(["época,casa,fora,resultado", *rows])).warnings)
    assert (8, 3, "The team stands on few rows. Is it `Atlético`?") in misspelt


def test_a_match_that_comes_back_on_another_day_is_told() -> None:
    rows = league(["A", "B", "C", "D", "E", "F"], "2004")
    parsed = parse("\n".join(["época,casa,fora,resultado", *rows, "2004,A,B,3-0"]))
    assert (32, 2, "The two have met there before in the season, on line 2.") in told(parsed.warnings)
    assert ("score", "B", "A", "2004") not in answers(parsed)


def test_competitions_in_one_table_are_told_apart() -> None:
    rows = ["Divisão,Época,Casa,Fora,Resultado"]
    rows += [f"Primeira,{row}" for row in league(["A", "B", "C"], "2004")]
    rows += [f"Segunda,{row}" for row in league(["D", "E", "F"], "2004")]
    parsed = parse("\n".join(rows))
    assert answers(parsed)["champion", "2004 (Primeira)"] == "A"
    assert answers(parsed)["champion", "2004 (Segunda)"] == "D"
    assert {unit.span.document for unit in texts(parsed)} == {"liga.csv#Primeira 2004", "liga.csv#Segunda 2004"}


def test_points_columns_tell_the_rule() -> None:
    text = "época,casa,fora,resultado,pontos casa,pontos fora\n2004,A,B,1-0,2,0\n2004,B,C,1-1,1,1\n2004,C,A,0-1,0,2\n"
    parsed = parse(text)
    assert (texts(parsed)[0].composed or "").startswith("1. A - 4 pontos")
    assert "counted with 2 points for a win and 1 for a draw: as its columns of points tell" in parsed.notes[0]


def test_many_findings_of_a_kind_are_counted() -> None:
    teams = [f"Equipa {n}" for n in range(8)]
    rows = [f"2004,{h},{a},1,0,A" for h in teams for a in teams if h != a]
    warnings = parse("\n".join(["season,home,away,fthg,ftag,ftr", *rows])).warnings
    assert len([problem for problem in warnings if problem.message.startswith("The outcome is")]) == 20
    assert "36 more rows like those above: outcomes that are not those of the scores." in [w.message for w in warnings]
