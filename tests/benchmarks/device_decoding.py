"""Answers on an accelerator: Afina's generator beside mlx-lm's, by rows, by adapters, and behind a shared prefix."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx_lm.generate import BatchGenerator
from mlx_lm.tokenizer_utils import TokenizerWrapper

from tests.benchmarks import decoding
from tests.support.tiny_model import TEXT
from tools.compute.generation import GenerationRequest, Generator
from tools.compute.lora import LoraShape
from tools.compute.routing import AdapterRouter
from tools.models.tokenizer import Tokenizer

SERVED = LoraShape(layers=16, rank=8, scale=2.0)
ADAPTERS = 4
_TAIL = 16
_PREFIX_BYTES = 8 * 1024**3


def decode(
    model: nn.Module, tokenizer: Tokenizer, peer: TokenizerWrapper, rows: int, tokens: int, rounds: int
) -> dict[str, Any]:
    """Base, then adapters mixed in one batch, against mlx-lm's base and its adapters one by one."""
    asked = decoding.prompts(tokenizer, TEXT * 3, rows)
    router = AdapterRouter(model)
    decoding.mlx_lm(model, peer, asked, 6)  # compiles kernels
    pairs = [
        (decoding.mlx_lm(model, peer, asked, tokens), decoding.afina(router, tokenizer, asked, tokens))
        for _ in range(rounds)
    ]
    theirs, ours = (max((pair[side] for pair in pairs), key=lambda one: one.decode) for side in (0, 1))
    found = {
        "afina": vars(ours),
        "mlx_lm": vars(theirs),
        "ratio": round(ours.decode / theirs.decode, 3),
        "all": [[round(one.decode, 1) for one in pair] for pair in pairs],
    }
    adapters = decoding.random_adapters(model, SERVED, min(ADAPTERS, rows))
    slots = [router.load(adapter) for adapter in adapters]
    try:
        decoding.afina(router, tokenizer, asked, 6, slots)
        mixed = max((decoding.afina(router, tokenizer, asked, tokens, slots) for _ in range(2)), key=lambda o: o.decode)
    finally:
        for slot in slots:
            router.unload(slot)
    apart = decoding.mlx_lm_one_by_one(model, peer, asked, tokens, [(one, SERVED) for one in adapters])
    return found | {
        "adapters": len(adapters),
        "afina_mixed": vars(mixed),
        "mlx_lm_one_by_one": vars(apart),
        "ratio_mixed": round(mixed.decode / apart.decode, 3),
        "ratio_mixed_whole": round(mixed.whole / apart.whole, 3),
        "mixed_of_base": round(mixed.decode / ours.decode, 3),
    }


def first_tokens(model: nn.Module, tokenizer: Tokenizer, vocab: int, rows: int, prefix: int) -> dict[str, Any]:
    """Seconds to the first token of rows that come at once, at the 95th percentile, the first and the last.

    apart: prompts that have nothing in common, so that no cache helps; new: one long prefix, for the
    first time; seen: the same again with other ends.
    """
    numbers = np.random.default_rng(3)

    def drawn(*shape: int) -> Any:
        return numbers.integers(3, vocab, shape).tolist()

    def behind(beginning: list[int]) -> list[list[int]]:
        return [[*beginning, *tail] for tail in drawn(rows, _TAIL)]

    generator = Generator(AdapterRouter(model), tokenizer, max_rows=rows, prefix_bytes=_PREFIX_BYTES)
    _afina(generator, behind(drawn(prefix)))  # compiles kernels
    common = drawn(prefix)
    read = generator.prefix_stats.hit_tokens
    found: dict[str, dict[str, float]] = {
        "mlx_lm": _mlx_lm(model, behind(drawn(prefix))),
        "apart": _afina(generator, drawn(rows, prefix + _TAIL)),
        "new": _afina(generator, behind(common)),
        "seen": _afina(generator, behind(common)),
    }
    theirs = found["mlx_lm"]["p95"]
    return found | {
        "of mlx_lm": {name: round(times["p95"] / theirs, 3) for name, times in found.items()},
        "tokens_found": generator.prefix_stats.hit_tokens - read,
    }


def _afina(generator: Generator, asked: list[list[int]]) -> dict[str, float]:
    """Each asked for a single token, so that its first event is its first token and its end."""
    for prompt in asked:
        generator.add(GenerationRequest(prompt, max_tokens=1, scope="base"))
    return _firsts(len(asked), lambda: (event.uid for event in generator.step()))


def _mlx_lm(model: nn.Module, asked: list[list[int]]) -> dict[str, float]:
    batch = BatchGenerator(model, completion_batch_size=len(asked))
    batch.insert(asked, max_tokens=[1] * len(asked))
    return _firsts(len(asked), lambda: (response.uid for response in batch.next()[1]))


def _firsts(rows: int, step: Callable[[], Iterable[int]]) -> dict[str, float]:
    """When each of the rows was first heard of."""
    began = time.perf_counter()
    seen: dict[int, float] = {}
    while len(seen) < rows:
        for uid in step():
            seen.setdefault(uid, time.perf_counter() - began)
    times = sorted(seen.values())
    mx.clear_cache()
    return {"p95": round(times[-(-95 * rows // 100) - 1], 4), "last": round(times[-1], 4), "first": round(times[0], 4)}
