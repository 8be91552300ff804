"""Peak memory of training steps: as the plan predicts it for a machine that never measured, and as it is."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np

from tests.benchmarks.measurement import Bench, Measurement, run_child
from tests.benchmarks.trainers import loop_settings
from tools.compute import device
from tools.compute.loading import LoadedBase, load_base, release_layers
from tools.compute.lora import LoraShape, apply_lora, trainable
from tools.compute.training.batches import Batches
from tools.compute.training.branch import prepare_branches
from tools.compute.training.checkpointing import recomputed
from tools.compute.training.decoder import Decoder
from tools.compute.training.hidden_store import HiddenStore
from tools.compute.training.loop import Trainer
from tools.compute.training.prefix import FrozenPrefix
from tools.compute.training.rows import Sequence
from tools.models.info import ModelInfo
from tools.models.precision import resident_bytes
from tools.start_finetune.footprint import Footprint, footprint, largest_step, trained_layers
from tools.start_finetune.presets import COMMON, SAFE


@dataclass(frozen=True)
class Case:
    """What memory depends on. kept: whether the results of frozen layers are kept on disk."""

    rows: int
    tokens: int
    layers: int
    rank: int
    recomputed: bool = False
    accumulation: int = 1
    kept: bool = False
    dropout: float = 0.0

    @property
    def name(self) -> str:
        parts = [f"{self.rows}x{self.tokens}", f"{self.layers} layers", f"rank {self.rank}"]
        parts += ["recomputed"] * self.recomputed + [f"sum of {self.accumulation}"] * (self.accumulation > 1)
        return ", ".join(parts + ["kept"] * self.kept + ["dropout"] * (self.dropout > 0))

    def settings(self) -> dict[str, Any]:
        """The plan's settings."""
        return {
            **COMMON,
            **SAFE,
            "batch_size": self.rows,
            "max_seq_length": self.tokens,
            "lora_layers": self.layers,
            "lora_rank": self.rank,
            "lora_dropout": self.dropout,
            "grad_checkpoint": self.recomputed,
            "gradient_accumulation_steps": self.accumulation,
            "frozen_prefix": self.kept,
        }


CASES = (
    Case(1, 128, 8, 8),
    Case(4, 128, 8, 32, accumulation=4),
    Case(1, 256, 16, 8, kept=True),
    Case(1, 256, 16, 8, dropout=0.05),
    Case(2, 128, 30, 32),
    Case(2, 256, 30, 8, recomputed=True, accumulation=4),
    Case(1, 512, 16, 8),
    Case(1, 512, 30, 32, recomputed=True),
    Case(4, 256, 8, 8),
    Case(1, 1024, 8, 8),
    Case(1, 1024, 16, 32, recomputed=True),
    Case(2, 512, 16, 8, kept=True),
)


@dataclass(frozen=True)
class Peaks:
    """Bytes, weights included. held: with MLX made to wait from the least of the prediction on. later: of a
    pass that leaves out the frozen layers, without their weights. One of the two was measured."""

    usual: int
    held: int | None
    later: int | None


def measure(bench: Bench) -> Iterator[Measurement]:
    device.set_up()
    for case in CASES[1:3] if bench.quick else CASES:
        base = load_base(bench.folder, "train")
        weights, info = resident_bytes(base.info, base.precision), base.info
        settings = case.settings()
        predicted = footprint(info, settings, largest_step(info, settings))
        peaks = peaks_of(base, bench.folder, case, predicted)
        yield _measurement(case.name, peaks.usual, weights + predicted.usual)
        if peaks.held is not None:
            yield _measurement(f"{case.name}, made to wait", peaks.held, weights + predicted.least)
        if peaks.later is not None:
            below = weights * _share_below(info, settings)
            yield _measurement(f"{case.name}, later passes", peaks.later, int(weights - below) + predicted.usual)
        del base
        gc.collect()
        mx.clear_cache()


def _share_below(info: ModelInfo, settings: dict[str, Any]) -> float:
    """The share of the weights that the layers below the adapters have."""
    embeddings = info.vocab_size * info.hidden_size * (1 if info.tied_embeddings else 2)
    return (1 - embeddings / info.parameters) * (1 - trained_layers(info, settings) / info.layers)


def _measurement(case: str, measured: int, predicted: int) -> Measurement:
    return Measurement(
        "memory", case, "GB", measured / 1e9, predicted / 1e9, "predicted", lower_is_better=True,
        more={"measured": measured, "predicted": predicted},
    )  # fmt: skip


def peaks_of(base: LoadedBase, folder: Path, case: Case, predicted: Footprint) -> Peaks:
    """Train a few steps on rows of one length; the peak of each kind of step once all that a run holds is there."""
    layers = trained_layers(base.info, case.settings())
    apply_lora(base.model, LoraShape(layers=layers, rank=case.rank, scale=2.0, dropout=case.dropout), seed=0)
    # A run holds it to begin anew (`Setup`).
    initial = {name: mx.array(value) for name, value in trainable(base.model).items()}
    with tempfile.TemporaryDirectory() as kept:
        trainer = _trainer(base, folder, case, Path(kept))
        with recomputed(base.model.layers[-layers:]) if case.recomputed else nullcontext():
            # The first update makes the moments; a step of the next one has all, sums of gradients too.
            usual = [_peak_of_step(trainer) for _ in range(case.accumulation + (2 if case.accumulation > 1 else 1))]
            if trainer.prefix is not None:
                # The rows were all read: the next step leaves out the layers below.
                return Peaks(max(usual), None, max(_peak_of_step(trainer) for _ in range(2)))
            before = mx.set_memory_limit(resident_bytes(base.info, base.precision) + predicted.least)
            try:
                held = _peak_of_step(trainer)
            finally:
                mx.set_memory_limit(before)
    del initial
    return Peaks(max(usual), held, None)


def _trainer(base: LoadedBase, folder: Path, case: Case, kept: Path) -> Trainer:
    rng = np.random.default_rng(0)
    # Two batches: each is read once before the second pass.
    ids = rng.integers(3, base.info.vocab_size, (2 * case.rows, case.tokens)).astype(np.int32)
    rows = [Sequence(row, np.ones(case.tokens, np.bool_)) for row in ids]
    keys = prepare_branches(base.model, case.dropout, seed=0)
    decoder = Decoder(base.model)
    start = base.info.layers - trained_layers(base.info, case.settings())
    prefix = None
    if case.kept and start:
        states = decoder.embed(mx.zeros((1, 1), mx.int32))
        store = HiddenStore(kept, {}, [len(row) - 1 for row in rows], states.shape[-1], states.dtype)
        prefix = FrozenPrefix(decoder, start, store, lambda: release_layers(base, folder, start))
    batches = Batches(rows, case.rows, 0, base.tokenizer.pad_id or 0, share=decoder.divisible)
    chosen = loop_settings(accumulation=case.accumulation)
    return Trainer(decoder, batches, chosen, keys, prefix=prefix, compiled=device.kind() != "cpu")


def _peak_of_step(trainer: Trainer) -> int:
    mx.reset_peak_memory()
    trainer.train_step()
    return int(mx.get_peak_memory())


if __name__ == "__main__":
    run_child(measure)
