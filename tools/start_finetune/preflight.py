"""What is looked at before a run starts, besides its memory: the disk, free memory, rows that are too long."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tools.errors import DoesNotFit
from tools.models.info import ModelInfo
from tools.models.meter import gigabytes
from tools.models.precision import activation_bytes, choose_precision
from tools.start_finetune.contract import Change
from tools.start_finetune.fitting import Values, flat
from tools.start_finetune.footprint import adapter_copies, adapter_parameters, trained_layers
from tools.start_finetune.presets import DatasetShape
from tools.workspace import machine
from tools.workspace.layout import Workspace
from tools.workspace.machine import GB

# The guide's list: at least half of the memory free.
_FREE_MEMORY = 0.5
# Of the free disk: for hidden states, and for everything.
_HIDDEN_SHARE, _DISK_SHARE = 0.3, 0.9
# Passes over the rows from which keeping hidden states pays, and from which a run learns by heart.
_LEAST_PASSES, _MANY_PASSES = 1.5, 20


def passes(settings: dict[str, Any], rows: int) -> float:
    """How often a run reads each of so many rows."""
    return float(settings["iters"] * settings["batch_size"] / max(1, rows))


def choose_prefix(
    ws: Workspace, info: ModelInfo, values: Values, data: DatasetShape, changes: list[Change]
) -> tuple[bool, str]:
    """Whether to keep what the layers below the adapters give, and why: it pays from the second pass on."""
    (asked, source), settings = values["frozen_prefix"], flat(values)
    frozen = info.layers - trained_layers(info, settings)
    needed, free = _hidden_bytes(info, data), machine.disk_free(ws.root)
    read = passes(settings, data.rows)
    if frozen == 0:
        reason = "all layers are adapted"
    elif asked is False:
        return False, source
    elif needed > _HIDDEN_SHARE * free:
        reason = f"it would take {needed / GB:.1f} GB of the {free / GB:.1f} GB free on the disk"
    elif asked is None and read < _LEAST_PASSES and settings["max_minutes"] is None:
        return False, f"auto: {read:.1f} passes over the rows are too few to gain from it"
    else:
        told = f"auto: the {frozen} layers below the adapters are run once a row, {needed / GB:.2f} GB on disk"
        return True, source if asked else told
    if asked:
        changes.append(Change(setting="frozen_prefix", asked=True, used=False, reason=reason))
    return False, f"auto: {reason}"


def _hidden_bytes(info: ModelInfo, data: DatasetShape) -> int:
    return (
        (data.tokens + data.valid_tokens) * info.hidden_size * activation_bytes(info, choose_precision(info, "train"))
    )


def fit_disk(
    ws: Workspace, info: ModelInfo, values: Values, fixed: set[str], data: DatasetShape, changes: list[Change]
) -> None:
    """Keep fewer checkpoints where the disk is too small for more; see `lack_of_disk` for where that is not enough.

    Raises DoesNotFit where too many were asked for by name.
    """
    settings, room = flat(values), _room(ws, info, flat(values), data)
    needed, fewest = disk_bytes(info, settings), {"keep_checkpoints": 1, "keep_every": None}
    if needed <= room or disk_bytes(info, settings | fewest) > room:
        return
    told = f"checkpoints and adapter take {gigabytes(needed)}, and {gigabytes(room)} of the disk can be used"
    for name, used in fewest.items():
        if name not in fixed and values[name][0] != used:
            changes.append(Change(setting=name, asked=values[name][0], used=used, reason=told))
            values[name] = (used, values[name][1])
    if disk_bytes(info, flat(values)) > room:
        raise DoesNotFit(
            f"The disk is too small for so many checkpoints: {told}.",
            field=f"settings.{'keep_every' if 'keep_every' in fixed else 'keep_checkpoints'}",
            expected="keep_checkpoints=1, without keep_every",
            fix="Keep fewer checkpoints, or free disk space.",
            details={"largest_settings": fewest},
        )


def lack_of_disk(ws: Workspace, info: ModelInfo, settings: dict[str, Any], data: DatasetShape) -> str | None:
    """What is missing on the disk for a run with these settings; None where there is room."""
    needed, room = disk_bytes(info, settings), _room(ws, info, settings, data)
    if needed <= room:
        return None
    return (
        f"The disk is too full for this run: it writes {gigabytes(needed)}, and {gigabytes(room)} in {ws.root} "
        "can be used."
    )


def _room(ws: Workspace, info: ModelInfo, settings: dict[str, Any], data: DatasetShape) -> int:
    """Bytes that checkpoints and adapter may take: of the free disk, less what hidden states will."""
    room = int(machine.disk_free(ws.root) * _DISK_SHARE)
    return max(0, room - _hidden_bytes(info, data) if settings["frozen_prefix"] else room)


def disk_bytes(info: ModelInfo, settings: dict[str, Any]) -> int:
    """Bytes of the checkpoints that are there at once and of the published adapter.

    A checkpoint holds the adapter, the optimizer's moments, and gradients that add up. Beside those
    that are kept there are the best one and the one that is being written.
    """
    adapter = adapter_parameters(info, trained_layers(info, settings), settings["lora_rank"], settings["lora_keys"]) * 4
    spaced = settings["iters"] // settings["keep_every"] if settings["keep_every"] else 0
    checkpoints = settings["keep_checkpoints"] + 2 + spaced
    # Less the copy as it was at the beginning, which is in memory alone.
    return int(adapter * ((adapter_copies(settings) - 1) * checkpoints + 1))


def long_rows(values: Values, data: DatasetShape) -> Change | None:
    """What becomes of rows longer than `max_seq_length`; None where there are none."""
    length = values["max_seq_length"][0]
    if data.longest <= length:
        return None
    found = data.too_long(length) if data.too_long else None
    if found is None:
        reason = f"the longest row has {data.longest} tokens: longer rows are cut"
    elif found.rows == 0:
        return None
    else:
        parts = []
        if found.split:
            parts.append(f"{found.split} of {data.rows} rows are cut in pieces, of which none is lost")
        if found.cut:
            parts.append(f"{found.cut} of {data.rows} rows lose their end, {found.lost} tokens in all")
        reason = f"the longest row has {data.longest} tokens: " + "; ".join(parts)
    return Change(setting="max_seq_length", asked=data.longest, used=length, reason=reason)


def notes(info: ModelInfo, settings: dict[str, Any], data: DatasetShape, *, measured: bool) -> Iterator[str]:
    """What is worth knowing before the start, and stops nothing."""
    memory = machine.memory()
    if machine.device() != "cuda" and memory.available < _FREE_MEMORY * memory.total:
        share = memory.available / memory.total
        yield (
            f"Only {share:.0%} of the memory is free ({memory.available / GB:.1f} of {memory.total / GB:.1f} GB). "
            "Half of it should be: close other applications."
        )
    read = passes(settings, data.rows)
    if read > _MANY_PASSES and settings["max_minutes"] is None:
        yield (
            f"Each of the {data.rows} rows is read {read:.0f} times: the model would learn them by heart. "
            f"iters={max(1, round(3 * data.rows / settings['batch_size']))} reads each three times."
        )
    if data.counted_by not in (None, info.name):
        yield f"Tokens were counted for {data.counted_by}: for {info.name} the figures are rough."
    if not measured:
        yield f"The minutes are a guess: {info.name} was not trained on this machine before."
