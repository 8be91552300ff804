"""Dropout whose masks depend on the seed, the step and the layer alone.

A layer that is computed again for the backward pass must drop the same elements as before, and a
resumed run the same as one left alone. mlx's own dropout draws from a global state and does neither.
"""

from __future__ import annotations

from dataclasses import dataclass

import mlx.core as mx
import mlx.nn as nn
from mlx_lm.tuner.lora import LoRALinear


@dataclass
class DropoutKeys:
    """The source of all masks; the loop sets `step` before each micro-batch."""

    seed: int
    step: int = 0

    def key(self, layer: int) -> mx.array:
        return mx.random.key(((self.seed * 1_000_003 + self.step) * 65_537 + layer) % 2**63)


class KeyedDropout(nn.Module):
    """Dropout in training, with the mask of (seed, step, layer)."""

    def __init__(self, p: float, keys: DropoutKeys, layer: int) -> None:
        super().__init__()
        self._p, self._keys, self._layer = p, keys, layer

    def __call__(self, x: mx.array) -> mx.array:
        if not self.training or self._p == 0:
            return x
        kept = mx.random.bernoulli(1 - self._p, x.shape, key=self._keys.key(self._layer))
        return mx.where(kept, x / (1 - self._p), 0)


def key_dropout(model: nn.Module, p: float, seed: int) -> DropoutKeys:
    """Give every LoRA layer of the model keyed dropout; returns the keys for the loop to set."""
    keys = DropoutKeys(seed)
    adapted = {name: module for name, module in model.named_modules() if isinstance(module, LoRALinear)}
    for layer, name in enumerate(sorted(adapted)):
        adapted[name].dropout = KeyedDropout(p, keys, layer)
    return keys
