"""The trained branch: its own backward pass gives what automatic differentiation gives."""

from __future__ import annotations

import mlx.core as mx
import mlx.nn as nn
import pytest
from mlx_lm.tuner.lora import LoRALinear

from tools.compute import device
from tools.compute.training.branch import prepare_branches


@pytest.mark.parametrize("shape", [(6, 8), (2, 3, 8)])
def test_the_branchs_gradients_are_those_of_automatic_differentiation(shape: tuple[int, ...]) -> None:
    device.set_up()
    plain = LoRALinear.from_base(nn.Linear(8, 5, bias=False), r=3, scale=2.0)
    plain.lora_b = mx.random.normal((3, 5), key=mx.random.key(1))
    x, given = mx.random.normal(shape, key=mx.random.key(2)), mx.random.normal((*shape[:-1], 5), key=mx.random.key(3))

    def gradients() -> list[mx.array]:
        def loss(x: mx.array, down: mx.array, up: mx.array) -> mx.array:
            plain.lora_a, plain.lora_b = down, up
            return (plain(x) * given).sum()

        down, up = plain.lora_a, plain.lora_b
        found = mx.grad(loss, argnums=(0, 1, 2))(x, down, up)
        plain.lora_a, plain.lora_b = down, up
        return list(found)

    expected = gradients()
    prepare_branches(plain, 0.0, seed=0)
    assert type(plain) is not LoRALinear
    for ours, theirs in zip(gradients(), expected, strict=True):
        assert ours.shape == theirs.shape
        assert mx.allclose(ours, theirs, rtol=1e-5, atol=1e-5).item()


def test_half_precision_gives_the_matrices_gradients_in_full_precision() -> None:
    device.set_up()
    layer = LoRALinear.from_base(nn.Linear(8, 5, bias=False), r=3, scale=2.0)
    prepare_branches(layer, 0.0, seed=0)
    layer.linear.weight = layer.linear.weight.astype(mx.bfloat16)
    x = mx.ones((2, 8), mx.bfloat16)

    def loss(down: mx.array, up: mx.array) -> mx.array:
        layer.lora_a, layer.lora_b = down, up
        return layer(x).sum()

    for gradient in mx.grad(loss, argnums=(0, 1))(layer.lora_a, layer.lora_b):
        assert gradient.dtype == mx.float32
