"""The trained branch of a layer: LoRA in the activations' type, with dropout that can be drawn again.

The matrices are kept in float32 for the optimizer, and computed with in the type of the activations:
a float32 branch would draw the activations of a half-precision model to float32. Masks of dropout
depend on the seed, the step and the layer alone, so that a layer that is computed again for the
backward pass drops the same elements as before, and a resumed run the same as one left alone. mlx's
own dropout draws from a global state and does neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx_lm.tuner.lora import LoRALinear


class DropoutKeys:
    """The source of all masks; the loop sets `step` before each micro-batch."""

    def __init__(self, seed: int) -> None:
        self.seed, self.step = seed, 0
        self._key: mx.array | None = None

    def step_key(self) -> mx.array:
        """The key of the step that is to be computed, [2] uint32."""
        return mx.random.key((self.seed * 1_000_003 + self.step) % 2**63)

    @contextmanager
    def drawing_from(self, key: mx.array) -> Iterator[None]:
        """Within it layers draw from `key`: an array, so that a compiled step may take another each time."""
        self._key = key
        try:
            yield
        finally:
            self._key = None

    def key(self, layer: int) -> mx.array:
        step = self.step_key() if self._key is None else self._key
        return step + mx.array([layer * 65_537, layer], mx.uint32)


class KeyedDropout(nn.Module):
    """Dropout in training, with the mask of (seed, step, layer)."""

    def __init__(self, p: float, keys: DropoutKeys, layer: int) -> None:
        super().__init__()
        self._p, self._keys, self._layer = p, keys, layer

    def __call__(self, x: mx.array) -> mx.array:
        if not self.training or self._p == 0:
            return x
        kept = mx.random.bernoulli(1 - self._p, x.shape, key=self._keys.key(self._layer))
        return mx.where(kept, x * (1 / (1 - self._p)), 0).astype(x.dtype)


@mx.custom_function
def _branch(x: mx.array, down: mx.array, up: mx.array) -> mx.array:
    return (x @ down.astype(x.dtype)) @ up.astype(x.dtype)


@_branch.vjp
def _branch_backward(primals: Any, cotangent: mx.array, _output: Any) -> tuple[mx.array, mx.array, mx.array]:
    """The matrices' gradients are made before the input's is passed on.

    Left to itself MLX makes them last and holds for many layers what they are made of: where activations
    are recomputed, several times the memory of a layer.
    """
    (x, down, up), given = primals, _flat(cotangent)
    narrow_down, narrow_up = down.astype(x.dtype), up.astype(x.dtype)
    by_middle = given @ narrow_up.T
    by_down = (_flat(x).T @ by_middle).astype(down.dtype)
    by_up = ((_flat(x) @ narrow_down).T @ given).astype(up.dtype)
    by_input = (by_middle @ narrow_down.T).reshape(x.shape)
    return mx.depends(by_input, [by_down, by_up]), by_down, by_up


def _flat(x: mx.array) -> mx.array:
    return x.reshape(-1, x.shape[-1])


class TypedLoRALinear(LoRALinear):
    """mlx-lm's layer, its branch computed in the type of the input."""

    def __call__(self, x: Any) -> Any:
        return self.linear(x) + _branch(self.dropout(x), self.lora_a, self.scale * self.lora_b)


def prepare_branches(model: nn.Module, p: float, seed: int) -> DropoutKeys:
    """Make the LoRA layers of a model ready for training with dropout `p`; returns the keys for the loop to set."""
    keys = DropoutKeys(seed)
    adapted = {name: module for name, module in model.named_modules() if type(module) is LoRALinear}
    for layer, name in enumerate(sorted(adapted)):
        adapted[name].__class__ = TypedLoRALinear
        adapted[name].dropout = KeyedDropout(p, keys, layer)
    return keys
