"""mlx's arrays where its own types are too wide: scalars, files, the random state."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import cast

import mlx.core as mx


def scalar(array: mx.array) -> float:
    """The value of an array of one element."""
    return float(cast(float, array.item()))


def load_arrays(path: Path) -> dict[str, mx.array]:
    """The arrays of a safetensors file, read at once."""
    arrays = cast(dict[str, mx.array], mx.load(str(path)))
    mx.eval(arrays)
    return arrays


def random_key() -> mx.array:
    """A copy of mlx's global random state: a key of two uint32."""
    return mx.array(next(iter(cast(Iterable[mx.array], mx.random.state))))


def restore_random_key(key: mx.array) -> None:
    """Go back to a state that `random_key` gave: mlx keeps a seed's high and low words as its key."""
    high, low = cast(list[int], key.tolist())
    mx.random.seed(high << 32 | low)
