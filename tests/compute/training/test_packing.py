"""Rows in lines: none sees another, none is lost, little is filled up."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.tiny_model import make_tiny_model
from tools.compute import device
from tools.compute.loading import LoadedBase, load_base
from tools.compute.training.decoder import Decoder
from tools.compute.training.loss import summed_loss
from tools.compute.training.packing import lay_out, make_batch, rounded
from tools.compute.training.rows import Sequence
from tools.compute.training.step import attention_mask, batch_loss, on_device
from tools.workspace.layout import Workspace


def rows_of(*lengths: int, seed: int = 0) -> list[Sequence]:
    rng = np.random.default_rng(seed)
    return [Sequence(rng.integers(3, 390, n).astype(np.int32), rng.random(n) < 0.7) for n in lengths]


@pytest.fixture
def base(ws: Workspace) -> LoadedBase:
    device.set_up()
    return load_base(make_tiny_model(ws), "train")


def test_rows_that_share_a_line_give_the_loss_that_they_give_alone(base: LoadedBase) -> None:
    decoder = Decoder(base.model)
    rows = rows_of(9, 20, 31, 5, 12)
    together = make_batch(rows, range(5), 0, share=True)
    assert together.segments is not None
    assert len(together.ids) < 5
    alone = [make_batch(rows, [row], 0, share=False) for row in range(5)]
    losses = [batch_loss(decoder, on_device(batch), summed_loss).item() for batch in [together, *alone]]
    assert losses[0] == pytest.approx(sum(losses[1:]), rel=1e-5)
    assert together.learned_tokens == sum(batch.learned_tokens for batch in alone)


def test_a_token_of_one_row_changes_nothing_in_another(base: LoadedBase) -> None:
    decoder = Decoder(base.model)
    rows = rows_of(12, 14)
    changed = [rows[0], Sequence(rows[1].ids[::-1].copy(), rows[1].mask)]
    outputs = []
    for chosen in (rows, changed):
        batch = make_batch(chosen, [0, 1], 0, share=True)
        [mine] = [place for place in batch.places if place.row == 0]
        assert batch.ids.shape[0] == 1
        mask = attention_mask(mx.array(batch.segments))
        hidden = decoder.run(decoder.embed(mx.array(batch.ids)), mask, 0, len(decoder.layers))
        outputs.append(np.array(hidden[0, mine.start : mine.start + mine.length]))
    np.testing.assert_array_equal(outputs[0], outputs[1])


@given(st.lists(st.integers(1, 400), min_size=1, max_size=12))
def test_every_row_is_laid_out_once_and_no_line_overflows(lengths: list[int]) -> None:
    width, lines = lay_out(lengths, share=True)
    assert sorted(row for line in lines for row in line) == list(range(len(lengths)))
    assert all(sum(lengths[row] for row in line) <= width for line in lines)
    assert width % 32 == 0


@given(st.integers(1, 100_000))
def test_sizes_are_few_and_little_larger(size: int) -> None:
    assert size <= rounded(size) < max(size + 32, 1.125 * size + 1)
    assert rounded(rounded(size)) == rounded(size)


def test_short_rows_leave_little_to_fill() -> None:
    rng = np.random.default_rng(0)
    rows = rows_of(*(int(n) for n in rng.integers(16, 64, 400)))
    batches = [make_batch(rows, range(start, start + 4), 0, share=True) for start in range(0, 400, 4)]
    read = sum(batch.ids.size for batch in batches)
    assert sum(batch.tokens for batch in batches) > 0.85 * read


def test_a_row_a_line_needs_no_mask_of_its_own() -> None:
    batch = make_batch(rows_of(64, 63), [0, 1], 0, share=False)
    assert (batch.segments, batch.ids.shape) == (None, (2, 64))
    assert attention_mask(None) == "causal"


def test_targets_are_the_next_tokens_of_learned_ones() -> None:
    row = Sequence(np.array([5, 6, 7, 8], np.int32), np.array([False, False, True, True]))
    batch = make_batch([row], [0], 0, share=True)
    count = batch.learned_tokens
    assert list(batch.learned[:count]) == [1, 2]
    assert list(batch.targets[:count]) == [7, 8]
    assert batch.weights.sum() == count == 2
    assert batch.tokens == 4
