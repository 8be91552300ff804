"""Sizes that training rounds and bounds, without MLX: the memory plan counts with them too."""

from __future__ import annotations

_STEP = 32


def rounded(size: int) -> int:
    """The next size of few: multiples of 32, and of an eighth of the power of two below from 512 on."""
    step = max(_STEP, (1 << (max(size - 1, 1).bit_length() - 1)) // 8)
    return -(-size // step) * step


def loss_chunk(vocabulary: int) -> int:
    """Learned tokens whose logits are computed at once."""
    return 512 if vocabulary <= 2**15 else 256
