"""What we say about results, in the material's language. Answers come from the cells alone."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any


@dataclass(frozen=True)
class Asked:
    """Ways to ask for one kind of fact. Those of `test` never stand in training."""

    train: tuple[str, ...]
    test: tuple[str, ...]


@dataclass(frozen=True)
class ResultsWording:
    """Templates for `str.format`.

    units: one and many of what is counted. ordinal: of a place. across: the document of what is told
    over seasons. months: January to December, as dates name them.
    """

    season: str
    season_unfinished: str
    no_season: str
    season_line: str
    top_scorer_line: str
    most_scored_line: str
    fewest_conceded_line: str
    largest_win_line: str
    matches: str
    matches_of: str
    round: str
    day: str
    months: tuple[str, ...]
    ask_season: str
    ask_matches: str
    across: str
    place: str
    units: Mapping[str, tuple[str, str]]
    kinds: Mapping[str, Asked]

    def counted(self, unit: str, count: str) -> str:
        """`25 pontos`, `1 ponto`."""
        one, many = self.units[unit]
        return (one if count == "1" else many).format(count=count)

    def date(self, day: date) -> str:
        """`24 de agosto de 1963`."""
        return self.day.format(day=day.day, month=self.months[day.month - 1], year=day.year)


_BRAZILIAN_HEADINGS = frozenset(
    {"gol", "gols", "time", "times", "equipe", "equipes", "mandante", "rodada", "artilheiro", "placar", "colocacao"}
)
_BRAZILIAN = {
    "golos": "gols", "golo": "gol", "equipa": "equipe", "jornada": "rodada", "melhor marcador": "artilheiro",
}  # fmt: skip
_BRAZILIAN_WORD = re.compile(rf"\b(?:{'|'.join(_BRAZILIAN)})\b", re.IGNORECASE)


def for_headings(words: ResultsWording, headings: Collection[str]) -> ResultsWording:
    """The wording for a table with such folded headings: Brazilian where they are."""
    if not any(_BRAZILIAN_HEADINGS & set(heading.split()) for heading in headings):
        return words
    return replace(words, **{field.name: _brazilian(getattr(words, field.name)) for field in fields(words)})


def _brazilian(value: Any) -> Any:
    if isinstance(value, str):
        return _BRAZILIAN_WORD.sub(_translated, value)
    if isinstance(value, tuple):
        return tuple(_brazilian(one) for one in value)
    if isinstance(value, Asked):
        return Asked(_brazilian(value.train), _brazilian(value.test))
    return {key: _brazilian(one) for key, one in value.items()}


def _translated(match: re.Match[str]) -> str:
    word = _BRAZILIAN[match.group().lower()]
    return word[:1].upper() + word[1:] if match.group()[0].isupper() else word
