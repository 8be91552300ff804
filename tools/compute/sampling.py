"""Choosing the next token for every row of a batch.

The draws of a request are keyed by its seed, its stream and the position, so that the same request
gives the same answer whatever else is in the batch and however it was interrupted.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import mlx.core as mx

from tools.compute.arrays import scalar
from tools.models.sampling import Sampling

# Tokens among which nuclei are looked for first.
_FEW = 512
# (tokens so far [length], logits [1, vocabulary]) → logits
LogitsProcessor = Callable[[mx.array, mx.array], mx.array]


@runtime_checkable
class Follower(Protocol):
    """A processor that must know the tokens' values: told them before the device is given the logits to compute."""

    def follow(self, tokens: mx.array) -> None: ...


class SeededSampler:
    """The draws of one answer. `position` counts those made."""

    def __init__(self, sampling: Sampling, stream: int = 0) -> None:
        """stream: tells apart the answers that share a seed."""
        self.sampling = sampling
        self._seed = secrets.randbits(63) if sampling.seed is None else sampling.seed
        self._stream = stream
        self.position = 0

    def noise(self, size: int) -> mx.array:
        """Gumbel noise [size] of the next draw: the largest of scores plus noise is a draw from their softmax."""
        key = mx.random.key(_mixed(self._seed, self._stream, self.position))
        self.position += 1
        return mx.random.gumbel((size,), key=key)


def choose(logits: mx.array, samplers: Sequence[SeededSampler]) -> mx.array:
    """logits: [rows, vocabulary] → token ids [rows]. One sampler a row; those of temperature 0 take the likeliest."""
    chosen = mx.argmax(logits, axis=-1)
    drawing = [row for row, sampler in enumerate(samplers) if sampler.sampling.temperature]
    if not drawing:
        return chosen
    everyone = len(drawing) == len(samplers)
    scores = _narrowed(logits if everyone else logits[mx.array(drawing)], [samplers[row].sampling for row in drawing])
    noise = mx.stack([samplers[row].noise(scores.shape[-1]) for row in drawing])
    drawn = mx.argmax(scores + noise, axis=-1)
    if everyone:
        return drawn
    chosen[mx.array(drawing)] = drawn
    return chosen


def _mixed(*numbers: int) -> int:
    text = ":".join(str(number) for number in numbers)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def _narrowed(logits: mx.array, options: Sequence[Sampling]) -> mx.array:
    """Temperature, then top-k, top-p and min-p, one option a row: what is left out is minus infinity."""
    scores = logits.astype(mx.float32) / _column(options, lambda one: one.temperature)
    size = scores.shape[-1]
    narrow = [row for row, one in enumerate(options) if 0 < one.top_k < size or one.top_p < 1]
    if narrow:
        floors = mx.full((len(options), 1), -math.inf)
        at = mx.array(narrow)
        floors[at] = _floors(scores[at], [options[row] for row in narrow])
        scores = mx.where(scores < floors, -math.inf, scores)
    if any(one.min_p for one in options):
        share = _column(options, lambda one: math.log(one.min_p) if one.min_p else -math.inf)
        scores = mx.where(scores < mx.max(scores, axis=-1, keepdims=True) + share, -math.inf, scores)
    return scores


def _floors(scores: mx.array, options: Sequence[Sampling]) -> mx.array:
    """The lowest score [rows, 1] that top-k and then nucleus sampling leave; the likeliest token always stays.

    Nucleus sampling: https://arxiv.org/abs/1904.09751
    """
    size = scores.shape[-1]
    kept = [one.top_k if 0 < one.top_k < size else size for one in options]
    nucleus = any(one.top_p < 1 for one in options)
    # A sum that is rounded up to 1 leaves nothing out.
    wanted = _column(options, lambda one: one.top_p if one.top_p < 1 else 2.0)
    whole = mx.logsumexp(scores, axis=-1, keepdims=True)
    ordered = _likeliest(scores, kept, wanted, whole)
    width = ordered.shape[-1]
    floor = mx.take_along_axis(ordered, mx.array([[max(0, width - k)] for k in kept]), axis=-1)
    if not nucleus:
        return floor
    left = mx.where(ordered < floor, -math.inf, ordered)
    limited = mx.array([[k < size] for k in kept])
    total = mx.where(limited, mx.logsumexp(left, axis=-1, keepdims=True), whole)
    above = mx.cumsum(mx.exp(left - total), axis=-1, reverse=True, inclusive=False)
    dropped = (above >= wanted).sum(axis=-1, keepdims=True)
    return mx.maximum(floor, mx.take_along_axis(ordered, mx.minimum(dropped, width - 1), axis=-1))


def _likeliest(scores: mx.array, kept: Sequence[int], wanted: mx.array, whole: mx.array) -> mx.array:
    """Scores in ascending order, as many of the largest as top-k and the nuclei need.

    kept: the top-k of each row. wanted, whole: [rows, 1], the mass of each nucleus, and the logarithm of
    the mass of all.
    """
    size = scores.shape[-1]
    if max(kept) < size:
        return mx.sort(mx.topk(scores, max(kept), axis=-1), axis=-1)
    if mx.default_device() == mx.cpu and size > _FEW:
        # To put the whole vocabulary in order takes a CPU as long as half the model does, and is seldom needed.
        few = max([_FEW, *(k for k in kept if k < size)])
        best = mx.topk(scores, few, axis=-1)
        enough = mx.exp(best - whole).sum(axis=-1, keepdims=True) >= wanted
        if scalar(mx.all(enough | mx.array([[k < size] for k in kept]))):
            return mx.sort(best, axis=-1)
    return mx.sort(scores, axis=-1)


def _column(options: Sequence[Sampling], value: Callable[[Sampling], float]) -> mx.array:
    return mx.array([[value(one)] for one in options], mx.float32)


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
