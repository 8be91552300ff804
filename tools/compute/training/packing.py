"""Rows of a batch laid out in lines of one width, several to a line where they are short.

Rows that share a line do not see each other: the attention mask is block-diagonal. Positions need no
reset, since rotary embeddings depend on distances alone. Widths and counts are rounded up a little,
so that few shapes occur.
"""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import dataclass

import numpy as np

from tools.compute.training.rows import Sequence
from tools.start_finetune.sizes import rounded

# A token's attention over a line of so many tokens costs as much as the rest of its layer.
_EQUAL_COST = 1024
_WIDTHS_TRIED = 10


@dataclass(frozen=True)
class Place:
    """Where a sequence's inputs stand: `length` tokens of `line` from `start` on. row: its number in the data."""

    row: int
    line: int
    start: int
    length: int


@dataclass(frozen=True)
class Batch:
    """What a step reads.

    ids [lines, width] int32: inputs. segments [lines, width] int32: the row in the line that a token
    belongs to, from 1, and 0 where nothing stands; None where each line holds one row. learned
    [count] int32: the flat positions whose next token is learned, and targets [count] int32 those
    tokens, both filled up with zeros to few sizes; weights [count] float32: 1, and 0 for filling.
    tokens: of the rows, without filling. learned_tokens: in the loss.
    """

    ids: np.ndarray
    segments: np.ndarray | None
    learned: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    tokens: int
    learned_tokens: int
    places: tuple[Place, ...]


def lay_out(lengths: Items[int], *, share: bool) -> tuple[int, list[list[int]]]:
    """The width of lines and the rows in each, cheapest by a rough count of work.

    lengths: of the rows' inputs. share: whether a line may hold several rows. Rows are placed the
    longest first, each into the first line with room.
    """
    longest = rounded(max(lengths))
    if not share:
        return longest, [[row] for row in range(len(lengths))]
    widths = [longest]
    while widths[-1] < sum(lengths) and len(widths) < _WIDTHS_TRIED:
        widths.append(rounded(widths[-1] + widths[-1] // 5 + 1))
    options = ((width, _fill_lines(lengths, width)) for width in widths)
    return min(options, key=lambda option: len(option[1]) * option[0] * (_EQUAL_COST + option[0]))


def _fill_lines(lengths: Items[int], width: int) -> list[list[int]]:
    lines: list[list[int]] = []
    room: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: (-lengths[row], row)):
        line = next((n for n, left in enumerate(room) if left >= lengths[row]), len(lines))
        if line == len(lines):
            lines.append([])
            room.append(width)
        lines[line].append(row)
        room[line] -= lengths[row]
    return lines


def make_batch(sequences: Items[Sequence], rows: Items[int], pad_id: int, *, share: bool) -> Batch:
    """The batch of the sequences at `rows`. A sequence's last token is a target alone."""
    lengths = [len(sequences[row]) - 1 for row in rows]
    width, lines = lay_out(lengths, share=share)
    ids = np.full((len(lines), width), pad_id, np.int32)
    segments = np.zeros((len(lines), width), np.int32)
    learned: list[np.ndarray] = []
    targets: list[np.ndarray] = []
    places: list[Place] = []
    for line, members in enumerate(lines):
        start = 0
        for segment, member in enumerate(members, 1):
            sequence, length = sequences[rows[member]], lengths[member]
            ids[line, start : start + length] = sequence.ids[:-1]
            segments[line, start : start + length] = segment
            chosen = np.flatnonzero(sequence.mask[1:])
            learned.append(line * width + start + chosen)
            targets.append(sequence.ids[1:][chosen])
            places.append(Place(rows[member], line, start, length))
            start += length
    count = sum(len(part) for part in learned)
    weights = np.zeros(rounded(max(1, count)), np.float32)
    weights[:count] = 1.0
    return Batch(
        ids=ids,
        segments=segments if any(len(members) > 1 for members in lines) else None,
        learned=_filled(learned, len(weights)),
        targets=_filled(targets, len(weights)),
        weights=weights,
        tokens=sum(lengths) + len(lengths),
        learned_tokens=count,
        places=tuple(places),
    )


def _filled(parts: list[np.ndarray], size: int) -> np.ndarray:
    whole = np.zeros(size, np.int32)
    joined = np.concatenate(parts)
    whole[: len(joined)] = joined
    return whole
