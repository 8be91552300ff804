"""Models are taken apart only where the parts give what the whole gives."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten

from tests.compute.training.test_training import make_trainer, sequences, settings
from tests.support.tiny_model import make_tiny_model
from tools.compute import device
from tools.compute.loading import LoadedBase, load_base
from tools.compute.lora import LoraShape, apply_lora
from tools.compute.training.batches import Batches
from tools.compute.training.branch import prepare_branches
from tools.compute.training.decoder import Decoder
from tools.compute.training.loop import Trainer
from tools.compute.training.loss import summed_loss
from tools.compute.training.packing import make_batch
from tools.compute.training.step import batch_loss, on_device
from tools.workspace.layout import Workspace


@pytest.fixture
def base(ws: Workspace) -> LoadedBase:
    device.set_up()
    return load_base(make_tiny_model(ws), "train")


def test_a_model_of_layers_that_see_all_is_taken_apart(base: LoadedBase) -> None:
    assert Decoder(base.model).divisible


def test_a_model_whose_parts_do_not_give_the_whole_stays_whole(base: LoadedBase) -> None:
    inner = base.model.model
    original = type(inner)

    class Scaled(original):  # type: ignore[misc,valid-type]
        def __call__(self, *args: object, **kwargs: object) -> mx.array:
            return original.__call__(self, *args, **kwargs) * 2

    inner.__class__ = Scaled
    decoder = Decoder(base.model)
    assert (decoder.divisible, decoder.layers) == (False, [])
    rows = sequences(3)
    batch = make_batch(rows, [0, 1, 2], 0, share=decoder.divisible)
    assert batch_loss(decoder, on_device(batch), summed_loss).item() > 0


def test_a_model_with_a_sliding_window_stays_whole(base: LoadedBase) -> None:
    base.model.args.sliding_window = 4096
    assert not Decoder(base.model).divisible


def test_a_model_that_stays_whole_trains_to_the_same_gradients(ws: Workspace) -> None:
    device.set_up()
    folder, rows = make_tiny_model(ws), sequences(4)
    results = []
    for window in (None, 4096):
        base = load_base(folder, "train")
        apply_lora(base.model, LoraShape(layers=2, rank=4, scale=2.0), seed=0)
        base.model.args.sliding_window = window
        share = Decoder(base.model).divisible
        trainer = make_trainer(base.model, Batches(rows, 4, 0, 0, share=share), settings(), dropout=0.0)
        results.append(trainer.compute(next(trainer.batches)[0]))
        assert share == (window is None)
    (loss, gradients), (other, others) = results
    assert loss.item() == pytest.approx(other.item(), rel=1e-5)
    for (name, one), (_, two) in zip(tree_flatten(gradients), tree_flatten(others), strict=True):
        np.testing.assert_allclose(np.array(one), np.array(two), rtol=1e-3, atol=1e-5, err_msg=name)


def test_a_compiled_step_trains_the_same(ws: Workspace) -> None:
    device.set_up()
    folder, rows = make_tiny_model(ws), sequences(4)
    losses = []
    for compiled in (False, True):
        base = load_base(folder, "train")
        apply_lora(base.model, LoraShape(layers=2, rank=4, scale=2.0), seed=0)
        keys = prepare_branches(base.model, 0.5, seed=3)
        batches = Batches(rows, 4, 0, 0, share=True)
        trainer = Trainer(Decoder(base.model), batches, settings(iters=4, accumulation=2), keys, compiled=compiled)
        while not trainer.done:
            trainer.train_step()
        losses.append(trainer.state.window.loss)
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
