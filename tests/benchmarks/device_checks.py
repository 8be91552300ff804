"""Is the arithmetic right on this device? Each check tells its figures, and whether it passed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx_lm.tuner.utils import linear_to_lora_layers, remove_lora_layers

from tests.benchmarks.decoding import flat, random_adapters
from tests.benchmarks.trainers import loop_settings
from tools.compute.lora import LoraShape, apply_lora, trainable
from tools.compute.routing import AdapterRouter
from tools.compute.training.batches import Batches
from tools.compute.training.branch import prepare_branches
from tools.compute.training.checkpoint import Policy, restore_newest, save_checkpoint
from tools.compute.training.decoder import Decoder
from tools.compute.training.loop import Trainer
from tools.compute.training.rows import Sequence


def routing(model: nn.Module, shape: LoraShape, length: int) -> dict[str, Any]:
    """Logits of two adapters in one batch against mlx-lm's own LoRA layers, each alone.

    `error` is the root mean square of the difference over that of what the adapter changes.
    """
    vocab = int(model.lm_head.weight.shape[0])
    ids = mx.array(np.random.default_rng(2).integers(3, vocab, (1, length)).astype(np.int32))
    adapters = random_adapters(model, shape, 2)
    base = _logits(model, ids)
    expected = []
    for adapter in adapters:
        linear_to_lora_layers(model, shape.layers, shape.config()["lora_parameters"])
        model.load_weights(list(flat(adapter).items()), strict=False)
        expected.append(_logits(model, ids))
        remove_lora_layers(model)
    router = AdapterRouter(model)
    slots = [router.load(adapter) for adapter in adapters]
    router.rows.choose([slots[0], 0, slots[1]])
    try:
        one, untouched, two = _logits(model, mx.repeat(ids, 3, axis=0)).split(3)
    finally:
        router.rows.choose(())
        for slot in slots:
            router.unload(slot)
    errors = [_rms(got - want) / _rms(want - base) for got, want in zip((one, two), expected, strict=True)]
    noise = _rms(untouched - base) / _rms(expected[0] - base)
    return {
        "errors": [round(error, 5) for error in errors],
        "base_row_error": round(noise, 5),
        "change_rms": round(_rms(expected[0] - base), 4),
        "same_best_token": round(_agreement(one, expected[0]), 4),
        "passed": max(errors) < 0.1 and noise < 0.1,
    }


def resuming(model: nn.Module, shape: LoraShape, length: int, folder: Path) -> dict[str, Any]:
    """Six steps in one go against three, a checkpoint, and three more in a fresh trainer, with dropout on."""
    dropping = shape.model_copy(update={"dropout": 0.05})
    rows = _rows(model, 8, length)
    shutil.rmtree(folder, ignore_errors=True)
    described = {"name": "check", "base": {"name": "random", "fingerprint": "0"}}

    def fresh() -> Trainer:
        apply_lora(model, dropping, seed=3)
        settings = loop_settings(iters=6, accumulation=2, learning_rate=1e-3)
        batches, keys = Batches(rows, 2, 3, 0, share=True), prepare_branches(model, dropping.dropout, 3)
        return Trainer(Decoder(model), batches, settings, keys, compiled=True)

    try:
        whole = fresh()
        while not whole.done:
            whole.train_step()
        expected, loss = _arrays(whole), whole.state.window.mean_loss
        remove_lora_layers(model)
        first = fresh()
        start = _arrays(first)
        for _ in range(3):
            first.train_step()
        save_checkpoint(folder, first, dropping, described, None, Policy(1))
        remove_lora_layers(model)
        second = fresh()
        restore_newest(folder, second)
        while not second.done:
            second.train_step()
        found, again = _arrays(second), second.state.window.mean_loss
    finally:
        remove_lora_layers(model)
        model.freeze()
    moved = _distance(expected, start)
    apart = _distance(expected, found) / moved
    return {
        "apart": round(apart, 8),
        "identical": all(np.array_equal(expected[name], found[name]) for name in expected),
        "loss": round(loss, 5),
        "loss_resumed": round(again, 5),
        "passed": apart < 0.01 and abs(loss - again) < 1e-2,
    }


def learning(model: nn.Module, shape: LoraShape, length: int) -> dict[str, Any]:
    """Thirty steps on one batch: the loss stays finite and falls."""
    apply_lora(model, shape, seed=0)
    try:
        batches, keys = Batches(_rows(model, 2, length), 2, 0, 0, share=True), prepare_branches(model, 0.0, 0)
        trainer = Trainer(Decoder(model), batches, loop_settings(learning_rate=2e-4), keys, compiled=True)
        losses = []
        for _ in range(30):
            before = trainer.state.window.loss, trainer.state.window.learned
            trainer.train_step()
            window = trainer.state.window
            losses.append((window.loss - before[0]) / (window.learned - before[1]))
    finally:
        remove_lora_layers(model)
        model.freeze()
    return {
        "losses": [round(loss, 4) for loss in losses],
        "passed": all(np.isfinite(losses)) and losses[-1] < losses[0] - 0.3,
    }


def _rows(model: nn.Module, count: int, length: int) -> list[Sequence]:
    vocab = int(model.lm_head.weight.shape[0])
    ids = np.random.default_rng(4).integers(3, vocab, (count, length)).astype(np.int32)
    return [Sequence(row, np.ones(length, np.bool_)) for row in ids]


def _logits(model: nn.Module, ids: mx.array) -> mx.array:
    logits = model(ids).astype(mx.float32)
    mx.eval(logits)
    return logits


def _rms(array: mx.array) -> float:
    return float(mx.sqrt((array * array).mean()).item())


def _agreement(one: mx.array, other: mx.array) -> float:
    return float((one.argmax(-1) == other.argmax(-1)).astype(mx.float32).mean().item())


def _arrays(trainer: Trainer) -> dict[str, np.ndarray]:
    return {name: np.array(array.astype(mx.float32)) for name, array in trainable(trainer.model).items()}


def _distance(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> float:
    return float(np.sqrt(sum(((one[name] - other[name]) ** 2).sum() for name in one)))
