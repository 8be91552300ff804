"""Text from a base and its adapters: many requests in one batch that rows join and leave.

Built on mlx-lm's `BatchGenerator` (continuous batching, chunked prefill). It knows nothing of
servers: the endpoint, evaluations and the samples of a training run all ask it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import mlx.core as mx
from mlx_lm.generate import BatchGenerator
from mlx_lm.models.cache import make_prompt_cache

from tools.compute.logprobs import LogprobTrail, TokenLogprob, describe_token
from tools.compute.routing import BASE_SLOT, AdapterRouter
from tools.compute.sampling import LogitsProcessor, SeededSampler, logits_processors
from tools.compute.stops import StopMatcher
from tools.errors import Conflict, InvalidArgument
from tools.models.sampling import GREEDY, Sampling
from tools.models.tokenizer import Tokenizer

log = logging.getLogger(__name__)

# Tokens of a prompt that go through the model at once: bounds the memory of a long prompt, and how
# long the rows that are already writing wait for it.
PREFILL_CHUNK = 512
FinishReason = Literal["stop", "length"]


@dataclass(frozen=True)
class GenerationRequest:
    """One answer to generate.

    prompt: token ids. slot: the adapter's in the router. stream: tells apart answers that share a
    seed. stop: strings that end the answer and are not part of it. top_logprobs: how many
    alternatives to tell of each token, None for no log-probabilities at all. processors: further
    changes of the logits, such as a grammar's.
    """

    prompt: Sequence[int]
    max_tokens: int
    slot: int = BASE_SLOT
    sampling: Sampling = GREEDY
    stream: int = 0
    stop: tuple[str, ...] = ()
    top_logprobs: int | None = None
    processors: tuple[LogitsProcessor, ...] = ()


@dataclass(frozen=True)
class Delta:
    """Text that became certain, and the tokens it came from when they were asked for."""

    uid: int
    text: str
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True)
class Finished:
    """The end of an answer. completion_tokens counts the end-of-text token too."""

    uid: int
    reason: FinishReason
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class Failed:
    """The row could not go on; the others do."""

    uid: int
    error: Exception


Event = Delta | Finished | Failed


@dataclass
class _Row:
    uid: int
    request: GenerationRequest
    decoder: Any
    stops: StopMatcher
    sampler: SeededSampler
    trail: LogprobTrail | None
    written: list[int] = field(default_factory=list)


class _Lane:
    """Rows that share a batch."""

    def __init__(self, batch: BatchGenerator) -> None:
        self.batch = batch
        self.rows: dict[int, _Row] = {}  # by the batch's own ids


class Generator:
    """Continuous batching over one base. Not to be shared between threads.

    Raises Conflict for an architecture whose caches cannot be batched.
    """

    def __init__(
        self,
        router: AdapterRouter,
        tokenizer: Tokenizer,
        *,
        max_rows: int = 8,
        prefill_chunk: int = PREFILL_CHUNK,
    ) -> None:
        if not all(hasattr(cache, "merge") for cache in make_prompt_cache(router.model)):
            raise Conflict(
                "The caches of this model's architecture cannot be batched by mlx-lm.",
                fix="Choose a model of another family.",
            )
        self._router = router
        self._tokenizer = tokenizer
        self._max_rows = max_rows
        self._prefill_chunk = prefill_chunk
        self._eos = sorted(tokenizer.eos_ids)
        self._main = self._new_lane()
        self._alone: list[_Lane] = []
        self._count = 0

    def __len__(self) -> int:
        """Requests that have not ended."""
        return sum(len(lane.rows) for lane in self._lanes())

    def add(self, request: GenerationRequest) -> int:
        """Let a request join the batch; returns the id that its events bear."""
        if not request.prompt:
            raise InvalidArgument("The prompt has no tokens.", field="prompt", expected="at least one token")
        self._count += 1
        wants = request.top_logprobs is not None
        row = _Row(
            uid=self._count,
            request=request,
            decoder=self._tokenizer.stream_decoder(context=request.prompt[-8:]),
            stops=StopMatcher(request.stop),
            sampler=SeededSampler(request.sampling, request.stream),
            trail=LogprobTrail() if wants else None,
        )
        self._insert(self._main, row)
        return row.uid

    def cancel(self, uid: int) -> None:
        """Take a request out; it has no further events. One that has ended is ignored."""
        for lane in self._lanes():
            for key, row in list(lane.rows.items()):
                if row.uid == uid:
                    lane.batch.remove([key])
                    del lane.rows[key]
        self._alone = [lane for lane in self._alone if lane.rows]

    def step(self) -> list[Event]:
        """One token for every row that is writing, one chunk for those that are reading."""
        events: list[Event] = []
        for lane in self._lanes():
            if not lane.rows:
                continue
            try:
                _, responses = lane.batch.next()
            except Exception as error:  # whatever a row does to the batch must not reach the others
                events += self._part(lane, error)
                continue
            for response in responses:
                events += self._advance(lane, response)
        self._alone = [lane for lane in self._alone if lane.rows]
        return events

    def generate_all(self, requests: Sequence[GenerationRequest]) -> list[str]:
        """The answers to all requests, in their order. Raises what the first failed one met."""
        texts = {self.add(request): "" for request in requests}
        open_ids = set(texts)
        while open_ids:
            for event in self.step():
                if event.uid not in texts:
                    continue
                if isinstance(event, Delta):
                    texts[event.uid] += event.text
                else:
                    open_ids.discard(event.uid)
                    if isinstance(event, Failed):
                        raise event.error
        return list(texts.values())

    # Rows and lanes ---------------------------------------------------------------------------

    def _lanes(self) -> list[_Lane]:
        return [self._main, *self._alone]

    def _new_lane(self) -> _Lane:
        batch = BatchGenerator(
            self._router,
            stop_tokens=[[token] for token in self._eos],
            completion_batch_size=self._max_rows,
            prefill_batch_size=min(4, self._max_rows),
            prefill_step_size=self._prefill_chunk,
            stream=mx.default_stream(mx.default_device()),
        )
        # Gives back the wired limit that it has just raised: a high one has been linked to kernel panics.
        batch.close()
        return _Lane(batch)

    def _insert(self, lane: _Lane, row: _Row) -> None:
        """Begin a row, or go on with one that has written already."""
        request = row.request
        row.sampler.position = len(row.written)
        processors = [*logits_processors(request.sampling, len(request.prompt)), *request.processors]
        (key,) = lane.batch.insert(
            [[*request.prompt, *row.written]],
            max_tokens=[request.max_tokens - len(row.written)],
            caches=[self._router.caches(request.slot)],
            samplers=[_greedy_or(row.sampler, request.sampling)],
            logits_processors=[processors],
        )
        lane.rows[key] = row

    def _part(self, lane: _Lane, error: Exception) -> Iterator[Event]:
        """After a failed step: a row that was alone has failed; several go on, each alone."""
        rows = list(lane.rows.values())
        lane.rows.clear()
        if lane is self._main:
            self._main = self._new_lane()
        if len(rows) == 1:
            log.error("a generation failed", exc_info=error)
            yield Failed(rows[0].uid, error)
            return
        log.warning("a batch of %d failed; its rows go on one by one", len(rows), exc_info=error)
        for row in rows:
            alone = self._new_lane()
            self._insert(alone, row)
            self._alone.append(alone)

    # Tokens to text ---------------------------------------------------------------------------

    def _advance(self, lane: _Lane, response: Any) -> Iterator[Event]:
        row = lane.rows[response.uid]
        row.written.append(response.token)
        ended_by_token = response.finish_reason == "stop"
        piece = "" if ended_by_token else row.decoder.add(response.token)
        if row.trail is not None and not ended_by_token:
            alternatives = row.request.top_logprobs or 0
            row.trail.add(piece, describe_token(self._tokenizer, response.token, response.logprobs, alternatives))
        text = row.stops.add(piece)
        reason: FinishReason | None = response.finish_reason
        if reason is not None and row.stops.matched is None:
            text += row.stops.add(row.decoder.finish())
            text += row.stops.finish()
        if row.stops.matched is not None:
            if reason is None:
                lane.batch.remove([response.uid])
            reason = "stop"
        logprobs = (
            row.trail.release(text, ended=reason is not None, cut=row.stops.matched is not None) if row.trail else ()
        )
        if text or logprobs:
            yield Delta(row.uid, text, logprobs)
        if reason is not None:
            del lane.rows[response.uid]
            yield Finished(row.uid, reason, len(row.request.prompt), len(row.written))


def _greedy_or(sampler: SeededSampler, sampling: Sampling) -> Any:
    # One function shared by all greedy rows lets the batch choose for all of them at once.
    return None if sampling.temperature == 0 else sampler
