"""What the exchanges and questions of a table ask, told from their words alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from tests.prepare_dataset.support import source
from tools.prepare_dataset.material import Exchange, Parsed, Passage
from tools.prepare_dataset.results.wording import ResultsWording, for_headings
from tools.prepare_dataset.tables import parse_tables
from tools.prepare_dataset.wording import wording

Language = Literal["pt", "en"]


@dataclass(frozen=True)
class Asking:
    """One question. values: what it names, sorted by the name of the blank."""

    kind: str
    values: tuple[tuple[str, str], ...]
    answer: str
    cells: tuple[str, ...]
    rests_on: tuple[str, ...] = ()

    def __getitem__(self, blank: str) -> str:
        return dict(self.values)[blank]


def parse(text: str, name: str = "liga.csv", language: Language = "pt") -> Parsed:
    """One table alone."""
    return parse_tables([source(name, text, "table")], wording(language))[0]


def asked(parsed: Parsed, language: Language = "pt") -> list[Asking]:
    """What training asks."""
    return [
        _asking("train", unit.messages[0]["content"], unit.messages[1]["content"], unit.cells, unit.rests_on, language)
        for unit in parsed.units
        if isinstance(unit, Exchange)
    ]


def kept(parsed: Parsed, language: Language = "pt") -> list[Asking]:
    """What is kept for evaluation."""
    return [_asking("test", ask.question, ask.answer, ask.cells, ask.rests_on, language) for ask in parsed.questions]


def answers(parsed: Parsed, language: Language = "pt") -> dict[tuple[str, ...], str]:
    """The answers of training by kind and what is named: `("points", "2004", "A")`."""
    return {(one.kind, *(value for _, value in one.values)): one.answer for one in asked(parsed, language)}


def texts(parsed: Parsed) -> list[Passage]:
    return [unit for unit in parsed.units if isinstance(unit, Passage)]


def _asking(
    use: str, question: str, answer: str, cells: tuple[str, ...], rests_on: tuple[str, ...], language: Language
) -> Asking:
    for kind, pattern in _patterns(use, language):
        match = pattern.fullmatch(question)
        if match is not None:
            return Asking(kind, tuple(sorted(match.groupdict().items())), answer, cells, rests_on)
    raise AssertionError(f"no known question: {question}")


@cache
def _patterns(use: str, language: Language) -> list[tuple[str, re.Pattern[str]]]:
    words = wording(language).results
    both = (words, for_headings(words, ["gols"]))
    return [(kind, pattern) for one in both for kind, pattern in _of_wording(one, use)]


def _of_wording(words: ResultsWording, use: str) -> list[tuple[str, re.Pattern[str]]]:
    """Patterns for the templates; where several blanks are open, the longer literal text decides."""
    found = [(kind, template) for kind, told in words.kinds.items() for template in getattr(told, use)]
    found.sort(key=lambda pair: -len(re.sub(r"{\w+}", "", pair[1])))
    return [(kind, re.compile(_as_pattern(template))) for kind, template in found]


def _as_pattern(template: str) -> str:
    seen: set[str] = set()
    parts = []
    for part in re.split(r"({\w+})", template):
        blank = part[1:-1]
        if not part.startswith("{"):
            parts.append(re.escape(part))
        elif blank in seen:
            parts.append(f"(?P={blank})")
        else:
            seen.add(blank)
            parts.append(f"(?P<{blank}>.+?)")
    return "".join(parts)
