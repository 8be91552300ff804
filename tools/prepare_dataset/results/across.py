"""What can be asked of several seasons together.

Every question names the seasons that it compares, so that it stays true when others are added to the
table, and so that it can be left out where one of them is held out of training.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

from tools.prepare_dataset.results.columns import Role
from tools.prepare_dataset.results.facts import MATCH_ROLES, RANKED_BY, Fact, points_of
from tools.prepare_dataset.results.picking import chance, some
from tools.prepare_dataset.results.season import Line, Season
from tools.prepare_dataset.results.table import ResultsTable
from tools.prepare_dataset.results.wording import ResultsWording

# Seasons in a row that are looked at together, besides all of them.
_STRETCHES = (3, 5)


class Across:
    """The facts over the seasons of one competition. document: the name of a season's document."""

    def __init__(
        self, table: ResultsTable, seasons: Sequence[Season], document: Callable[[Season], str], words: ResultsWording
    ) -> None:
        dated = [(years, season) for season in seasons if (years := season.years) and season.has_distinct_teams()]
        self._years = {season.name: years for years, season in dated}
        self._seasons = [season for _, season in sorted(dated, key=lambda pair: pair[0]) if season.lines]
        self._table, self._document, self._words = table, document, words
        self._champions = {season.name: _champion(season) for season in self._seasons}
        self._points = {season.name: _final_points(season) for season in self._seasons}

    def facts(self) -> Iterator[Fact]:
        """Two or three a season, and a few over each run of seasons without a gap."""
        yield from self._of_two()
        for run in self._runs():
            yield from self._again(run)
            for length in _STRETCHES:
                for start in range(len(run) - length + 1):
                    yield from self._stretch(run[start : start + length], 1)
            if len(run) > max(_STRETCHES):
                yield from self._stretch(run, len(_KINDS))

    def _runs(self) -> list[list[Season]]:
        """The seasons in order, parted where one is missing."""
        runs: list[list[Season]] = []
        for season in self._seasons:
            if runs and self._years[season.name][0] == self._years[runs[-1][-1].name][0] + 1:
                runs[-1].append(season)
            else:
                runs.append([season])
        return runs

    def _of_two(self) -> Iterator[Fact]:
        """A team's better season of two, the second with any before it."""
        for index, season in enumerate(self._seasons):
            for team in some(self._points[season.name], 1, str, season.name, "of two"):
                now = self._points[season.name][team]
                others = [
                    (other, line)
                    for other in self._seasons[:index]
                    if (line := self._points[other.name].get(team)) and line.points_value != now.points_value
                ]
                for other, then in some(others, 1, lambda pair: pair[0].name, season.name, team):
                    better = season if now.points_value > then.points_value else other
                    values = {"one": other.name, "other": season.name, "team": team}
                    picked = [(other, then), (season, now)]
                    yield self._fact("season_of_two", values, better.name, (), picked, "points")

    def _again(self, run: Sequence[Season]) -> Iterator[Fact]:
        """Champions of two seasons in a row."""
        for before, after in pairwise(run):
            first, second = self._champions[before.name], self._champions[after.name]
            if first and second and first.team == second.team:
                values = {"first": before.name, "last": after.name}
                yield self._fact("again", values, first.team, (), [(before, first), (after, second)], "position")

    def _stretch(self, seasons: Sequence[Season], count: int) -> Iterator[Fact]:
        """At most `count` facts of different kinds over seasons in a row, the kinds drawn."""
        told = 0
        for kind in sorted(_KINDS, key=lambda kind: chance(_name(seasons), kind)):
            fact = _KINDS[kind](self, seasons) if told < count else None
            if fact is not None:
                told += 1
                yield fact

    def _titles(self, seasons: Sequence[Season]) -> Fact | None:
        won = self._won(seasons)
        if won is None:
            return None
        (team,) = some(sorted(won), 1, str, _name(seasons), "titles")
        return self._of_champions("titles", seasons, {"team": team}, str(won[team]))

    def _more_titles(self, seasons: Sequence[Season]) -> Fact | None:
        won = self._won(seasons) or Counter()
        pairs = [(a, b) for a in sorted(won) for b in sorted(won) if a < b and won[a] != won[b]]
        for one, other in some(pairs, 1, "\0".join, _name(seasons), "more titles"):
            more = one if won[one] > won[other] else other
            return self._of_champions("more_titles", seasons, {"one": one, "other": other}, more)
        return None

    def _won(self, seasons: Sequence[Season]) -> Counter[str] | None:
        """Titles by team; None where one of the champions is not known for sure."""
        champions = [self._champions[season.name] for season in seasons]
        known = [line.team for line in champions if line is not None]
        return Counter(known) if len(known) == len(champions) else None

    def _of_champions(self, kind: str, seasons: Sequence[Season], values: Mapping[str, str], answer: str) -> Fact:
        picked = [(season, line) for season in seasons if (line := self._champions[season.name])]
        return self._fact(kind, {**values, **_ends(seasons)}, answer, (), picked, "position")

    def _best(self, seasons: Sequence[Season]) -> tuple[list[tuple[Season, Line]], list[tuple[Season, Line]]]:
        """All lines of the seasons and those with the most points; none where a season is not over."""
        if not all(season.over for season in seasons):
            return [], []
        lines = [(season, line) for season in seasons for line in season.lines]
        most = max(line.points_value for _, line in lines)
        return lines, [(season, line) for season, line in lines if line.points_value == most]

    def _best_points(self, seasons: Sequence[Season]) -> Fact | None:
        lines, best = self._best(seasons)
        if not best:
            return None
        answer, aliases = points_of(best[0][1], self._words)
        return self._fact("best_points", _ends(seasons), answer, aliases, lines, "points")

    def _best_team(self, seasons: Sequence[Season]) -> Fact | None:
        lines, best = self._best(seasons)
        if len({line.team for _, line in best}) != 1:
            return None
        return self._fact("best_team", _ends(seasons), best[0][1].team, (), lines, "points")

    def _best_season(self, seasons: Sequence[Season]) -> Fact | None:
        always = set.intersection(*(set(self._points[season.name]) for season in seasons))
        for team in some(sorted(always), 1, str, _name(seasons), "best season"):
            picked = [(season, self._points[season.name][team]) for season in seasons]
            most = max(line.points_value for _, line in picked)
            best = [season for season, line in picked if line.points_value == most]
            if len(best) == 1:
                return self._fact("best_season", {"team": team, **_ends(seasons)}, best[0].name, (), picked, "points")
        return None

    def _fact(
        self,
        kind: str,
        values: Mapping[str, str],
        answer: str,
        aliases: tuple[str, ...],
        picked: Sequence[tuple[Season, Line]],
        role: Role,
    ) -> Fact:
        seasons = {season.name: season for season, _ in picked}.values()
        if any(season.counted for season in seasons):
            cells = self._table.cells([line for season in seasons for line in season.rows], *MATCH_ROLES)
        elif role == "position" and not self._table.has("position"):
            lines = [line.line for season in seasons for line in season.lines]
            cells = self._table.cells(lines, "team", *RANKED_BY)
        else:
            cells = self._table.cells([line.line for _, line in picked], "team", role)
        span = min(season.start for season in seasons), max(season.end for season in seasons)
        return Fact(kind, values, answer, aliases, cells, span, tuple(self._document(season) for season in seasons))


_KINDS: Mapping[str, Callable[[Across, Sequence[Season]], Fact | None]] = {
    "titles": Across._titles,
    "more_titles": Across._more_titles,
    "best_points": Across._best_points,
    "best_team": Across._best_team,
    "best_season": Across._best_season,
}


def _champion(season: Season) -> Line | None:
    first = season.lines[0]
    return first if len(season.lines) > 1 and season.is_sure(first) else None


def _final_points(season: Season) -> dict[str, Line]:
    return {line.team: line for line in season.lines if not line.left}


def _ends(seasons: Sequence[Season]) -> dict[str, str]:
    return {"first": seasons[0].name, "last": seasons[-1].name}


def _name(seasons: Sequence[Season]) -> str:
    return f"{seasons[0].name}\0{seasons[-1].name}"
