"""Choosing the next token, for one row of a batch.

The draws of a request are keyed by its seed, its stream and the position, so that the same request
gives the same answer whatever else is in the batch and however it was interrupted.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from collections.abc import Callable

import mlx.core as mx
from mlx_lm.sample_utils import greedy_sampler

from tools.models.sampling import Sampling

Sampler = Callable[[mx.array], mx.array]
# (tokens so far [length], logits [1, vocabulary]) → logits
LogitsProcessor = Callable[[mx.array, mx.array], mx.array]


class SeededSampler:
    """Temperature, then top-k, top-p and min-p, then a draw. `position` counts the draws made."""

    def __init__(self, sampling: Sampling, stream: int = 0) -> None:
        """stream: tells apart the answers that share a seed."""
        self._sampling = sampling
        self._seed = secrets.randbits(63) if sampling.seed is None else sampling.seed
        self._stream = stream
        self.position = 0

    def __call__(self, logprobs: mx.array) -> mx.array:
        """logprobs: [1, vocabulary] → token ids [1]."""
        options = self._sampling
        if options.temperature == 0:
            return greedy_sampler(logprobs)
        scores = logprobs.astype(mx.float32) / options.temperature
        if 0 < options.top_k < scores.shape[-1]:
            scores = _keep_top_k(scores, options.top_k)
        if options.top_p < 1:
            scores = _keep_top_p(scores, options.top_p)
        if options.min_p > 0:
            floor = mx.max(scores, axis=-1, keepdims=True) + math.log(options.min_p)
            scores = mx.where(scores < floor, -math.inf, scores)
        key = mx.random.key(_mixed(self._seed, self._stream, self.position))
        self.position += 1
        return mx.random.categorical(scores, key=key)


def _mixed(*numbers: int) -> int:
    text = ":".join(str(number) for number in numbers)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def _keep_top_k(scores: mx.array, k: int) -> mx.array:
    others = mx.argpartition(-scores, kth=k - 1, axis=-1)[..., k:]
    return mx.put_along_axis(scores, others, mx.array(-math.inf, scores.dtype), axis=-1)


def _keep_top_p(scores: mx.array, p: float) -> mx.array:
    """Nucleus sampling (https://arxiv.org/abs/1904.09751); the likeliest token always stays."""
    ordered = mx.sort(scores, axis=-1)
    mass = mx.softmax(ordered, axis=-1)
    above = mx.cumsum(mass, axis=-1, reverse=True, inclusive=False)
    dropped = (above >= p).sum(axis=-1, keepdims=True)
    floor = mx.take_along_axis(ordered, mx.minimum(dropped, scores.shape[-1] - 1), axis=-1)
    return mx.where(scores < floor, -math.inf, scores)


def logits_processors(sampling: Sampling, prompt_tokens: int) -> list[LogitsProcessor]:
    """What changes the logits before a token is chosen. Bias ids must be in the vocabulary."""
    found: list[LogitsProcessor] = []
    if sampling.repetition_penalty != 1:
        found.append(_repetition(sampling.repetition_penalty))
    if sampling.presence_penalty or sampling.frequency_penalty:
        found.append(_written(sampling.presence_penalty, sampling.frequency_penalty, prompt_tokens))
    if sampling.logit_bias:
        found.append(_bias(sampling.logit_bias))
    return found


def _repetition(penalty: float) -> LogitsProcessor:
    """As in CTRL (https://arxiv.org/abs/1909.05858): prompt and answer count."""

    def process(tokens: mx.array, logits: mx.array) -> mx.array:
        seen = logits[:, tokens]
        logits[:, tokens] = mx.where(seen < 0, seen * penalty, seen / penalty)
        return logits

    return process


def _written(presence: float, frequency: float, prompt_tokens: int) -> LogitsProcessor:
    """OpenAI's penalties: only what the model wrote counts."""

    def process(tokens: mx.array, logits: mx.array) -> mx.array:
        written = tokens[prompt_tokens:]
        if written.size == 0:
            return logits
        counts = mx.zeros((logits.shape[-1],), mx.float32).at[written].add(1.0)
        taken = frequency * counts + presence * (counts > 0)
        return logits - taken.astype(logits.dtype)

    return process


def _bias(bias: dict[int, float]) -> LogitsProcessor:
    ids = mx.array(list(bias), mx.uint32)
    added = mx.array(list(bias.values()), mx.float32)

    def process(_tokens: mx.array, logits: mx.array) -> mx.array:
        return logits.at[:, ids].add(added.astype(logits.dtype))

    return process
