"""Predict the peak memory and the time of a training run from the model's shape.

The formula counts weights, adapter (float32 master, gradient, two optimizer moments), activations
kept for the backward pass, attention scores and the output layer's logits.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from tools.models.info import ModelInfo
from tools.models.precision import activation_bytes, choose_precision, resident_bytes
from tools.start_finetune.contract import Plan
from tools.workspace import machine
from tools.workspace.layout import Workspace
from tools.workspace.machine import GB

# Python, MLX's library, the tokenizer and fused temporaries.
_OVERHEAD = int(0.25 * GB)
# Sustained FLOP/s of LoRA training where nothing was measured yet: M1's GPU is a prediction.
_GUESSED_FLOPS = {"cpu": 4e10, "metal": 1.5e12, "cuda": 1e14}


# The linear modules of a layer in mlx-lm's decoders.
MODULES = (
    "self_attn.q_proj",
    "self_attn.k_proj",
    "self_attn.v_proj",
    "self_attn.o_proj",
    "mlp.gate_proj",
    "mlp.up_proj",
    "mlp.down_proj",
)


def loss_chunk(vocabulary: int) -> int:
    """Learned tokens whose logits are computed at once."""
    return 512 if vocabulary <= 2**15 else 256


def adapter_parameters(info: ModelInfo, layers: int, rank: int, keys: list[str] | None) -> int:
    """Elements of an adapter of `rank` on the linear modules of `layers` layers."""
    hidden, inner = info.hidden_size, info.intermediate_size
    queries, values = info.heads * info.head_dim, info.kv_heads * info.head_dim
    widths = (hidden + queries, hidden + values, hidden + values, queries + hidden, *[hidden + inner] * 3)
    wanted = MODULES if keys is None else keys
    return layers * rank * sum(width for name, width in zip(MODULES, widths, strict=True) if name in wanted)


def predict_peak(info: ModelInfo, settings: Mapping[str, Any], ratio: float = 1.0) -> int:
    """Bytes at the peak of training with these settings on this machine.

    ratio: what was measured over what is predicted here, for all but the weights (`peak_ratio`).
    """
    return resident_bytes(info, choose_precision(info, "train")) + _OVERHEAD + int(ratio * computed(info, settings))


def computed(info: ModelInfo, settings: Mapping[str, Any]) -> int:
    """Bytes of all that training adds to the weights: adapter, activations, scores, logits."""
    precision = choose_precision(info, "train")
    size = activation_bytes(info, precision)
    layers = trained_layers(info, settings)
    rows, length = settings["batch_size"], min(settings["max_seq_length"], info.max_positions)
    tokens = rows * length
    adapter = adapter_parameters(info, layers, settings["lora_rank"], settings["lora_keys"]) * 4
    copies = 5 if settings["gradient_accumulation_steps"] > 1 else 4
    # A layer keeps its inputs, norms, projections, the gated product and their gradients.
    per_token = 10 * info.hidden_size + 3 * info.kv_heads * info.head_dim + 5 * info.intermediate_size
    branch = 7 * settings["lora_rank"] * 4
    scores = 2 * rows * info.heads * length * length * 4
    layer = tokens * (per_token * size + branch) + scores
    kept = tokens * info.hidden_size * size * layers + layer if settings["grad_checkpoint"] else layer * layers
    logits = 3 * min(tokens, loss_chunk(info.vocab_size)) * info.vocab_size * 4
    return int(adapter * copies + kept + logits)


def peak_ratio(ws: Workspace, info: ModelInfo) -> float:
    """How far the prediction was off for this model when last measured on this machine; 1 where it never was."""
    return calibrated(ws, _peak_key(info), 1.0)


def remember_peak(ws: Workspace, info: ModelInfo, plan: Plan, measured: int) -> None:
    """Keep what a step's peak was against the prediction. measured: bytes, weights included."""
    settings = {name: setting.value for name, setting in plan.settings.items()}
    weights = resident_bytes(info, choose_precision(info, "train"))
    ratio = (measured - weights) / computed(info, settings)
    if ratio > 0:
        ws.store.write(
            "INSERT OR REPLACE INTO calibration (key, value, updated) VALUES (?, ?, ?)",
            (_peak_key(info), ratio, time.time()),
        )


def _peak_key(info: ModelInfo) -> str:
    return f"train_peak_ratio:{info.fingerprint}:{machine.device()}"


def trained_layers(info: ModelInfo, settings: Mapping[str, Any]) -> int:
    asked = int(settings["lora_layers"])
    return info.layers if asked <= 0 else min(asked, info.layers)


def predict_tokens_per_second(ws: Workspace, info: ModelInfo, settings: Mapping[str, Any]) -> float:
    """Speed of training: as measured here with this model and as many layers, else from its FLOPs."""
    layers = trained_layers(info, settings)
    measured = calibrated(ws, speed_key(info, layers), 0.0)
    if measured:
        return measured
    # Forward 2 FLOPs a weight; backward to the activations of the trained layers 2 more; once more
    # where they are recomputed.
    share = layers / info.layers
    flops = info.parameters * (2 + 2 * share + (2 * share if settings["grad_checkpoint"] else 0))
    return _GUESSED_FLOPS[machine.device()] / flops


def speed_key(info: ModelInfo, layers: int) -> str:
    return f"train_tokens_per_second:{info.fingerprint}:{layers}:{machine.device()}"


def calibrated(ws: Workspace, key: str, default: float) -> float:
    row = ws.store.row("SELECT value FROM calibration WHERE key = ?", (key,))
    return float(row["value"]) if row else default
