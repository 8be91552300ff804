"""A run's plan as the configuration of `mlx_lm.lora`, to compare the two: `mlx_lm.lora --config mlx_lm_lora.yaml`.

Written for mlx-lm 0.32 (`mlx_lm/lora.py`, CONFIG_DEFAULTS). What mlx-lm cannot do stands in it as a comment.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.start_finetune.contract import Plan
from tools.workspace import runs
from tools.workspace.files import read_json, write_text
from tools.workspace.layout import Workspace
from tools.workspace.reconcile import RUN_FILE

CONFIG_FILE = "mlx_lm_lora.yaml"

# Settings that bear the same name and meaning in both.
_SAME = ("batch_size", "iters", "val_batches", "steps_per_report", "steps_per_eval", "save_every")
_SAME_TOO = ("max_seq_length", "grad_checkpoint", "seed")
# Settings that go into others, or that have no meaning where they are off.
_TOLD_ELSEWHERE = {
    *_SAME,
    *_SAME_TOO,
    *("learning_rate", "schedule", "warmup_steps", "optimizer", "weight_decay", "mask_prompt"),
    *("lora_layers", "lora_rank", "lora_alpha", "lora_scaling", "lora_dropout", "lora_keys"),
    "gradient_accumulation_steps",
}
_ALWAYS_DIFFERENT = (
    "Rows are drawn in another order, and several short ones share a line.",
    "Every token of an update weighs the same; mlx-lm averages the means of its steps.",
    "The last update is made of fewer steps where they do not come out even; mlx-lm drops it.",
)


def write_config(ws: Workspace, run: str) -> None:
    """Write the configuration beside the run's description, by the plan as it now stands."""
    folder = runs.folder(ws, run)
    described = read_json(folder / RUN_FILE)
    dataset, _, version = described["dataset"].partition("@")
    text = config_text(
        Plan(**described["plan"]),
        model=ws.models / described["model"],
        data=ws.data / dataset / version,
        form=described["data"]["format"],
        rows=described["data"]["rows"],
        adapter=folder / "mlx_lm_adapter",
    )
    write_text(folder / CONFIG_FILE, text)


def config_text(plan: Plan, *, model: Path, data: Path, form: str, rows: dict[str, int], adapter: Path) -> str:
    """The configuration as YAML.

    form: of the dataset's rows, `text`, `completions` or `chat`. rows: in each split. adapter: the folder
    that mlx-lm is to write to.
    """
    comments = [f"# {line}".rstrip() for line in _comments(plan, form, rows)]
    config = _config(plan, model=model, data=data, form=form, adapter=adapter)
    return "\n".join([*comments, *_yaml(config, "")]) + "\n"


def _config(plan: Plan, *, model: Path, data: Path, form: str, adapter: Path) -> dict[str, Any]:
    value = plan.value
    rank, scaling = value("lora_rank"), plan.settings.get("lora_scaling")
    root = scaling is not None and scaling.value == "rslora"
    lora = {
        "rank": rank,
        "scale": value("lora_alpha") / (math.sqrt(rank) if root else rank),
        "dropout": float(value("lora_dropout")),
    }
    optimizer = _optimizer(value("optimizer"))
    config: dict[str, Any] = {
        "model": str(model),
        "train": True,
        "data": str(data),
        "fine_tune_type": "lora",
        "optimizer": optimizer,
        "optimizer_config": {optimizer: _optimizer_config(optimizer, float(value("weight_decay")))},
        "mask_prompt": bool(value("mask_prompt")) and form != "text",
        "num_layers": value("lora_layers") if value("lora_layers") > 0 else -1,
        **{name: value(name) for name in _SAME},
        "learning_rate": float(value("learning_rate")),
        "adapter_path": str(adapter),
        **{name: value(name) for name in _SAME_TOO},
        "grad_accumulation_steps": value("gradient_accumulation_steps"),
        "lora_parameters": lora | ({"keys": list(value("lora_keys"))} if value("lora_keys") else {}),
    }
    schedule = _schedule(plan)
    return config | ({"lr_schedule": schedule} if schedule else {})


def _optimizer(name: str) -> str:
    return "adamw" if name == "lion" else name


def _optimizer_config(name: str, weight_decay: float) -> dict[str, Any]:
    by_name: dict[str, dict[str, Any]] = {
        "adamw": {"weight_decay": weight_decay, "bias_correction": True},
        "adam": {"bias_correction": True},
        "sgd": {"weight_decay": weight_decay},
        "adafactor": {"weight_decay": weight_decay, "relative_step": False},
    }
    return by_name[name]


def _schedule(plan: Plan) -> dict[str, Any] | None:
    """The rate of each update in the terms of mlx-lm's `build_schedule`; None where it never changes.

    mlx-lm's warm-up of n reaches the peak at update n and goes on from there at the next: ours of n + 1.
    """
    peak, warmup = float(plan.value("learning_rate")), int(plan.value("warmup_steps"))
    falling = max(1, _updates(plan) - warmup)
    kind = plan.value("schedule")
    if kind == "constant" and warmup <= 1:
        return None
    arguments: dict[str, tuple[str, list[Any]]] = {
        "constant": ("linear_schedule", [peak, peak, 1]),
        "linear": ("linear_schedule", [peak, 0.0, falling]),
        "cosine": ("cosine_decay", [peak, falling]),
    }
    name, values = arguments[kind]
    warming = {"warmup": warmup - 1, "warmup_init": peak / warmup} if warmup > 1 else {}
    return {"name": name, **warming, "arguments": values}


def _updates(plan: Plan) -> int:
    return -(-int(plan.value("iters")) // int(plan.value("gradient_accumulation_steps")))


def _comments(plan: Plan, form: str, rows: dict[str, int]) -> Iterator[str]:
    yield f"What comes nearest to this run in mlx-lm: mlx_lm.lora --config {CONFIG_FILE}"
    yield ""
    yield "What mlx-lm does otherwise, or not at all:"
    for told in (*_ALWAYS_DIFFERENT, *_differences(plan, form, rows)):
        yield f"- {told}"
    for name, setting in sorted(plan.settings.items()):
        if name not in _TOLD_ELSEWHERE and setting.value not in (None, False):
            yield f"- {name}: {json.dumps(setting.value, ensure_ascii=False)}"


def _differences(plan: Plan, form: str, rows: dict[str, int]) -> Iterator[str]:
    if plan.value("optimizer") == "lion":
        yield "optimizer: lion; adamw stands in its place."
    if plan.value("mask_prompt") and form == "text":
        yield "mask_prompt: true; mlx-lm masks no prompts in rows of text."
    if plan.value("warmup_steps") == 1 and plan.value("schedule") != "constant":
        yield "warmup_steps: 1; the rate begins to fall one update later."
    too_few = [split for split in ("train", "valid") if rows.get(split, 0) < plan.value("batch_size")]
    if too_few:
        yield f"batch_size is larger than the rows of {' and '.join(too_few)}: mlx-lm refuses that."


def _yaml(fields: dict[str, Any], indent: str) -> Iterator[str]:
    for name, value in fields.items():
        if isinstance(value, dict):
            yield f"{indent}{name}:"
            yield from _yaml(value, indent + "  ")
        elif isinstance(value, list):
            yield f"{indent}{name}: [{', '.join(_scalar(item) for item in value)}]"
        else:
            yield f"{indent}{name}: {_scalar(value)}"


def _scalar(value: Any) -> str:
    """JSON is YAML, but for floats: YAML knows them by their point."""
    if isinstance(value, float) and "e" in repr(value) and "." not in repr(value):
        return repr(value).replace("e", ".0e")
    return json.dumps(value, ensure_ascii=False)
