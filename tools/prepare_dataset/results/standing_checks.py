"""Whether the numbers of standings agree with each other: row by row, over a league, over the seasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from tools.prepare_dataset.records import Record
from tools.prepare_dataset.results.cells import season_name
from tools.prepare_dataset.results.columns import Role
from tools.prepare_dataset.results.season import Line, Season
from tools.prepare_dataset.results.table import ResultsTable

_FIX = "Check the cells."
_MOST_MEETINGS = 4  # of two teams in a season
_PAIRS: tuple[tuple[Role, Role, str, str], ...] = (
    ("wins", "losses", "wins", "losses"),
    ("scored", "conceded", "goals scored", "goals conceded"),
)


def check_standings(table: ResultsTable, seasons: Sequence[Season]) -> None:
    """Tell the table's warnings of whatever contradicts itself."""
    for season in seasons:
        records = {record.line: record for record in season.records}
        win = rule_of(season.lines)
        for line in sorted(season.lines, key=lambda line: line.line):
            _check_line(table, records[line.line], line, win)
        _check_places(table, season, records)
        _check_sums(table, season, records)
    check_gaps(table, seasons)


def rule_of(lines: Sequence[Line]) -> int | None:
    """Points for a victory, 3 or 2, as most lines with their wins and draws tell; None where they do not."""
    votes: Counter[int] = Counter()
    for line in lines:
        n = line.numbers
        if n.get("wins") and "draws" in n:
            votes.update(win for win in (3, 2) if win * n["wins"] + n["draws"] == line.points_value)
    best = votes.most_common(2)
    return best[0][0] if best and (len(best) == 1 or best[0][1] > best[1][1]) else None


def _check_line(table: ResultsTable, record: Record, line: Line, win: int | None) -> None:
    n = line.numbers
    if "wins" in n and "draws" in n:
        expected = [rule * n["wins"] + n["draws"] for rule in ((win,) if win else (3, 2))]
        if line.points_value not in expected:
            told = f"The points are {line.points}; the wins and draws give {int(expected[0])}."
            table.warn("points that are not those of the wins and draws", record, "points", told, _FIX)
    if {"played", "wins", "draws", "losses"} <= n.keys() and n["wins"] + n["draws"] + n["losses"] != n["played"]:
        told = "The games are not the sum of wins, draws and losses."
        table.warn("games that are not the sum of the results", record, "played", told, _FIX)
    if {"scored", "conceded", "difference"} <= n.keys() and n["scored"] - n["conceded"] != n["difference"]:
        told = f"The goal difference is {n['difference']:g}; the goals give {n['scored'] - n['conceded']:g}."
        table.warn("goal differences that are not those of the goals", record, "difference", told, _FIX)


def _check_places(table: ResultsTable, season: Season, records: dict[int, Record]) -> None:
    """Teams and positions that stand twice, positions that are left out, points that grow further down."""
    teams: set[str] = set()
    positions: set[int] = set()
    for line in sorted(season.lines, key=lambda line: line.line):
        record = records[line.line]
        if line.team.casefold() in teams:
            told = "The team stands twice in the season."
            table.warn("teams that stand twice", record, "team", told, "Remove one of the rows.")
        if table.has("position") and line.position in positions:
            told = "Two teams have this position in the season."
            table.warn("positions that two teams have", record, "position", told, _FIX)
        teams.add(line.team.casefold())
        positions.add(line.position)
    if not table.has("position"):
        return
    for upper, lower in pairwise(season.lines):
        if lower.position > upper.position + 1 and lower.position - upper.position <= len(season.lines):
            told = f"No team has position {upper.position + 1} in the season."
            table.warn("positions that no team has", records[lower.line], "position", told, _FIX)
        if lower.points_value > upper.points_value:
            told = f"The team has more points than the one in position {upper.position}."
            table.warn("points that do not go with the position", records[lower.line], "points", told, _FIX)


def _check_sums(table: ResultsTable, season: Season, records: dict[int, Record]) -> None:
    """What one team wins another loses: told where the whole league stands in the table."""
    if not _is_whole(season.lines):
        return
    for one, other, name, opposite in _PAIRS:
        if all({one, other} <= line.numbers.keys() for line in season.lines):
            left = sum(line.numbers[one] for line in season.lines)
            right = sum(line.numbers[other] for line in season.lines)
            if left != right:
                told = f"The season's {name} are {left:g} in all, its {opposite} {right:g}."
                record = records[min(line.line for line in season.lines)]
                table.warn(f"seasons whose {name} are not as many as their {opposite}", record, one, told, _FIX)


def _is_whole(lines: Sequence[Line]) -> bool:
    """Whether most teams have met all others equally often, so that no team is left out."""
    games: Counter[float] = Counter()
    for line in lines:
        n = line.numbers
        results = [n[role] for role in ("wins", "draws", "losses") if role in n]
        if "played" in n or len(results) == 3:
            games[n.get("played", sum(results))] += 1
    if not games or len(lines) < 2:
        return False
    meetings, rest = divmod(games.most_common(1)[0][0], len(lines) - 1)
    return rest == 0 and 1 <= meetings <= _MOST_MEETINGS


def check_gaps(table: ResultsTable, seasons: Sequence[Season]) -> None:
    """Seasons that are missing between others."""
    for competition in sorted({season.competition for season in seasons}):
        dated = _dated(seasons, competition)
        for (before, _), (after, season) in pairwise(dated):
            if after[0] > before[0] + 1:
                step = before[1] - before[0]
                first, last = before[0] + 1, after[0] - 1
                span = season_name((first, first + step))
                missing = (
                    f"season {span} is"
                    if first == last
                    else f"seasons {span} to {season_name((last, last + step))} are"
                )
                told = f"The {missing} missing before this one."
                fix = "Add the rows, unless there was no such season."
                table.warn("gaps between the seasons", season.records[0], "season", told, fix)


def _dated(seasons: Sequence[Season], competition: str) -> list[tuple[tuple[int, int], Season]]:
    found = [(season.years, season) for season in seasons if season.competition == competition]
    return sorted(((years, season) for years, season in found if years is not None), key=lambda pair: pair[0])
