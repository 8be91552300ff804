"""Which rows go into which step: a seeded order with a cursor, batches of like length.

The order of an epoch depends on the seed and the epoch's number alone, so that a resumed run goes on
at the very row. Rows are shuffled, sorted by length within windows, cut into batches, and the batches
shuffled: little padding, and still another order each epoch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tools.compute.training.rows import Sequence

# Batches are padded to a multiple of it, so that few shapes occur.
_MULTIPLE = 32
_WINDOW = 16


@dataclass(frozen=True)
class Batch:
    """ids [rows, length] int32, padded; mask [rows, length] of what is learned; tokens without padding."""

    ids: np.ndarray
    mask: np.ndarray
    tokens: int

    @property
    def learned(self) -> int:
        """Tokens in the loss: the mask without the first column, which nothing predicts."""
        return int(self.mask[:, 1:].sum())


@dataclass
class Cursor:
    """Where training stands in the data: the epoch, and batches of it done."""

    epoch: int = 0
    index: int = 0


def _padded(length: int) -> int:
    return -(-length // _MULTIPLE) * _MULTIPLE


def pad(sequences: list[Sequence], pad_id: int) -> Batch:
    width = _padded(max(len(sequence) for sequence in sequences))
    ids = np.full((len(sequences), width), pad_id, np.int32)
    mask = np.zeros((len(sequences), width), np.bool_)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = sequence.ids
        mask[row, : len(sequence)] = sequence.mask
    return Batch(ids, mask, sum(len(sequence) for sequence in sequences))


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
    """An endless stream of training batches that can be taken up at any cursor."""

    def __init__(self, sequences: list[Sequence], batch_size: int, seed: int, pad_id: int) -> None:
        self.sequences, self._batch_size, self._seed, self._pad_id = sequences, batch_size, seed, pad_id
        self._lengths = [len(sequence) for sequence in sequences]
        self.cursor = Cursor()
        self._order: list[list[int]] = []
        self._order_epoch = -1

    def sizes(self, epoch: int) -> list[int]:
        """Tokens, padding counted, of each batch of an epoch."""
        order = epoch_order(self._lengths, self._batch_size, self._seed, epoch)
        return [len(rows) * _padded(max(self._lengths[row] for row in rows)) for rows in order]

    def of_size(self, size: int) -> Batch:
        """The first batch of epoch 0 with so many tokens."""
        order = epoch_order(self._lengths, self._batch_size, self._seed, 0)
        rows = order[self.sizes(0).index(size)]
        return pad([self.sequences[row] for row in rows], self._pad_id)

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        if self._order_epoch != self.cursor.epoch:
            self._order = epoch_order(self._lengths, self._batch_size, self._seed, self.cursor.epoch)
            self._order_epoch = self.cursor.epoch
        rows = self._order[self.cursor.index]
        self.cursor.index += 1
        if self.cursor.index == len(self._order):
            self.cursor.epoch, self.cursor.index = self.cursor.epoch + 1, 0
        return pad([self.sequences[row] for row in rows], self._pad_id)


def fixed_batches(sequences: list[Sequence], batch_size: int, limit: int, pad_id: int) -> list[Batch]:
    """Validation batches: the same at every evaluation; `limit` < 0 means all."""
    order = sorted(range(len(sequences)), key=lambda i: (len(sequences[i]), i))
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    if 0 <= limit < len(batches):
        # Spread over all lengths.
        batches = [batches[i * len(batches) // limit] for i in range(limit)]
    return [pad([sequences[row] for row in rows], pad_id) for rows in batches]
