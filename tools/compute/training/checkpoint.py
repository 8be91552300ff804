"""Checkpoints: adapter, optimizer and position in data and random draws, whole or not there.

Each is a folder `checkpoints/step-<n>/` that is also an adapter which the endpoint can serve.
"""

from __future__ import annotations

import dataclasses
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.compute.arrays import load_arrays
from tools.compute.lora import WEIGHTS_FILE, LoraShape, save_weights, trainable, write_adapter
from tools.compute.training.batches import Cursor
from tools.compute.training.guard import Guard
from tools.compute.training.loop import Trainer, TrainerState, Window
from tools.workspace.files import publishing, read_json, write_json
from tools.workspace.layout import ADAPTER_MARKER

STATE_FILE = "state.safetensors"
POSITION_FILE = "checkpoint.json"


@dataclass(frozen=True)
class Best:
    """The lowest validation loss so far, its step, and how many evaluations have come since."""

    step: int
    loss: float
    since: int = 0


@dataclass(frozen=True)
class Policy:
    """Which checkpoints stay: the newest, the best, and one in so many steps (None: no other)."""

    newest: int
    every: int | None = None


def checkpoint_folders(folder: Path) -> list[Path]:
    """The whole checkpoints of a run, oldest first."""
    found = [path.parent for path in folder.glob(f"step-*/{ADAPTER_MARKER}")]
    return sorted(found, key=lambda path: int(path.name.removeprefix("step-")))


def save_checkpoint(
    folder: Path, trainer: Trainer, shape: LoraShape, described: dict[str, Any], best: Best | None, policy: Policy
) -> Path:
    """Write `step-<n>` under `folder`, then remove those that the policy does not keep."""
    state = trainer.state
    final = folder / f"step-{state.step}"
    if not (final / ADAPTER_MARKER).is_file():
        with publishing(final) as aside:
            save_weights(aside / STATE_FILE, trainer.arrays())
            position = {
                "state": dataclasses.asdict(state),
                "cursor": dataclasses.asdict(trainer.batches.cursor),
                "best": dataclasses.asdict(best) if best else None,
                "guard": trainer.guard.losses,
            }
            write_json(aside / POSITION_FILE, position)
            version = f"step-{state.step}"
            write_adapter(aside, trainable(trainer.model), shape, {**described, "version": version})
    _remove_others(folder, best, policy)
    return final


def _remove_others(folder: Path, best: Best | None, policy: Policy) -> None:
    for old in checkpoint_folders(folder)[: -policy.newest]:
        step = int(old.name.removeprefix("step-"))
        if (best is not None and step == best.step) or (policy.every and step % policy.every == 0):
            continue
        # Renamed first, so that a half removed checkpoint is never taken for a whole one.
        doomed = old.with_name(f".tmp-{old.name}")
        old.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)


def restore_newest(folder: Path, trainer: Trainer) -> Best | None:
    """Put the trainer where the newest whole checkpoint was made; nothing happens where there is none."""
    found = checkpoint_folders(folder)
    if not found:
        return None
    newest = found[-1]
    position = read_json(newest / POSITION_FILE)
    fields = position["state"]
    state = TrainerState(**{**fields, "window": Window(**fields["window"])})
    trainer.restore(state, load_arrays(newest / WEIGHTS_FILE), load_arrays(newest / STATE_FILE))
    trainer.batches.cursor = Cursor(**position["cursor"])
    trainer.guard = Guard(list(position["guard"]))
    return Best(**position["best"]) if position["best"] else None
