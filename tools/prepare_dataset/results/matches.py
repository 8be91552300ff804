"""Match lists: every row a match, and the season that each belongs to."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date
from functools import lru_cache

from tools.errors import printable
from tools.prepare_dataset.records import Record, number_reader, parse_number, plain_letters
from tools.prepare_dataset.results.cells import DateColumn, is_clock, is_not_played, parse_score
from tools.prepare_dataset.results.columns import Role
from tools.prepare_dataset.results.season import Match, Season
from tools.prepare_dataset.results.season_dates import SeasonCuts, cut_seasons
from tools.prepare_dataset.results.standings import name_competitions
from tools.prepare_dataset.results.table import ResultsTable

_GOALS: tuple[Role, Role] = ("home_goals", "away_goals")
_ROUND = re.compile(r"\b(?:jornada|rodada|ronda|fase|final|finais|round|matchday|week)\b")
_HIGH_SCORES = 10  # a sport whose scores look like hours of the day


def read_matches(table: ResultsTable, file_season: str) -> list[Season]:
    """The seasons in the table's order with their matches, those not played included.

    What cannot be goes to the table's errors: goals that are no whole numbers, a team against itself,
    one match with two results. file_season: where the table has no column of seasons and its dates lie in one.
    """
    found = _Reader(table).matches()
    if table.errors:
        return []
    names = _season_names(table, found, file_season)
    seasons: dict[tuple[str, str], Season] = {}
    for match, name in zip(found, names, strict=True):
        key = (name, table.cell(match.record, "competition"))
        season = seasons.setdefault(key, Season(*key, counted=True))
        season.records.append(match.record)
        season.matches.append(match)
    found_seasons = list(seasons.values())
    name_competitions(found_seasons)
    return [season for season in found_seasons if any(match.played for match in season.matches)]


def _season_names(table: ResultsTable, matches: list[Match], file_season: str) -> list[str]:
    if table.has("season"):
        return [table.cell(match.record, "season") for match in matches]
    days = [match.date for match in matches if match.date is not None]
    cuts = cut_seasons(days) if days else SeasonCuts([], [])
    if len({cuts.name_of(day) for day in days}) <= 1 and (file_season or not days):
        return [file_season] * len(matches)
    return [cuts.name_of(match.date) if match.date else file_season for match in matches]


class _Reader:
    """Reads the rows of one match list."""

    def __init__(self, table: ResultsTable) -> None:
        self.table = table
        self.dates = DateColumn(table.column("date")) if table.has("date") else None
        self.numbers = {role: number_reader(table.column(role)) for role in _GOALS if table.has(role)}
        self.clocks = table.has("score") and not self._has_high_scores()
        if self.dates is not None and self.dates.uncertain:
            heading = printable(table.heading("date"), 40)
            table.notes.append(f"The dates under `{heading}` read as day/month: no cell tells the order")
        self.round = ""  # as a row above the matches names it
        self.needs_date = self.dates is not None and not table.has("season")

    def matches(self) -> list[Match]:
        """One a row, each team in its most frequent spelling, repeated rows left out."""
        found = [match for record in self.table.table.records if (match := self._match(record)) is not None]
        return _without_repeated(self.table, _spelled_alike(self.table, found))

    def _has_high_scores(self) -> bool:
        scores = [score for cell in self.table.column("score") if (score := parse_score(cell))]
        return sum(min(score) >= _HIGH_SCORES for score in scores) > 0.2 * len(scores)

    def _match(self, record: Record) -> Match | None:
        table, before = self.table, len(self.table.errors)
        filled = [cell for cell in record.cells if cell.strip()]
        if len(filled) == 1:
            self._remark(record, " ".join(filled[0].split()))
            return None
        home, away = table.cell(record, "home"), table.cell(record, "away")
        sides: tuple[tuple[Role, str], ...] = (("home", home), ("away", away))
        for role, team in sides:
            if not team:
                table.error(record, role, "The team's name is missing.", "Fill the cell.")
        if home and _folded_team(home) == _folded_team(away):
            table.error(record, "away", "The team plays against itself.", "Correct one of the two names.")
        if table.has("season") and not table.cell(record, "season"):
            table.error(record, "season", "The season is missing.", "Fill the cell.")
        goals = self._from_two_cells(record) if len(self.numbers) == 2 else self._from_score(record)
        day = self._date(record)
        if len(table.errors) > before:
            return None
        home_goals, away_goals = goals or (None, None)
        return Match(record, home, away, home_goals, away_goals, day, table.cell(record, "round") or self.round)

    def _remark(self, record: Record, text: str) -> None:
        """A row of one cell: the name of a round above its matches, or something said of the table."""
        if _ROUND.search(plain_letters(text)) and not self.table.has("round"):
            self.round = text
            return
        told = "The row has one filled cell: it was read as a remark."
        self.table.warn("rows of one cell", record, "home", told, "Fill the row, or take it out of the table.")

    def _from_score(self, record: Record) -> tuple[int, int] | None:
        cell = self.table.cell(record, "score")
        if is_not_played(cell) or (self.clocks and is_clock(cell)):
            return None
        score = parse_score(cell)
        if score is None:
            heading = printable(self.table.heading("score"), 40)
            self.table.error(record, "score", f"The cell under `{heading}` is not a score.", "Write it like `2-1`.")
        elif min(score) < 0:
            self.table.error(record, "score", "The goals are negative.", "Correct the score.")
        return score

    def _from_two_cells(self, record: Record) -> tuple[int, int] | None:
        cells = [self.table.cell(record, role) for role in _GOALS]
        empty = [is_not_played(cell) for cell in cells]
        if all(empty):
            return None
        if any(empty):
            role = _GOALS[empty.index(True)]
            self.table.error(record, role, "The goals of one side are missing.", "Fill the cell, or empty both.")
            return None
        goals = [self._count(record, role, cell) for role, cell in zip(_GOALS, cells, strict=True)]
        return goals[0], goals[1]

    def _count(self, record: Record, role: Role, cell: str) -> int:
        value = self.numbers[role](cell)
        if value is None or not value.is_integer():
            what = "a number" if value is None else "a whole number"
            heading = printable(self.table.heading(role), 40)
            self.table.error(record, role, f"The cell under `{heading}` is not {what}.", "Write it in digits.")
            return 0
        if value < 0:
            self.table.error(record, role, "The goals are negative.", "Correct the number.")
        return int(value)

    def _date(self, record: Record) -> date | None:
        if self.dates is None:
            return None
        cell = self.table.cell(record, "date")
        day = None if is_not_played(cell) else self.dates.read(cell)
        if day is None and self.needs_date:
            what = "is not a date" if cell else "is missing, and nothing else tells the season"
            self.table.error(record, "date", f"The date {what}.", "Write it like `1998-05-12`.")
        elif day is None and not is_not_played(cell):
            fix = "Write it like `1998-05-12`."
            self.table.warn("dates that cannot be read", record, "date", "The cell is not a date.", fix)
        return day


@lru_cache(maxsize=4096)
def _folded_team(name: str) -> str:
    return re.sub(r"\W+", " ", plain_letters(name)).strip() or name


def _spelled_alike(table: ResultsTable, matches: list[Match]) -> list[Match]:
    """Names that differ in case, accents or points alone are one team, called as most rows call it."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    folded: dict[str, str] = {}
    for match in matches:
        for name in (match.home, match.away):
            if name not in folded:
                folded[name] = _folded_team(name)
            counts[folded[name]][name] += 1
    if len(counts) == len(folded):
        return matches
    usual = {name: counts[key].most_common(1)[0][0] for name, key in folded.items()}
    for match in matches:
        sides: tuple[tuple[Role, str], ...] = (("home", match.home), ("away", match.away))
        for role, name in sides:
            if usual[name] != name:
                told = f"The team is written `{printable(usual[name], 60)}` elsewhere: it was read as the same."
                table.warn("teams in two spellings", match.record, role, told, "Write it in one way.")
    return [replace(match, home=usual[match.home], away=usual[match.away]) for match in matches]


def _without_repeated(table: ResultsTable, matches: list[Match]) -> list[Match]:
    """The matches without rows that repeat one. One match with two results is an error."""
    seen: dict[tuple[object, ...], Match] = {}
    kept = []
    for match in matches:
        when = match.date or (table.cell(match.record, "season"), match.round)
        key = (when, match.home, match.away, table.cell(match.record, "competition"))
        known = seen.setdefault(key, match) if match.date or match.round else match
        if known is match:
            kept.append(match)
        elif (known.home_goals, known.away_goals) == (match.home_goals, match.away_goals):
            told = f"The match stands on line {known.record.line} already: it was counted once."
            table.warn("matches that stand twice", match.record, "home", told, "Remove one of the rows.")
        else:
            told = f"The match stands on line {known.record.line} with another result."
            table.error(match.record, "home", told, "Keep the row that is right.")
    return kept


def points_rule(table: ResultsTable) -> int | None:
    """Points for a victory as the table's own columns of points tell; None where it has none."""
    roles: tuple[Role, Role] = ("home_points", "away_points")
    told = {parse_number(cell) for role in roles if table.has(role) for cell in table.column(role)} - {None}
    return next((win for win in (2, 3) if win in told and told <= {0.0, 1.0, win}), None)
