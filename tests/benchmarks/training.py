"""LoRA training of rank 8, batches of 4: Afina's trainer against mlx-lm's, taking turns on one model and the same rows.

Real tokens are those of rows, without filling. Afina keeps what the layers below the adapters give:
its first pass over the rows runs them, later ones do not.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx_lm.tuner.utils import remove_lora_layers

from tests.benchmarks import trainers
from tests.benchmarks.material import LONGEST, equal_rows, prepared_rows, uneven_rows
from tests.benchmarks.measurement import Bench, Measurement, run_child
from tests.benchmarks.trainers import Timed
from tools.compute import device
from tools.compute.loading import LoadedBase, load_base
from tools.compute.lora import LoraShape, apply_lora
from tools.compute.training.checkpointing import recomputed
from tools.compute.training.rows import Sequence

BATCH = 4
PEER = "mlx_lm.tuner.trainer.train"


@dataclass
class Turns:
    """What both trainers took: Afina's first pass over the rows, its later ones, and mlx-lm's steps."""

    first: Timed = field(default_factory=Timed)
    later: Timed = field(default_factory=Timed)
    theirs: Timed = field(default_factory=Timed)


def measure(bench: Bench) -> Iterator[Measurement]:
    device.set_up()
    base = load_base(bench.folder, "train")
    steps, rounds = (2, 1) if bench.quick else (6, 2)
    short = uneven_rows(base.tokenizer, BATCH * steps, 16, 63)
    long = equal_rows(base.tokenizer, BATCH * (1 if bench.quick else 2), 128 if bench.quick else 512)
    for layers in (16, 8):
        for case, rows in (("rows of 16 to 63 tokens", short), (f"rows of {len(long[0])} tokens", long)):
            turns = take_turns(base, rows, rounds, layers)
            yield from _speeds(f"{case}, top {layers}", turns, rows)
    if not bench.quick:
        yield from _sample(bench, base)
        yield from _memory(base)


def take_turns(base: LoadedBase, rows: list[Sequence], rounds: int, layers: int) -> Turns:
    """Both trainers over the same rows, in turns, each first once."""
    turns = Turns()
    steps = -(-len(rows) // BATCH)
    pad = base.tokenizer.pad_id or 0

    def ours() -> None:
        with tempfile.TemporaryDirectory() as folder:
            timed = trainers.afina(base.model, rows, BATCH, 2 * steps, pad, kept=Path(folder))
        turns.first.add(timed.part(0, steps))
        turns.later.add(timed.part(steps, 2 * steps))

    def theirs() -> None:
        # Its kernels are compiled for each shape as it first comes by: the second pass is timed.
        turns.theirs.add(trainers.mlx_lm(base.model, rows, BATCH, 2 * steps, LONGEST).part(steps))

    for number in range(rounds):
        for turn in (theirs, ours) if number % 2 == 0 else (ours, theirs):
            _fresh(base.model, layers)
            turn()
    _clean(base.model)
    return turns


def _fresh(model: nn.Module, layers: int) -> None:
    _clean(model)
    apply_lora(model, LoraShape(layers=layers, rank=8, scale=20.0), seed=0)


def _clean(model: nn.Module) -> None:
    remove_lora_layers(model)
    model.freeze()


def _speeds(case: str, turns: Turns, rows: list[Sequence]) -> Iterator[Measurement]:
    lengths = sorted(len(row) for row in rows)
    more: dict[str, Any] = {
        "batch_size": BATCH,
        "lengths": lengths,
        "afina_first_pass": turns.first.figures(),
        "afina_later_passes": turns.later.figures(),
        "peer": turns.theirs.figures(),
    }
    for name, ours in (("later passes", turns.later), ("first pass", turns.first)):
        yield Measurement(
            "training",
            f"{case}, {name}",
            "tok/s",
            round(ours.tokens_per_second, 2),
            round(turns.theirs.tokens_per_second, 2),
            PEER,
            notes=f"filling {ours.padding:.0%} against {turns.theirs.padding:.0%}",
            more=more,
        )


def _sample(bench: Bench, base: LoadedBase) -> Iterator[Measurement]:
    """The sample's own rows: a few batches of neighbours from all over the dataset."""
    whole = prepared_rows(bench, base.tokenizer)
    batches = [whole[start : start + BATCH] for start in range(0, len(whole) - BATCH + 1, BATCH)]
    count = min(len(batches), 6)
    rows = [row for number in range(count) for row in batches[number * len(batches) // count]]
    yield from _speeds(f"{len(rows)} rows of the sample, top 16", take_turns(base, rows, 1, 16), rows)


def _memory(base: LoadedBase) -> Iterator[Measurement]:
    """Peaks at 1024 tokens, four rows an update: mlx-lm's batch of one against Afina's smallest of the same."""
    rows = equal_rows(base.tokenizer, 2, 1024)
    weights = int(mx.get_active_memory())
    peaks: dict[str, int] = {}
    for name, checkpoint in (("mlx-lm", False), ("mlx-lm, checkpointed", True)):
        _fresh(base.model, 16)
        peaks[name] = trainers.mlx_lm(base.model, rows, 1, 2, LONGEST, checkpoint=checkpoint).peak_bytes
    for name, checkpoint in (("afina", False), ("afina, checkpointed", True)):
        _fresh(base.model, 16)
        with recomputed(base.model.layers[-16:]) if checkpoint else nullcontext():
            peaks[name] = trainers.afina(base.model, rows, 1, 2).peak_bytes
    _clean(base.model)
    ours = min(peaks["afina"], peaks["afina, checkpointed"])
    for name in ("mlx-lm", "mlx-lm, checkpointed"):
        yield Measurement(
            "training",
            f"peak at 1024 tokens, top 16, against {name.removeprefix('mlx-lm, ')}",
            "GB",
            round(ours / 1e9, 3),
            round(peaks[name] / 1e9, 3),
            PEER,
            lower_is_better=True,
            notes=f"weights {weights / 1e9:.2f} GB in both",
            more={"peaks": peaks, "weights": weights},
        )


if __name__ == "__main__":
    run_child(measure)
