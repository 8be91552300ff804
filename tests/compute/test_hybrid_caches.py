"""Models with recurrent layers, whose caches cannot be cut: batched, kept whole, and never guessed for."""

from __future__ import annotations

import itertools

import mlx.core as mx
import pytest
from mlx_lm.generate import generate_step
from mlx_lm.models.lfm2 import Model, ModelArgs

from tests.compute.test_prefix_cache import LARGE, run
from tests.support.tiny_model import TEXT
from tools.compute.generation import GenerationRequest, Generator
from tools.compute.routing import AdapterRouter
from tools.models.tokenizer import Tokenizer
from tools.workspace.layout import Workspace

TOKENS = 10


@pytest.fixture
def tokenizer(tiny_ws: Workspace) -> Tokenizer:
    found = Tokenizer.load(tiny_ws.models / "tiny")
    found.eos_ids = frozenset()
    return found


@pytest.fixture
def router(tokenizer: Tokenizer) -> AdapterRouter:
    """A random model of two short convolutions and two layers of attention."""
    mx.random.seed(3)
    model = Model(
        ModelArgs(
            model_type="lfm2",
            vocab_size=tokenizer.vocab_size,
            hidden_size=64,
            num_hidden_layers=4,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=512,
            norm_eps=1e-5,
            conv_bias=False,
            conv_L_cache=3,
            block_dim=64,
            block_ff_dim=128,
            block_multiple_of=16,
            block_ffn_dim_multiplier=1.0,
            block_auto_adjust_ff_dim=False,
            full_attn_idxs=[1, 3],
        )
    )
    mx.eval(model.parameters())
    return AdapterRouter(model)


def expected(router: AdapterRouter, tokenizer: Tokenizer, request: GenerationRequest) -> str:
    found = generate_step(mx.array(list(request.prompt)), router.model, max_tokens=request.max_tokens)
    return tokenizer.decode([int(token) for token, _ in found])


def test_recurrent_layers_answer_in_a_batch_as_in_mlx_lm(router: AdapterRouter, tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode(TEXT)
    requests = [GenerationRequest(ids[:size], TOKENS, scope="") for size in (1, 2, 30, 90, 90, 7)]
    generator = Generator(router, tokenizer, prefill_chunk=40, prefix_bytes=LARGE)
    texts, ends = run(generator, requests)
    assert texts == [expected(router, tokenizer, request) for request in requests]
    # Two equal prompts that came together were read once.
    assert [end.cached_tokens for end in ends] == [0, 0, 0, 0, 89, 0]


def test_a_state_is_used_by_what_begins_with_all_of_it(router: AdapterRouter, tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode(TEXT)
    generator = Generator(router, tokenizer, prefix_bytes=LARGE, clock=itertools.count().__next__)
    for prompt, cached in [(ids[:60], 0), (ids[:60], 59), (ids[:50], 0), (ids[:80], 59), ([*ids[:40], 9, 9], 0)]:
        request = GenerationRequest(prompt, TOKENS, scope="")
        (text,), (end,) = run(generator, [request])
        assert text == expected(router, tokenizer, request)
        assert end.cached_tokens == cached
    assert 0 < generator.prefix_stats.bytes <= LARGE
    assert generator.guessed == (0, 0)
