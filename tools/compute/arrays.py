"""mlx's arrays where its own types are too wide: scalars and files."""

from __future__ import annotations

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
