"""What frozen layers give is kept, checked, and trained on with the same result."""

from __future__ import annotations

from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten

from tests.compute.training.test_training import make_trainer, sequences, settings
from tests.support.tiny_model import make_tiny_model
from tools.compute import device
from tools.compute.loading import LoadedBase, load_base, release_layers
from tools.compute.lora import LoraShape, apply_lora, trainable
from tools.compute.training.batches import Batches
from tools.compute.training.branch import prepare_branches
from tools.compute.training.decoder import Decoder
from tools.compute.training.hidden_store import HiddenStore, store_bytes
from tools.compute.training.loop import Trainer
from tools.compute.training.packing import make_batch
from tools.compute.training.prefix import FrozenPrefix
from tools.compute.training.validation import mean_loss
from tools.workspace.layout import Workspace

SHAPE = LoraShape(layers=1, rank=4, scale=2.0)


def adapted(folder: Path) -> LoadedBase:
    device.set_up()
    base = load_base(folder, "train")
    apply_lora(base.model, SHAPE, seed=0)
    return base


def prefixed(base: LoadedBase, folder: Path, kept: Path, rows: list, iters: int = 8) -> Trainer:
    decoder = Decoder(base.model)
    start = len(decoder.layers) - SHAPE.layers
    store = HiddenStore(kept, {"base": "x"}, [len(row) - 1 for row in rows], 64, mx.float32)
    prefix = FrozenPrefix(decoder, start, store, lambda: release_layers(base, folder, start))
    keys = prepare_branches(base.model, 0.5, seed=3)
    chosen = settings(iters=iters, accumulation=1)
    return Trainer(decoder, Batches(rows, 2, 0, 0, share=True), chosen, keys, prefix=prefix, compiled=False)


def test_gradients_are_those_of_the_whole_model(ws: Workspace, tmp_path: Path) -> None:
    folder, rows = make_tiny_model(ws), sequences(6)
    whole = make_trainer(adapted(folder).model, Batches(rows, 2, 0, 0, share=True), settings(), dropout=0.5)
    kept = prefixed(adapted(folder), folder, tmp_path / "hidden", rows)
    for trainer in (whole, kept):
        for name, matrix in tree_flatten(trainer.model.trainable_parameters()):
            if "lora_b" in name:
                matrix += 0.1
    other_lines = make_batch(rows, [3, 1, 0], 0, share=True)
    mx.eval(kept.compute(make_batch(rows, range(6), 0, share=True)))  # each row is kept from these lines
    assert kept.prefix is not None
    assert kept.prefix.store.complete
    loss, gradients = whole.compute(other_lines)
    loss_again, again = kept.compute(other_lines)
    assert loss.item() == pytest.approx(loss_again.item(), rel=1e-5)
    for (name, one), (_, other) in zip(tree_flatten(gradients), tree_flatten(again), strict=True):
        np.testing.assert_allclose(np.array(one), np.array(other), rtol=1e-3, atol=1e-5, err_msg=name)


def test_layers_below_are_run_once_a_row_and_then_let_go(ws: Workspace, tmp_path: Path) -> None:
    folder, rows = make_tiny_model(ws), sequences(6)
    base = adapted(folder)
    trainer = prefixed(base, folder, tmp_path / "hidden", rows)
    runs: list[int] = []
    lowest = base.model.layers[0]
    original = type(lowest)

    class Counted(original):  # type: ignore[misc,valid-type]
        def __call__(self, *args: object) -> object:
            runs.append(1)
            return original.__call__(self, *args)

    lowest.__class__ = Counted
    while not trainer.done:  # two passes and a bit
        trainer.train_step()
    assert len(runs) == 3
    held = mx.get_active_memory()
    mx.eval(base.model.layers[0].parameters())
    # They had been let go: asking for them reads them again.
    assert mx.get_active_memory() - held >= sum(a.nbytes for _, a in tree_flatten(base.model.layers[0].parameters()))


def test_layers_that_an_answer_needed_are_let_go_again(ws: Workspace, tmp_path: Path) -> None:
    folder, rows = make_tiny_model(ws), sequences(6)
    base = adapted(folder)
    trainer = prefixed(base, folder, tmp_path / "hidden", rows)
    while not trainer.done:
        trainer.train_step()
    assert trainer.prefix is not None
    mx.eval(base.model(mx.array([[3, 4, 5]])))  # as an answer to a prompt does
    held = mx.get_active_memory()
    trainer.prefix.let_go()
    below = sum(a.nbytes for layer in base.model.layers[:2] for _, a in tree_flatten(layer.parameters()))
    assert held - mx.get_active_memory() >= below


def test_a_run_taken_up_again_trains_on_the_same_numbers(ws: Workspace, tmp_path: Path) -> None:
    folder, rows = make_tiny_model(ws), sequences(6)
    alone = prefixed(adapted(folder), folder, tmp_path / "one", rows)
    while not alone.done:
        alone.train_step()
    first = prefixed(adapted(folder), folder, tmp_path / "two", rows)
    first.train_step()
    first.train_step()  # killed here, its work lost but for what is kept
    again = prefixed(adapted(folder), folder, tmp_path / "two", rows)
    while not again.done:
        again.train_step()
    ours, theirs = trainable(again.model), trainable(alone.model)
    assert all(bytes(np.array(ours[name])) == bytes(np.array(theirs[name])) for name in theirs)


def test_validation_uses_what_is_kept(ws: Workspace, tmp_path: Path) -> None:
    folder, rows = make_tiny_model(ws), sequences(5)
    base = adapted(folder)
    trainer = prefixed(base, folder, tmp_path / "hidden", rows)
    batches = [make_batch(rows, [0, 1, 2], 0, share=True), make_batch(rows, [3, 4], 0, share=True)]
    plain = mean_loss(trainer.decoder, batches)
    assert mean_loss(trainer.decoder, batches, trainer.prefix) == pytest.approx(plain, rel=1e-5)
    assert mean_loss(trainer.decoder, batches, trainer.prefix) == pytest.approx(plain, rel=1e-5)


@pytest.mark.parametrize("dtype", [mx.float32, mx.bfloat16, mx.float16])
def test_states_come_back_bit_by_bit(tmp_path: Path, dtype: mx.Dtype) -> None:
    states = mx.random.normal((5, 8)).astype(dtype)
    store = HiddenStore(tmp_path, {}, [3, 5], 8, dtype)
    store.put(1, states)
    assert (store.has(0), store.has(1), store.complete) == (False, True, False)
    laid = store.states(store.lay_out([(1, 0, 2, 5)], (1, 8)))
    assert laid.dtype == dtype
    assert mx.array_equal(laid[0, 2:7], states)
    assert not np.array(laid[0, :2].astype(mx.float32)).any()
    assert store_bytes([3, 5], 8, dtype) == 8 * 8 * states.dtype.size + 16


def test_a_damaged_row_is_known_and_the_others_stay(tmp_path: Path) -> None:
    store = HiddenStore(tmp_path, {"base": "a"}, [2, 2], 4, mx.float32)
    store.put(0, mx.ones((2, 4)))
    store.put(1, mx.ones((2, 4)))
    store.sync()
    content = bytearray((tmp_path / "states.bin").read_bytes())
    content[3] ^= 1
    (tmp_path / "states.bin").write_bytes(content)
    again = HiddenStore(tmp_path, {"base": "a"}, [2, 2], 4, mx.float32)
    assert (again.has(0), again.has(1)) == (False, True)


def test_states_of_another_base_are_not_taken(tmp_path: Path) -> None:
    HiddenStore(tmp_path, {"base": "a"}, [2], 4, mx.float32).put(0, mx.ones((2, 4)))
    assert HiddenStore(tmp_path, {"base": "a"}, [2], 4, mx.float32).has(0)
    assert not HiddenStore(tmp_path, {"base": "b"}, [2], 4, mx.float32).has(0)
