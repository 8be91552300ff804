"""The presets of the guide (7B-8B on 16 GB), and `auto`, which asks the dataset and the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tools.models.info import ModelInfo
from tools.start_finetune.contract import Preset

# What no preset says otherwise.
COMMON: dict[str, Any] = {
    "max_minutes": None,
    "lora_keys": None,
    "lora_scaling": "standard",
    "frozen_prefix": None,
    "rows_at_once": None,
    "keep_checkpoints": 3,
    "keep_every": None,
    "publish": "best",
    "patience": None,
    "optimizer": "adamw",
    "weight_decay": 0.01,
    "schedule": "cosine",
    "warmup_steps": 10,
    "max_grad_norm": 1.0,
    "mask_prompt": True,
    "sample_prompts": None,
    "seed": 0,
}
OPTIMIZED: dict[str, Any] = {
    "batch_size": 2,
    "iters": 2000,
    "learning_rate": 2e-5,
    "lora_layers": 32,
    "lora_rank": 16,
    "lora_alpha": 32.0,
    "lora_dropout": 0.05,
    "max_seq_length": 2048,
    "gradient_accumulation_steps": 2,
    "grad_checkpoint": True,
    "steps_per_report": 20,
    "steps_per_eval": 200,
    "val_batches": 25,
    "save_every": 200,
}
SAFE: dict[str, Any] = {
    "batch_size": 1,
    "iters": 1000,
    "learning_rate": 1e-5,
    "lora_layers": 16,
    "lora_rank": 8,
    "lora_alpha": 16.0,
    "lora_dropout": 0.0,
    "max_seq_length": 1536,
    "gradient_accumulation_steps": 4,
    "grad_checkpoint": True,
    "steps_per_report": 10,
    "steps_per_eval": 100,
    "val_batches": 10,
    "save_every": 100,
}
AGGRESSIVE: dict[str, Any] = {
    **OPTIMIZED,
    "batch_size": 4,
    "lora_layers": -1,
    "lora_rank": 32,
    "lora_alpha": 64.0,
    "gradient_accumulation_steps": 1,
}

# Passes over the training rows that `auto` aims for, and the bounds on its steps.
_EPOCHS = 3
_LEAST_STEPS, _MOST_STEPS = 60, 3000
_PATIENCE = 5


@dataclass(frozen=True)
class DatasetShape:
    """What the plan needs of a dataset: rows, tokens, and the longest row in tokens."""

    rows: int
    tokens: int
    longest: int


def preset_values(preset: Preset, info: ModelInfo, data: DatasetShape) -> dict[str, tuple[Any, str]]:
    """Every setting's value and where it came from."""
    values = {name: (value, "default") for name, value in COMMON.items()}
    if preset != "auto":
        named = {"optimized": OPTIMIZED, "safe": SAFE, "aggressive": AGGRESSIVE}[preset]
        return values | {name: (value, f"preset {preset}") for name, value in named.items()}
    base = {name: (value, "auto: the safe preset") for name, value in SAFE.items()}
    return values | base | _auto(info, data)


def _auto(info: ModelInfo, data: DatasetShape) -> dict[str, tuple[Any, str]]:
    small = info.parameters < 1e9
    rate, why = _rate(info.parameters)
    batch, accumulation = (4, 1) if small else (1, 4)
    longest = max(64, min(-(-data.longest // 32) * 32, 2048, info.max_positions))
    steps = max(_LEAST_STEPS, min(_MOST_STEPS, -(-data.rows * _EPOCHS // batch)))
    every = max(10, steps // 10)
    return {
        "batch_size": (batch, "auto: a small model" if small else "auto: the least memory"),
        "gradient_accumulation_steps": (accumulation, "auto: four rows an update"),
        "learning_rate": (rate, why),
        "iters": (steps, f"auto: {_EPOCHS} passes over {data.rows} rows, between {_LEAST_STEPS} and {_MOST_STEPS}"),
        "lora_layers": (-1 if small else 16, "auto: all layers of a small model" if small else "auto: the top half"),
        "lora_rank": (16 if small else 8, "auto: by the model's size"),
        "lora_alpha": (32.0 if small else 16.0, "auto: twice the rank"),
        "max_seq_length": (longest, f"auto: the longest row has {data.longest} tokens"),
        "grad_checkpoint": (not small, "auto: a small model does not need it" if small else "auto: saves memory"),
        "warmup_steps": (max(1, min(10, steps // accumulation // 10)), "auto: a tenth of the updates, at most 10"),
        "steps_per_report": (max(1, every // 5), "auto: fifty reports"),
        "steps_per_eval": (every, "auto: ten evaluations"),
        "save_every": (every, "auto: at each evaluation"),
        "patience": (_PATIENCE, "auto: half of the evaluations without a gain are enough"),
    }


def usual_rate(parameters: int) -> float:
    """The peak rate that `auto` takes for a model of so many parameters."""
    return _rate(parameters)[0]


def _rate(parameters: int) -> tuple[float, str]:
    for limit, rate in ((5e8, 5e-4), (2e9, 2e-4), (5e9, 5e-5)):
        if parameters < limit:
            return rate, f"auto: the rate for models under {limit / 1e9:g} billion parameters"
    return 2e-5, "auto: the guide's rate for 7B-8B"
