"""A step tried before training: does it give numbers, how much memory and how long does it take?

The guide starts small for the same reason: what is wrong with a template, a mask or a rate shows in
seconds, and not after an hour.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import mlx.core as mx
from mlx.utils import tree_flatten

from tools.compute.arrays import scalar
from tools.compute.training.loop import Trainer
from tools.errors import DataError, MachineError
from tools.start_finetune.footprint import StepShape

_TIMED = 2


@dataclass(frozen=True)
class Tried:
    """loss in nats a token; rows, tokens and learned tokens of the batch; shape: as it was computed; peak in bytes."""

    loss: float
    rows: int
    tokens: int
    learned: int
    shape: StepShape
    peak: int

    def told(self) -> str:
        return (
            f"Tried a step on the largest batch: {self.rows} rows, {self.tokens} tokens, {self.learned} of them "
            f"learned; loss {self.loss:.3f}, peak {self.peak / 1e9:.2f} GB."
        )


def try_step(trainer: Trainer) -> Tried:
    """Loss and gradients of the largest batch; nothing is updated.

    Raises DataError where nothing in it is learned, MachineError where it gives no numbers.
    """
    batch = trainer.batches.of_size(max(trainer.batches.sizes(epoch=0)))
    mx.reset_peak_memory()
    loss, gradients = trainer.compute(batch)
    mx.eval(loss, gradients)
    peak = int(mx.get_peak_memory())
    finite = mx.all(mx.stack([mx.isfinite(gradient).all() for _, gradient in tree_flatten(gradients)]))
    if not batch.learned_tokens:
        raise DataError(
            "The largest rows have nothing to learn: all of their tokens are masked.",
            fix="Set mask_prompt=false, or look at the rows with prepare_dataset's dry_run.",
        )
    value = scalar(loss) / batch.learned_tokens
    if not (mx.isfinite(loss).item() and finite.item()):
        raise MachineError(
            "A first step gives no numbers: the loss or the gradient is infinite.",
            fix="Install the model again (afina models pull), or choose another.",
        )
    shape = StepShape(batch.ids.shape[0], batch.ids.shape[1], len(batch.weights))
    return Tried(value, len(batch.places), batch.tokens, batch.learned_tokens, shape, peak)


def mean_step_seconds(trainer: Trainer) -> float:
    """Seconds of a mean step: those of the epoch's median batch a token, times the mean batch's tokens."""
    sizes = trainer.batches.sizes(epoch=0)
    batch = trainer.batches.of_size(sorted(sizes)[len(sizes) // 2])
    mx.eval(trainer.compute(batch))
    began = time.perf_counter()
    for _ in range(_TIMED):
        mx.eval(trainer.compute(batch))
    seconds = (time.perf_counter() - began) / _TIMED
    return seconds / batch.ids.size * sum(sizes) / len(sizes)
