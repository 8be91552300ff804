"""The loop's arithmetic: tokens weigh the same, steps add up, a resumed run is the same run."""

from __future__ import annotations

import itertools
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from mlx.utils import tree_flatten

from tests.support.tiny_model import make_tiny_model
from tools.compute import device
from tools.compute.loading import LoadedBase, load_base
from tools.compute.lora import LoraShape, apply_lora, trainable
from tools.compute.training.batches import Batches, Cursor, epoch_order, fixed_batches
from tools.compute.training.branch import prepare_branches
from tools.compute.training.checkpoint import (
    Best,
    Policy,
    Restored,
    checkpoint_folders,
    restore_newest,
    save_checkpoint,
    set_aside,
)
from tools.compute.training.checkpointing import recomputed
from tools.compute.training.decoder import Decoder
from tools.compute.training.loop import BrokeDown, LoopSettings, Trainer
from tools.compute.training.packing import make_batch
from tools.compute.training.rows import Sequence
from tools.compute.training.schedule import rate_at
from tools.compute.training.validation import mean_loss
from tools.workspace.layout import Workspace

SHAPE = LoraShape(layers=2, rank=4, scale=2.0, dropout=0.5)
DESCRIBED = {"name": "provas", "base": {"name": "tiny", "fingerprint": "0"}}


def sequences(count: int, seed: int = 0, longest: int = 40) -> list[Sequence]:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(5, longest, count)
    return [Sequence(rng.integers(3, 390, n).astype(np.int32), np.ones(n, np.bool_)) for n in lengths]


def make_trainer(model: nn.Module, batches: Batches, chosen: LoopSettings, dropout: float = 0.5) -> Trainer:
    return Trainer(Decoder(model), batches, chosen, prepare_branches(model, dropout, seed=3), compiled=False)


def settings(**changes: object) -> LoopSettings:
    values: dict[str, object] = {
        "iters": 12,
        "accumulation": 4,
        "learning_rate": 1e-2,
        "warmup": 1,
        "schedule": "cosine",
        "optimizer": "adamw",
        "weight_decay": 0.01,
        "max_grad_norm": 1.0,
    }
    return LoopSettings(**{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture
def base(ws: Workspace) -> LoadedBase:
    device.set_up()
    return load_base(make_tiny_model(ws), "train")


@pytest.fixture
def adapted(base: LoadedBase) -> LoadedBase:
    apply_lora(base.model, SHAPE, seed=0)
    return base


def test_a_batch_that_learns_nothing_gives_zero_and_not_nan(adapted: LoadedBase) -> None:
    row = Sequence(np.arange(3, 20, dtype=np.int32), np.zeros(17, np.bool_))
    trainer = make_trainer(adapted.model, Batches([row], 1, 0, 0, share=True), settings(iters=1, accumulation=1))
    before = {name: np.array(value) for name, value in trainable(adapted.model).items()}
    trainer.train_step()
    assert trainer.state.window.loss == 0.0
    after = trainable(adapted.model)
    # Weight decay alone moves A by a hair; nothing is NaN.
    assert all(np.isfinite(np.array(after[name])).all() for name in before)


def test_every_token_weighs_the_same_whatever_batch_it_is_in(ws: Workspace) -> None:
    folder = make_tiny_model(ws)
    shape = LoraShape(layers=2, rank=4, scale=2.0)
    rows = [Sequence(np.arange(3, 3 + n, dtype=np.int32), np.ones(n, np.bool_)) for n in (6, 30)]
    results = []
    for batch_size, accumulation in ((2, 1), (1, 2)):
        model = load_base(folder, "train").model
        apply_lora(model, shape, seed=0)
        chosen = settings(iters=accumulation, accumulation=accumulation, optimizer="sgd", warmup=0, weight_decay=0.0)
        trainer = make_trainer(model, Batches(rows, batch_size, 0, 0, share=True), chosen, dropout=0.0)
        for _ in range(accumulation):
            trainer.train_step()
        results.append({name: np.array(value) for name, value in trainable(model).items()})
    for name, value in results[0].items():
        np.testing.assert_allclose(value, results[1][name], rtol=1e-4, atol=1e-7)


def test_rows_computed_in_parts_give_the_same_update(ws: Workspace) -> None:
    folder, rows = make_tiny_model(ws), sequences(8)
    results = []
    for at_once in (None, 3, 1):
        model = load_base(folder, "train").model
        apply_lora(model, LoraShape(layers=2, rank=4, scale=2.0), seed=0)
        batches = Batches(rows, 8, 0, 0, share=True, at_once=at_once)
        assert len(batches.peek()) == {None: 1, 3: 3, 1: 8}[at_once]
        trainer = make_trainer(model, batches, settings(iters=2, accumulation=1, optimizer="sgd"), dropout=0.0)
        while not trainer.done:
            trainer.train_step()
        results.append((trainer.state.window.loss, {n: np.array(v) for n, v in trainable(model).items()}))
    for loss, arrays in results[1:]:
        assert loss == pytest.approx(results[0][0], rel=1e-5)
        for name, value in arrays.items():
            np.testing.assert_allclose(value, results[0][1][name], rtol=1e-3, atol=1e-6, err_msg=name)


def test_training_lowers_the_loss(adapted: LoadedBase) -> None:
    rows = sequences(4)
    trainer = make_trainer(adapted.model, Batches(rows, 2, 0, 0, share=True), settings(iters=30, accumulation=1))
    valid = fixed_batches(rows, 2, -1, 0, share=True)
    before = mean_loss(trainer.decoder, valid)
    while not trainer.done:
        trainer.train_step()
    assert mean_loss(trainer.decoder, valid) < before - 0.2


@pytest.mark.parametrize("seed", range(12))
def test_a_resumed_run_is_the_same_run_to_the_last_bit(ws: Workspace, tmp_path: Path, seed: int) -> None:
    folder = make_tiny_model(ws)
    rows = sequences(9, seed)

    def fresh() -> Trainer:
        model = load_base(folder, "train").model
        apply_lora(model, SHAPE, seed=seed)
        return make_trainer(model, Batches(rows, 2, seed, 0, share=True), settings(iters=11))

    alone = fresh()
    while not alone.done:
        alone.train_step()
    first = fresh()
    for _ in range(6):  # in the middle of an accumulation, and of the second epoch
        first.train_step()
    save_checkpoint(tmp_path, first, SHAPE, DESCRIBED, Best(6, 1.0), Policy(2))
    first.train_step()
    second = fresh()
    assert restore_newest(tmp_path, second) == Restored(Best(6, 1.0), [])
    assert second.state.step == 6
    while not second.done:
        second.train_step()
    ours, theirs = trainable(second.model), trainable(alone.model)
    assert list(ours) == list(theirs)
    assert all(bytes(np.array(ours[name])) == bytes(np.array(theirs[name])) for name in ours)
    assert second.state.window.loss == alone.state.window.loss


def test_a_loss_that_is_not_finite_is_a_breakdown(adapted: LoadedBase) -> None:
    batches = Batches(sequences(4), 2, 0, 0, share=True)
    trainer = make_trainer(adapted.model, batches, settings(accumulation=1, iters=3))
    adapted.model.model.norm.weight = mx.full(adapted.model.model.norm.weight.shape, float("nan"))
    with pytest.raises(BrokeDown, match="not a number"):
        trainer.train_step()


def test_a_loop_that_begins_again_is_the_loop_that_it_was(adapted: LoadedBase) -> None:
    batches = Batches(sequences(6), 2, 0, 0, share=True)
    trainer = make_trainer(adapted.model, batches, settings(accumulation=2, iters=6))
    initial = {name: mx.array(value) for name, value in trainable(adapted.model).items()}
    ends = []
    for _ in range(2):
        trainer.begin_again(initial)
        while not trainer.done:
            trainer.train_step()
        ends.append({name: bytes(np.array(value)) for name, value in trainable(adapted.model).items()})
    assert ends[0] == ends[1]


def test_the_newest_the_best_and_every_so_many_checkpoints_stay(adapted: LoadedBase, tmp_path: Path) -> None:
    batches = Batches(sequences(4), 2, 0, 0, share=True)
    trainer = make_trainer(adapted.model, batches, settings(accumulation=1, iters=7))
    for _ in range(7):
        trainer.train_step()
        save_checkpoint(tmp_path, trainer, SHAPE, DESCRIBED, Best(2, 1.0), Policy(2, every=4))
    assert [path.name for path in checkpoint_folders(tmp_path)] == ["step-2", "step-4", "step-6", "step-7"]
    assert {path.name for path in tmp_path.iterdir()} == {"step-2", "step-4", "step-6", "step-7", "afina"}


@pytest.mark.parametrize("damage", ["flipped", "cut", "gone", "no position"])
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(
    adapted: LoadedBase, tmp_path: Path, damage: str
) -> None:
    batches = Batches(sequences(4), 2, 0, 0, share=True)
    trainer = make_trainer(adapted.model, batches, settings(accumulation=1, iters=4))
    for _ in range(2):
        trainer.train_step()
        save_checkpoint(tmp_path, trainer, SHAPE, DESCRIBED, Best(1, 1.0), Policy(3))
    weights, position = tmp_path / "step-2" / "adapters.safetensors", tmp_path / "step-2" / "checkpoint.json"
    content = weights.read_bytes()
    if damage == "flipped":
        weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif damage == "cut":
        weights.write_bytes(content[: len(content) // 2])
    elif damage == "gone":
        weights.unlink()
    else:
        position.write_text("{}")
    restored = restore_newest(tmp_path, trainer)
    assert restored == Restored(Best(1, 1.0), ["step-2"])
    assert trainer.state.step == 1
    set_aside(tmp_path, "step-2")
    assert restore_newest(tmp_path, trainer).damaged == []


def test_recomputing_gives_the_same_gradients_also_with_dropout_and_is_taken_off(base: LoadedBase) -> None:
    apply_lora(base.model, SHAPE, seed=0)
    trainer = make_trainer(base.model, Batches(sequences(2), 2, 0, 0, share=True), settings())
    batch = make_batch(sequences(2), [0, 1], 0, share=True)
    classes = [type(layer) for layer in base.model.layers]
    for matrix in [module for name, module in tree_flatten(base.model.trainable_parameters()) if "lora_b" in name]:
        matrix += 0.1  # dropout shows only where B is not zero
    loss, gradients = trainer.compute(batch)
    for _ in range(2):  # entered twice: it does not nest
        with recomputed(base.model.layers[-2:]):
            assert type(base.model.layers[-1]) is not classes[-1]
            assert type(base.model.layers[0]) is classes[0]
            loss_again, again = trainer.compute(batch)
            mx.eval(loss_again, again)
    assert loss.item() == pytest.approx(loss_again.item(), rel=1e-6)
    for (name, one), (_, other) in zip(tree_flatten(gradients), tree_flatten(again), strict=True):
        np.testing.assert_allclose(np.array(one), np.array(other), rtol=1e-4, atol=1e-6, err_msg=name)
    assert [type(layer) for layer in base.model.layers] == classes


def test_an_epoch_has_every_row_once_and_little_padding() -> None:
    lengths = [int(n) for n in np.random.default_rng(0).integers(5, 500, 103)]
    order = epoch_order(lengths, 4, seed=1, epoch=0)
    assert sorted(row for batch in order for row in batch) == list(range(103))
    assert order != epoch_order(lengths, 4, seed=1, epoch=1)
    assert order == epoch_order(lengths, 4, seed=1, epoch=0)
    read = sum(max(lengths[row] for row in batch) * len(batch) for batch in order)
    assert read < 1.15 * sum(lengths)


def test_the_cursor_takes_the_data_up_where_it_was() -> None:
    rows = sequences(7)
    whole = Batches(rows, 2, 5, 0, share=True)
    seen = [next(whole)[0].ids for _ in range(10)]
    again = Batches(rows, 2, 5, 0, share=True)
    again.cursor = Cursor(epoch=1, index=2)
    assert all(np.array_equal(next(again)[0].ids, ids) for ids in seen[6:])


@pytest.mark.parametrize(
    ("schedule", "at_warmup", "at_end"), [("constant", 1.0, 1.0), ("linear", 1.0, 0.0), ("cosine", 1.0, 0.0)]
)
def test_the_rate_warms_up_and_falls(schedule: str, at_warmup: float, at_end: float) -> None:
    rates = [rate_at(update, 100, 1.0, 10, schedule) for update in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[10] == pytest.approx(at_warmup)
    assert rates[100] == pytest.approx(at_end, abs=1e-9)
    assert all(a >= b for a, b in itertools.pairwise(rates[10:]))
