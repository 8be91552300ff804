"""The nouns of results: a match, a team's line in the standings, a season."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from tools.prepare_dataset.records import Record
from tools.prepare_dataset.results.cells import season_years
from tools.prepare_dataset.results.columns import Role


@dataclass(frozen=True)
class Match:
    """One match. Goals are None where it was not played; date None, round "" where the table tells none."""

    record: Record
    home: str
    away: str
    home_goals: int | None
    away_goals: int | None
    date: date | None
    round: str

    @property
    def played(self) -> bool:
        return self.home_goals is not None

    @property
    def score(self) -> tuple[int, int]:
        """Goals of the two, home first, of a match that was played."""
        return (self.home_goals or 0, self.away_goals or 0)

    @property
    def winner(self) -> str | None:
        """None for a draw."""
        home, away = self.score
        return None if home == away else self.home if home > away else self.away


@dataclass(frozen=True)
class Line:
    """One team in one season.

    points: as the table writes them. numbers: by role, as far as they are known. rank: what the order
    goes by, the higher the better; equal ranks share a place. left: matches still to be played.
    line: of the table; 0 where the line was counted from matches.
    """

    team: str
    position: int
    points: str
    numbers: Mapping[Role, float]
    rank: tuple[float, ...]
    scorer: str = ""
    left: int = 0
    line: int = 0

    @property
    def points_value(self) -> float:
        return self.numbers["points"]


@dataclass
class Season:
    """A season of one competition, its lines in the order of the standings.

    name: "" where the table tells none; competition: "" where it tells none or one alone. records:
    its rows. matches: of a match list, played or not. counted: the lines were counted from matches,
    `win` points for a victory. label: told beside the name where another league has such a season too.
    document: of the rows, where that is another table's.
    """

    name: str
    competition: str = ""
    records: list[Record] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    matches: list[Match] = field(default_factory=list)
    counted: bool = False
    win: int = 3
    label: str = ""
    document: str = ""

    @property
    def start(self) -> int:
        return min(record.start for record in self.records)

    @property
    def end(self) -> int:
        return max(record.end for record in self.records)

    @property
    def years(self) -> tuple[int, int] | None:
        return season_years(self.name)

    @property
    def rows(self) -> list[int]:
        """The lines of the table that it rests on."""
        return [record.line for record in self.records]

    @property
    def teams(self) -> set[str]:
        if self.lines:
            return {line.team for line in self.lines}
        return {team for match in self.matches for team in (match.home, match.away)}

    @property
    def over(self) -> bool:
        return not any(line.left for line in self.lines)

    def has_distinct_teams(self) -> bool:
        return len({line.team.casefold() for line in self.lines}) == len(self.lines)

    def is_sure(self, line: Line) -> bool:
        """Whether nobody shares a team's place, and no match to come can change it."""
        return all(self._apart(line, other) for other in self.lines if other is not line)

    def _apart(self, one: Line, other: Line) -> bool:
        upper, lower = (one, other) if one.position < other.position else (other, one)
        if not upper.left and not lower.left:
            return upper.rank != lower.rank
        return upper.points_value > lower.points_value + self.win * lower.left
