"""The chunked loss is the plain one, and so is its gradient."""

from __future__ import annotations

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from mlx_lm.tuner.trainer import default_loss

from tests.support.tiny_model import make_tiny_model
from tools.compute import device
from tools.compute.loading import load_base
from tools.compute.training import loss as losses
from tools.compute.training.decoder import Decoder
from tools.compute.training.loss import learned_loss, summed_loss
from tools.compute.training.packing import make_batch
from tools.compute.training.rows import Sequence
from tools.compute.training.step import batch_loss, on_device
from tools.workspace.layout import Workspace


def plain(head: nn.Module, hidden: mx.array, targets: mx.array, weights: mx.array) -> mx.array:
    return (nn.losses.cross_entropy(head(hidden).astype(mx.float32), targets) * weights).sum()


@pytest.mark.parametrize("tokens", [1, 7, 8, 20])
def test_value_and_gradient_are_those_of_the_plain_loss(monkeypatch: pytest.MonkeyPatch, tokens: int) -> None:
    monkeypatch.setattr(losses, "loss_chunk", lambda vocabulary: 8)
    mx.random.seed(0)
    head = nn.Sequential(nn.RMSNorm(16), nn.Linear(16, 101))
    hidden = mx.random.normal((tokens, 16))
    targets = mx.random.randint(0, 101, (tokens,))
    weights = (mx.arange(tokens) % 3 != 1).astype(mx.float32)
    expected, by_plain = mx.value_and_grad(lambda h: 2.0 * plain(head, h, targets, weights))(hidden)
    value, by_ours = mx.value_and_grad(lambda h: 2.0 * learned_loss(head, h, targets, weights))(hidden)
    assert value.item() == pytest.approx(expected.item(), rel=1e-5)
    assert 2 * summed_loss(head, hidden, targets, weights).item() == pytest.approx(expected.item(), rel=1e-5)
    np.testing.assert_allclose(np.array(by_ours), np.array(by_plain), rtol=1e-4, atol=1e-6)


def test_logits_far_apart_give_a_finite_loss() -> None:
    hidden = mx.array([[0.0, 5e4, -5e4]])
    weights = mx.array([1.0])
    value, gradient = mx.value_and_grad(lambda h: learned_loss(lambda x: x, h, mx.array([0]), weights))(hidden)
    assert value.item() == pytest.approx(5e4)
    np.testing.assert_allclose(np.array(gradient), [[-1.0, 1.0, 0.0]], atol=1e-6)


def test_nothing_learned_gives_zero_and_no_gradient() -> None:
    hidden = mx.array([[1.0, 3.0, 2.0]])
    value, gradient = mx.value_and_grad(lambda h: learned_loss(lambda x: x, h, mx.array([0]), mx.array([0.0])))(hidden)
    assert value.item() == 0.0
    assert not np.array(gradient).any()


def test_the_loss_is_mlx_lms_where_nothing_is_filled_up(ws: Workspace) -> None:
    device.set_up()
    base = load_base(make_tiny_model(ws), "train")
    rows = [
        Sequence(np.random.default_rng(n).integers(3, 390, 33).astype(np.int32), np.ones(33, bool)) for n in range(2)
    ]
    batch = make_batch(rows, [0, 1], 0, share=False)
    ours = batch_loss(Decoder(base.model), on_device(batch), learned_loss).item()
    ids = np.stack([row.ids for row in rows])
    mean, tokens = default_loss(base.model, mx.array(ids), mx.array([[0, 33], [0, 33]]))
    assert ours == pytest.approx(mean.item() * tokens.item(), rel=1e-5)
