"""The operations that suit a device give mlx's values and gradients."""

from __future__ import annotations

from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import mlx_lm.models.gpt_oss as gpt_oss
import mlx_lm.models.llama as llama
import numpy as np
import pytest

from tests.support.tiny_model import make_tiny_model
from tools.compute import device, device_ops
from tools.compute.loading import load_base
from tools.compute.routing import AdapterRouter
from tools.workspace.layout import Workspace


def check(ours, theirs, *arrays: mx.array) -> None:
    weights = mx.random.normal(theirs(*arrays).shape)
    positions = tuple(range(len(arrays)))
    value, gradients = mx.value_and_grad(lambda *a: (ours(*a) * weights).sum(), argnums=positions)(*arrays)
    expected, others = mx.value_and_grad(lambda *a: (theirs(*a) * weights).sum(), argnums=positions)(*arrays)
    assert value.item() == pytest.approx(expected.item(), rel=1e-4, abs=1e-3)
    for one, other in zip(gradients, others, strict=True):
        np.testing.assert_allclose(np.array(one), np.array(other), rtol=1e-3, atol=1e-4)


def test_swiglu_is_silu_times_up() -> None:
    gate = mx.concatenate([mx.random.normal((2, 5, 12)), mx.full((2, 5, 12), -90.0), mx.full((2, 5, 12), 90.0)])
    check(device_ops.swiglu, lambda g, u: nn.silu(g) * u, gate, mx.random.normal(gate.shape))


@pytest.mark.parametrize("length", [1, 40, 128, 300])
@pytest.mark.parametrize("packed", [False, True])
def test_attention_is_mlxs(length: int, packed: bool) -> None:
    queries, keys, values = (mx.random.normal((2, heads, length, 16)) for heads in (4, 2, 2))
    mask: object = "causal"
    if packed:
        segments = (mx.arange(length) * 3 // max(1, length))[None]
        square = mx.tril(mx.ones((length, length), mx.bool_))
        mask = ((segments[:, :, None] == segments[:, None, :]) & square)[:, None]
    check(
        lambda q, k, v: device_ops.attention(q, k, v, None, scale=0.25, mask=mask),
        lambda q, k, v: mx.fast.scaled_dot_product_attention(q, k, v, scale=0.25, mask=mask),
        queries,
        keys,
        values,
    )


def test_what_is_not_seen_weighs_nothing_even_where_it_is_far_larger() -> None:
    queries = mx.ones((1, 1, 2, 16))
    keys = mx.stack([mx.zeros((16,)), mx.full((16,), 1e3)])[None, None]
    values = mx.stack([mx.ones((16,)), mx.full((16,), 1e6)])[None, None]
    output = device_ops.attention(queries, keys, values, None, scale=1.0, mask="causal")
    assert output[0, 0, 0, 0].item() == 1.0


def test_a_model_gives_the_same_and_gets_its_own_operations_back(ws: Workspace) -> None:
    device.set_up()
    folder: Path = make_tiny_model(ws)
    model = load_base(folder, "train").model
    ids = (mx.arange(150) % 300 + 3)[None]
    own, before = model(ids), (llama.swiglu, llama.scaled_dot_product_attention)
    with pytest.raises(KeyError), device_ops.suited_to_device(model):
        assert llama.swiglu is device_ops.swiglu
        np.testing.assert_allclose(np.array(model(ids)), np.array(own), rtol=1e-3, atol=1e-4)
        raise KeyError
    assert (llama.swiglu, llama.scaled_dot_product_attention) == before


def test_fused_attention_is_asked_for_only_where_it_works() -> None:
    device.set_up()
    queries = mx.random.normal((1, 4, 8, 16))
    keys = mx.random.normal((1, 2, 8, 16))
    output = device_ops.fused_attention(queries, keys, keys, None, scale=0.25, mask="causal")
    expected = mx.fast.scaled_dot_product_attention(queries, keys, keys, scale=0.25, mask="causal")
    assert mx.array_equal(output, expected)
    # The CPU has no fused kernel.
    assert not device_ops.fused_works(16, mx.float32)


def test_log_sum_exp_is_mlxs() -> None:
    x = mx.random.normal((3, 5, 700), key=mx.random.key(4)) * 30
    assert mx.allclose(device_ops.log_sum_exp(x), mx.logsumexp(x, axis=-1), rtol=1e-6, atol=1e-4)


def test_weights_laid_out_for_products_keep_their_values_and_their_answers(tiny_ws: Workspace) -> None:
    device.set_up()
    plain, laid = (load_base(tiny_ws.models / "tiny", purpose).model for purpose in ("train", "serve"))
    ids = mx.array([[5, 60, 200, 17]])
    assert mx.allclose(plain(ids), laid(ids), atol=1e-5)
    gate = laid.layers[0].mlp.gate_proj.weight
    assert mx.array_equal(gate, plain.layers[0].mlp.gate_proj.weight)
    # Column by column where there are more outputs than inputs.
    assert memoryview(gate).strides[0] < memoryview(gate).strides[1]


def test_a_model_with_sinks_in_its_attention_answers_from_a_cache() -> None:
    device.set_up()
    mx.random.seed(3)
    arguments = gpt_oss.ModelArgs(
        num_hidden_layers=2,
        num_local_experts=4,
        num_experts_per_tok=2,
        vocab_size=64,
        hidden_size=32,
        intermediate_size=32,
        head_dim=8,
        num_attention_heads=4,
        num_key_value_heads=2,
        sliding_window=16,
    )
    model = gpt_oss.Model(arguments)
    router = AdapterRouter(model)
    ids = mx.array([[5, 9, 33, 7, 21]])
    cache = router.caches(0)
    router(ids[:, :4], cache)
    assert mx.allclose(router(ids[:, 4:], cache)[:, -1], model(ids)[:, -1], atol=1e-4)


def test_an_operation_that_a_model_names_alike_but_has_of_its_own_stays(
    tiny_ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    device.set_up()
    model = load_base(tiny_ws.models / "tiny").model

    def clamped(gate: mx.array, up: mx.array) -> mx.array:
        return mx.minimum(nn.silu(gate), 0.01) * up

    monkeypatch.setattr(llama, "swiglu", clamped)
    ids = mx.array([[5, 60, 200, 17]])
    own = model(ids)
    with device_ops.suited_to_device(model):
        assert mx.allclose(model(ids), own, atol=1e-4)
