"""Does the machine stand in the way: on battery, too hot, no room on the disk?"""

from __future__ import annotations

from collections.abc import Iterator

from tools.start_finetune.footprint import adapter_parameters, trained_layers
from tools.training_status.contract import Finding
from tools.training_status.record import Record
from tools.workspace.machine import GB, disk_free

# A checkpoint holds the adapter in float32, and the optimizer's two moments.
_COPIES, _FLOAT32 = 3, 4


def on_battery(record: Record) -> Iterator[Finding]:
    if not record.active or not record.reports or not record.reports[-1].machine.on_battery:
        return
    last = record.reports[-1]
    charge = f" at {last.machine.battery}%" if last.machine.battery is not None else ""
    yield Finding(
        finding="the machine is on battery",
        evidence=f"On battery{charge} at step {last.step}.",
        change="Plug it in: on battery it is slower and may sleep. Or pause the run; it goes on from its checkpoint.",
    )


def too_hot(record: Record) -> Iterator[Finding]:
    if not record.active or not record.reports or not record.reports[-1].machine.throttled:
        return
    last = record.reports[-1]
    told = [f"The system slows the machine down for heat at step {last.step}"]
    if last.machine.speed_limit is not None:
        told.append(f"its speed is limited to {last.machine.speed_limit}%")
    if last.machine.heat is not None:
        told.append(f"{last.machine.heat:.0f} °C")
    yield Finding(
        finding="the machine is too hot",
        evidence=f"{', '.join(told)}.",
        change="Keep its vents free and let it cool; pausing the run for some minutes loses nothing.",
    )


def little_disk(record: Record) -> Iterator[Finding]:
    """Less room than the checkpoints that are still to be kept will take."""
    size = _checkpoint_bytes(record)
    if not record.active or size is None:
        return
    more = checkpoints_to_come(record)
    free = disk_free(record.ws.root)
    if free < size * more:
        yield Finding(
            finding="the disk is nearly full",
            evidence=f"{free / GB:.2f} GB are free; a checkpoint takes {size / GB:.2f} GB, and {more} more "
            "are to be kept.",
            change=f"Free {(size * more - free) / GB:.1f} GB, or keep fewer (keep_checkpoints) next time.",
        )


def checkpoints_to_come(record: Record) -> int:
    """How many more checkpoints there will be at once: the newest, the best, and those kept for good."""
    kept_for_good = record.setting("keep_every")
    left = record.run.steps - record.run.step
    more = left // kept_for_good if kept_for_good else 0
    # One is written before the oldest goes.
    return int(max(0, record.setting("keep_checkpoints", 1) + 1 - len(record.checkpoints)) + 1 + more)


def _checkpoint_bytes(record: Record) -> int | None:
    if record.checkpoints:
        return sum(path.stat().st_size for path in record.checkpoints[-1].glob("*") if path.is_file())
    info, rank = record.model, record.setting("lora_rank")
    if info is None or rank is None:
        return None
    layers = trained_layers(info, {"lora_layers": record.setting("lora_layers", -1)})
    return adapter_parameters(info, layers, rank, record.setting("lora_keys")) * _FLOAT32 * _COPIES
