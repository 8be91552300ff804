"""The presets of the guide (7B-8B on 16 GB), and `auto`, which asks the dataset and the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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

# Passes over the training rows that `auto` aims for, and the most of a small dataset.
_EPOCHS, _MOST_EPOCHS = 3, 15
_LEAST_STEPS, _MOST_STEPS = 60, 3000
_LONGEST = 2048
_PATIENCE = 5


@dataclass(frozen=True)
class TooLong:
    """Training rows longer than some length: cut in pieces, or losing their end, and the tokens lost in all."""

    split: int
    cut: int
    lost: int

    @property
    def rows(self) -> int:
        return self.split + self.cut


@dataclass(frozen=True)
class DatasetShape:
    """What the plan needs of a dataset: rows and tokens to learn, and the longest row in tokens.

    valid_rows, valid_tokens: of the validation split. questions: that it asks. counted_by: the model
    whose tokens were counted. too_long: tells of the rows that are longer than so many tokens.
    """

    rows: int
    tokens: int
    longest: int
    valid_rows: int = 0
    valid_tokens: int = 0
    questions: int = 0
    counted_by: str | None = None
    too_long: Callable[[int], TooLong] | None = None


def preset_values(
    preset: Preset, info: ModelInfo, data: DatasetShape, asked: Mapping[str, Any] | None = None
) -> dict[str, tuple[Any, str]]:
    """Every setting's value and where it came from. asked: settings given by name, which `auto` counts with."""
    values = {name: (value, "default") for name, value in COMMON.items()}
    if preset != "auto":
        named = {"optimized": OPTIMIZED, "safe": SAFE, "aggressive": AGGRESSIVE}[preset]
        return values | {name: (value, f"preset {preset}") for name, value in named.items()}
    base = {name: (value, "auto: the safe preset") for name, value in SAFE.items()}
    return values | base | _auto(info, data, asked or {})


def _auto(info: ModelInfo, data: DatasetShape, asked: Mapping[str, Any]) -> dict[str, tuple[Any, str]]:
    small = info.parameters < 1e9
    rate, why = _rate(info.parameters)
    batch = asked.get("batch_size", min(4, max(1, data.rows)) if small else 1)
    accumulation = asked.get("gradient_accumulation_steps", max(1, 4 // batch))
    steps, passes = _steps(data.rows, batch)
    steps = asked.get("iters", steps)
    rank = asked.get("lora_rank", 16 if small else 8)
    layers = info.layers if small else min(16, info.layers)
    every = max(min(10, steps), steps // 10)
    return {
        "batch_size": (batch, "auto: a small model has room for it" if small else "auto: the least memory"),
        "gradient_accumulation_steps": (accumulation, f"auto: {batch * accumulation} rows an update"),
        "learning_rate": (rate, why),
        "iters": (steps, passes),
        "lora_layers": (-1 if small else layers, f"auto: {_layers_told(layers, info.layers)}"),
        "lora_rank": (rank, f"auto: for a model of {'less' if small else 'more'} than a billion parameters"),
        "lora_alpha": (2.0 * rank, "auto: twice the rank"),
        "max_seq_length": _length(info, data),
        "grad_checkpoint": (not small, "auto: a small model does not need it" if small else "auto: saves memory"),
        "warmup_steps": (max(1, min(10, steps // accumulation // 10)), "auto: a tenth of the updates, at most 10"),
        "steps_per_report": (max(1, every // 5), "auto: five reports an evaluation"),
        "steps_per_eval": (every, f"auto: {-(-steps // every)} evaluations"),
        "save_every": (every, "auto: at each evaluation"),
        "patience": (_PATIENCE, f"auto: {_PATIENCE} evaluations without a gain are enough"),
    }


def _steps(rows: int, batch: int) -> tuple[int, str]:
    """How many steps to train for, and why."""
    wanted = -(-rows * _EPOCHS // batch)
    if wanted > _MOST_STEPS:
        told = f"the most that auto takes; they read {_MOST_STEPS * batch} rows, of {rows}"
        return _MOST_STEPS, f"auto: {told}"
    if wanted < _LEAST_STEPS:
        most = max(1, rows * _MOST_EPOCHS // batch)
        if most < _LEAST_STEPS:
            return most, f"auto: {_MOST_EPOCHS} passes over {rows} rows, the most for so few"
        return _LEAST_STEPS, f"auto: the least; {_LEAST_STEPS * batch / rows:.0f} passes over {rows} rows"
    return wanted, f"auto: {_EPOCHS} passes over {rows} rows"


def _layers_told(layers: int, all_layers: int) -> str:
    return f"all {all_layers} layers" if layers == all_layers else f"the top {layers} of {all_layers} layers"


def _length(info: ModelInfo, data: DatasetShape) -> tuple[int, str]:
    wanted, most = max(64, -(-data.longest // 32) * 32), min(_LONGEST, info.max_positions)
    told = f"auto: the longest row has {data.longest} tokens"
    if wanted <= most:
        return wanted, told
    return most, f"{told}; {most} is the most that {'auto takes' if most == _LONGEST else 'the model reads'}"


def usual_rate(parameters: int) -> float:
    """The peak rate that `auto` takes for a model of so many parameters."""
    return _rate(parameters)[0]


def _rate(parameters: int) -> tuple[float, str]:
    for limit, rate in ((5e8, 5e-4), (2e9, 2e-4), (5e9, 5e-5)):
        if parameters < limit:
            return rate, f"auto: the rate for models under {limit / 1e9:g} billion parameters"
    return 2e-5, "auto: the guide's rate for 7B-8B"
