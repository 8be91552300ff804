"""The precision in which a base is held, by device.

Metal keeps quantized weights, with float16 activations on M1 and M2. A CPU dequantizes to float32
when it fits, since quantized matmul there runs at a hundredth of the speed. CUDA keeps quantized
weights for decoding and dequantizes for training, whose large matmuls are three times faster so.
"""

from __future__ import annotations

from typing import Literal

from tools.models.info import ModelInfo
from tools.workspace import machine

Purpose = Literal["serve", "train"]
Precision = Literal["float32", "dequantized", "float16", "as stored"]

# The share of the device's memory that dequantized weights may take.
_DEQUANTIZED_SHARE = 0.5


def choose_precision(info: ModelInfo, purpose: Purpose) -> Precision:
    """How the weights of `info` are held on this machine."""
    kind = machine.device()
    room = machine.device_memory() * _DEQUANTIZED_SHARE
    if kind == "cpu":
        return "float32" if info.full_bytes <= room else "as stored"
    if kind == "cuda":
        fits = info.parameters * 2 <= room
        return "dequantized" if purpose == "train" and info.quantized_bits and fits else "as stored"
    return "float16" if machine.emulates_bfloat16() else "as stored"


def resident_bytes(info: ModelInfo, precision: Precision) -> int:
    """Bytes of the weights once loaded."""
    if precision == "float32":
        return info.full_bytes
    if precision == "dequantized":
        return info.parameters * 2
    return info.weight_bytes


def activation_bytes(info: ModelInfo, precision: Precision) -> int:
    """Bytes of one element of the activations."""
    full = precision == "float32" or (precision == "as stored" and (info.bits >= 32 or machine.device() == "cpu"))
    return 4 if full else 2


def fusing_bytes(info: ModelInfo) -> int:
    """Bytes to merge an adapter: the dequantized base, and a layer's worth of copies."""
    size = 4 if machine.device() == "cpu" else 2
    return int(info.parameters * size * 1.1)
