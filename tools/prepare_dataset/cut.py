"""Passages to pieces that fit a row, cut between paragraphs, else sentences, else words; never over the limit."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from semantic_text_splitter import TextSplitter

from tools.prepare_dataset.compose import Composer
from tools.prepare_dataset.material import Passage, RowDraft, Source

# A book gives at least so many rows, if they then hold some hundred tokens.
_ROWS_A_BOOK = 8
_SMALL_ROW = 256
_MOST_CHARACTERS_A_TOKEN = 10  # on the whole, in prose
_LEAST_ROOM = 16
_ATTEMPTS = 8


def target_tokens(source: Source, max_tokens: int, composer: Composer) -> int:
    """The size of a book's rows: `max_tokens`, or less so that a small book can be split into train and test."""
    if len(source.text) > max_tokens * _ROWS_A_BOOK * _MOST_CHARACTERS_A_TOKEN:
        return max_tokens
    tokens = composer.counter.plain(source.text)
    return min(max_tokens, max(_SMALL_ROW, math.ceil(tokens / _ROWS_A_BOOK)))


def cut(passage: Passage, text: str, composer: Composer, max_tokens: int, target: int) -> list[RowDraft]:
    """The rows of a passage of a source's `text`: about equal in size, about `target` tokens, at most `max_tokens`.

    No rows when the heading and template alone fill `max_tokens`.
    """
    body = passage.composed if passage.composed is not None else text[passage.span.start : passage.span.end]
    whole = composer.passage(passage, body, passage.span.start, index=0, whole=True)
    if whole.tokens <= min(target, max_tokens):
        return [whole]
    count = composer.counter.plain
    tokens = count(body)
    overhead = max(0, _first_row(passage, body, composer).tokens - tokens)
    room = max_tokens - overhead
    pieces = math.ceil(tokens / max(1, min(target - overhead, room)))
    even = math.ceil(tokens / max(1, pieces))
    for _ in range(_ATTEMPTS):
        if room < _LEAST_ROOM:
            break
        upper = min(room, max(_LEAST_ROOM, math.ceil(even * 1.25)))
        splitter = TextSplitter.from_callback(count, (min(even, upper), upper))
        rows = list(_rows(passage, body, splitter.chunk_indices(_even_gaps(body)), composer))
        if all(row.tokens <= max_tokens for row in rows):
            return rows
        # The heading of later pieces or the request's wording took more than the first's.
        room = int(room * 0.9) - 1
        even = min(even, room)
    return []


def _first_row(passage: Passage, body: str, composer: Composer) -> RowDraft:
    return composer.passage(passage, body, passage.span.start, index=1, whole=False)


def _even_gaps(text: str) -> str:
    """The text with all gaps between paragraphs alike, at the same offsets: else a title set apart by more
    blank lines would be a piece of its own."""
    return re.sub(r"\n{3,}", lambda gap: "\n\n" + " " * (len(gap.group()) - 2), text)


def _rows(passage: Passage, body: str, pieces: Iterable[tuple[int, str]], composer: Composer) -> Iterable[RowDraft]:
    for index, (offset, piece) in enumerate(pieces):
        text, start = body[offset : offset + len(piece)], passage.span.start + offset
        yield composer.passage(passage, text, start, index=index, whole=False)
