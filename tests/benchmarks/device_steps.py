"""Where one row's step spends its time: the same answer by way after way, each with one thing more, in one run.

From mlx-lm's plainest loop to Afina's generator. Beside them the host's time to describe a step, and
single operations that differ between the ways.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx_lm import stream_generate
from mlx_lm.generate import BatchGenerator, generate_step
from mlx_lm.models.base import create_causal_mask
from mlx_lm.models.cache import BatchKVCache, KVCache, make_prompt_cache
from mlx_lm.tokenizer_utils import TokenizerWrapper

from tests.benchmarks.decoding import clocked
from tests.benchmarks.random_model import Size
from tools.compute.generation import Event, GenerationRequest, Generator
from tools.compute.routing import AdapterRouter
from tools.models.tokenizer import Tokenizer

# The first steps are still near the prompt.
_SKIPPED = 4
_CHAIN = 64


class Unmasked(BatchKVCache):
    """A batched cache that gives no mask: right for rows without padding alone."""

    def make_mask(self, N: int, return_array: bool = False, **_: Any) -> Any:
        return None if N == 1 else "causal"

    @classmethod
    def merge(cls, caches: Sequence[Any]) -> Unmasked:
        made: Unmasked = BatchKVCache.merge(caches)
        made.__class__ = cls
        return made


class UnmaskedRow(KVCache):
    """One row's cache, which joins a batch without a mask."""

    @classmethod
    def merge(cls, caches: Sequence[Any]) -> Unmasked:
        return Unmasked.merge(caches)


class PlainRow(KVCache):
    """One row's cache, which stays itself where mlx-lm batches it: for a batch of one alone."""

    @classmethod
    def merge(cls, caches: Sequence[Any]) -> Any:
        return caches[0]

    def filter(self, keep: Sequence[int]) -> None:
        """The only row stays."""

    def extract(self, row: int) -> PlainRow:
        return self


def ways(
    model: nn.Module, tokenizer: Tokenizer, peer: TokenizerWrapper, prompt: list[int], tokens: int, rounds: int
) -> dict[str, Any]:
    """Milliseconds a token of one greedy row by each way, the best of its rounds; the ways take turns."""
    router = AdapterRouter(model)

    def cached(kind: type[KVCache]) -> list[Any]:
        return [kind() for _ in make_prompt_cache(model)]

    def batched(target: Any, caches: list[Any] | None, **settings: Any) -> Callable[[], Iterator[Any]]:
        return lambda: _batched(target, caches, prompt, tokens, settings)

    own = {"stream": mx.default_stream(mx.default_device())}
    candidates: dict[str, Callable[[], Iterator[Any]]] = {
        "generate_step": lambda: generate_step(mx.array(prompt), model, max_tokens=tokens),
        "stream_generate": lambda: stream_generate(model, peer, prompt, max_tokens=tokens),
        "BatchGenerator": batched(model, None),
        "BatchGenerator, default stream": batched(model, None, **own),
        "BatchGenerator, no mask": lambda: _batched(model, cached(UnmaskedRow), prompt, tokens, own),
        "BatchGenerator, plain cache": lambda: _batched(model, cached(PlainRow), prompt, tokens, own),
        "BatchGenerator, routed": lambda: _batched(router, router.caches(0), prompt, tokens, own),
        "Afina": lambda: _afina(Generator(router, tokenizer, speculate=False), prompt, tokens),
    }
    found: dict[str, list[float]] = {name: [] for name in candidates}
    for number in range(rounds + 1):
        for name, way in candidates.items():
            taken = _each_token(model, way())
            if number:  # the first compiles
                found[name].append(taken)
    best = {name: min(times) for name, times in found.items()}
    return {
        "ms_a_token": {name: round(ms, 3) for name, ms in best.items()},
        "of generate_step": {name: round(best["generate_step"] / ms, 3) for name, ms in best.items()},
        "all_ms": {name: [round(ms, 3) for ms in times] for name, times in found.items()},
    }


def _batched(
    model: Any, caches: list[Any] | None, prompt: list[int], tokens: int, settings: dict[str, Any]
) -> Iterator[Any]:
    batch = BatchGenerator(model, completion_batch_size=1, prefill_batch_size=1, **settings)
    batch.insert([list(prompt)], max_tokens=[tokens], caches=None if caches is None else [caches])
    ended = False
    while not ended:
        for response in batch.next()[1]:
            yield response
            ended = response.finish_reason is not None


def _afina(generator: Generator, prompt: list[int], tokens: int) -> Iterator[Event]:
    generator.add(GenerationRequest(prompt, max_tokens=tokens))
    ended = False
    while not ended:
        for event in generator.step():
            yield event
            ended = not hasattr(event, "text")


def _each_token(model: nn.Module, pieces: Iterator[Any]) -> float:
    """Mean milliseconds between the model's calls for a single token, after the first few."""
    with clocked(model) as calls:
        for _ in pieces:
            pass
    steady = [at for at, _, length in calls if length == 1][_SKIPPED:]
    return 1000 * (steady[-1] - steady[0]) / (len(steady) - 1)


def describing(model: nn.Module, prompt: list[int], repeats: int = 20) -> dict[str, float]:
    """Milliseconds of the host's thread to describe one step, not to compute it, with each kind of cache."""
    router = AdapterRouter(model)
    kinds: dict[str, tuple[Any, list[Any]]] = {
        "plain cache": (model, make_prompt_cache(model)),
        "batched cache": (model, [KVCache.merge([cache]) for cache in make_prompt_cache(model)]),
        "batched cache, routed": (router, [type(cache).merge([cache]) for cache in router.caches(0)]),
    }
    found = {}
    for name, (target, cache) in kinds.items():
        mx.eval(target(mx.array([prompt]), cache=cache))
        taken = []
        for _ in range(repeats):
            began = time.perf_counter()
            logits = target(mx.array([prompt[:1]]), cache=cache)
            taken.append(1000 * (time.perf_counter() - began))
            mx.eval(logits)
        found[name] = round(statistics.median(taken), 3)
    return found


def operations(size: Size, dtype: Any, context: int = 128) -> dict[str, float]:
    """Microseconds each, at the shapes of one row's step: what differs between the ways."""
    width = size.hidden // size.heads
    queries = mx.random.normal((1, size.heads, 1, width)).astype(dtype)
    keys = mx.random.normal((1, size.kv_heads, context, width)).astype(dtype)
    padding, offsets = mx.array([0]), mx.array([context])
    mask = create_causal_mask(1, offset=context - 1, left_padding=padding)
    logits = mx.random.normal((1, size.vocab)).astype(dtype)
    attend = mx.fast.scaled_dot_product_attention
    mx.eval(queries, keys, padding, offsets, mask, logits)

    def rope(offset: Any) -> Callable[[mx.array], mx.array]:
        return lambda x: mx.fast.rope(x, width, traditional=False, base=1e6, scale=1.0, offset=offset)

    def grow(x: mx.array) -> mx.array:
        x[..., 5:6, :] = queries[:, : size.kv_heads]
        return x

    chains: dict[str, tuple[Callable[[mx.array], mx.array], mx.array]] = {
        "attention, no mask": (lambda q: attend(q, keys, keys, scale=1.0), queries),
        "attention, array mask": (lambda q: attend(q, keys, keys, scale=1.0, mask=mask), queries),
        "rope, offset a number": (rope(context), queries),
        "rope, offset an array": (rope(offsets), queries),
        "write a token into the cache": (grow, keys),
        "log-probabilities": (lambda x: x - mx.logsumexp(x, axis=-1, keepdims=True), logits),
    }
    found = {name: _chained(work, start) for name, (work, start) in chains.items()}
    masks = lambda: [create_causal_mask(1, offset=context + n, left_padding=padding) for n in range(_CHAIN)]  # noqa: E731
    found["make an array mask"] = _timed(masks)
    return found


def _chained(work: Callable[[mx.array], mx.array], start: mx.array) -> float:
    def chain() -> mx.array:
        x = start
        for _ in range(_CHAIN):
            x = work(x)
        return x

    return _timed(chain)


def _timed(chain: Callable[[], Any]) -> float:
    """Microseconds for one of the chain's _CHAIN links, the best of five."""
    mx.eval(chain())
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        mx.eval(chain())
        taken.append(time.perf_counter() - began)
    return round(1e6 * min(taken) / _CHAIN, 2)
