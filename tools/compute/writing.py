"""Rows that write: one token for each of them at every step, several where a guess was right.

A step is handed to the device before the tokens of the one before it are looked at, so that the
device does not wait for Python.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import mlx.core as mx

from tools.compute.caches import Stack
from tools.compute.logprobs import Scores
from tools.compute.routing import AdapterRouter
from tools.compute.rows import Row
from tools.compute.sampling import Follower, choose
from tools.compute.speculation import PromptLookup


@dataclass(frozen=True)
class Written:
    """A token of an answer. scored: where its log-probabilities stand, if they were asked for."""

    row: Row
    token: int
    scored: tuple[Scores, int] | None


class Writer:
    """The batch of rows that write.

    speculate: whether a row that writes alone may be guessed for. clock: seconds, by which it is seen
    whether guesses pay.
    """

    def __init__(
        self, router: AdapterRouter, *, speculate: bool = True, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._router = router
        self._speculate = speculate
        self._clock = clock
        self._stack = Stack([], 0)
        self._inputs = mx.array([], mx.uint32)
        self._lookup: PromptLookup | None = None
        self.rows: list[Row] = []
        self.proposed = self.accepted = 0

    def __len__(self) -> int:
        return len(self.rows)

    def join(self, rows: Sequence[Row], stack: Stack) -> None:
        """Rows that have read all but the last of their tokens."""
        last = mx.array([row.tokens[-1] for row in rows], mx.uint32)
        self._inputs = mx.concatenate([self._inputs, last])
        self._stack = Stack.joined([self._stack, stack])
        self.rows += rows
        self._look_out()

    def leave(self, gone: Sequence[Row]) -> None:
        keep = [at for at, row in enumerate(self.rows) if row not in gone]
        if len(keep) == len(self.rows):
            return
        self._stack.keep(keep)
        self._inputs = self._inputs[mx.array(keep)] if keep else mx.array([], mx.uint32)
        self.rows = [self.rows[at] for at in keep]
        self._look_out()

    def stack_of(self, row: Row) -> tuple[Stack, int]:
        """The caches, and the row's place in them; they hold the row's `tokens`."""
        return self._stack, self.rows.index(row)

    def step(self) -> list[Written]:
        """The next tokens of all rows, those of one row in order."""
        began = self._clock()
        lookup = self._lookup
        if lookup is not None:
            (row,) = self.rows
            guess = lookup.guess(row.request.max_tokens - len(row.written)) if row.joined else []
            if len(guess) > 1 and self._inputs.item() == guess[0]:
                return self._verify(row, lookup, guess, began)
        written = self._write()
        if lookup is not None:
            lookup.extend([one.token for one in written])
            if written:
                lookup.stepped(self._clock() - began)
        return written

    def _write(self) -> list[Written]:
        inputs, pending = self._inputs, [row.pending for row in self.rows]
        logits = self._router(inputs[:, None], cache=self._stack.layers)[:, -1]
        logits = self._processed(logits, self.rows, inputs)
        chosen = choose(logits, [row.sampler for row in self.rows])
        scores = self._score(logits, chosen)
        mx.async_eval(chosen, [one.arrays for one in scores], [row.history.tokens for row in self.rows if row.history])
        self._inputs = chosen
        written = []
        tokens: list[int] = inputs.tolist()  # type: ignore[assignment]
        for row, token, scored in zip(self.rows, tokens, pending, strict=True):
            if row.joined:
                row.tokens.append(token)
                written.append(Written(row, token, scored))
            row.joined = True
        return written

    def _verify(self, row: Row, lookup: PromptLookup, guess: list[int], began: float) -> list[Written]:
        """Read the token that was chosen and what may follow it; keep what the row would have written."""
        size = len(guess)
        inputs = mx.array(guess, mx.uint32)
        before, position = row.history.size if row.history else 0, row.sampler.position
        logits = self._processed(self._router(inputs[None], cache=self._stack.layers)[0], [row] * size, inputs)
        chosen = choose(logits, [row.sampler] * size)
        scored = Scores(logits, chosen, row.request.top_logprobs) if row.request.top_logprobs is not None else None
        mx.eval(chosen, scored.arrays if scored else [])
        tokens: list[int] = chosen.tolist()  # type: ignore[assignment]
        right = next((at for at in range(size - 1) if tokens[at] != guess[at + 1]), size - 1)
        self._stack.trim(size - 1 - right)
        if row.history:
            row.history.size = before + 1 + right
        if row.sampler.sampling.temperature:
            row.sampler.position = position + 1 + right
        told = [row.pending, *((scored, at) if scored else None for at in range(right))]
        written = [Written(row, token, one) for token, one in zip(guess[: right + 1], told, strict=True)]
        row.tokens += guess[: right + 1]
        row.pending = (scored, right) if scored else None
        self._inputs = chosen[right : right + 1]
        lookup.extend(guess[: right + 1])
        lookup.verified(size - 1, right, self._clock() - began)
        self.proposed += size - 1
        self.accepted += right
        return written

    def _processed(self, logits: mx.array, rows: Sequence[Row], inputs: mx.array) -> mx.array:
        """The logits [rows, vocabulary] after the rows' processors; one that comes again has read what is above it."""
        if not any(row.processors for row in rows):
            return logits
        seen = [row.history.add(inputs[at : at + 1]) if row.history else inputs[:0] for at, row in enumerate(rows)]
        followed = False
        for row, tokens in zip(rows, seen, strict=True):
            for process in row.processors:
                looking: object = process
                if isinstance(looking, Follower):
                    looking.follow(tokens)
                    followed = True
        if followed:
            mx.async_eval(logits)  # the device works while the followers find out what may come
        found = []
        for at, row in enumerate(rows):
            own = logits[at : at + 1]
            for process in row.processors:
                own = process(seen[at], own)
            found.append(own)
        return mx.concatenate(found, axis=0)

    def _score(self, logits: mx.array, chosen: mx.array) -> list[Scores]:
        """Log-probabilities for the rows that want them."""
        wanting = [at for at, row in enumerate(self.rows) if row.request.top_logprobs is not None]
        for row in self.rows:
            row.pending = None
        if not wanting:
            return []
        if len(wanting) < len(self.rows):
            logits, chosen = logits[mx.array(wanting)], chosen[mx.array(wanting)]
        most = max(self.rows[at].request.top_logprobs or 0 for at in wanting)
        scores = Scores(logits, chosen, most)
        for place, at in enumerate(wanting):
            self.rows[at].pending = scores, place
        return [scores]

    def _look_out(self) -> None:
        """Guess for a row that is alone and whose caches can be cut."""
        self._lookup = None
        if not self._speculate or len(self.rows) != 1 or self.rows[0].request.processors:
            return
        if self._stack.is_divisible:
            (row,) = self.rows
            self._lookup = PromptLookup(row.tokens)
