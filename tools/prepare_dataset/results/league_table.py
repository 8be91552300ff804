"""Standings counted from matches: who leads, and who could still."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from statistics import median

from tools.prepare_dataset.records import plain_letters
from tools.prepare_dataset.results.columns import Role
from tools.prepare_dataset.results.season import Line, Match, Season
from tools.prepare_dataset.results.standings import in_order, rank_of

DEFAULT_WIN = 3
_KNOCKOUT = re.compile(
    r"\b(?:final|finais|meias?|semi|quartos|oitavos|oitavas|avos|quarter|last \d+|round of|eliminatoria|play-?off)"
)


def is_league(season: Season) -> bool:
    """Whether all play about as often: neither a knock-out cup nor the matches of one club."""
    if any(_KNOCKOUT.search(plain_letters(match.round)) for match in season.matches):
        return False
    games = Counter(team for match in season.matches for team in (match.home, match.away))
    return len(games) > 2 and max(games.values()) <= 2 * median(games.values())


def count(season: Season, win: int) -> None:
    """Fill in the standings: `win` points for a victory, one for a draw.

    Teams that have fewer rows than others have matches left, as those have whose matches are not played.
    """
    season.win = win
    totals = {team: _numbers(games, team, win) for team, games in _by_team(season).items()}
    rows = Counter(team for match in season.matches for team in (match.home, match.away))
    most = max(rows.values())
    lines = [
        Line(
            team=team,
            position=0,
            points=str(int(numbers["points"])),
            numbers=numbers,
            rank=rank_of(numbers),
            left=most - int(numbers["played"]),
        )
        for team, numbers in totals.items()
    ]
    season.lines = in_order(lines)


def _by_team(season: Season) -> dict[str, list[Match]]:
    """The played matches of every team that has any row."""
    games: dict[str, list[Match]] = defaultdict(list)
    for match in season.matches:
        for team in (match.home, match.away):
            games[team] += [match] if match.played else []
    return games


def _numbers(games: list[Match], team: str, win: int) -> Mapping[Role, float]:
    wins = sum(match.winner == team for match in games)
    draws = sum(match.winner is None for match in games)
    scored = sum(match.score[match.home != team] for match in games)
    conceded = sum(match.score[match.home == team] for match in games)
    return {
        "points": float(win * wins + draws),
        "played": float(len(games)),
        "wins": float(wins),
        "draws": float(draws),
        "losses": float(len(games) - wins - draws),
        "scored": float(scored),
        "conceded": float(conceded),
    }
