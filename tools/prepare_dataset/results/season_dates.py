"""The seasons of matches that tell only their dates: parted in the long pause between them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from tools.prepare_dataset.results.cells import season_name

# The pause is looked for between the first two (month, day); without one, a season starts on the third.
_SUMMER = ((6, 1), (10, 1), (7, 1))
_WINTER = ((12, 1), (4, 1), (1, 1))
_SHORTEST_PAUSE = timedelta(days=14)
# So few days within so long tell nothing of a pause.
_FEW, _ONE_SEASON = 8, timedelta(days=300)


@dataclass(frozen=True)
class SeasonCuts:
    """The first day of each season and its name, in order."""

    starts: Sequence[date]
    names: Sequence[str]

    def name_of(self, day: date) -> str:
        return self.names[max(0, bisect_right(self.starts, day) - 1)]


def cut_seasons(days: Iterable[date]) -> SeasonCuts:
    """The seasons of the matches' days.

    Seasons that run from summer to summer are parted in the longest pause between June and September;
    where fewer matches are played in December and January than in June and July, in the one around New Year.
    A few days close together are one season.
    """
    listed = list(days)
    ordered = sorted(set(listed))
    if len(ordered) < _FEW and ordered[-1] - ordered[0] <= _ONE_SEASON:
        return SeasonCuts([ordered[0]], [season_name((ordered[0].year, ordered[-1].year))])
    summer = sum(day.month in (6, 7) for day in listed)
    winter = sum(day.month in (12, 1) for day in listed)
    in_summer = summer <= winter
    starts, names = [], []
    for year in range(ordered[0].year - 1, ordered[-1].year + 1):
        start = _start(ordered, year, in_summer=in_summer)
        starts.append(start)
        names.append(season_name((year, year + 1) if in_summer else (year, year)))
    return SeasonCuts(starts, names)


def _start(ordered: Sequence[date], year: int, *, in_summer: bool) -> date:
    """The first day after the longest pause at the start of a year's season."""
    earliest, latest, usual = _SUMMER if in_summer else _WINTER
    first = date(year if in_summer else year - 1, *earliest)
    last = date(year, *latest)
    inside = ordered[max(0, bisect_right(ordered, first) - 1) : bisect_right(ordered, last) + 1]
    # A pause counts as far as it lies in these days: the spring of 2020 was no summer.
    pauses = [(min(after, last) - max(before, first), min(after, last)) for before, after in pairwise(inside)]
    longest = max((length for length, _ in pauses), default=timedelta(0))
    if longest < _SHORTEST_PAUSE:
        return date(year, *usual)
    return next(after for length, after in pauses if length == longest)
