"""Where a text is cut into pieces of about equal size: between sections best, within a word only when nothing else is.

Every place where a cut is allowed has a cost, every piece one for how far its size is from the even
one; the cuts with the least cost of all are found by dynamic programming, as Knuth and Plass break a
paragraph into lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from tools.prepare_dataset.headings import is_heading
from tools.prepare_dataset.sentences import (
    LINE_STOPS,
    Border,
    begins_an_item,
    character_borders,
    clause_borders,
    ends_an_item,
    every_border,
    line_borders,
    sentence_borders,
    tears_a_line,
    word_borders,
)

# (end of what precedes, start of what follows, cost)
Break = tuple[int, int, int]

# A piece that is a tenth too long or too short costs 10,000, one of half the size 250,000.
_SCALE = 1000
_SECTION = 0
_PARAGRAPH = 30_000
_LINE = 60_000
_SENTENCE = 100_000
_LOOSE_LINE = 120_000  # of verse, a table or code
_CLAUSE = 400_000
_WORD = 800_000
_CHARACTER = 3_000_000
_CODE_POINT = 9_000_000
# On top, for a cut after a heading, a line that announces what follows, or what may be either.
_AFTER_HEADING = 1_000_000
_AFTER_COLON = 300_000
_AFTER_TITLE = 200_000

_GAP = re.compile(r"(?<=\S)\s*\n[ \t]*\n\s*")
_RULE = re.compile(r"[-=_~*•#\s]{3,}")
_TITLE_LENGTH = 80
# Candidates kept for a piece of the greatest size.
_CANDIDATES = 32


class Layout:
    """A text and the tokens in it. ends: the character at which each token ends, ascending."""

    def __init__(self, text: str, ends: np.ndarray) -> None:
        self.text, self._ends = text, ends
        self.tokens = len(ends)

    def pieces(self, even: int, room: int) -> list[Border]:
        """Start and end of pieces of about `even` tokens, at most `room` (16 or more), blanks between them left out.

        Sizes are sums over the text's tokens: a piece by itself may have one or two more or less.
        """
        breaks = self._thinned(self._breaks(room), max(1, room // _CANDIDATES))
        chosen = self._cheapest(breaks, even, room)
        starts, ends = [0, *(after for _, after, _ in chosen)], [*(before for before, _, _ in chosen), len(self.text)]
        return list(zip(starts, ends, strict=True))

    def last_sentences(self, piece: Border, most: int) -> list[int]:
        """Where sentences of a piece start that reach to its end with at most so many tokens, the longest way first."""
        start, end = piece
        reach = int(self._before([end])[0]) - most
        start = max(start, int(self._ends[reach - 1])) if reach > 0 else start
        found = {after for _, after in sentence_borders(self.text, start, end)}
        lines = line_borders(self.text, start, end)
        found.update(border[1] for border in lines if not tears_a_line(self.text, border))
        return sorted(found)

    def _before(self, positions: Sequence[int]) -> np.ndarray:
        return np.searchsorted(self._ends, positions, side="right")

    def _breaks(self, room: int) -> list[Break]:
        """Breaks of the coarsest kinds that leave no stretch between them that is too long."""
        breaks = list(_paragraph_breaks(self.text))
        for finder, longest in (
            (_sentence_breaks, room // 8),
            (_priced(clause_borders, _CLAUSE), room // 2),
            (_priced(word_borders, _WORD), room // 2),
            (_priced(character_borders, _CHARACTER), room // 2),
            (_priced(every_border, _CODE_POINT), room // 2),
        ):
            starts, ends = [0, *(b[1] for b in breaks)], [*(b[0] for b in breaks), len(self.text)]
            too_long = np.flatnonzero(self._before(ends) - self._before(starts) > longest)
            if not len(too_long):
                continue
            for index in too_long:
                breaks += finder(self.text, starts[index], ends[index])
            breaks.sort()
        return breaks

    def _thinned(self, breaks: list[Break], cell: int) -> list[Break]:
        """The cheapest break of each cell of so many tokens."""
        if cell == 1:
            return breaks
        best: dict[int, Break] = {}
        for place, one in zip((self._before([b[0] for b in breaks]) // cell).tolist(), breaks, strict=True):
            if place not in best or one[2] < best[place][2]:
                best[place] = one
        return list(best.values())

    def _cheapest(self, breaks: list[Break], even: int, room: int) -> list[Break]:
        starts = np.concatenate(([0], self._before([b[1] for b in breaks]))).astype(np.int64)
        ends = np.concatenate((self._before([b[0] for b in breaks]), [self.tokens])).astype(np.int64)
        costs = [*(cost for _, _, cost in breaks), 0]
        best = np.zeros(len(breaks) + 2, np.int64)  # cost of all pieces before the one that starts at each break
        came_from = [0] * (len(breaks) + 2)
        first = np.minimum(np.searchsorted(starts, ends - room), np.arange(len(ends))).tolist()
        for last, end in enumerate(ends.tolist()):
            low = first[last]
            off = (end - starts[low : last + 1] - even) * _SCALE // even
            total = best[low : last + 1] + off * off
            at = int(total.argmin())
            best[last + 1] = total[at] + costs[last]
            came_from[last + 1] = low + at
        chosen = []
        at = came_from[len(breaks) + 1]
        while at:
            chosen.append(breaks[at - 1])
            at = came_from[at]
        return chosen[::-1]


def _priced(
    borders: Callable[[str, int, int], Iterator[Border]], cost: int
) -> Callable[[str, int, int], Iterator[Break]]:
    def priced(text: str, start: int, end: int) -> Iterator[Break]:
        return ((before, after, cost) for before, after in borders(text, start, end))

    return priced


def _paragraph_breaks(text: str) -> Iterator[Break]:
    gaps = [gap.span() for gap in _GAP.finditer(text) if gap.start() and gap.end() < len(text)]
    ends = [*(before for before, _ in gaps), len(text)]
    above = text[: ends[0]]
    after_heading = is_heading(above)
    for (before, after), end in zip(gaps, ends[1:], strict=True):
        below = text[after:end]
        before_heading = is_heading(below)
        yield before, after, _between(above, below, after_heading, before_heading)
        above, after_heading = below, before_heading


def _between(above: str, below: str, after_heading: bool, before_heading: bool) -> int:
    """The cost of a cut between two paragraphs."""
    if _RULE.fullmatch(above):
        return _SECTION
    if after_heading:
        return _PARAGRAPH + _AFTER_HEADING
    if before_heading:
        return _SECTION
    if above.endswith(":"):
        return _PARAGRAPH + _AFTER_COLON
    if (
        len(above) <= _TITLE_LENGTH
        and above[-1] not in LINE_STOPS
        and "\n" not in above
        and not begins_an_item(above, 0)
    ):
        return _PARAGRAPH + _AFTER_TITLE
    return _PARAGRAPH if _RULE.fullmatch(below) is None else _LINE


def _sentence_breaks(text: str, start: int, end: int) -> Iterator[Break]:
    """Breaks between the sentences and lines of a paragraph."""
    found = dict.fromkeys(sentence_borders(text, start, end), _SENTENCE)
    for border in line_borders(text, start, end):
        found[border] = _line_cost(text, border)
    return ((before, after, cost) for (before, after), cost in found.items())


def _line_cost(text: str, border: Border) -> int:
    if tears_a_line(text, border):
        return _CLAUSE
    if text[border[0] - 1] == ":":
        return _LINE + _AFTER_COLON
    return _LINE if ends_an_item(text, border) else _LOOSE_LINE
