"""Turn a preset, the settings asked for and the machine into the plan of a run, with reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tools.errors import InvalidArgument, nearest, printable
from tools.models.info import ModelInfo
from tools.models.precision import choose_precision
from tools.start_finetune.contract import Change, Plan, Preset, Setting, TrainSettings
from tools.start_finetune.duration import predict_minutes, was_measured
from tools.start_finetune.fitting import Values, fit_memory, flat
from tools.start_finetune.footprint import MODULES
from tools.start_finetune.memory import Peak, peak_ratio, predict_peak
from tools.start_finetune.preflight import choose_prefix, fit_disk, lack_of_disk, long_rows, notes, passes
from tools.start_finetune.presets import DatasetShape, preset_values
from tools.workspace import ledger, machine
from tools.workspace.layout import Workspace
from tools.workspace.machine import GB

# Of a GPU's own memory: the rest is the driver's, and lost between blocks.
_CUDA_SHARE = 0.95


def make_plan(ws: Workspace, info: ModelInfo, data: DatasetShape, preset: Preset, asked: TrainSettings) -> Plan:
    """The plan that fits this machine.

    Settings of a preset are moved down the guide's ladder until the peak fits; a setting that was
    asked for by name is never moved: DoesNotFit then tells the largest settings that do.
    """
    given = asked.model_dump(exclude_none=True)
    _check_asked(given)
    fixed = set(given)
    values = preset_values(preset, info, data, given) | {name: (value, "asked") for name, value in given.items()}
    changes: list[Change] = []
    _fit_model(info, values, changes)
    _fit_rows(values, fixed, data, changes)
    budget, ratio = min(ledger.budget(ws), _reachable_memory(ws)), peak_ratio(ws, info)

    def peak_of(settings: Mapping[str, Any]) -> Peak:
        return predict_peak(info, settings, longest=data.longest, ratio=ratio)

    changes += fit_memory(ws, info, values, fixed, budget, peak_of, data.longest)
    values["frozen_prefix"] = choose_prefix(ws, info, values, data, changes)
    fit_disk(ws, info, values, fixed, data, changes)
    too_long = long_rows(values, data)
    if too_long is not None:
        changes.append(too_long)
    settings = flat(values)
    peak = peak_of(settings)
    tokens_per_row = min(data.tokens / max(1, data.rows), settings["max_seq_length"])
    return Plan(
        settings={name: Setting(value=value, source=source) for name, (value, source) in sorted(values.items())},
        predicted_peak_gb=round(peak.within(budget) / GB, 2),
        budget_gb=round(budget / GB, 2),
        fits=peak.fits(budget),
        predicted_minutes=round(settings["max_minutes"] or predict_minutes(ws, info, settings, data), 1),
        tokens_per_update=round(settings["batch_size"] * settings["gradient_accumulation_steps"] * tokens_per_row),
        epochs=round(passes(settings, data.rows), 2),
        precision=choose_precision(info, "train"),
        changes=changes,
        notes=[
            *_held_back(peak, budget),
            *(told for told in [lack_of_disk(ws, info, settings, data)] if told),
            *notes(info, settings, data, measured=was_measured(ws, info, settings)),
        ],
    )


def _held_back(peak: Peak, budget: int) -> Iterator[str]:
    if peak.usual > budget:
        yield (
            f"Left to itself MLX would hold {peak.usual / GB:.1f} GB, since it hands work to the device before it is "
            f"done. It is made to wait from {peak.within(budget) / GB:.1f} GB on, which is a little slower."
        )


def _reachable_memory(ws: Workspace) -> int:
    """What the system could give: the free memory, and what our engine and runs will give back.

    On a GPU of its own the device's memory alone counts.
    """
    if machine.device() == "cuda":
        return int(machine.device_memory() * _CUDA_SHARE)
    return machine.memory().available + ledger.held(ws)


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


def _fit_model(info: ModelInfo, values: Values, changes: list[Change]) -> None:
    layers, source = values["lora_layers"]
    if layers > info.layers:
        reason = f"the model has {info.layers} layers: all of them"
        changes.append(Change(setting="lora_layers", asked=layers, used=-1, reason=reason))
        values["lora_layers"] = (-1, source)
    length, source = values["max_seq_length"]
    if length > info.max_positions:
        reason = f"the model reads at most {info.max_positions} tokens"
        changes.append(Change(setting="max_seq_length", asked=length, used=info.max_positions, reason=reason))
        values["max_seq_length"] = (info.max_positions, source)


def _fit_rows(values: Values, fixed: set[str], data: DatasetShape, changes: list[Change]) -> None:
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
