"""The gradients of a real step, with all its shortcuts, are those of the plainest step there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from mlx.utils import tree_flatten, tree_map

from tests.benchmarks.__main__ import WORKSPACE
from tests.compute.training.test_training import settings
from tests.support.tiny_model import make_tiny_model
from tools.compute import device
from tools.compute.loading import LoadedBase, load_base, release_layers
from tools.compute.lora import LoraShape, apply_lora
from tools.compute.training import loss as losses
from tools.compute.training.batches import Batches
from tools.compute.training.branch import prepare_branches
from tools.compute.training.checkpointing import recomputed
from tools.compute.training.decoder import Decoder
from tools.compute.training.hidden_store import HiddenStore
from tools.compute.training.loop import Trainer
from tools.compute.training.packing import make_batch
from tools.compute.training.prefix import FrozenPrefix
from tools.compute.training.rows import Sequence
from tools.models.catalogue import DEFAULT
from tools.models.pull import pull
from tools.workspace.layout import Workspace, open_workspace

# Small enough for several chunks in a batch of few rows.
CHUNK = 40
LENGTHS = (9, 31, 24, 5, 40, 17)


def rows_of(vocabulary: int) -> list[Sequence]:
    """Rows of uneven length, the first third of each not learned."""
    rng = np.random.default_rng(0)
    return [Sequence(rng.integers(3, vocabulary, n).astype(np.int32), np.arange(n) >= n // 3) for n in LENGTHS]


def adapted(folder: Path, layers: int) -> LoadedBase:
    """A base with an adapter in which no matrix is zero: else half of the gradients would be."""
    base = load_base(folder, "train")
    apply_lora(base.model, LoraShape(layers=layers, rank=4, scale=2.0), seed=0)
    for place, (name, matrix) in enumerate(sorted(tree_flatten(base.model.trainable_parameters()))):
        if name.endswith("lora_b"):
            matrix += 0.02 * mx.random.normal(matrix.shape, key=mx.random.key(place))
    return base


def plain_step(model: nn.Module, rows: list[Sequence]) -> tuple[float, dict[str, np.ndarray]]:
    """One row a line, all of its logits, mlx's own cross entropy, nothing kept, nothing computed again."""

    def loss(ids: mx.array, mask: mx.array) -> mx.array:
        logits = model(ids[None, :-1])[0]
        return (nn.losses.cross_entropy(logits, ids[1:]) * mask[1:]).sum()

    total, summed = 0.0, None
    for row in rows:
        value, gradients = nn.value_and_grad(model, loss)(mx.array(row.ids), mx.array(row.mask.astype(np.float32)))
        summed = gradients if summed is None else tree_map(mx.add, summed, gradients)
        mx.eval(value, summed)
        total += value.item()
    return total, named(summed)


def real_step(base: LoadedBase, folder: Path, rows: list[Sequence], layers: int, kept: Path) -> tuple[float, Any]:
    """Rows packed, loss in chunks, layers below read from the disk, those above computed again."""
    decoder = Decoder(base.model)
    start = len(decoder.layers) - layers
    states = decoder.embed(mx.zeros((1, 1), mx.int32))
    store = HiddenStore(kept, {}, [len(row) - 1 for row in rows], states.shape[-1], states.dtype)
    prefix = FrozenPrefix(decoder, start, store, lambda: release_layers(base, folder, start))
    batches = Batches(rows, len(rows), 0, 0, share=True)
    trainer = Trainer(decoder, batches, settings(), prepare_branches(base.model, 0.0, 0), prefix=prefix, compiled=False)
    for first in range(len(rows)):  # each row is kept as it was computed alone, in a line of its own
        prefix.entering(make_batch(rows, [first], 0, share=True))
    assert store.complete
    batch = make_batch(rows, range(len(rows)), 0, share=True)
    assert batch.segments is not None and len(batch.ids) < len(rows)
    assert batch.learned_tokens > 2 * CHUNK
    with recomputed(base.model.layers[-layers:]):
        loss, gradients = trainer.compute(batch)
        mx.eval(loss, gradients)
    return loss.item(), named(gradients)


def named(gradients: Any) -> dict[str, np.ndarray]:
    return {name: np.array(value) for name, value in tree_flatten(gradients)}


def check_equal(folder: Path, layers: int, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device.set_up()
    monkeypatch.setattr(losses, "loss_chunk", lambda vocabulary: CHUNK)
    plain = adapted(folder, layers)
    rows = rows_of(plain.info.vocab_size)
    loss, expected = plain_step(plain.model, rows)
    del plain
    ours, gradients = real_step(adapted(folder, layers), folder, rows, layers, kept)
    assert ours == pytest.approx(loss, rel=1e-5)
    assert gradients.keys() == expected.keys()
    for name, value in expected.items():
        size = np.abs(value).max()
        assert size > 0, name
        np.testing.assert_allclose(gradients[name], value, rtol=2e-3, atol=2e-4 * size, err_msg=name)


def test_a_steps_gradients_are_the_plain_ones(ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_equal(make_tiny_model(ws), 2, tmp_path / "kept", monkeypatch)


@pytest.mark.verify
@pytest.mark.journey
def test_they_are_so_on_the_real_small_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ws = open_workspace(WORKSPACE)
    pull(ws, DEFAULT, lambda *_: None)
    check_equal(ws.model_folder(DEFAULT), 16, tmp_path / "kept", monkeypatch)
