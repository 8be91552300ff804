"""What cannot be right in a match list, although every row of it can be read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date
from difflib import SequenceMatcher
from itertools import pairwise

from tools.errors import printable
from tools.prepare_dataset.results.columns import Role
from tools.prepare_dataset.results.season import Match, Season
from tools.prepare_dataset.results.standing_checks import check_gaps
from tools.prepare_dataset.results.table import ResultsTable

_FIX = "Check the cells."
# A name on so few rows, so much like another one, is that one misspelt.
_RARE, _ALIKE = 2, 0.84
# Fixtures come back in this share of a season's matches at least, where that is its way.
_COME_BACK = 0.05
_LETTERS = {"H": 1, "1": 1, "D": 0, "X": 0, "A": -1, "2": -1}


def check_matches(table: ResultsTable, seasons: Sequence[Season]) -> None:
    """Tell the table's warnings of whatever contradicts itself."""
    for season in seasons:
        _check_days(table, season)
        _check_outcomes(table, season)
        _check_fixtures(table, season)
        _check_names(table, season)
    _check_dates(table, seasons)
    if table.has("season"):
        check_gaps(table, seasons)


def check_numbers_of_games(table: ResultsTable, season: Season) -> None:
    """Teams with fewer or more rows than most of a league."""
    rows = Counter(team for match in season.matches for team in (match.home, match.away))
    usual, times = Counter(rows.values()).most_common(1)[0]
    if times <= len(rows) / 2:
        return
    for team, found in rows.items():
        if found != usual:
            last = [match for match in season.matches if team in (match.home, match.away)][-1]
            told = f"`{printable(team, 60)}` has {found} matches in the season, most teams have {usual}."
            role: Role = "home" if last.home == team else "away"
            table.warn("teams with another number of matches", last.record, role, told, "Add or remove rows.")


def _check_days(table: ResultsTable, season: Season) -> None:
    busy: dict[tuple[date, str], Match] = {}
    for match in season.matches:
        sides: tuple[tuple[Role, str], ...] = (("home", match.home), ("away", match.away))
        for role, team in sides:
            if match.date is None:
                continue
            known = busy.setdefault((match.date, team), match)
            if known is not match:
                told = f"`{printable(team, 60)}` plays on that day on line {known.record.line} too."
                table.warn("teams with two matches on one day", match.record, role, told, "Check the date.")


def _check_outcomes(table: ResultsTable, season: Season) -> None:
    if not table.has("outcome"):
        return
    for match in season.matches:
        letter = table.cell(match.record, "outcome").upper()
        home, away = match.score
        if match.played and letter in _LETTERS and _LETTERS[letter] != (home > away) - (home < away):
            told = f"The outcome is `{letter}`, the score {home}-{away}."
            table.warn("outcomes that are not those of the scores", match.record, "outcome", told, _FIX)


def _check_fixtures(table: ResultsTable, season: Season) -> None:
    """Matches that come back, where a season's fixtures do not."""
    first: dict[tuple[str, str], Match] = {}
    again = [match for match in season.matches if first.setdefault((match.home, match.away), match) is not match]
    if len(again) > max(1, _COME_BACK * len(season.matches)):
        return
    for match in again:
        known = first[match.home, match.away]
        told = f"The two have met there before in the season, on line {known.record.line}."
        table.warn(
            "matches that come back in the season", match.record, "home", told, "Check the season and the teams."
        )


def _check_names(table: ResultsTable, season: Season) -> None:
    """Teams that play once or twice and are called almost as another one is."""
    rows: dict[str, list[Match]] = defaultdict(list)
    for match in season.matches:
        rows[match.home].append(match)
        rows[match.away].append(match)
    usual = [name for name, found in rows.items() if len(found) > 2 * _RARE]
    for name in [name for name, found in rows.items() if len(found) <= _RARE]:
        near = max(usual, key=lambda other: SequenceMatcher(None, name, other).ratio(), default=None)
        if near is not None and SequenceMatcher(None, name, near).ratio() >= _ALIKE:
            for match in rows[name]:
                role: Role = "home" if match.home == name else "away"
                told = f"The team stands on few rows. Is it `{printable(near, 60)}`?"
                table.warn("teams that may be misspelt", match.record, role, told, "Correct the name.")


def _check_dates(table: ResultsTable, seasons: Sequence[Season]) -> None:
    """Dates that lie well inside the season before or after their own."""
    dated = [
        (days, season)
        for season in seasons
        if len(days := sorted(match.date for match in season.matches if match.date is not None)) > 1
    ]
    dated.sort(key=lambda pair: (pair[1].competition, pair[0][len(pair[0]) // 2]))
    for (days, season), (next_days, following) in pairwise(dated):
        if season.competition != following.competition:
            continue
        begun, ending = next_days[len(next_days) // 10], days[-1 - len(days) // 10]
        if begun <= ending:
            continue
        for match in season.matches:
            if match.date is not None and match.date >= begun:
                _tell_date(table, match)
        for match in following.matches:
            if match.date is not None and match.date <= ending:
                _tell_date(table, match)


def _tell_date(table: ResultsTable, match: Match) -> None:
    told = f"The date {match.date} lies in another season."
    table.warn("dates in another season", match.record, "date", told, "Check the date and the season.")
