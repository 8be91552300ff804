"""What can be asked of one season, each answer computed from the cells. A place that teams share is not asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tools.prepare_dataset.results.columns import Role
from tools.prepare_dataset.results.picking import one_of, some
from tools.prepare_dataset.results.season import Line, Match, Season
from tools.prepare_dataset.results.table import ResultsTable
from tools.prepare_dataset.results.wording import ResultsWording

MATCH_ROLES: tuple[Role, ...] = ("home", "away", "home_goals", "away_goals", "score")
RANKED_BY: tuple[Role, ...] = ("points", "scored", "conceded", "goals", "difference")
_COUNTED: tuple[tuple[Role, str], ...] = (
    ("wins", "wins"), ("draws", "draws"), ("losses", "losses"), ("scored", "goals"), ("conceded", "goals"),
)  # fmt: skip
_POINTS, _PLACES, _COUNTS, _TEAM_SCORERS, _WINNERS, _SCORES = 3, 1, 1, 2, 1, 2


@dataclass(frozen=True)
class Fact:
    """One thing to ask.

    kind: of `ResultsWording.kinds`. values: what the question names. cells: what the answer is computed
    from. span: the characters that hold them, None for all of the season's. rests_on: the documents of
    several seasons, for a fact that compares them.
    """

    kind: str
    values: Mapping[str, str]
    answer: str
    aliases: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    span: tuple[int, int] | None = None
    rests_on: tuple[str, ...] = ()


def season_facts(table: ResultsTable, season: Season, words: ResultsWording) -> Iterator[Fact]:
    """The facts that are asked of a season: a dozen, whatever its size."""
    if season.lines and season.has_distinct_teams():
        yield from _places(table, season, words)
        yield from _numbers(table, season, words)
        yield from _scorers(table, season)
    if season.matches:
        yield from _matches(table, season)


def basis(table: ResultsTable, season: Season, lines: Sequence[Line], *roles: Role) -> tuple[str, ...]:
    """The cells of these lines; where they were counted from matches, those of the season's matches."""
    if season.counted:
        return table.cells(season.rows, *MATCH_ROLES)
    return table.cells([line.line for line in lines], *roles)


def place_basis(table: ResultsTable, season: Season, line: Line) -> tuple[str, ...]:
    """The cells that tell a team's place: its position, or the points and goals of all."""
    if season.counted or table.has("position"):
        return basis(table, season, [line], "team", "position")
    return (*basis(table, season, [line], "team"), *basis(table, season, season.lines, *RANKED_BY))


def points_of(line: Line, words: ResultsWording) -> tuple[str, tuple[str, ...]]:
    """The answer that tells a line's points, and its other form."""
    return words.counted("points", line.points), (line.points,)


def plain(number: float) -> str:
    return str(int(number)) if number.is_integer() else str(number).replace(".", ",")


def _places(table: ResultsTable, season: Season, words: ResultsWording) -> Iterator[Fact]:
    lines = season.lines
    if len(lines) < 2:
        return
    asked = {"champion": lines[0], "last": lines[-1]}
    if len(lines) > 2:
        asked["runner_up"] = lines[1]
    for kind, line in asked.items():
        if season.is_sure(line):
            yield Fact(kind, {}, line.team, (), place_basis(table, season, line))
    first, second = lines[0], lines[1]
    if season.is_sure(first) and not first.left and not second.left:
        gap = plain(abs(first.points_value - second.points_value))
        cells = basis(table, season, [first, second], "team", "points")
        yield Fact(
            "difference", {"first": first.team, "second": second.team}, words.counted("points", gap), (gap,), cells
        )
    between = [line for line in lines[1:-1] if season.is_sure(line)]
    for line in _some(between, _PLACES, season, "position"):
        place = str(line.position)
        aliases = (place, f"{place}.º", f"{place}º")
        cells = place_basis(table, season, line)
        yield Fact("position", {"team": line.team}, words.place.format(place=place), aliases, cells)


def _numbers(table: ResultsTable, season: Season, words: ResultsWording) -> Iterator[Fact]:
    final = [line for line in season.lines if not line.left]
    for line in _some(final, _POINTS, season, "points"):
        yield Fact(
            "points", {"team": line.team}, *points_of(line, words), basis(table, season, [line], "team", "points")
        )
    known = [(role, unit) for role, unit in _COUNTED if final and all(role in line.numbers for line in final)]
    if known:
        role, unit = one_of(known, season.name, "count")
        for line in _some(final, _COUNTS, season, role):
            number = plain(line.numbers[role])
            cells = basis(table, season, [line], "team", role, "goals")
            yield Fact(role, {"team": line.team}, words.counted(unit, number), (number,), cells)
    extremes = [(kind, role, line) for kind, role, line in goal_extremes(season) if line is not None]
    if extremes:
        kind, role, line = one_of(extremes, season.name, "extreme")
        cells = basis(table, season, season.lines, "team", role, "goals")
        yield Fact(kind, {}, line.team, (), cells)


def goal_extremes(season: Season) -> list[tuple[str, Role, Line | None]]:
    """The teams with the most and the fewest goals for and against; None where several share that."""
    if len(season.lines) < 2 or not season.over:
        return []
    kinds: tuple[tuple[str, Role, bool], ...] = (
        ("most_scored", "scored", True),
        ("fewest_scored", "scored", False),
        ("most_conceded", "conceded", True),
        ("fewest_conceded", "conceded", False),
    )
    return [(kind, role, _extreme(season.lines, role, most=most)) for kind, role, most in kinds]


def _extreme(lines: Sequence[Line], role: Role, *, most: bool) -> Line | None:
    if not all(role in line.numbers for line in lines):
        return None
    value = (max if most else min)(line.numbers[role] for line in lines)
    found = [line for line in lines if line.numbers[role] == value]
    return found[0] if len(found) == 1 else None


def _scorers(table: ResultsTable, season: Season) -> Iterator[Fact]:
    top = top_scorer(season)
    if top is not None:
        yield Fact("top_scorer", {}, top[0], (), basis(table, season, season.lines, "scorer", "scorer_goals"))
    told = [line for line in season.lines if line.scorer]
    if len({line.scorer for line in told}) > 1:
        for line in _some(told, _TEAM_SCORERS, season, "team_scorer"):
            yield Fact(
                "team_scorer", {"team": line.team}, line.scorer, (), basis(table, season, [line], "team", "scorer")
            )


def top_scorer(season: Season) -> tuple[str, str | None] | None:
    """The season's top scorer and goals: the most goals where each team tells its own, or the only one told.

    None when nobody is told, or several share the place.
    """
    told = [line for line in season.lines if line.scorer]
    if not told:
        return None
    if all("scorer_goals" in line.numbers for line in told):
        most = max(line.numbers["scorer_goals"] for line in told)
        best = {line.scorer for line in told if line.numbers["scorer_goals"] == most}
        return (best.pop(), plain(most)) if len(best) == 1 else None
    only = {line.scorer for line in told}
    return (only.pop(), None) if len(only) == 1 else None


def _matches(table: ResultsTable, season: Season) -> Iterator[Fact]:
    """Some matches of two teams that met only once on that ground."""
    times = Counter((match.home, match.away) for match in season.matches)
    once = [match for match in season.matches if match.played and times[match.home, match.away] == 1]

    def name(match: Match) -> str:
        return f"{match.home}\0{match.away}"

    for match in some([m for m in once if m.winner], _WINNERS, name, season.name, "winner"):
        yield _match_fact("winner", table, match, match.winner or "")
    for match in some(once, _SCORES, name, season.name, "score"):
        home, away = match.score
        yield _match_fact(
            "score", table, match, f"{home}-{away}", f"{home} - {away}", f"{home}:{away}", f"{home} x {away}"
        )


def _match_fact(kind: str, table: ResultsTable, match: Match, answer: str, *aliases: str) -> Fact:
    cells = table.cells([match.record.line], *MATCH_ROLES)
    span = (match.record.start, match.record.end)
    return Fact(kind, {"home": match.home, "away": match.away}, answer, aliases, cells, span)


def _some(lines: Sequence[Line], count: int, season: Season, purpose: str) -> list[Line]:
    return some(lines, count, lambda line: line.team, season.name, purpose)
