"""Tokens that go through a model, counted where it embeds them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import mlx.core as mx
import mlx.nn as nn


@dataclass
class Counted:
    """The tokens of each pass through the model, padding among them."""

    passes: list[int] = field(default_factory=list)

    @property
    def tokens(self) -> int:
        return sum(self.passes)


@contextmanager
def count_tokens(model: nn.Module) -> Iterator[Counted]:
    """Count what the model reads within."""
    counted = Counted()
    embedding: Any = model.model.embed_tokens
    kind = type(embedding)

    class Counting(kind):  # type: ignore[misc, valid-type]
        def __call__(self, x: mx.array) -> mx.array:
            counted.passes.append(int(x.size))
            found: mx.array = super().__call__(x)
            return found

    embedding.__class__ = Counting
    try:
        yield counted
    finally:
        embedding.__class__ = kind
