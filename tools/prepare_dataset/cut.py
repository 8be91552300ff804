"""Passages to rows that fit: cut at sections, else paragraphs, else sentences, else words; never over the limit."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from tools.prepare_dataset.compose import Composer
from tools.prepare_dataset.material import Passage, Repeating, RowDraft, Source
from tools.prepare_dataset.sentences import Border

# A book gives at least so many rows, if they then hold some hundred tokens.
_ROWS_A_BOOK = 8
_SMALL_ROW = 256
_MOST_CHARACTERS_A_TOKEN = 10  # on the whole, in prose
_LEAST_ROOM = 16
_ATTEMPTS = 8
# Pieces are planned a little smaller than they may be, so that most can end with a paragraph.
_FILL = 0.9
_SAMPLE_CHARS = 1000
_STRETCH = 1_000_000  # characters
_GAPS = (re.compile(r"\n[ \t]*\n\s*"), re.compile(r"\n\s*"), re.compile(r"\s+"))


def target_tokens(source: Source, max_tokens: int, composer: Composer) -> int:
    """The size of a book's rows: `max_tokens`, or less so that a small book can be split into train and test."""
    if len(source.text) > max_tokens * _ROWS_A_BOOK * _MOST_CHARACTERS_A_TOKEN:
        return max_tokens
    tokens = composer.counter.plain(source.text)
    return min(max_tokens, max(_SMALL_ROW, math.ceil(tokens / _ROWS_A_BOOK)))


def cut(
    passage: Passage, text: str, composer: Composer, max_tokens: int, target: int, overlap: int = 0
) -> list[RowDraft]:
    """The rows of a passage of a source's `text`: about equal in size, about `target` tokens, at most `max_tokens`.

    overlap: tokens that each row may repeat of the one before, in whole sentences, as
    `RowDraft.repeating`; a table's rows repeat their heading instead. No rows when the heading and
    template alone fill `max_tokens`.
    """
    span = passage.span
    body = passage.composed if passage.composed is not None else text[span.start : span.end]
    rows: list[RowDraft] = []
    for start, end in _stretches(body):
        cutter = _Cutter(passage, body[start:end], start, len(rows), composer, max_tokens)
        if end - start == len(body):
            whole = cutter.whole(target)
            if whole is not None:
                return [whole]
        found = cutter.rows(target, overlap if passage.composed is None else 0)
        if not found:
            return []
        rows += found
    return rows


def _stretches(body: str) -> Iterator[Border]:
    """Parts of a long text, at paragraphs where there are some: what is cut at once takes its memory."""
    start = 0
    while len(body) - start > 2 * _STRETCH:
        gap = next((m for gap in _GAPS if (m := gap.search(body, start + _STRETCH, start + 2 * _STRETCH))), None)
        before, after = gap.span() if gap else (start + _STRETCH, start + _STRETCH)
        yield start, before
        start = after
    yield start, len(body)


class _Cutter:
    """Cuts a text that stands at character `start` of its passage, after `made` rows of it."""

    def __init__(self, passage: Passage, text: str, start: int, made: int, composer: Composer, max_tokens: int) -> None:
        # The server imports this module, and needs no numpy.
        from tools.prepare_dataset.breaks import Layout

        self.passage, self.text, self.start, self.made = passage, text, start, made
        self.composer, self.max_tokens = composer, max_tokens
        self.layout = Layout(text, composer.counter.plain.ends(text))

    def whole(self, target: int) -> RowDraft | None:
        """The text as one row, if it fits."""
        most = min(target, self.max_tokens)
        row = self._row(0, (0, len(self.text)), whole=True) if self.layout.tokens <= most else None
        return row if row is not None and row.tokens <= most else None

    def rows(self, target: int, most_repeated: int) -> list[RowDraft]:
        """None where there is no room for text."""
        around, tokens = self._around(), self.layout.tokens
        room = self.max_tokens - around
        for _ in range(_ATTEMPTS):
            overlap = min(most_repeated, room // 2)
            own = room - overlap
            if own < _LEAST_ROOM:
                return []
            wanted = max(_LEAST_ROOM, min(target - around - overlap, math.floor(own * _FILL)))
            even = math.ceil(tokens / max(1, math.ceil(tokens / wanted))) or 1
            pieces = self.layout.pieces(even, own)
            rows = [self._row(index, piece) for index, piece in enumerate(pieces, self.made)]
            over = max(row.tokens for row in rows) - self.max_tokens
            if over <= 0:
                return self._repeating(rows, pieces, overlap) if overlap else rows
            # The heading of some piece or the request's wording took more than the sample's.
            room -= over + 1
        return []

    def _row(self, index: int, piece: Border, *, whole: bool = False) -> RowDraft:
        start, end = piece
        at = self.passage.span.start + self.start + start
        return self.composer.passage(self.passage, self.text[start:end], at, index=index, whole=whole)

    def _around(self) -> int:
        """Tokens of a row beside the piece's own: heading, request, template."""
        sample = self.text[:_SAMPLE_CHARS]
        return max(0, self._row(1, (0, len(sample))).tokens - self.composer.counter.plain(sample))

    def _repeating(self, rows: list[RowDraft], pieces: list[Border], overlap: int) -> list[RowDraft]:
        """The rows, each that can with the sentences that end the row before it in front."""
        told = rows[:1]
        for number, (before, piece) in enumerate(pairwise(pieces), 1):
            row = rows[number]
            for start in self.layout.last_sentences(before, overlap):
                longer = self._row(self.made + number, (start, piece[1]))
                if longer.tokens <= self.max_tokens:
                    row = replace(row, repeating=Repeating(told[-1], longer))
                    break
            told.append(row)
        return told
