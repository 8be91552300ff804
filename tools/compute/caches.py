"""The key-value caches of some rows, as one thing that the model reads through.

The caches are mlx-lm's, one a layer, and the carrier of the rows' adapter slots behind them. One row
keeps plain caches, which need no mask and can be trimmed; several share batched ones.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import mlx.core as mx
from mlx_lm.models.cache import BatchKVCache, KVCache

from tools.compute.routing import AdapterRouter, SlotCache

# Keys and values of each layer, [1, heads, tokens, width].
Segment = list[tuple[mx.array, mx.array]]


class Stack:
    """Caches of `rows` rows. Make one with `Stack.of_row` or `Stack.joined`."""

    def __init__(self, layers: list[Any], rows: int) -> None:
        self.layers = layers
        self.rows = rows

    @classmethod
    def of_row(cls, router: AdapterRouter, slot: int) -> Stack:
        """A new row, with nothing read yet."""
        return cls(router.caches(slot), 1)

    @classmethod
    def of_segment(cls, segment: Segment, slot: int) -> Stack:
        """A row that has read what the segment holds."""
        layers: list[Any] = []
        for keys, values in segment:
            cache = KVCache()
            cache.keys, cache.values, cache.offset = keys, values, keys.shape[2]
            layers.append(cache)
        return cls([*layers, SlotCache([slot])], 1)

    @classmethod
    def of_snapshot(cls, layers: Sequence[Any], slot: int) -> Stack:
        """A row that goes on from whole caches, which stay as they are."""
        return cls([*copy.deepcopy(list(layers)), SlotCache([slot])], 1)

    @classmethod
    def joined(cls, parts: Sequence[Stack]) -> Stack:
        """The rows of all parts, in order; the parts are used up."""
        parts = [part for part in parts if part.rows]
        if len(parts) <= 1:
            return parts[0] if parts else cls([], 0)
        if all(part.rows == 1 for part in parts):
            layers = [type(same[0]).merge(same) for same in zip(*(part.layers for part in parts), strict=True)]
            return cls(layers, len(parts))
        first, others = parts[0]._batched(), cls.joined(parts[1:])._batched()
        for own, other in zip(first.layers, others.layers, strict=True):
            own.extend(other)
        return cls(first.layers, first.rows + others.rows)

    @property
    def is_divisible(self) -> bool:
        """Whether the caches are keys and values alone, which may be cut and shared at any token."""
        return all(type(layer) in (KVCache, BatchKVCache) for layer in self.layers[:-1])

    def keep(self, rows: Sequence[int]) -> None:
        """Drop the other rows."""
        if len(rows) == self.rows:
            return
        if not rows:
            self.layers = []
        elif len(rows) == 1:
            self.layers = self.taken(rows[0]).layers
        else:
            for layer in self.layers:
                layer.filter(list(rows))
        self.rows = len(rows)

    def taken(self, row: int) -> Stack:
        """One row's caches: itself when it is the only one, else a copy."""
        return self if self.rows == 1 else Stack([layer.extract(row) for layer in self.layers], 1)

    def prefix(self, tokens: int, slot: int) -> Stack:
        """A row that has read the first `tokens` of what this single one has, without copying what it may share."""
        if self.is_divisible:
            return Stack.of_segment(self.segment(0, 0, tokens), slot)
        return Stack.of_snapshot(self.layers[:-1], slot)

    def segment(self, row: int, start: int, stop: int) -> Segment:
        """Views of a row's keys and values from token `start` to `stop`."""
        found: Segment = []
        padding = 0 if self.rows == 1 else int(self.layers[0].left_padding[row].item())
        for layer in self.layers[:-1]:
            at = slice(row, row + 1), slice(None), slice(padding + start, padding + stop)
            found.append((layer.keys[at], layer.values[at]))
        return found

    def trim(self, tokens: int) -> None:
        """Forget the last `tokens` of a single divisible row."""
        for layer in self.layers:
            layer.trim(tokens)

    def evaluate(self) -> None:
        mx.eval([layer.state for layer in self.layers])

    def _batched(self) -> Stack:
        if self.rows > 1:
            return self
        return Stack([type(layer).merge([layer]) for layer in self.layers], 1)


def read_chunk(router: AdapterRouter, stack: Stack, chunks: Sequence[Sequence[int]]) -> mx.array:
    """Read the next tokens of every row; returns the logits [rows, longest chunk, vocabulary], not yet computed.

    Shorter chunks are padded on the right, as mlx-lm does, and rolled into place afterwards.
    """
    lengths = [len(chunk) for chunk in chunks]
    longest = max(lengths)
    padding = [longest - length for length in lengths]
    padded = [[*chunk, *[0] * missing] for chunk, missing in zip(chunks, padding, strict=True)]
    if any(padding):
        for layer in stack.layers:
            layer.prepare(lengths=lengths, right_padding=padding)
    logits = router(mx.array(padded), cache=stack.layers)
    if any(padding):
        stack.evaluate()
        for layer in stack.layers:
            layer.finalize()
    return logits
