"""The two trainers under the same stopwatch: Afina's loop and mlx-lm's, on one model and the same rows."""

from __future__ import annotations

import contextlib
import io
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optimizers
import numpy as np
from mlx.utils import tree_flatten
from mlx_lm.tuner.callbacks import TrainingCallback
from mlx_lm.tuner.datasets import CacheDataset
from mlx_lm.tuner.trainer import TrainingArgs, iterate_batches, train

from tools.compute.device import CACHE_LIMIT
from tools.compute.training.batches import Batches
from tools.compute.training.branch import prepare_branches
from tools.compute.training.decoder import Decoder
from tools.compute.training.hidden_store import HiddenStore
from tools.compute.training.loop import LoopSettings, Trainer
from tools.compute.training.prefix import FrozenPrefix
from tools.compute.training.rows import Sequence

DECAY = 0.01
# Reached by mlx-lm alone: Afina bounds its buffer cache, mlx-lm empties its own after each step.
_UNBOUNDED = 1 << 62


@dataclass(frozen=True)
class Recipe:
    """What both trainers are told. The rate stays, or falls to zero over the steps along half a cosine.

    most_norm: of gradients, 0 for no bound; mlx-lm knows none.
    """

    rate: float = 1e-5
    falling: bool = False
    seed: int = 0
    most_norm: float = 1.0

    def loop_settings(self, steps: int) -> LoopSettings:
        """Afina's defaults otherwise."""
        return loop_settings(
            iters=steps,
            learning_rate=self.rate,
            schedule="cosine" if self.falling else "constant",
            max_grad_norm=self.most_norm,
        )

    def optimizer(self, steps: int) -> optimizers.Optimizer:
        """mlx-lm's, with the same rate at each step."""
        rate = optimizers.cosine_decay(self.rate, steps) if self.falling else self.rate
        return optimizers.AdamW(learning_rate=rate, weight_decay=DECAY, bias_correction=True)


_USUAL = Recipe()


@dataclass
class Timed:
    """Steps of one trainer. tokens and slots of each step: without padding, and with it."""

    seconds: list[float] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    peak_bytes: int = 0

    def add(self, other: Timed) -> None:
        self.seconds += other.seconds
        self.tokens += other.tokens
        self.slots += other.slots
        self.losses += other.losses
        self.peak_bytes = max(self.peak_bytes, other.peak_bytes)

    def part(self, start: int, stop: int | None = None) -> Timed:
        """Steps `start` to `stop` - 1 alone."""
        chosen = slice(start, stop)
        return Timed(self.seconds[chosen], self.tokens[chosen], self.slots[chosen], self.losses, self.peak_bytes)

    def without_first(self, steps: int) -> Timed:
        """Less the steps in which kernels are compiled."""
        return self.part(steps)

    @property
    def tokens_per_second(self) -> float:
        return sum(self.tokens) / sum(self.seconds)

    @property
    def padding(self) -> float:
        """Share of what the model read that was padding."""
        return 1 - sum(self.tokens) / sum(self.slots)

    def figures(self) -> dict[str, Any]:
        return {
            "tokens_per_second": round(self.tokens_per_second, 2),
            "median_step_s": round(statistics.median(self.seconds), 5),
            "steps": len(self.seconds),
            "tokens": sum(self.tokens),
            "padding": round(self.padding, 4),
            "peak_gb": round(self.peak_bytes / 1e9, 3),
            "mean_loss": round(statistics.mean(self.losses), 4) if self.losses else None,
        }


@contextlib.contextmanager
def watched(timed: Timed) -> Iterator[None]:
    """Measure the peak of the device's memory within."""
    mx.clear_cache()
    mx.reset_peak_memory()
    try:
        yield
    finally:
        timed.peak_bytes = int(mx.get_peak_memory())


def loop_settings(**changes: Any) -> LoopSettings:
    """Afina's defaults at a constant rate; a run of any length."""
    values: dict[str, Any] = {
        "iters": 10**6,
        "accumulation": 1,
        "learning_rate": _USUAL.rate,
        "warmup": 0,
        "schedule": "constant",
        "optimizer": "adamw",
        "weight_decay": DECAY,
        "max_grad_norm": 1.0,
    }
    return LoopSettings(**{**values, **changes})


def afina(
    model: nn.Module,
    rows: list[Sequence],
    batch_size: int,
    steps: int,
    pad_id: int = 0,
    kept: Path | None = None,
    recipe: Recipe = _USUAL,
) -> Timed:
    """`steps` steps of Afina's trainer over `rows`, from the start of an epoch.

    kept: a folder for what the layers below the adapters give; then the first pass over the rows runs
    them, and later ones do not.
    """
    decoder = Decoder(model)
    share = decoder.divisible
    trainer = Trainer(
        decoder,
        Batches(rows, batch_size, recipe.seed, pad_id, share=share),
        recipe.loop_settings(steps),
        prepare_branches(model, 0.0, 0),
        prefix=None if kept is None else _prefix(decoder, rows, kept),
        compiled=mx.default_device() != mx.cpu,
    )
    twin = Batches(rows, batch_size, recipe.seed, pad_id, share=share)
    timed = Timed()
    with watched(timed):
        for _ in range(steps):
            began = time.perf_counter()
            trainer.train_step()
            timed.seconds.append(time.perf_counter() - began)
            [batch] = next(twin)
            timed.tokens.append(batch.tokens)
            timed.slots.append(batch.ids.size)
    timed.losses.append(trainer.state.window.mean_loss)
    return timed


def _prefix(decoder: Decoder, rows: list[Sequence], folder: Path) -> FrozenPrefix | None:
    """None where all layers are adapted: nothing is frozen below them."""
    adapted = [bool(tree_flatten(layer.trainable_parameters())) for layer in decoder.layers]
    if adapted[0]:
        return None
    states = decoder.embed(mx.zeros((1, 1), mx.int32))
    store = HiddenStore(folder, {}, [len(row) - 1 for row in rows], states.shape[-1], states.dtype)
    # The benchmark's model may be of no file: its lower layers stay in memory.
    return FrozenPrefix(decoder, adapted.index(True), store, lambda: None)


class _Stopwatch(TrainingCallback):
    """The seconds of each step, as mlx-lm's trainer itself takes them."""

    def __init__(self, timed: Timed) -> None:
        self.timed = timed

    def on_train_loss_report(self, train_info: dict[str, Any]) -> None:
        self.timed.seconds.append(1 / train_info["iterations_per_second"])
        self.timed.losses.append(float(train_info["train_loss"]))


class _Rows:
    """Token ids as mlx-lm's datasets give them, each with the place of its first learned token."""

    def __init__(self, rows: list[Sequence]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, int]:
        return {"row": index}

    def process(self, item: dict[str, int]) -> tuple[list[int], int]:
        row = self._rows[item["row"]]
        return row.ids.tolist(), int(np.argmax(row.mask))


def mlx_lm(
    model: nn.Module,
    rows: list[Sequence],
    batch_size: int,
    steps: int,
    longest: int,
    *,
    checkpoint: bool = False,
    recipe: Recipe = _USUAL,
) -> Timed:
    """`steps` steps of mlx-lm's own trainer, as `mlx_lm.lora` calls it; timed by its own clock."""
    timed = Timed()

    def counted(**arguments: Any) -> Iterator[tuple[mx.array, mx.array]]:
        for batch, spans in iterate_batches(**arguments):
            timed.tokens.append(int(spans[:, 1].sum().item()))
            timed.slots.append(batch.size)
            yield batch, spans

    # Its order of batches draws from there.
    np.random.seed(recipe.seed)
    layer = type(model.layers[0])
    own_call = layer.__call__
    mx.set_cache_limit(_UNBOUNDED)
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            contextlib.redirect_stdout(io.StringIO()),
            watched(timed),
        ):
            arguments = TrainingArgs(
                batch_size=batch_size,
                iters=steps,
                steps_per_report=1,
                steps_per_save=steps + 1,
                max_seq_length=longest,
                adapter_file=str(Path(folder) / "adapters.safetensors"),
                grad_checkpoint=checkpoint,
            )
            train(
                model,
                recipe.optimizer(steps),
                CacheDataset(_Rows(rows)),
                args=arguments,
                iterate_batches=counted,
                training_callback=_Stopwatch(timed),
            )
    finally:
        layer.__call__ = own_call  # its checkpointing patches the class for good
        mx.set_cache_limit(CACHE_LIMIT)
    timed.tokens, timed.slots = timed.tokens[:steps], timed.slots[:steps]
    return timed
