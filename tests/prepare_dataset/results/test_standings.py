from __future__ import annotations

import pytest

from tests.prepare_dataset.results.asking import answers, parse, texts
from tools.errors import Problem

HEADINGS = "época,posição,equipa,pontos,jogos,vitórias,empates,derrotas,gm,gs,dg"
# Four teams, six games each.
ROWS = [
    "2001,1,A,13,6,4,1,1,9,4,5",
    "2001,2,B,11,6,3,2,1,8,5,3",
    "2001,3,C,7,6,2,1,3,6,8,-2",
    "2001,4,D,2,6,0,2,4,3,9,-6",
]
LATER = [row.replace("2001", "2004") for row in ROWS]


def warnings(rows: list[str]) -> list[tuple[int | None, int | None, str]]:
    parsed = parse("\n".join([HEADINGS, *rows]))
    assert not parsed.errors
    return [_told(problem) for problem in parsed.warnings]


def _told(problem: Problem) -> tuple[int | None, int | None, str]:
    assert problem.fix
    return problem.line, problem.column, problem.message


def changed(row: int, was: str, now: str) -> list[str]:
    assert was in ROWS[row]
    return [line.replace(was, now) if n == row else line for n, line in enumerate(ROWS)]


def test_standings_that_agree_with_themselves_are_told_nothing_of() -> None:
    assert warnings(ROWS) == []


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (changed(1, "B,11", "B,12"), (3, 4, "The points are 12; the wins and draws give 11.")),
        (changed(1, "11,6", "11,7"), (3, 5, "The games are not the sum of wins, draws and losses.")),
        (changed(2, "-2", "2"), (4, 11, "The goal difference is 2; the goals give -2.")),
        (changed(2, "6,8,-2", "7,8,-1"), (2, 9, "The season's goals scored are 27 in all, its goals conceded 26.")),
        (changed(3, "D,2,6,0,2,4", "D,5,6,1,2,3"), (2, 6, "The season's wins are 10 in all, its losses 8.")),
        (changed(3, "2001,4", "2001,3"), (5, 2, "Two teams have this position in the season.")),
        (changed(3, "2001,4", "2001,5"), (5, 2, "No team has position 4 in the season.")),
        (changed(3, ",D,", ",A,"), (5, 3, "The team stands twice in the season.")),
        (changed(0, "2001,1", "2001,3"), (2, 4, "The team has more points than the one in position 2.")),
        ([*ROWS, *LATER], (6, 1, "The seasons 2002 to 2003 are missing before this one.")),
    ],
)
def test_contradictions_are_told_by_row(rows: list[str], expected: tuple[int, int, str]) -> None:
    assert expected in warnings(rows)


def test_two_points_for_a_win_are_as_right_as_three() -> None:
    old = ["2001,1,A,9", "2001,2,B,8", "2001,3,C,5", "2001,4,D,2"]
    rows = [f"{start},{row.split(',', 4)[4]}" for start, row in zip(old, ROWS, strict=True)]
    assert warnings(rows) == []
    assert (2, 4, "The points are 13; the wins and draws give 9.") in warnings([ROWS[0], *rows[1:]])


def test_a_part_of_a_league_need_not_add_up() -> None:
    assert warnings(ROWS[:2]) == []


def test_positions_are_computed_where_there_are_none() -> None:
    found = answers(parse("equipa,pontos,gm,gs\nA,3,2,2\nB,7,5,1\nC,3,4,1\n", "liga-2023-24.csv"))
    assert found["champion", "2023/24"] == "B"
    assert found["last", "2023/24"] == "A"


def test_nothing_is_asked_of_a_place_that_two_teams_share() -> None:
    found = answers(parse("época,equipa,pontos\n2001,A,7\n2001,B,7\n"))
    assert ("champion", "2001") not in found
    assert found["points", "2001", "A"] == "7 pontos"


def test_a_place_that_others_share_spoils_no_other() -> None:
    found = answers(parse("época,posição,equipa,pontos\n2001,1,A,9\n2001,2,B,7\n2001,2,C,7\n2001,4,D,1\n"))
    assert (found["champion", "2001"], found["last", "2001"]) == ("A", "D")
    assert ("runner_up", "2001") not in found


def test_one_point_is_singular() -> None:
    found = answers(parse("época,equipa,pontos\n2001,A,7\n2001,B,6\n"))
    assert found["difference", "A", "2001", "B"] == "1 ponto"


def test_ordinals_are_positions_and_two_numbers_are_goals() -> None:
    parsed = parse("Pos.,Equipa,J,Golos,Pontos\n1.º,A,2,4-1,6\n2.º,B,2,2-3,3\n3º,C,2,1-3,0\n", "liga-2001.csv")
    assert not parsed.errors
    found = answers(parsed)
    assert found["champion", "2001"] == "A"
    assert found.get(("most_scored", "2001"), "A") == "A"


def test_a_remark_below_a_wide_table_is_passed_over() -> None:
    parsed = parse("época,posição,equipa,pontos\n2001,1,A,9\n2001,2,B,7\nFonte: o jornal,,,\n")
    assert not parsed.errors
    assert [problem.line for problem in parsed.warnings] == [4]
    assert texts(parsed)[0].composed == "1. A - 9 pontos\n2. B - 7 pontos"


def test_what_was_read_as_what_is_told() -> None:
    note = parse("época,equipa,treinador,pontos\n2001,A,Rui,9\n2001,B,Ana,7\n").notes[0]
    assert note == (
        "liga.csv: Read as standings of 1 season. Columns: `época` = season, `equipa` = team, `pontos` = points. "
        "Not read: `treinador`."
    )
