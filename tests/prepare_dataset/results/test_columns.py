from __future__ import annotations

import pytest

from tools.prepare_dataset.records import read_table
from tools.prepare_dataset.results.columns import Columns, understand


def columns(text: str) -> Columns | None:
    table, problems = read_table(text, "x.csv")
    assert not problems
    assert table is not None
    return understand(table)


def standings(headings: str, cells: str = "") -> dict[str, int]:
    width = headings.count(",") + 1
    found = columns(f"{headings}\n{cells or ','.join(['1'] * width)}\n")
    assert found is not None
    assert found.shape == "standings"
    return dict(found.index)


@pytest.mark.parametrize(
    ("headings", "expected"),
    [
        ("Época,Posição,Equipa,Pontos,Vitórias", {"season": 0, "position": 1, "team": 2, "points": 3, "wins": 4}),
        ("TEMPORADA,Time,Pts,V,E,D", {"season": 0, "team": 1, "points": 2, "wins": 3, "draws": 4, "losses": 5}),
        ("Pos,Club,P,W,D,L,GF,GA,Pts", {"played": 2, "wins": 3, "draws": 4, "losses": 5, "scored": 6, "points": 8}),
        ("Clube,J,V,E,D,GP,GC,SG,P", {"played": 1, "scored": 5, "conceded": 6, "difference": 7, "points": 8}),
        ("Team,GP,W,D,L,GS,GA,Pts", {"played": 1, "scored": 5, "conceded": 6}),
        ("Equipa,J,V,E,D,GM,GS,Pts", {"scored": 5, "conceded": 6, "losses": 4}),
        ("Equipa,J,G,E,P,Pontos", {"played": 1, "wins": 2, "draws": 3, "losses": 4}),
        ("Nº,Equipa,Pontos ganhos,Melhor Marcador", {"position": 0, "points": 2}),
        ("season,team,points,top scorer", {"scorer": 3}),
        ("#,Squad,MP,Pts,+/-", {"position": 0, "played": 2, "difference": 4}),
    ],
)
def test_headings_of_standings_are_understood_in_both_languages(headings: str, expected: dict[str, int]) -> None:
    assert expected.items() <= standings(headings).items()


def test_goals_are_one_number_or_two() -> None:
    assert standings("Equipa,Golos,Pontos", "A,30-18,9")["goals"] == 1
    assert standings("Equipa,Golos,Pontos", "A,30,9")["scored"] == 1


@pytest.mark.parametrize(
    ("headings", "cells", "expected"),
    [
        ("Date,HomeTeam,AwayTeam,FTHG,FTAG,FTR", "1/2/03,A,B,2,1,H", {"date": 0, "home_goals": 3, "outcome": 5}),
        ("HomeTeam,AwayTeam,HomeGoals,AwayGoals,Year", "A,B,2,1,1963", {"home": 0, "away_goals": 3, "season": 4}),
        ("Jornada,Casa,Resultado,Fora", "1,A,2-1,B", {"round": 0, "home": 1, "score": 2, "away": 3}),
        ("Rodada,Mandante,Placar,Visitante", "1,A,2 x 1,B", {"round": 0, "home": 1, "score": 2, "away": 3}),
        ("Equipa 1,Equipa 2,Casa,Fora", "A,B,2,1", {"home": 0, "away": 1, "home_goals": 2, "away_goals": 3}),
        ("Visitado,Visitante,Golos visitado,Golos visitante", "A,B,2,1", {"home": 0, "home_goals": 2}),
        ("Casa,Fora,GC,GF", "A,B,2,1", {"home_goals": 2, "away_goals": 3}),
        ("home,away,score,result", "A,B,2-1,H", {"score": 2}),
        ("Dia,Data,Casa,Resultado,Fora", "sábado,1/2/2003,A,2-1,B", {"home": 2, "score": 3}),
        ("Campeonato,Casa,Resultado,Fora", "2003/04,A,2-1,B", {"season": 0}),
        ("League,Home,Away,HG,AG", "Liga A,A,B,2,1", {"competition": 0}),
    ],
)
def test_headings_of_match_lists_are_understood_in_both_languages(
    headings: str, cells: str, expected: dict[str, int]
) -> None:
    found = columns(f"{headings}\n{cells}\n")
    assert found is not None
    assert found.shape == "matches"
    assert expected.items() <= dict(found.index).items()


def test_headings_that_say_nothing_known_are_told() -> None:
    found = columns("equipa,treinador,pontos,estádio\nA,Rui,9,Campo\n")
    assert found is not None
    assert found.unknown == (1, 3)


@pytest.mark.parametrize("text", ["cidade,habitantes\nA,1\n", "equipa,treinador\nA,Rui\n", "casa,fora\nazul,verde\n"])
def test_other_tables_are_no_results(text: str) -> None:
    assert columns(text) is None
