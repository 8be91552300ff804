"""Rows made anew without some of their characters, each still traced to its source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from tools.prepare_dataset.checks.ngrams import WORD, merged
from tools.prepare_dataset.compose import Composer
from tools.prepare_dataset.material import Parsed, Passage, RowDraft
from tools.prepare_dataset.sentences import Border, line_borders, sentence_borders, tears_a_line

# What is left of a row is a row when it has so many words.
_FEWEST_WORDS = 20
_GROWTH = 200  # characters at either end


class Shortener:
    """Cuts characters out of rows of running text. limit: tokens of a row."""

    def __init__(self, composer: Composer, parsed: Iterable[Parsed], limit: int) -> None:
        self._composer, self._limit = composer, limit
        self._passages: Mapping[str, list[Passage]] = defaultdict(list)
        for one in parsed:
            for unit in one.units:
                if isinstance(unit, Passage):
                    self._passages[unit.span.document].append(unit)

    def without(self, row: RowDraft, ranges: Sequence[tuple[int, int]]) -> list[RowDraft]:
        """The rows left when characters of `row.learned` go; none where too little is left.

        What was copied falls into the pieces between; of what we composed whole lines go.
        """
        unit = self._unit_of(row)
        if unit is None:
            return []
        if row.row_start is None:
            rows = [self._composed(unit, row, merged(ranges))]
        else:
            rows = [self._copied(unit, row, start, end) for start, end in _between(merged(ranges), len(row.learned))]
        fitting = (row for row in rows if row.tokens <= self._limit)
        return [row for row in fitting if len(WORD.findall(row.learned)) >= _FEWEST_WORDS]

    def _unit_of(self, row: RowDraft) -> Passage | None:
        if row.form != "passage":
            return None
        passages = self._passages[row.span.document]
        if row.row_start is None:
            return next((one for one in passages if one.composed is not None and row.learned in one.composed), None)
        return next(
            (one for one in passages if one.span.start <= row.span.start and row.span.end <= one.span.end), None
        )

    def _copied(self, unit: Passage, row: RowDraft, start: int, end: int) -> RowDraft:
        piece = row.learned[start:end]
        start += len(piece) - len(piece.lstrip())
        piece = piece.strip()
        # The row's span may begin after its first sentence, which stands in the request.
        at = row.span.end - len(row.learned) + start
        return self._composer.passage(unit, piece, at, index=int(at > unit.span.start), whole=False)

    def _composed(self, unit: Passage, row: RowDraft, ranges: Sequence[tuple[int, int]]) -> RowDraft:
        kept, position = [], 0
        for line in row.learned.split("\n"):
            end = position + len(line)
            if not any(start < end and after > position for start, after in ranges):
                kept.append(line)
            position = end + 1
        body = "\n".join(kept).strip("\n")
        first = unit.composed is not None and unit.composed.startswith(row.learned)
        shortened = replace(unit, composed=body)
        return self._composer.passage(shortened, body, unit.span.start, index=int(not first), whole=False)


def borders(text: str) -> list[Border]:
    """Between the sentences and lines of a text: where one ends and the next starts."""
    lines = [border for border in line_borders(text, 0, len(text)) if not tears_a_line(text, border)]
    return merged([*lines, *sentence_borders(text, 0, len(text))])


def sentences_of(text: str, ranges: Sequence[tuple[int, int]], harmless: int) -> list[tuple[int, int]]:
    """Ranges made whole sentences or lines, where those are not long.

    A sentence of which less than `harmless` words are in a range stays, if another goes for it.
    """
    sentences = _between(borders(text), len(text))
    found = []
    for start, end in ranges:
        touched = [one for one in sentences if one[0] < end and start < one[1]]
        words = [len(WORD.findall(text, max(start, first), min(end, last))) for first, last in touched]
        most = words.index(max(words))
        inner = range(1, len(touched) - 1)
        kept = [one for n, one in enumerate(touched) if n in inner or n == most or words[n] >= harmless]
        first, last = kept[0][0], kept[-1][1]
        found.append((start if start - first > _GROWTH else first, end if last - end > _GROWTH else last))
    return merged(found)


def _between(ranges: Sequence[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    edges = [0, *(edge for one in ranges for edge in one), length]
    return [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end]
