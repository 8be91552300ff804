"""Prompts on their way into the caches: in chunks, several at once, what they have in common only once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import mlx.core as mx
import numpy as np

from tools.compute.caches import Stack, read_chunk
from tools.compute.logprobs import Scores
from tools.compute.prefix_cache import PrefixCache, Tokens, agreeing
from tools.compute.routing import AdapterRouter
from tools.compute.rows import Row

# A prompt waits for another that is being read when that saves it this many tokens.
WORTH_WAITING = 32
# How long rows that write may wait for a chunk that no more rows wait for, as far as that leaves it so many tokens.
_PATIENCE_S = 1.0
_SMALLEST_CHUNK = 128
# The most bytes of logits to compute at once for the log-probabilities of a prompt.
_SCORED_BYTES = 32 * 1024**2


@dataclass(frozen=True)
class Scored:
    """Log-probabilities of a prompt's tokens from `first` on, each given what comes before it."""

    row: Row
    first: int
    scores: Scores


@dataclass(eq=False)
class _Reading:
    """A row and its caches; leader: who reads the first `shared` tokens for it too."""

    row: Row
    tokens: Tokens
    stack: Stack
    leader: _Reading | None = None
    shared: int = 0


class Reader:
    """chunk: how many tokens may be read at once by rows that have read so many already. clock: seconds."""

    def __init__(
        self,
        router: AdapterRouter,
        prefixes: PrefixCache,
        chunk: Callable[[int], int],
        vocabulary: int,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._router = router
        self._prefixes = prefixes
        self._chunk = chunk
        self._scored_tokens = max(1, _SCORED_BYTES // (4 * vocabulary))
        self._clock = clock
        self._token_s = 0.0  # of the last chunk
        self._reading: list[_Reading] = []

    def __len__(self) -> int:
        return len(self._reading)

    @property
    def rows(self) -> list[Row]:
        return [one.row for one in self._reading]

    def add(self, row: Row) -> None:
        one = _Reading(row, np.asarray(row.tokens), Stack.of_row(self._router, row.request.slot))
        self._begin(one)
        self._reading.append(one)

    def remove(self, row: Row) -> None:
        """Take a row out; what it has read is kept for those who wait for it, or ask again."""
        gone = [one for one in self._reading if one.row is row]
        self._reading = [one for one in self._reading if one.row is not row]
        for one in gone:
            if row.request.scope is not None and row.read:
                self._prefixes.keep(row.request.scope, row.tokens[: row.read], one.stack, 0)
        for one in self._reading:
            if one.leader is not None and one.leader.row is row:
                self._begin(one)

    def step(self, *, writing: int = 0) -> tuple[list[Scored], list[tuple[list[Row], Stack]]]:
        """Read one chunk; returns what it tells of prompts, and the rows that are through with their caches.

        writing: how many rows wait for the chunk to end: it takes the longer the more rows it is read for.
        """
        began = self._clock()
        group = self._group(writing)
        scored: list[Scored] = []
        if group:
            chunks = [one.row.tokens[one.row.read : one.row.read + take] for one, take in group]
            stack = Stack.joined([one.stack for one, _ in group])
            logits = read_chunk(self._router, stack, chunks)
            scored = list(self._scores(group, logits))
            mx.eval([one.scores.arrays for one in scored])
            stack.evaluate()
            mx.clear_cache()
            self._token_s = (self._clock() - began) / (len(group) * max(take for _, take in group))
            for one, take in group:
                one.row.read += take
            self._divide([one for one, _ in group], stack)
        return scored, self._through([one for one, _ in group], stack if group else None)

    # Beginnings in common -----------------------------------------------------------------------

    def _begin(self, one: _Reading) -> None:
        """Take what is known of the prompt, or wait for who is reading it just now."""
        row, scope = one.row, one.row.request.scope
        one.leader = None
        if scope is None or row.is_scored or row.read:
            return
        known = self._prefixes.known(scope, row.tokens)
        leader, shared = self._leader(one)
        if leader is not None and shared - known >= WORTH_WAITING:
            one.leader, one.shared = leader, shared
            if leader.row.read >= shared:
                self._hand_over(one)
            return
        row.cached, found = self._prefixes.find(scope, row.tokens, row.request.slot)
        row.read = row.cached
        if found is not None:
            one.stack = found

    def _leader(self, one: _Reading) -> tuple[_Reading | None, int]:
        """Who reads the longest beginning of this prompt itself, and how long that is."""
        best: _Reading | None = None
        longest = 0
        for other in self._reading:
            if other is one or other.leader is not None or other.row.request.scope != one.row.request.scope:
                continue
            shared = agreeing(other.tokens[:-1], one.tokens[:-1])
            if not other.stack.is_divisible and shared != len(other.row.tokens) - 1:
                continue
            if shared > longest:
                best, longest = other, shared
        return best, longest

    def _hand_over(self, one: _Reading) -> None:
        assert one.leader is not None
        one.stack = one.leader.stack.prefix(one.shared, one.row.request.slot)
        one.row.read = one.row.cached = one.shared
        one.leader = None
        self._prefixes.count(one.shared)

    # Chunks -------------------------------------------------------------------------------------

    def _limit(self, read: int, writing: int) -> int:
        limit = self._chunk(read)
        if not writing or not self._token_s:
            return limit
        patience = _PATIENCE_S * max(1.0, len(self._reading) / writing)
        return min(limit, max(_SMALLEST_CHUNK, int(patience / self._token_s)))

    def _group(self, writing: int) -> list[tuple[_Reading, int]]:
        """Rows to read from together, and how many tokens of each: in turn, within one chunk, padding counted."""
        group: list[tuple[_Reading, int]] = []
        widest = context = 0
        for one in self._reading:
            if one.leader is not None or one.row.to_read <= 0:
                continue
            longest = max(context, one.row.read)
            limit = self._limit(longest, writing)
            take = min(one.row.to_read, limit, self._scored_tokens if one.row.is_scored else limit)
            if group and (len(group) + 1) * max(widest, take) > limit:
                continue
            group.append((one, take))
            widest, context = max(widest, take), longest
            if one.row.is_scored:
                break
        if len(group) > 1 and group[-1][0].row.is_scored:
            group.pop()  # its logits are wanted: it reads alone
        return group

    def _scores(self, group: Sequence[tuple[_Reading, int]], logits: mx.array) -> Iterator[Scored]:
        (one, take), *_ = group
        row = one.row
        if not row.is_scored:
            return
        first = row.read + 1
        targets = mx.array(row.tokens[first : first + take])
        yield Scored(row, first, Scores(logits[0], targets, row.request.prompt_logprobs or 0))

    def _divide(self, group: Sequence[_Reading], stack: Stack) -> None:
        """Give rows that go on reading caches of their own, and those who waited what they waited for."""
        for at, one in enumerate(group):
            followers = [other for other in self._reading if other.leader is one and one.row.read >= other.shared]
            if one.row.to_read > 0 or followers or stack.rows == 1:
                one.stack = stack.taken(at)
            for other in followers:
                self._hand_over(other)

    def _through(self, group: Sequence[_Reading], stack: Stack | None) -> list[tuple[list[Row], Stack]]:
        """Rows with nothing left to read leave; what they read is kept for others."""
        found: list[tuple[list[Row], Stack]] = []
        ended = [at for at, one in enumerate(group) if one.row.to_read <= 0]
        for at in ended:
            row = group[at].row
            if row.request.scope is not None and stack is not None:
                self._prefixes.keep(row.request.scope, row.tokens[: row.read], stack, at)
        if ended and stack is not None:
            stack.keep(ended)
            found.append(([group[at].row for at in ended], stack))
        others = [one for one in self._reading if one not in group and one.leader is None and one.row.to_read <= 0]
        found += [([one.row], one.stack) for one in others]
        gone = {id(row) for rows, _ in found for row in rows}
        waiting = [one for one in self._reading if id(one.row) not in gone]
        # In turns, so that a short prompt waits for no more than a chunk of a long one.
        self._reading = sorted(waiting, key=lambda one: one in group)
        return found
