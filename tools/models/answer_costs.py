"""Bytes that answers take while they are written: caches, and prompts on their way through the model. No MLX.

Caches are mlx-lm's: one array a layer for all rows, as wide as the longest row and grown in steps, so
that rows cost what the longest of them does. Prompts are read in chunks, one chunk at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

from tools.models.info import ModelInfo
from tools.models.precision import Precision, activation_bytes
from tools.workspace import machine

# Tokens of prompts that go through the model at once: bounds how long the rows that write wait for them.
PREFILL_CHUNK = 1024
# A chunk that looks back at many tokens is made smaller, down to so many, rather than take more bytes.
_SMALLEST_CHUNK = 32
_CHUNK_BYTES = 512 * 1024**2
# mlx-lm's caches grow by so many tokens.
_CACHE_STEP = 256
# Elements that a token of a chunk has at once in one layer, in units of its widths.
_HIDDEN_COPIES, _INNER_COPIES = 8, 3
# Attention without a fused kernel holds its scores twice: as they are, and as probabilities.
_SCORE_COPIES = 2
# Bytes a second at which weights come from a slow disk, and operations a second of a slow device.
_SLOW_DISK = 20 * 1024**2
_SLOW_CPU, _SLOW_GPU = 20e9, 1e12


@dataclass(frozen=True)
class Load:
    """Answers that are there together. longest: tokens of the longest, with its prompt, at its end.
    prompt: tokens of the longest prompt."""

    rows: int
    longest: int
    prompt: int


@dataclass(frozen=True)
class AnswerCosts:
    """Bytes of one base's answers. token: of one token in the caches of all layers; width: of a token on its way
    through a layer; score: of its attention to one token before it."""

    token: int
    width: int
    score: int

    @classmethod
    def of(cls, info: ModelInfo, precision: Precision) -> AnswerCosts:
        size = activation_bytes(info, precision)
        fused = machine.device() != "cpu"
        return cls(
            token=2 * info.layers * info.kv_heads * info.head_dim * size,
            width=(_HIDDEN_COPIES * info.hidden_size + _INNER_COPIES * info.intermediate_size) * size,
            score=0 if fused else info.heads * size * _SCORE_COPIES,
        )

    def chunk(self, read: int) -> int:
        """Tokens to read at once behind `read` others."""
        fitting = _CHUNK_BYTES // max(1, self.width + self.score * (read + PREFILL_CHUNK))
        return max(_SMALLEST_CHUNK, min(PREFILL_CHUNK, fitting))

    def bytes(self, load: Load) -> int:
        """The most that a load holds at once."""
        steps = -(-load.longest // _CACHE_STEP)
        reading = min(load.rows * load.prompt, self.chunk(load.prompt)) * (self.width + self.score * load.prompt)
        return load.rows * steps * _CACHE_STEP * self.token + reading


def longest_step_s(info: ModelInfo) -> float:
    """Seconds that a slow device of this machine's kind may need to read a chunk."""
    speed = _SLOW_CPU if machine.device() == "cpu" else _SLOW_GPU
    return 2 * info.parameters * PREFILL_CHUNK / speed


def longest_load_s(weight_bytes: int) -> float:
    """Seconds that weights of so many bytes may need from a slow disk."""
    return weight_bytes / _SLOW_DISK
