"""Turn a preset, the settings asked for and the machine into the plan of a run, with reasons."""

from __future__ import annotations

from typing import Any

from tools.errors import DoesNotFit, InvalidArgument, nearest, printable
from tools.models.info import ModelInfo
from tools.models.precision import activation_bytes, choose_precision
from tools.start_finetune.contract import Change, Plan, Preset, Setting, TrainSettings
from tools.start_finetune.memory import MODULES, peak_ratio, predict_peak, predict_tokens_per_second, trained_layers
from tools.start_finetune.presets import DatasetShape, preset_values
from tools.workspace import ledger, machine
from tools.workspace.layout import Workspace
from tools.workspace.machine import GB

# The guide's order against too little memory: batch, recomputation, rank, sequence length.
_LADDER: list[tuple[str, Any]] = [
    ("batch_size", 2),
    ("batch_size", 1),
    ("grad_checkpoint", True),
    ("lora_rank", 8),
    ("lora_rank", 4),
    ("max_seq_length", 1536),
    ("max_seq_length", 1024),
    ("max_seq_length", 512),
]
# Of the free disk, for hidden states; and passes over the rows from which keeping them pays.
_DISK_SHARE = 0.3
_LEAST_PASSES = 1.5


def make_plan(ws: Workspace, info: ModelInfo, data: DatasetShape, preset: Preset, asked: TrainSettings) -> Plan:
    """The plan that fits this machine.

    Settings of a preset are moved down the guide's ladder until the peak fits; a setting that was
    asked for by name is never moved: DoesNotFit then tells the largest settings that do.
    """
    given = asked.model_dump(exclude_none=True)
    _check_asked(given)
    values = preset_values(preset, info, data) | {name: (value, "asked") for name, value in given.items()}
    changes: list[Change] = []
    _fit_model(info, values, changes)
    _fit_rows(values, set(given), data, changes)
    budget = min(ledger.budget(ws), _reachable_memory(ws))
    _fit_memory(info, values, set(given), budget, peak_ratio(ws, info), changes)
    values["frozen_prefix"] = _choose_prefix(ws, info, values, data, changes)
    flat = {name: value for name, (value, _) in values.items()}
    peak = predict_peak(info, flat, peak_ratio(ws, info))
    tokens_per_row = data.tokens / max(1, data.rows)
    speed = predict_tokens_per_second(ws, info, flat)
    minutes = flat["max_minutes"] or flat["iters"] * flat["batch_size"] * tokens_per_row / speed / 60
    return Plan(
        settings={name: Setting(value=value, source=source) for name, (value, source) in sorted(values.items())},
        predicted_peak_gb=round(peak / GB, 2),
        budget_gb=round(budget / GB, 2),
        fits=peak <= budget,
        predicted_minutes=round(minutes, 1),
        tokens_per_update=round(flat["batch_size"] * flat["gradient_accumulation_steps"] * tokens_per_row),
        epochs=round(flat["iters"] * flat["batch_size"] / max(1, data.rows), 2),
        precision=choose_precision(info, "train"),
        changes=changes,
    )


def _reachable_memory(ws: Workspace) -> int:
    """What the system could give: the free memory, and what our engine and runs will give back.

    On a GPU of its own the device's memory alone counts.
    """
    if machine.device() == "cuda":
        return machine.device_memory()
    return machine.memory().available + ledger.held(ws)


def _fit_model(info: ModelInfo, values: dict[str, tuple[Any, str]], changes: list[Change]) -> None:
    layers, source = values["lora_layers"]
    if layers > info.layers:
        changes.append(
            Change(
                setting="lora_layers", asked=layers, used=-1, reason=f"the model has {info.layers} layers: all of them"
            )
        )
        values["lora_layers"] = (-1, source)
    length, source = values["max_seq_length"]
    if length > info.max_positions:
        reason = f"the model reads at most {info.max_positions} tokens"
        changes.append(Change(setting="max_seq_length", asked=length, used=info.max_positions, reason=reason))
        values["max_seq_length"] = (info.max_positions, source)


def _check_asked(given: dict[str, Any]) -> None:
    if "iters" in given and "max_minutes" in given:
        raise InvalidArgument(
            "Both `iters` and `max_minutes` are given.",
            field="settings.max_minutes",
            expected="one of them: `max_minutes` chooses `iters`",
        )
    if given.get("lora_layers") == 0:
        raise InvalidArgument(
            "No layer would be adapted.", field="settings.lora_layers", expected="1 or more, or -1 for all layers"
        )
    for key in given.get("lora_keys", ()):
        if key not in MODULES:
            near = nearest(key, MODULES)
            raise InvalidArgument(
                f"`{printable(key)}` is no module of a layer.",
                field="settings.lora_keys",
                expected=", ".join(MODULES),
                fix=f"Did you mean `{near[0]}`?" if near else None,
            )


def _fit_rows(values: dict[str, tuple[Any, str]], fixed: set[str], data: DatasetShape, changes: list[Change]) -> None:
    batch, source = values["batch_size"]
    if batch <= data.rows:
        return
    if "batch_size" in fixed:
        raise InvalidArgument(
            f"A batch of {batch} rows is larger than the {data.rows} training rows.",
            field="settings.batch_size",
            expected=f"at most {data.rows}",
            fix="Lower batch_size or add material to the dataset.",
        )
    reason = f"the dataset has {data.rows} rows to learn"
    changes.append(Change(setting="batch_size", asked=batch, used=data.rows, reason=reason))
    values["batch_size"] = (data.rows, source)


def _choose_prefix(
    ws: Workspace, info: ModelInfo, values: dict[str, tuple[Any, str]], data: DatasetShape, changes: list[Change]
) -> tuple[bool, str]:
    """Whether to keep what the layers below the adapters give, and why: it pays from the second pass on."""
    asked, source = values["frozen_prefix"]
    flat = {name: value for name, (value, _) in values.items()}
    frozen = info.layers - trained_layers(info, flat)
    passes = flat["iters"] * flat["batch_size"] / max(1, data.rows)
    needed = data.tokens * info.hidden_size * activation_bytes(info, choose_precision(info, "train"))
    free = machine.disk_free(ws.root)
    if frozen == 0:
        reason = "all layers are adapted"
    elif asked is False:
        return False, source
    elif needed > _DISK_SHARE * free:
        reason = f"it would take {needed / GB:.1f} GB of the {free / GB:.1f} GB free on the disk"
    elif asked is None and passes < _LEAST_PASSES and flat["max_minutes"] is None:
        return False, f"auto: {passes:.1f} passes over the rows are too few to gain from it"
    else:
        told = f"auto: the {frozen} layers below the adapters are run once a row, {needed / GB:.2f} GB on disk"
        return True, source if asked else told
    if asked:
        changes.append(Change(setting="frozen_prefix", asked=True, used=False, reason=reason))
    return False, f"auto: {reason}"


def _fit_memory(
    info: ModelInfo,
    values: dict[str, tuple[Any, str]],
    fixed: set[str],
    budget: int,
    ratio: float,
    changes: list[Change],
) -> None:
    def peak_of(candidate: dict[str, tuple[Any, str]]) -> int:
        return predict_peak(info, {name: value for name, (value, _) in candidate.items()}, ratio)

    first_peak = peak_of(values)
    if first_peak <= budget:
        return
    reason = f"the peak was predicted at {first_peak / GB:.1f} GB of {budget / GB:.1f} GB"
    trial = dict(values)
    for name, rung in _LADDER:
        _step_down(trial, name, rung, fixed)
        moved = [n for n in trial if trial[n][0] != values[n][0]]
        if peak_of(trial) > budget:
            continue
        if fixed.intersection(moved):
            largest = {n: trial[n][0] for n in sorted(moved)}
            raise DoesNotFit(
                f"This run would need {first_peak / GB:.1f} GB at its peak; {budget / GB:.1f} GB can be used.",
                field="settings",
                expected="at most " + ", ".join(f"{n}={v}" for n, v in largest.items()),
                fix="Call start_finetune with those settings, leave them out, or close other applications.",
                details={"largest_settings": largest},
            )
        changes.extend(Change(setting=n, asked=values[n][0], used=trial[n][0], reason=reason) for n in moved)
        values.update(trial)
        return
    raise DoesNotFit(
        f"`{info.name}` does not fit here: even the smallest settings need {peak_of(trial) / GB:.1f} GB, "
        f"and {budget / GB:.1f} GB can be used.",
        field="model",
        fix="Choose a smaller model (list_workspace kind=models shows sizes), or close other applications.",
    )


def _step_down(values: dict[str, tuple[Any, str]], name: str, rung: Any, fixed: set[str]) -> None:
    """Move one setting down to `rung`; the rows of an update and the strength alpha / rank stay the same."""
    value, source = values[name]
    if value == rung or (name != "grad_checkpoint" and value < rung):
        return
    values[name] = (rung, source)
    follow = {"batch_size": ("gradient_accumulation_steps", "iters"), "lora_rank": ("lora_alpha",)}
    for other in set(follow.get(name, ())) - fixed:
        number, why = values[other]
        factor = rung / value if name == "lora_rank" else value / rung
        values[other] = (type(number)(round(number * factor, 6)), why)
