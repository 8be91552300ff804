"""Answers of equal length from Afina's generator and from mlx-lm, timed by the same clock on the model."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx_lm import batch_generate, stream_generate
from mlx_lm.tokenizer_utils import TokenizerWrapper
from mlx_lm.tuner.utils import linear_to_lora_layers, remove_lora_layers

from tools.compute.generation import GenerationRequest, Generator
from tools.compute.lora import AdapterWeights, LoraShape
from tools.compute.routing import AdapterRouter
from tools.models.tokenizer import Tokenizer

PROMPT_TOKENS = 16


@dataclass(frozen=True)
class Decoded:
    """Rates in tokens a second: while all rows were writing, and over the whole call with its prompts."""

    decode: float
    whole: float

    @staticmethod
    def median(found: Sequence[Decoded]) -> Decoded:
        return sorted(found, key=lambda one: one.decode)[len(found) // 2]


@contextlib.contextmanager
def clocked(model: nn.Module) -> Iterator[list[tuple[float, int, int]]]:
    """The times, rows and lengths of the model's calls within. Calls are queued: in a row they are a step apart."""
    calls: list[tuple[float, int, int]] = []
    own = type(model)

    def call(self: nn.Module, tokens: mx.array, *args: Any, **kwargs: Any) -> mx.array:
        calls.append((time.perf_counter(), *tokens.shape))
        return own.__call__(self, tokens, *args, **kwargs)

    # The module tells which operations the layers use.
    model.__class__ = type(own.__name__, (own,), {"__call__": call, "__module__": own.__module__})
    try:
        yield calls
    finally:
        model.__class__ = own


def never_ending(tokenizer: Tokenizer, peer: TokenizerWrapper) -> None:
    """Let no token end an answer, so that all have the length asked for."""
    tokenizer.eos_ids = frozenset()
    peer._eos_token_ids = set()


def prompts(tokenizer: Tokenizer, text: str, rows: int) -> list[list[int]]:
    """Different prompts of PROMPT_TOKENS tokens each."""
    ids = tokenizer.encode(text)
    assert len(ids) >= PROMPT_TOKENS + rows
    return [ids[row : row + PROMPT_TOKENS] for row in range(rows)]


def afina(
    router: AdapterRouter, tokenizer: Tokenizer, asked: list[list[int]], tokens: int, slots: Sequence[int] = (0,)
) -> Decoded:
    """Rows take the slots in turn. Nothing is guessed: each token has a step of its own, as mlx-lm's have."""
    generator = Generator(router, tokenizer, max_rows=len(asked), speculate=False)
    requests = [
        GenerationRequest(prompt, max_tokens=tokens, slot=slots[row % len(slots)]) for row, prompt in enumerate(asked)
    ]
    with clocked(router.model) as calls:
        began = time.perf_counter()
        generator.generate_all(requests)
        return _rates(calls, len(asked), tokens, time.perf_counter() - began)


def mlx_lm(model: nn.Module, tokenizer: TokenizerWrapper, asked: list[list[int]], tokens: int) -> Decoded:
    """`stream_generate` for one row, `batch_generate` for more."""
    with clocked(model) as calls:
        began = time.perf_counter()
        if len(asked) == 1:
            written = sum(1 for _ in stream_generate(model, tokenizer, asked[0], max_tokens=tokens))
        else:
            answer = batch_generate(
                model,
                tokenizer,
                asked,
                max_tokens=tokens,
                completion_batch_size=len(asked),
                prefill_batch_size=len(asked),  # all write together, however few tokens
                return_token_ids=True,
            )
            written = sum(len(ids) for ids in answer.token_ids)
        seconds = time.perf_counter() - began
    assert written == tokens * len(asked)
    return _rates(calls, len(asked), tokens, seconds)


def mlx_lm_one_by_one(
    model: nn.Module,
    tokenizer: TokenizerWrapper,
    asked: list[list[int]],
    tokens: int,
    adapters: list[tuple[AdapterWeights, LoraShape]],
) -> Decoded:
    """The same rows of several adapters as mlx-lm can serve them: a batch for each adapter, one after the other."""
    found = []
    for number, (adapter, shape) in enumerate(adapters):
        linear_to_lora_layers(model, shape.layers, shape.config()["lora_parameters"])
        model.load_weights(list(flat(adapter).items()), strict=False)
        mx.eval(model.parameters())
        try:
            found.append(mlx_lm(model, tokenizer, asked[number :: len(adapters)], tokens))
        finally:
            remove_lora_layers(model)
    # Equal shares of the tokens: the harmonic mean.
    return Decoded(len(found) / sum(1 / one.decode for one in found), len(found) / sum(1 / one.whole for one in found))


def random_adapters(model: nn.Module, shape: LoraShape, count: int) -> list[AdapterWeights]:
    """Adapters on all linears of the top layers, in the type that training writes, B strong enough to be seen."""
    linear_to_lora_layers(model, shape.layers, shape.config()["lora_parameters"])
    sizes = {
        name: (module.lora_a.shape, module.lora_b.shape)
        for name, module in model.named_modules()
        if hasattr(module, "lora_a")
    }
    remove_lora_layers(model)
    found = []
    for number in range(count):
        layers = {
            name: (mx.random.normal(a) * a[0] ** -0.5, mx.random.normal(b) * (0.05 * b[0] ** -0.5))
            for name, (a, b) in sizes.items()
        }
        mx.eval(layers)
        found.append(AdapterWeights(f"adapter-{number}", "0", shape.scale, shape.rank, layers, {}))
    return found


def flat(adapter: AdapterWeights) -> dict[str, mx.array]:
    """The adapter's arrays as mlx-lm names them."""
    return {
        f"{name}.{part}": array
        for name, pair in adapter.layers.items()
        for part, array in zip(("lora_a", "lora_b"), pair, strict=True)
    }


def _rates(calls: list[tuple[float, int, int]], rows: int, tokens: int, seconds: float) -> Decoded:
    times = [at for at, batch, length in calls if batch == rows and length == 1]
    # The first two are still near the prompts.
    steady = times[2:]
    return Decoded(rows * (len(steady) - 1) / (steady[-1] - steady[0]), rows * tokens / seconds)
