"""Text from a base and its adapters: many requests in one batch that rows join and leave.

Continuous batching over mlx-lm's models and caches: each step reads one chunk of the prompts that
wait and writes one token for every row that writes. It knows nothing of servers: the endpoint,
evaluations and the samples of a training run all ask it.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mlx_lm.models.cache import make_prompt_cache

from tools.compute.answer_text import AnswerText, FinishReason
from tools.compute.logprobs import TokenLogprob, describe
from tools.compute.prefix_cache import PrefixCache, PrefixStats
from tools.compute.reading import Reader, Scored
from tools.compute.routing import AdapterRouter
from tools.compute.rows import GenerationRequest, Row
from tools.compute.sampling import SeededSampler
from tools.compute.writing import Writer, Written
from tools.errors import Conflict, InvalidArgument
from tools.models.answer_costs import PREFILL_CHUNK
from tools.models.tokenizer import Tokenizer

__all__ = ["Delta", "Event", "Failed", "Finished", "GenerationRequest", "Generator", "PromptScored"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PromptScored:
    """Log-probabilities of the prompt's tokens from `first` on; a prompt is told in parts, in order."""

    uid: int
    first: int
    logprobs: tuple[TokenLogprob, ...]


@dataclass(frozen=True)
class Delta:
    """Text that became certain, and the tokens it came from when they were asked for."""

    uid: int
    text: str
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True)
class Finished:
    """The end of an answer. completion_tokens counts the end-of-text token too; cached_tokens those not read anew."""

    uid: int
    reason: FinishReason
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0


@dataclass(frozen=True)
class Failed:
    """The row could not go on; the others do."""

    uid: int
    error: Exception


Event = PromptScored | Delta | Finished | Failed


class _Lane:
    """Rows that share a batch."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self.reader = reader
        self.writer = writer
        self.rows: list[Row] = []

    def add(self, row: Row) -> None:
        self.rows.append(row)
        self.reader.add(row)

    def remove(self, rows: Sequence[Row]) -> None:
        self.rows = [row for row in self.rows if row not in rows]
        self.writer.leave(rows)
        for row in rows:
            self.reader.remove(row)


class Generator:
    """Continuous batching over one base. Not to be shared between threads.

    max_rows: answers generated together; the others wait in line. prefill_chunk: tokens of prompts to
    read at once, a number or a function of the tokens read before them. prefix_bytes: the most to keep
    of what was read, for prompts that begin the same. speculate: whether quotations are guessed,
    as long as that pays. clock: seconds, by which that is seen, and how much may be read while others wait.
    Raises Conflict for an architecture whose caches cannot be batched.
    """

    def __init__(
        self,
        router: AdapterRouter,
        tokenizer: Tokenizer,
        *,
        max_rows: int = 8,
        prefill_chunk: int | Callable[[int], int] = PREFILL_CHUNK,
        prefix_bytes: int = 0,
        speculate: bool = True,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        if not all(hasattr(cache, "merge") for cache in make_prompt_cache(router.model)):
            raise Conflict(
                "The caches of this model's architecture cannot be batched by mlx-lm.",
                fix="Choose a model of another family.",
            )
        self._router = router
        self._tokenizer = tokenizer
        self._max_rows = max_rows
        self._chunk = prefill_chunk if callable(prefill_chunk) else lambda _read: prefill_chunk
        self._speculate = speculate
        self._clock = clock
        self._prefixes = PrefixCache(prefix_bytes)
        self._line: deque[Row] = deque()
        self._texts: dict[int, AnswerText] = {}
        self._main = self._new_lane()
        self._alone: list[_Lane] = []
        self._count = 0

    def __len__(self) -> int:
        """Requests that have not ended."""
        return len(self._line) + sum(len(lane.rows) for lane in self._lanes())

    @property
    def prefix_stats(self) -> PrefixStats:
        return self._prefixes.stats

    @property
    def guessed(self) -> tuple[int, int]:
        """Tokens that the rows in the batch now were guessed, and how many of these were right."""
        return self._main.writer.proposed, self._main.writer.accepted

    def add(self, request: GenerationRequest) -> int:
        """Let a request join the batch; returns the id that its events bear."""
        if not request.prompt:
            raise InvalidArgument("The prompt has no tokens.", field="prompt", expected="at least one token")
        self._count += 1
        row = Row(self._count, request, SeededSampler(request.sampling, request.stream))
        row.begin()
        self._texts[row.uid] = AnswerText(self._tokenizer, request)
        self._line.append(row)
        return row.uid

    def cancel(self, uid: int) -> None:
        """Take a request out; it has no further events. One that has ended is ignored."""
        self._line = deque(row for row in self._line if row.uid != uid)
        for lane in self._lanes():
            for row in lane.rows:
                if row.uid == uid:
                    lane.remove([row])
        self._texts.pop(uid, None)
        self._alone = [lane for lane in self._alone if lane.rows]

    def step(self) -> list[Event]:
        """One token for every row that is writing, one chunk for those that are reading."""
        events: list[Event] = []
        while self._line and sum(len(lane.rows) for lane in self._lanes()) < self._max_rows:
            row = self._line.popleft()
            if row.request.prompt_logprobs is not None:
                events.append(PromptScored(row.uid, 0, (describe(self._tokenizer, row.tokens[0], None),)))
            self._main.add(row)
        for lane in self._lanes():
            try:
                for event in self._advance(lane):
                    events.append(event)
            except Exception as error:  # whatever a row does to the batch must not reach the others
                events += self._part(lane, error)
        self._alone = [lane for lane in self._alone if lane.rows]
        return events

    def generate_all(self, requests: Sequence[GenerationRequest]) -> list[str]:
        """The answers to all requests, in their order. Raises what the first failed one met."""
        texts = {self.add(request): "" for request in requests}
        open_ids = set(texts)
        while open_ids:
            for event in self.step():
                if isinstance(event, Delta) and event.uid in texts:
                    texts[event.uid] += event.text
                elif isinstance(event, Failed) and event.uid in texts:
                    raise event.error
                elif isinstance(event, Finished):
                    open_ids.discard(event.uid)
        return list(texts.values())

    # Rows and lanes ---------------------------------------------------------------------------

    def _lanes(self) -> list[_Lane]:
        return [self._main, *self._alone]

    def _new_lane(self) -> _Lane:
        reader = Reader(self._router, self._prefixes, self._chunk, self._tokenizer.vocab_size, self._clock)
        return _Lane(reader, Writer(self._router, speculate=self._speculate, clock=self._clock))

    def _part(self, lane: _Lane, error: Exception) -> Iterator[Event]:
        """After a failed step: a row that was alone has failed; several go on, each alone."""
        rows = [row for row in lane.rows if row.uid in self._texts]
        if lane is self._main:
            self._main = self._new_lane()
        else:
            self._alone.remove(lane)
        if len(rows) == 1:
            log.error("a generation failed", exc_info=error)
            self._texts.pop(rows[0].uid, None)
            yield Failed(rows[0].uid, error)
            return
        log.warning("a batch of %d failed; its rows go on one by one", len(rows), exc_info=error)
        for row in rows:
            row.begin()
            alone = self._new_lane()
            alone.add(row)
            self._alone.append(alone)

    # Steps --------------------------------------------------------------------------------------

    def _advance(self, lane: _Lane) -> Iterator[Event]:
        if len(lane.reader):
            scored, through = lane.reader.step(writing=len(lane.writer))
            for one in scored:
                yield from self._told(one)
            for rows, stack in through:
                stack.keep([at for at, row in enumerate(rows) if row.request.max_tokens])
                lane.writer.join([row for row in rows if row.request.max_tokens], stack)
                silent = [row for row in rows if not row.request.max_tokens]
                lane.remove(silent)
                yield from (self._finished(row, "length") for row in silent)
        if len(lane.writer):
            yield from self._spoken(lane, lane.writer.step())

    def _told(self, scored: Scored) -> Iterator[Event]:
        """What a chunk tells of the prompt; a chunk that was read twice is told once."""
        row, alternatives = scored.row, scored.row.request.prompt_logprobs or 0
        size = scored.scores.arrays[0].shape[0]
        stop = min(scored.first + size, len(row.request.prompt))
        logprobs = tuple(
            scored.scores.told(self._tokenizer, at - scored.first, row.tokens[at], alternatives)
            for at in range(row.scored, stop)
        )
        first, row.scored = row.scored, max(row.scored, stop)
        if logprobs:
            yield PromptScored(row.uid, first, logprobs)

    def _spoken(self, lane: _Lane, written: Sequence[Written]) -> Iterator[Event]:
        ended: list[Row] = []
        for one in written:
            row = one.row
            if row in ended:
                continue  # what was written after the end
            row.written.append(one.token)
            piece = self._texts[row.uid].add(one)
            if piece.text or piece.logprobs:
                yield Delta(row.uid, piece.text, piece.logprobs)
            if piece.reason is not None:
                ended.append(row)
                self._keep(lane, row)
                yield self._finished(row, piece.reason)
        if ended:
            lane.remove(ended)

    def _keep(self, lane: _Lane, row: Row) -> None:
        """Remember the conversation: the next turn begins with it."""
        if row.request.scope is not None:
            stack, at = lane.writer.stack_of(row)
            read = len(row.request.prompt) + len(row.written)
            self._prefixes.keep(row.request.scope, row.tokens[:read], stack, at)

    def _finished(self, row: Row, reason: FinishReason) -> Finished:
        del self._texts[row.uid]
        return Finished(row.uid, reason, len(row.request.prompt), len(row.written), row.cached)
