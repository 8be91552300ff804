"""The peak memory of a training run, as predicted and as measured on this machine before."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tools.models.info import ModelInfo
from tools.models.precision import choose_precision, resident_bytes
from tools.start_finetune.contract import Plan
from tools.start_finetune.footprint import StepShape, footprint, largest_step
from tools.workspace import machine
from tools.workspace.layout import Workspace
from tools.workspace.machine import GB

# Python, MLX's library, the tokenizer.
_OVERHEAD = int(0.25 * GB)
# What MLX takes beyond a limit before it waits: on an H100 up to 0.95 GB were measured.
_BEYOND = {"cuda": GB, "metal": int(0.25 * GB), "cpu": int(0.1 * GB)}


@dataclass(frozen=True)
class Peak:
    """Bytes that a run takes in all. least: with MLX made to wait for work under way; usual: as it works by itself."""

    least: int
    usual: int

    def within(self, budget: int) -> int:
        """The limit that a run is given: its usual peak where the budget has room, else what keeps it in there."""
        return self.usual if self.usual <= budget else max(self.least, budget - _BEYOND[machine.device()])

    def fits(self, budget: int) -> bool:
        return self.usual <= budget or self.least + _BEYOND[machine.device()] <= budget


def predict_peak(
    info: ModelInfo, settings: Mapping[str, Any], *, longest: int | None = None, ratio: float = 1.0
) -> Peak:
    """The peak of training with these settings on this machine, loading included.

    longest: of the rows, in tokens. ratio: what was measured over what is predicted here, for all but
    the weights (`peak_ratio`).
    """
    weights = resident_bytes(info, choose_precision(info, "train"))
    step = footprint(info, settings, largest_step(info, settings, longest))
    loading = _loading_bytes(info)
    least, usual = (max(loading, weights + int(ratio * part)) for part in (step.least, step.usual))
    return Peak(_OVERHEAD + least, _OVERHEAD + usual)


def computed(info: ModelInfo, settings: Mapping[str, Any], longest: int | None = None) -> int:
    """Bytes of all that training adds to the weights, as MLX works by itself (`footprint`)."""
    return footprint(info, settings, largest_step(info, settings, longest)).usual


def _loading_bytes(info: ModelInfo) -> int:
    """Weights that are unpacked stand beside those read, and the largest matrix beside its own parts."""
    precision = choose_precision(info, "train")
    weights = resident_bytes(info, precision)
    if info.quantized_bits is None or precision not in ("float32", "dequantized"):
        return weights
    return weights + info.weight_bytes + info.vocab_size * info.hidden_size * (4 if precision == "float32" else 2)


def peak_ratio(ws: Workspace, info: ModelInfo) -> float:
    """How far the prediction was off for this model when last measured on this machine; 1 where it never was."""
    return calibrated(ws, _peak_key(info), 1.0)


def remember_peak(ws: Workspace, info: ModelInfo, plan: Plan, step: StepShape, measured: int) -> None:
    """Keep what the peak of a first step was against the prediction.

    step: the batch that was computed, which may be smaller than the plan's largest. measured: bytes,
    weights included.
    """
    settings = {name: setting.value for name, setting in plan.settings.items()}
    weights = resident_bytes(info, choose_precision(info, "train"))
    expected = footprint(info, settings, step, first=True).usual
    # A run whose plan leaves less than the usual peak was made to wait.
    expected = min(expected, int(plan.predicted_peak_gb * GB) - weights)
    if measured > weights and expected > 0:
        remember(ws, _peak_key(info), (measured - weights) / expected)


def _peak_key(info: ModelInfo) -> str:
    # The version of the formula: what was measured against another one says nothing of this one.
    return f"train_peak_ratio_2:{info.fingerprint}:{machine.device()}"


def calibrated(ws: Workspace, key: str, default: float) -> float:
    row = ws.store.row("SELECT value FROM calibration WHERE key = ?", (key,))
    return float(row["value"]) if row else default


def remember(ws: Workspace, key: str, value: float) -> None:
    ws.store.write(
        "INSERT OR REPLACE INTO calibration (key, value, updated) VALUES (?, ?, ?)", (key, value, time.time())
    )
