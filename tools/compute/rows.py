"""A request to the generator, and the row of the batch that answers it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import mlx.core as mx

from tools.compute.logprobs import Scores
from tools.compute.routing import BASE_SLOT
from tools.compute.sampling import LogitsProcessor, SeededSampler, logits_processors
from tools.models.sampling import GREEDY, Sampling


@dataclass(frozen=True)
class GenerationRequest:
    """One answer to generate.

    prompt: token ids. slot: the adapter's in the router. stream: tells apart answers that share a
    seed. stop: strings that end the answer and are not part of it. top_logprobs: how many
    alternatives to tell of each token, None for no log-probabilities at all. processors: further
    changes of the logits, such as a grammar's. scope: names the weights in the slot by their
    content; prompts of one scope share what they have in common, None shares with nobody.
    prompt_logprobs: as top_logprobs, of the prompt's tokens. offset: characters of text before the
    answer's, from which `start` of its log-probabilities counts. shown: control tokens whose text is
    part of the answer's.
    """

    prompt: Sequence[int]
    max_tokens: int
    slot: int = BASE_SLOT
    sampling: Sampling = GREEDY
    stream: int = 0
    stop: tuple[str, ...] = ()
    top_logprobs: int | None = None
    processors: tuple[LogitsProcessor, ...] = ()
    scope: str | None = None
    prompt_logprobs: int | None = None
    offset: int = 0
    shown: frozenset[int] = frozenset()


class History:
    """The tokens that a row has read, as an array for logits processors."""

    _STEP = 256

    def __init__(self, tokens: Sequence[int]) -> None:
        self._buffer = mx.array([*tokens, *[0] * self._STEP], mx.int32)
        self.size = len(tokens)

    def add(self, token: mx.array) -> mx.array:
        """All tokens, with this one [1] as the last."""
        if self.size == self._buffer.size:
            self._buffer = mx.concatenate([self._buffer, mx.zeros(self._STEP, mx.int32)])
        self._buffer[self.size : self.size + 1] = token.astype(mx.int32)
        self.size += 1
        return self.tokens

    @property
    def tokens(self) -> mx.array:
        return self._buffer[: self.size]


@dataclass(eq=False)
class Row:
    """An answer that grows. read: how many of `tokens` its caches hold."""

    uid: int
    request: GenerationRequest
    sampler: SeededSampler
    written: list[int] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    read: int = 0
    cached: int = 0
    scored: int = 1  # prompt tokens whose log-probabilities were told; the first has none
    processors: list[LogitsProcessor] = field(default_factory=list)
    history: History | None = None
    # Where the log-probability of the token that goes into the model next stands; None for the prompt's last.
    pending: tuple[Scores, int] | None = None
    joined: bool = False  # the token that goes into the model next is the answer's, not the prompt's

    def begin(self) -> None:
        """Have everything read from the start, what was written already too."""
        self.tokens = [*self.request.prompt, *self.written]
        self.read, self.joined, self.pending = 0, False, None
        self.processors = [
            *logits_processors(self.request.sampling, len(self.request.prompt)),
            *self.request.processors,
        ]
        self.history = History(self.tokens[:-1]) if self.processors else None
        self.sampler.position = len(self.written)

    @property
    def to_read(self) -> int:
        """Tokens to read before the last one of `tokens` goes in with the batch of those that write."""
        if self.request.max_tokens == 0 and self.request.prompt_logprobs is None:
            return 0
        return len(self.tokens) - 1 - self.read

    @property
    def is_scored(self) -> bool:
        """Whether the prompt's log-probabilities are still to be told."""
        return self.request.prompt_logprobs is not None and self.scored < len(self.request.prompt)
