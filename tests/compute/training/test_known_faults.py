"""Faults of mlx-lm's trainer that ours must not have, where no other test here looks at them."""

from __future__ import annotations

from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from mlx.utils import tree_flatten
from mlx_lm.tuner.lora import LoRALinear
from mlx_lm.tuner.trainer import default_loss

from tests.compute.training.test_training import SHAPE, make_trainer, sequences, settings
from tests.start_finetune.test_course import queued
from tests.support.tiny_model import make_tiny_model
from tests.support.training import prepare_small
from tools.compute import device
from tools.compute.loading import LoadedBase, load_base
from tools.compute.lora import apply_lora
from tools.compute.training.batches import Batches
from tools.compute.training.branch import prepare_branches
from tools.compute.training.decoder import Decoder
from tools.compute.training.loss import summed_loss
from tools.compute.training.optimizer import clip
from tools.compute.training.packing import make_batch
from tools.compute.training.rows import Sequence
from tools.compute.training.session import Session
from tools.compute.training.step import batch_loss, on_device
from tools.workspace.layout import Workspace


@pytest.fixture
def base(ws: Workspace) -> LoadedBase:
    device.set_up()
    return load_base(make_tiny_model(ws), "train")


@pytest.mark.parametrize("share", [False, True])
def test_what_fills_a_line_up_is_neither_learned_nor_counted(base: LoadedBase, share: bool) -> None:
    lengths = (9, 20, 31)
    rows = [Sequence(np.arange(3, 3 + n, dtype=np.int32), np.ones(n, np.bool_)) for n in lengths]
    batch = make_batch(rows, range(3), 0, share=share)
    assert batch.learned_tokens == sum(n - 1 for n in lengths)
    ids = np.zeros((3, 33), np.int32)
    for line, row in enumerate(rows):
        ids[line, : len(row)] = row.ids
    mean, counted = default_loss(base.model, mx.array(ids), mx.array([[0, n] for n in lengths]))
    assert counted.item() == batch.learned_tokens + len(rows), "mlx-lm counts a token of filling a row"
    # With another token to fill up with, theirs is another loss, and ours the same.
    other = make_batch(rows, range(3), 7, share=share)
    ours, again = (batch_loss(Decoder(base.model), on_device(one), summed_loss).item() for one in (batch, other))
    assert ours == pytest.approx(again, rel=1e-6)
    assert ours < mean.item() * counted.item()


def test_a_fully_masked_row_changes_nothing_of_its_batch(base: LoadedBase) -> None:
    rows = sequences(3)
    masked = Sequence(rows[2].ids, np.zeros(len(rows[2]), np.bool_))
    with_it, without = (
        batch_loss(Decoder(base.model), on_device(make_batch(chosen, range(len(chosen)), 0, share=True)), summed_loss)
        for chosen in ([rows[0], rows[1], masked], rows[:2])
    )
    assert with_it.item() == pytest.approx(without.item(), rel=1e-5)


def test_buffers_are_kept_from_step_to_step_within_a_bound(base: LoadedBase) -> None:
    apply_lora(base.model, SHAPE, seed=0)
    trainer = make_trainer(base.model, Batches(sequences(8), 2, 0, 0, share=True), settings(iters=4, accumulation=1))
    mx.clear_cache()
    while not trainer.done:
        trainer.train_step()
    assert 0 < mx.get_cache_memory() <= device.CACHE_LIMIT


def test_a_branch_in_full_precision_draws_no_activations_to_it() -> None:
    device.set_up()
    x = mx.random.normal((4096, 256)).astype(mx.bfloat16)
    mx.eval(x)

    def taken(layer: nn.Module) -> int:
        mx.eval(layer.parameters())
        mx.clear_cache()
        mx.reset_peak_memory()
        before = mx.get_active_memory()
        given = layer(x)
        mx.eval(given)
        assert given.dtype == mx.bfloat16
        return int(mx.get_peak_memory() - before)

    layer = LoRALinear.from_base(nn.Linear(256, 256, bias=False), r=4)
    layer.linear.weight = layer.linear.weight.astype(mx.bfloat16)
    layer.lora_a, layer.lora_b = (part.astype(mx.float32) for part in (layer.lora_a, layer.lora_b))
    theirs = taken(layer)
    prepare_branches(layer, 0.0, seed=0)
    assert layer.lora_a.dtype == layer.lora_b.dtype == mx.float32
    assert taken(layer) <= theirs - x.size * 4


@pytest.mark.parametrize(("most", "after"), [(0.5, 0.5), (100.0, 5.0), (0.0, 5.0)])
def test_gradients_are_scaled_to_the_largest_norm_allowed(most: float, after: float) -> None:
    clipped, norm = clip({"a": mx.array([3.0, 0.0]), "b": mx.array([[4.0]])}, most)
    assert norm.item() == pytest.approx(5.0)
    whole = np.concatenate([np.array(value).ravel() for _, value in tree_flatten(clipped)])
    assert float(np.linalg.norm(whole)) == pytest.approx(after, rel=1e-4)


def test_a_run_prints_nothing_and_leaves_the_wired_limit_alone(
    tiny_ws: Workspace, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    device.set_up()
    prepare_small(tiny_ws, tmp_path / "material")
    asked: list[int] = []
    monkeypatch.setattr(mx, "set_wired_limit", asked.append)
    capfd.readouterr()
    Session(tiny_ws, queued(tiny_ws, "livros", iters=6, grad_checkpoint=True), "train-livros-1").train()
    assert capfd.readouterr().out == ""
    assert asked == []
