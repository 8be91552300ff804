"""mlx's optimizers by name, their state as flat arrays, and clipping."""

from __future__ import annotations

from typing import Any

import mlx.core as mx
import mlx.optimizers as optimizers
from mlx.utils import tree_flatten, tree_map, tree_map_with_path


def make_optimizer(name: str, weight_decay: float) -> optimizers.Optimizer:
    """The optimizer with a rate of 0: the loop sets the rate before each update."""
    if name == "adamw":
        return optimizers.AdamW(learning_rate=0.0, weight_decay=weight_decay, bias_correction=True)
    if name == "adam":
        return optimizers.Adam(learning_rate=0.0, bias_correction=True)
    if name == "sgd":
        return optimizers.SGD(learning_rate=0.0, weight_decay=weight_decay)
    if name == "lion":
        return optimizers.Lion(learning_rate=0.0, weight_decay=weight_decay)
    return optimizers.Adafactor(learning_rate=0.0, weight_decay=weight_decay, relative_step=False)


def flat_state(optimizer: optimizers.Optimizer) -> dict[str, mx.array]:
    return {name: mx.array(value) for name, value in tree_flatten(optimizer.state)}


def restore_state(optimizer: optimizers.Optimizer, arrays: dict[str, mx.array]) -> None:
    # Into the tree as `init` made it: flat names do not tell its empty branches.
    optimizer.state = tree_map_with_path(lambda path, _: arrays[path], optimizer.state)


def clip(gradients: Any, most: float) -> tuple[Any, mx.array]:
    """Gradients scaled so that their norm is at most `most` (0: left alone), and the norm before."""
    # In the order of their names: sums of floats depend on it, and a resumed run must have the same.
    named = sorted(tree_flatten(gradients), key=lambda pair: pair[0])
    norm = mx.sqrt(mx.stack([g.astype(mx.float32).square().sum() for _, g in named]).sum())
    if most <= 0:
        return gradients, norm
    factor = mx.minimum(1.0, most / (norm + 1e-6))
    return tree_map(lambda g: g * factor, gradients), norm
