"""Which rows go into which step: a seeded order with a cursor, batches of like length.

The order of an epoch depends on the seed and the epoch's number alone, so that a resumed run goes on
at the very row. Rows are shuffled, sorted by length within windows, cut into batches, and the batches
shuffled: little padding, and still another order each epoch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tools.compute.training.packing import Batch, lay_out, make_batch
from tools.compute.training.rows import Sequence

_WINDOW = 16


@dataclass(frozen=True)
class Cursor:
    """Where training stands in the data: the epoch, and batches of it done."""

    epoch: int = 0
    index: int = 0


def epoch_order(lengths: list[int], batch_size: int, seed: int, epoch: int) -> list[list[int]]:
    """The batches of an epoch as lists of row numbers; every row once, the last partial batch kept."""
    rng = np.random.default_rng([seed, epoch])
    shuffled = rng.permutation(len(lengths))
    window = batch_size * _WINDOW
    by_length: list[int] = []
    for start in range(0, len(shuffled), window):
        part = shuffled[start : start + window]
        by_length.extend(sorted((int(i) for i in part), key=lambda i: lengths[i]))
    batches = [by_length[start : start + batch_size] for start in range(0, len(by_length), batch_size)]
    return [batches[int(i)] for i in rng.permutation(len(batches))]


class Batches:
    """An endless stream of a step's batches that can be taken up at any cursor.

    A step has `batch_size` rows, in parts of `at_once` where they are not all computed together. share:
    rows may share a line (see `packing`).
    """

    def __init__(
        self,
        sequences: list[Sequence],
        batch_size: int,
        seed: int,
        pad_id: int,
        *,
        share: bool,
        at_once: int | None = None,
    ) -> None:
        self.sequences, self._batch_size, self._seed, self._pad_id = sequences, batch_size, seed, pad_id
        self._share, self._at_once = share, at_once or batch_size
        self._lengths = [len(sequence) for sequence in sequences]
        self.cursor = Cursor()
        self._order: list[list[int]] = []
        self._order_epoch = -1
        self._ahead: tuple[Cursor, list[Batch]] | None = None

    def sizes(self, epoch: int) -> list[int]:
        """Tokens, filling counted, of each part of an epoch's batches."""
        order = epoch_order(self._lengths, self._batch_size, self._seed, epoch)
        parts = (part for rows in order for part in self._parts(rows))
        laid_out = (lay_out([self._lengths[row] - 1 for row in part], share=self._share) for part in parts)
        return [width * len(lines) for width, lines in laid_out]

    def of_size(self, size: int) -> Batch:
        """The first part of epoch 0 with so many tokens."""
        order = epoch_order(self._lengths, self._batch_size, self._seed, 0)
        parts = [part for rows in order for part in self._parts(rows)]
        return self._make(parts[self.sizes(0).index(size)])

    def _parts(self, rows: list[int]) -> list[list[int]]:
        return [rows[start : start + self._at_once] for start in range(0, len(rows), self._at_once)]

    def _make(self, rows: list[int]) -> Batch:
        return make_batch(self.sequences, rows, self._pad_id, share=self._share)

    def __iter__(self) -> Iterator[list[Batch]]:
        return self

    def __next__(self) -> list[Batch]:
        """The parts of the next step's batch."""
        parts = self.peek()
        self.cursor = Cursor(self.cursor.epoch, self.cursor.index + 1)
        if self.cursor.index == len(self._order):
            self.cursor = Cursor(self.cursor.epoch + 1, 0)
        return parts

    def peek(self) -> list[Batch]:
        """What `next` gives; the cursor stays."""
        if self._ahead is None or self._ahead[0] != self.cursor:
            if self._order_epoch != self.cursor.epoch:
                self._order = epoch_order(self._lengths, self._batch_size, self._seed, self.cursor.epoch)
                self._order_epoch = self.cursor.epoch
            parts = self._parts(self._order[self.cursor.index])
            self._ahead = (self.cursor, [self._make(part) for part in parts])
        return self._ahead[1]


def fixed_batches(sequences: list[Sequence], batch_size: int, limit: int, pad_id: int, *, share: bool) -> list[Batch]:
    """Validation batches: the same at every evaluation; `limit` < 0 means all."""
    order = sorted(range(len(sequences)), key=lambda i: (len(sequences[i]), i))
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    if 0 <= limit < len(batches):
        # Spread over all lengths.
        batches = [batches[i * len(batches) // limit] for i in range(limit)]
    return [make_batch(sequences, rows, pad_id, share=share) for rows in batches]
