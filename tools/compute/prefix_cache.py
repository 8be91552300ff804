"""What was read before, kept for the next prompt that begins the same: bounded by bytes, least recently used leaves.

Keys and values are kept in a tree of token sequences, so that what prompts have in common is held
once (RadixAttention, https://arxiv.org/abs/2312.07104). Caches that cannot be cut at a token
(recurrent layers, sliding windows) are kept whole, and used by prompts that begin with all of it.

Every entry belongs to a scope, which names the weights that made it: never share between scopes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import mlx.core as mx
import numpy as np

from tools.compute.caches import Segment, Stack

# Shorter prefixes are read faster than fetched.
SHORTEST = 8

Tokens = np.ndarray[Any, np.dtype[np.int64]]


@dataclass
class PrefixStats:
    """Prompts that found a prefix and that did not, tokens found, bytes held, entries that had to leave."""

    hits: int = 0
    misses: int = 0
    hit_tokens: int = 0
    bytes: int = 0
    evictions: int = 0


@dataclass(eq=False)
class _Node:
    """A run of tokens after those of its ancestors."""

    tokens: Tokens
    segment: Segment
    parent: _Node | None
    used: int
    children: dict[int, _Node] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        return sum(keys.nbytes + values.nbytes for keys, values in self.segment)


class PrefixCache:
    """budget: the most bytes to hold; 0 keeps nothing. Not to be shared between threads."""

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.stats = PrefixStats()
        self._clock = 0
        self._roots: dict[str, _Node] = {}
        self._whole: OrderedDict[tuple[str, bytes], tuple[list[Any], int, int]] = OrderedDict()

    def known(self, scope: str, tokens: Sequence[int]) -> int:
        """How many of the first `tokens`, the last one left out, `find` would give."""
        wanted = np.asarray(tokens[:-1], np.int64)
        in_tree = sum(common for _, common in self._walk(scope, wanted))
        whole = self._longest_whole(scope, wanted)
        return max(in_tree if in_tree >= SHORTEST else 0, len(whole[1]) // wanted.itemsize if whole else 0)

    def find(self, scope: str, tokens: Sequence[int], slot: int) -> tuple[int, Stack | None]:
        """The longest known beginning of `tokens`, its last one left out: how many, and a row that has read them."""
        wanted = np.asarray(tokens[:-1], np.int64)
        self._clock += 1
        segment, length = self._from_tree(scope, wanted)
        found: Stack | None = None
        if length >= SHORTEST:
            found = Stack.of_segment(segment, slot)
        else:
            length, layers = self._from_whole(scope, wanted)
            found = Stack.of_snapshot(layers, slot) if length else None
        self.count(length)
        return length, found

    def count(self, tokens: int) -> None:
        """One prompt more, of which `tokens` need not be read."""
        self.stats.hits += tokens > 0
        self.stats.misses += tokens == 0
        self.stats.hit_tokens += tokens

    def keep(self, scope: str, tokens: Sequence[int], stack: Stack, row: int) -> None:
        """Remember that `row` of `stack` has read `tokens`."""
        if not self.budget or len(tokens) < SHORTEST:
            return
        if stack.is_divisible:
            self._grow(scope, np.asarray(tokens, np.int64), lambda start, stop: stack.segment(row, start, stop))
        else:
            self._keep_whole(scope, np.asarray(tokens, np.int64), stack.taken(row))

    # The tree ---------------------------------------------------------------------------------

    def _from_tree(self, scope: str, wanted: Tokens) -> tuple[Segment, int]:
        parts: list[Segment] = []
        length = 0
        for node, common in self._walk(scope, wanted):
            node.used = self._clock
            if common:
                parts.append([(keys[:, :, :common], values[:, :, :common]) for keys, values in node.segment])
                length += common
        if len(parts) <= 1:
            return (parts[0] if parts else []), length
        joined = [
            (mx.concatenate([keys for keys, _ in same], axis=2), mx.concatenate([values for _, values in same], axis=2))
            for same in zip(*parts, strict=True)
        ]
        return joined, length

    def _walk(self, scope: str, wanted: Tokens) -> Iterator[tuple[_Node, int]]:
        """The nodes along `wanted`, each with how many of its tokens agree; the last may agree in part."""
        node = self._roots.get(scope)
        at = 0
        while node is not None:
            common = agreeing(node.tokens, wanted[at:])
            yield node, common
            at += common
            if common < len(node.tokens) or at == len(wanted):
                return
            node = node.children.get(int(wanted[at]))

    def _grow(self, scope: str, tokens: Tokens, read: Callable[[int, int], Segment]) -> None:
        """Add what the tree does not have of `tokens`. read: keys and values from one token to another."""
        self._clock += 1
        self._roots.setdefault(scope, _Node(tokens[:0], [], None, self._clock))
        path = list(self._walk(scope, tokens))
        for found, _ in path:
            found.used = self._clock
        length = sum(common for _, common in path)
        if length == len(tokens):
            return
        node, common = path[-1]
        if common < len(node.tokens):
            node = self._split(node, common)
        views = read(length, len(tokens))
        if not self._make_room(sum(keys.nbytes + values.nbytes for keys, values in views)):
            return
        leaf = _Node(tokens[length:], _copied(views), node, self._clock)
        node.children[int(tokens[length])] = leaf
        self.stats.bytes += leaf.nbytes

    def _split(self, node: _Node, at: int) -> _Node:
        """Cut a node in two; returns the first part."""
        parent = node.parent
        assert parent is not None
        upper = _Node(node.tokens[:at], _copied(_cut(node.segment, 0, at)), parent, node.used)
        lower = _copied(_cut(node.segment, at, len(node.tokens)))
        # At once, so that the undivided arrays are let go.
        mx.eval(upper.segment, lower)
        parent.children[int(node.tokens[0])] = upper
        upper.children[int(node.tokens[at])] = node
        node.tokens, node.segment, node.parent = node.tokens[at:], lower, upper
        return upper

    # Whole caches -----------------------------------------------------------------------------

    def _longest_whole(self, scope: str, wanted: Tokens) -> tuple[str, bytes] | None:
        read = wanted.tobytes()
        fitting = [key for key in self._whole if key[0] == scope and read.startswith(key[1])]
        return max(fitting, key=lambda key: len(key[1]), default=None)

    def _from_whole(self, scope: str, wanted: Tokens) -> tuple[int, list[Any]]:
        best = self._longest_whole(scope, wanted)
        if best is None:
            return 0, []
        layers, size, _ = self._whole[best]
        self._whole[best] = layers, size, self._clock
        self._whole.move_to_end(best)
        return len(best[1]) // wanted.itemsize, layers

    def _keep_whole(self, scope: str, tokens: Tokens, stack: Stack) -> None:
        self._clock += 1
        key = scope, tokens.tobytes()
        size = sum(layer.nbytes for layer in stack.layers[:-1])
        if key in self._whole or not self._make_room(size):
            return
        layers = Stack.of_snapshot(stack.layers[:-1], 0).layers[:-1]
        mx.async_eval([layer.state for layer in layers])
        self._whole[key] = layers, size, self._clock
        self.stats.bytes += size

    # The bound --------------------------------------------------------------------------------

    def _make_room(self, size: int) -> bool:
        """Let the least recently used leave until `size` more bytes fit. False when they cannot."""
        if size > self.budget:
            return False
        while self.stats.bytes + size > self.budget:
            leaves = [node for root in self._roots.values() for node in _below(root) if not node.children]
            leaf = min((node for node in leaves if node.parent), key=lambda node: node.used, default=None)
            whole = next(iter(self._whole.values()), None)
            if whole is not None and (leaf is None or whole[2] < leaf.used):
                self.stats.bytes -= self._whole.popitem(last=False)[1][1]
            elif leaf is not None and leaf.used < self._clock:
                self._drop(leaf)
            else:
                return False
            self.stats.evictions += 1
        return True

    def _drop(self, leaf: _Node) -> None:
        assert leaf.parent is not None
        del leaf.parent.children[int(leaf.tokens[0])]
        self.stats.bytes -= leaf.nbytes


def _below(root: _Node) -> Iterator[_Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.children.values())


def agreeing(ours: Tokens, theirs: Tokens) -> int:
    """Length of the common beginning."""
    length = min(len(ours), len(theirs))
    differing = np.flatnonzero(ours[:length] != theirs[:length])
    return int(differing[0]) if differing.size else length


def _cut(segment: Segment, start: int, stop: int) -> Segment:
    return [(keys[:, :, start:stop], values[:, :, start:stop]) for keys, values in segment]


def _copied(segment: Segment) -> Segment:
    """Arrays of their own: a view would hold on to all that it is a view of."""
    own = [(mx.contiguous(keys), mx.contiguous(values)) for keys, values in segment]
    mx.async_eval(own)
    return own
