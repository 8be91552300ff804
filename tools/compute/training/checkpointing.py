"""Gradient checkpointing of chosen layers, taken off again afterwards.

mlx-lm patches the layer's class for good; here only the given layers change, each by a class of its
own derived from its own, and only inside the `with`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import mlx.core as mx
import mlx.nn as nn


@contextmanager
def recomputed(layers: Sequence[nn.Module]) -> Iterator[None]:
    """Within it, `layers` keep their inputs alone for the backward pass and compute the rest again."""
    originals = [type(layer) for layer in layers]
    for layer, original in zip(layers, originals, strict=True):
        layer.__class__ = _recomputing(original)
    try:
        yield
    finally:
        for layer, original in zip(layers, originals, strict=True):
            layer.__class__ = original


def _recomputing(original: type[nn.Module]) -> type[nn.Module]:
    def call(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        def inner(parameters: Any, *inner_args: Any, **inner_kwargs: Any) -> Any:
            self.update(parameters)
            return original.__call__(self, *inner_args, **inner_kwargs)

        return mx.checkpoint(inner)(self.trainable_parameters(), *args, **kwargs)

    return type(f"Recomputed{original.__name__}", (original,), {"__call__": call})
