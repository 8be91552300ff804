"""Checkpoints: adapter, optimizer and position in data and random draws, whole or not there.

Each is a folder `checkpoints/step-<n>/` that is also an adapter which the endpoint can serve.
"""

from __future__ import annotations

import dataclasses
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlx.core as mx

from tools.compute.arrays import load_arrays
from tools.compute.lora import WEIGHTS_FILE, LoraShape, save_weights, trainable, write_adapter
from tools.compute.training.batches import Cursor
from tools.compute.training.guard import Guard
from tools.compute.training.loop import Trainer, TrainerState, Window
from tools.workspace.files import publishing, read_json, sha256_file, write_json
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
            version = f"step-{state.step}"
            write_adapter(aside, trainable(trainer.model), shape, {**described, "version": version})
            position = {
                "state": dataclasses.asdict(state),
                "cursor": dataclasses.asdict(trainer.batches.cursor),
                "best": dataclasses.asdict(best) if best else None,
                "guard": trainer.guard.losses,
                "files": {name: sha256_file(aside / name) for name in (WEIGHTS_FILE, STATE_FILE)},
            }
            write_json(aside / POSITION_FILE, position)
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


@dataclass(frozen=True)
class Restored:
    """The best so far of the checkpoint that was taken up, and the names of newer ones that were damaged."""

    best: Best | None
    damaged: list[str]


def restore_newest(folder: Path, trainer: Trainer) -> Restored:
    """Put the trainer where the newest sound checkpoint was made; it stays where it is when there is none."""
    damaged: list[str] = []
    for checkpoint in reversed(checkpoint_folders(folder)):
        position = _sound_position(checkpoint)
        if position is None:
            damaged.append(checkpoint.name)
            continue
        fields = position["state"]
        state = TrainerState(**{**fields, "window": Window(**fields["window"])})
        trainer.restore(state, load_arrays(checkpoint / WEIGHTS_FILE), load_arrays(checkpoint / STATE_FILE))
        trainer.batches.cursor = Cursor(**position["cursor"])
        trainer.guard = Guard(list(position["guard"]))
        return Restored(Best(**position["best"]) if position["best"] else None, damaged)
    return Restored(None, damaged)


def sound_weights(folder: Path, step: int) -> dict[str, mx.array] | None:
    """The adapter as it was at a step, or None where its checkpoint is gone or damaged."""
    checkpoint = folder / f"step-{step}"
    return load_arrays(checkpoint / WEIGHTS_FILE) if _sound_position(checkpoint) is not None else None


def set_aside(folder: Path, name: str) -> None:
    """Take a damaged checkpoint out of the way, without removing it."""
    (folder / name).rename(folder / f".damaged-{name}")


def _sound_position(checkpoint: Path) -> dict[str, Any] | None:
    """What a checkpoint tells of its position, where its files are as they were written."""
    try:
        position: dict[str, Any] = read_json(checkpoint / POSITION_FILE)
        sound = all(sha256_file(checkpoint / name) == digest for name, digest in position["files"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return position if sound else None
