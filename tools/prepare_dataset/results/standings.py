"""Standings as a table gives them, season by season."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from tools.errors import printable
from tools.prepare_dataset.records import Record, number_reader
from tools.prepare_dataset.results.cells import parse_score
from tools.prepare_dataset.results.columns import Role
from tools.prepare_dataset.results.season import Line, Season
from tools.prepare_dataset.results.table import ResultsTable

_NUMBERS: tuple[Role, ...] = (
    "position", "points", "played", "wins", "draws", "losses", "scored", "conceded", "difference", "scorer_goals",
)  # fmt: skip
_WHOLE: frozenset[Role] = frozenset({"position", "played", "wins", "draws", "losses", "scored", "conceded"})
_ORDINAL = re.compile(r"(?<=\d)(?:[.ºª°]+[oa]?|st|nd|rd|th)$")
_FIX = "Write it in digits."


def read_standings(table: ResultsTable, file_season: str) -> list[Season]:
    """The seasons in the table's order; cells that are no number and names that are missing go to its errors.

    file_season: the season of all rows where the table has no column of them.
    """
    readers = {role: number_reader(table.column(role)) for role in _NUMBERS if table.has(role)}
    seasons: dict[tuple[str, str], Season] = {}
    for record in table.table.records:
        if _is_remark(record):
            told = "The row has one filled cell: it was read as a remark."
            table.warn("rows of one cell", record, "team", told, "Fill the row, or take it out of the table.")
            continue
        line = _line(table, record, readers)
        name = table.cell(record, "season") if table.has("season") else file_season
        if table.has("season") and not name and line is not None:
            table.error(record, "season", "The season is missing.", "Fill the cell.")
        elif line is not None:
            key = (name, table.cell(record, "competition"))
            season = seasons.setdefault(key, Season(*key))
            season.records.append(record)
            season.lines.append(line)
    found = list(seasons.values())
    name_competitions(found)
    for season in found:
        _put_in_order(season, positions=table.has("position"))
    return found


def name_competitions(seasons: list[Season]) -> None:
    """Where a table tells of one competition alone, it need not be named."""
    if len({season.competition for season in seasons}) == 1:
        for season in seasons:
            season.competition = ""


def _is_remark(record: Record) -> bool:
    """Whether a row of a wide table has one filled cell: a source, a legend."""
    return len(record.cells) > 3 and sum(bool(cell.strip()) for cell in record.cells) == 1


def _line(table: ResultsTable, record: Record, readers: Mapping[Role, Callable[[str], float | None]]) -> Line | None:
    numbers: dict[Role, float] = {}
    before = len(table.errors)
    for role, read in readers.items():
        cell = table.cell(record, role)
        value = read(_ORDINAL.sub("", cell) if role == "position" else cell)
        if value is not None and (role not in _WHOLE or value.is_integer()):
            numbers[role] = value
        elif cell or role in ("points", "position"):
            what = "is not a whole number" if value is not None else "is not a number" if cell else "is missing"
            heading = printable(table.heading(role), 40)
            table.error(record, role, f"The cell under `{heading}` {what}.", _FIX)
    _both_goals(table, record, numbers)
    team = table.cell(record, "team")
    if not team:
        table.error(record, "team", "The team's name is missing.", "Fill the cell.")
    if len(table.errors) > before:
        return None
    return Line(
        team=team,
        position=int(numbers.get("position", 0)),
        points=table.cell(record, "points"),
        numbers=numbers,
        rank=(-numbers.get("position", 0.0),),
        scorer=table.cell(record, "scorer"),
        line=record.line,
    )


def _both_goals(table: ResultsTable, record: Record, numbers: dict[Role, float]) -> None:
    """Goals for and against out of one cell, `30-18`."""
    cell = table.cell(record, "goals")
    if not cell:
        return
    goals = parse_score(cell)
    if goals is None:
        heading = printable(table.heading("goals"), 40)
        table.error(record, "goals", f"The cell under `{heading}` is not two numbers.", "Write it like `30-18`.")
    else:
        numbers["scored"], numbers["conceded"] = float(goals[0]), float(goals[1])


def _put_in_order(season: Season, *, positions: bool) -> None:
    """By the table's positions, else by points, goal difference and goals, as leagues do."""
    if positions:
        season.lines.sort(key=lambda line: line.position)
        return
    ranked = [replace(line, rank=rank_of(line.numbers)) for line in season.lines]
    season.lines = in_order(ranked)


def rank_of(numbers: Mapping[Role, float]) -> tuple[float, ...]:
    """What leagues order by: points, goal difference, goals."""
    scored, conceded = numbers.get("scored", 0.0), numbers.get("conceded", 0.0)
    known = "scored" in numbers and "conceded" in numbers
    difference = scored - conceded if known else numbers.get("difference", 0.0)
    return (numbers["points"], difference, scored)


def in_order(lines: list[Line]) -> list[Line]:
    """The lines from the first place to the last, numbered; those of equal rank by name."""
    lines = sorted(lines, key=lambda line: line.team.casefold())
    lines.sort(key=lambda line: line.rank, reverse=True)
    return [replace(line, position=number) for number, line in enumerate(lines, 1)]
