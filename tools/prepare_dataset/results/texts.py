"""Seasons as text: the standings in the guide's form, and the matches round by round."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import groupby

from tools.prepare_dataset.results.columns import Role
from tools.prepare_dataset.results.facts import goal_extremes, plain, top_scorer
from tools.prepare_dataset.results.season import Line, Match, Season
from tools.prepare_dataset.results.wording import ResultsWording


def standings_text(season: Season, words: ResultsWording) -> str:
    """`1. Team - 25 points` a line; what was counted from matches tells of goals too; the top scorer last."""
    lines = [words.season_line.format(position=x.position, team=x.team, points=x.points) for x in season.lines]
    if season.counted:
        lines += _goals(season, words)
    top = top_scorer(season)
    if top is not None:
        scorer, goals = top
        told = f"{scorer} ({words.counted('goals', goals)})" if goals is not None else scorer
        lines.append(words.top_scorer_line.format(scorer=told))
    return "\n".join(lines)


def _goals(season: Season, words: ResultsWording) -> list[str]:
    templates = {"most_scored": words.most_scored_line, "fewest_conceded": words.fewest_conceded_line}
    lines = [
        templates[kind].format(team=line.team, goals=_count(line, role, words))
        for kind, role, line in goal_extremes(season)
        if line is not None and kind in templates
    ]
    played = [match for match in season.matches if match.played]
    widest = max((abs(match.score[0] - match.score[1]) for match in played), default=0)
    largest = [match for match in played if abs(match.score[0] - match.score[1]) == widest]
    if widest and len(largest) == 1 and season.over:
        lines.append(words.largest_win_line.format(match=match_line(largest[0])))
    return lines


def _count(line: Line, role: Role, words: ResultsWording) -> str:
    return words.counted("goals", plain(line.numbers[role]))


def match_line(match: Match) -> str:
    """`Home 2-1 Away`."""
    return f"{match.home} {match.score[0]}-{match.score[1]} {match.away}"


def matches_text(season: Season, words: ResultsWording) -> str:
    """The played matches, those of one round and day under one heading."""
    blocks = []
    for (name, day), matches in groupby(_in_order(season.matches), key=lambda match: (match.round, match.date)):
        heading = ", ".join(part for part in (_round(name, words), words.date(day) if day else "") if part)
        blocks.append("\n".join([*([f"{heading}:"] if heading else []), *map(match_line, matches)]))
    return "\n\n".join(blocks)


def _in_order(matches: Sequence[Match]) -> list[Match]:
    """Round by round, numbered rounds by their numbers, and day by day."""
    played = [match for match in matches if match.played]
    names = list(dict.fromkeys(match.round for match in played))
    if all(name.isdecimal() for name in names):
        names.sort(key=int)
    places = {name: place for place, name in enumerate(names)}
    return sorted(played, key=lambda match: (places[match.round], match.date or date.min, match.record.line))


def _round(name: str, words: ResultsWording) -> str:
    """`Jornada 3`; a round that is no number is called as the table calls it."""
    return words.round.format(round=name) if name.isdecimal() else name
