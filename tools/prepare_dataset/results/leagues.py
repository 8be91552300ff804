"""Several tables of results beside each other: one league in two tables, or two leagues with the same seasons."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from tools.errors import printable
from tools.prepare_dataset.results.league_table import DEFAULT_WIN, count, is_league
from tools.prepare_dataset.results.match_checks import check_numbers_of_games
from tools.prepare_dataset.results.matches import points_rule
from tools.prepare_dataset.results.season import Line, Season
from tools.prepare_dataset.results.standing_checks import rule_of
from tools.prepare_dataset.results.table import ResultsTable

# Tables that share so many of their teams tell of one league.
_SAME_LEAGUE = 0.5


@dataclass
class Results:
    """What one table tells. title: of the table."""

    table: ResultsTable
    title: str
    seasons: list[Season]

    def place(self, season: Season) -> str:
        """A season as people find it in the table."""
        return " ".join(part for part in (season.competition, season.name) if part) or self.title

    def document(self, season: Season) -> str:
        """The document of a season's rows: the same for its standings and its matches in another table."""
        return season.document or f"{self.table.path}#{self.place(season)}"


def settle(found: Sequence[Results]) -> None:
    """Count the standings of match lists, and label seasons that two leagues have.

    Where another table has the standings of a season, they stand: its matches are checked against them,
    not counted in their place.
    """
    by_years: dict[object, list[tuple[Results, Season]]] = defaultdict(list)
    for one in found:
        for season in one.seasons:
            by_years[season.years[0] if season.years else season.name].append((one, season))
    official: dict[int, tuple[Results, Season]] = {}
    for together in by_years.values():
        _label(together)
        for _, season in together:
            own = [pair for pair in together if not pair[1].counted and _same_league(season, pair[1])]
            if season.counted and own:
                official[id(season)] = own[0]
                season.document = own[0][0].document(own[0][1])
    for one in found:
        _count_all(one, official)


def _label(together: Sequence[tuple[Results, Season]]) -> None:
    """Name the table beside the season where another league has that season too."""
    for one, season in together:
        others = [(other, theirs) for other, theirs in together if other is not one]
        if any(not _same_league(season, theirs) for _, theirs in others):
            titles = {other.title for other, _ in others}
            season.label = one.title if one.title not in titles else one.table.path


def _same_league(one: Season, other: Season) -> bool:
    mine, theirs = ({team.casefold() for team in season.teams} for season in (one, other))
    return len(mine & theirs) >= _SAME_LEAGUE * min(len(mine), len(theirs))


def _count_all(one: Results, official: dict[int, tuple[Results, Season]]) -> None:
    own_rule = points_rule(one.table)
    win = own_rule or DEFAULT_WIN
    counted = [season for season in one.seasons if season.counted]
    leagues = [season for season in counted if is_league(season)]
    told: list[str] = []
    for season in leagues:
        check_numbers_of_games(one.table, season)
        if id(season) in official:
            theirs, standings = official[id(season)]
            _compare(season, standings, theirs.table)
            told.append(theirs.table.path)
        else:
            count(season, win)
            _tell_ties(one.table, season)
    if len(leagues) > len(told):
        why = "as its columns of points tell" if own_rule else "no table tells another rule"
        seasons = number_of(len(leagues) - len(told), "season")
        one.table.notes.append(f"Standings of {seasons} counted with {win} points for a win and 1 for a draw: {why}")
    if told:
        tables = ", ".join(dict.fromkeys(told))
        one.table.notes.append(f"Standings of {number_of(len(told), 'season')} taken from {tables}")
    if len(leagues) < len(counted):
        seasons = number_of(len(counted) - len(leagues), "season")
        one.table.notes.append(f"No standings counted of {seasons}, whose matches are not those of a league")


def number_of(count: int, thing: str) -> str:
    return f"{count} {thing}{'s' * (count != 1)}"


def _told(season: Season) -> str:
    return f"Season {printable(season.name, 40)}" if season.name else "Its season"


def _compare(season: Season, standings: Season, table: ResultsTable) -> None:
    """Tell the standings' table where the matches give other points, by the rule that agrees better."""
    theirs = {line.team.casefold(): line for line in standings.lines}
    rule = rule_of(standings.lines)
    counted: dict[int, list[Line]] = {}
    for win in (rule,) if rule else (3, 2):
        count(season, win)
        counted[win] = season.lines
    season.lines = []

    def differing(lines: Sequence[Line]) -> list[tuple[Line, Line]]:
        pairs = [(line, theirs[key]) for line in lines if (key := line.team.casefold()) in theirs and not line.left]
        return [(line, told) for line, told in pairs if line.points_value != told.points_value]

    best = min(counted, key=lambda win: len(differing(counted[win])))
    records = {record.line: record for record in standings.records}
    for line, told in differing(counted[best]):
        message = f"The points are {told.points}; the matches give {line.points}."
        kind = "points that are not those of the matches"
        table.warn(kind, records[told.line], "points", message, "Check the row and the matches.")


def _tell_ties(table: ResultsTable, season: Season) -> None:
    """Teams whose order nothing in the matches tells."""
    for upper, lower in zip(season.lines, season.lines[1:], strict=False):
        if upper.rank == lower.rank and not upper.left and not lower.left:
            first = season.records[0]
            told = (
                f"{_told(season)}: `{printable(upper.team, 60)}` and `{printable(lower.team, 60)}` have "
                "the same points, goal difference and goals. They stand by name, and their places are not asked for."
            )
            fix = "Add a table of the season's standings to tell their order."
            table.warn("teams level on all counts", first, "home", told, fix)
