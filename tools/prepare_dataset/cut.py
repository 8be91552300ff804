"""Passages to rows that fit: cut at sections, else paragraphs, else sentences, else words; never over the limit."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from tools.errors import InvalidArgument
from tools.prepare_dataset.compose import Composer
from tools.prepare_dataset.material import Passage, Repeating, RowDraft, Source
from tools.prepare_dataset.sentences import Border

if TYPE_CHECKING:
    from tools.prepare_dataset.breaks import Layout

# A book gives at least so many rows, if they then hold some hundred tokens.
_ROWS_A_BOOK = 8
_SMALL_ROW = 256
_MOST_CHARACTERS_A_TOKEN = 10  # on the whole, in prose
_LEAST_ROOM = 16
_ATTEMPTS = 8
# Pieces are planned a little smaller than they may be, so that most can end with a paragraph.
_FILL = 0.9
_SAMPLE_CHARS = 1000


def check_overlap(overlap: int, max_tokens: int) -> None:
    """Raise InvalidArgument when rows would repeat more than they add."""
    if overlap > max_tokens // 2:
        raise InvalidArgument(
            "overlap_tokens leaves too little of a row for new text.",
            field="overlap_tokens",
            expected=f"at most {max_tokens // 2}, half of max_tokens",
            fix="64 to 128 is usual.",
        )


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
    return _Cutter(passage, text, composer, max_tokens, overlap).rows(target)


class _Cutter:
    def __init__(self, passage: Passage, text: str, composer: Composer, max_tokens: int, overlap: int) -> None:
        span = passage.span
        self.passage, self.composer, self.max_tokens = passage, composer, max_tokens
        self.body = passage.composed if passage.composed is not None else text[span.start : span.end]
        self.overlap = overlap if passage.composed is None else 0

    def rows(self, target: int) -> list[RowDraft]:
        # The server imports this module, and needs no numpy.
        from tools.prepare_dataset.breaks import Layout

        layout = Layout(self.body, self.composer.counter.plain.ends(self.body))
        if layout.tokens <= min(target, self.max_tokens):
            whole = self._row(0, (0, len(self.body)), whole=True)
            if whole.tokens <= min(target, self.max_tokens):
                return [whole]
        around = self._around()
        room = self.max_tokens - around
        for _ in range(_ATTEMPTS):
            overlap = min(self.overlap, room // 2)
            own = room - overlap
            if own < _LEAST_ROOM:
                return []
            wanted = max(_LEAST_ROOM, min(target - around - overlap, math.floor(own * _FILL)))
            even = math.ceil(layout.tokens / max(1, math.ceil(layout.tokens / wanted))) or 1
            pieces = layout.pieces(even, own)
            rows = [self._row(index, piece) for index, piece in enumerate(pieces)]
            over = max(row.tokens for row in rows) - self.max_tokens
            if over <= 0:
                return self._repeating(rows, pieces, layout, overlap) if overlap else rows
            # The heading of some piece or the request's wording took more than the sample's.
            room -= over + 1
        return []

    def _row(self, index: int, piece: Border, *, whole: bool = False) -> RowDraft:
        start, end = piece
        return self.composer.passage(
            self.passage, self.body[start:end], self.passage.span.start + start, index=index, whole=whole
        )

    def _around(self) -> int:
        """Tokens of a row beside the piece's own: heading, request, template."""
        sample = self.body[:_SAMPLE_CHARS]
        return max(0, self._row(1, (0, len(sample))).tokens - self.composer.counter.plain(sample))

    def _repeating(self, rows: list[RowDraft], pieces: list[Border], layout: Layout, overlap: int) -> list[RowDraft]:
        """The rows, each that can with the sentences that end the row before it in front."""
        told = rows[:1]
        for index in range(1, len(rows)):
            row = rows[index]
            for start in layout.last_sentences(pieces[index - 1], overlap):
                longer = self._row(index, (start, pieces[index][1]))
                if longer.tokens <= self.max_tokens:
                    row = replace(row, repeating=Repeating(told[-1], longer))
                    break
            told.append(row)
        return told
