"""LoRA training, rank 8 on the top 16 layers: Afina's trainer against mlx-lm's, taking turns on one model."""

from __future__ import annotations

from collections.abc import Iterator

import mlx.nn as nn

from tests.benchmarks import trainers
from tests.benchmarks.material import LONGEST, equal_rows, prepared_rows
from tests.benchmarks.measurement import Bench, Measurement, run_child
from tests.benchmarks.trainers import Timed
from tools.compute import device
from tools.compute.loading import load_base
from tools.compute.lora import LoraShape, apply_lora
from tools.compute.training.rows import Sequence

SHAPE = LoraShape(layers=16, rank=8, scale=20.0)
BATCH = 2
PEER = "mlx_lm.tuner.trainer.train"


def measure(bench: Bench) -> Iterator[Measurement]:
    device.set_up()
    base = load_base(bench.folder, "train")
    apply_lora(base.model, SHAPE, seed=0)
    pad = base.tokenizer.pad_id or 0
    length, steps, rounds = (128, 3, 1) if bench.quick else (256, 6, 2)
    rows = equal_rows(base.tokenizer, BATCH * steps, length)
    ours, theirs = take_turns(base.model, rows, steps, rounds, longest=length, pad=pad, warm_up=1)
    yield _measurement(f"rows of {length} tokens", ours, theirs)
    whole = prepared_rows(bench, base.tokenizer)
    rows = spread(whole, 8 if bench.quick else 24)
    ours, theirs = take_turns(base.model, rows, len(rows) // BATCH, rounds, longest=LONGEST, pad=pad, warm_up=0)
    lengths = sorted(len(row) for row in whole)
    yield _measurement(
        f"{len(rows)} rows of the sample",
        ours,
        theirs,
        {"rows_in_dataset": len(whole), "length_median": lengths[len(lengths) // 2], "length_most": lengths[-1]},
    )


def spread(rows: list[Sequence], count: int) -> list[Sequence]:
    """About `count` rows, whole batches of neighbours from all over the dataset: every one is read once."""
    batches = [rows[start : start + BATCH] for start in range(0, len(rows) - BATCH + 1, BATCH)]
    wanted = min(len(batches), count // BATCH)
    return [row for i in range(wanted) for row in batches[i * len(batches) // wanted]]


def take_turns(
    model: nn.Module, rows: list[Sequence], steps: int, rounds: int, *, longest: int, pad: int, warm_up: int
) -> tuple[Timed, Timed]:
    """Both trainers over the same rows, in turns, each first once; Afina's steps and mlx-lm's."""
    ours, theirs = Timed(), Timed()

    def turn(of: Timed) -> None:
        if of is ours:
            found = trainers.afina(model, rows, BATCH, steps + warm_up, pad)
        else:
            found = trainers.mlx_lm(model, rows, BATCH, steps + warm_up, longest)
        of.add(found.without_first(warm_up))

    for number in range(rounds):
        for of in (theirs, ours) if number % 2 == 0 else (ours, theirs):
            turn(of)
    return ours, theirs


def _measurement(case: str, ours: Timed, theirs: Timed, more: dict[str, int] | None = None) -> Measurement:
    return Measurement(
        "training",
        case,
        "tok/s",
        round(ours.tokens_per_second, 2),
        round(theirs.tokens_per_second, 2),
        PEER,
        notes=f"padding {ours.padding:.1%} against {theirs.padding:.1%}; "
        f"peak {ours.peak_bytes / 1e9:.2f} against {theirs.peak_bytes / 1e9:.2f} GB",
        more={"afina": ours.figures(), "peer": theirs.figures(), "batch_size": BATCH, **(more or {})},
    )


if __name__ == "__main__":
    run_child(measure)
