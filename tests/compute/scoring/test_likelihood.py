"""Likelihoods are those of other tools, each token is scored once, and what is not a number is not lost."""

from __future__ import annotations

import math
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest

from tests.support.tiny_adapter import make_tiny_adapter
from tests.support.tiny_model import make_tiny_model
from tools.compute.loading import load_base
from tools.compute.lora import read_adapter
from tools.compute.routing import BASE_SLOT, AdapterRouter
from tools.compute.scoring.likelihood import MOST_NATS, WINDOW, Scored, score
from tools.evaluate import figures
from tools.evaluate.measured import Texts
from tools.workspace.layout import Workspace, open_workspace


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = open_workspace(tmp_path_factory.mktemp("likelihood") / "afina")
    make_tiny_model(made)
    return made


@pytest.fixture
def model(ws: Workspace) -> Any:
    return load_base(ws.model_folder("tiny")).model


def drawn(rows: int, length: int) -> np.ndarray:
    return np.random.default_rng(rows * length).integers(5, 390, (rows, length))


def scored(router: AdapterRouter, rows: Any, slot: int = BASE_SLOT, window: int = WINDOW) -> list[Scored]:
    return score(router, slot, [(list(row), [True] * len(row)) for row in rows], lambda *_: None, window)


def perplexity(found: list[Scored]) -> float:
    """As evaluate's figure."""
    count = len(found)
    texts = Texts(
        nats={"tiny": [one.nats for one in found]},
        tokens={"tiny": [one.tokens for one in found]},
        sizes=[1] * count,
        documents=[""] * count,
        sources=[""] * count,
    )
    return figures.perplexity(texts, "tiny")


def test_perplexity_is_mlx_lms_on_equal_rows_without_padding(ws: Workspace) -> None:
    from mlx_lm.perplexity import eval_ppl  # transformers, which this test alone waits for

    rows = drawn(9, 70)
    base = load_base(ws.model_folder("tiny"))
    theirs, _ = eval_ppl(base.model, mx.array(rows), batch_size=4)
    router = AdapterRouter(base.model)
    assert perplexity(scored(router, rows)) == pytest.approx(theirs, rel=1e-5)
    # Of the tuned model as of the base: the adapter merged into the weights, and read by mlx-lm.
    adapter = read_adapter(make_tiny_adapter(ws, "um"), base.info)
    slot = router.load(adapter)
    tuned = perplexity(scored(router, rows, slot))
    assert tuned != pytest.approx(theirs, rel=1e-2)
    assert tuned == pytest.approx(eval_ppl(merged(ws, adapter.layers, adapter.scale), mx.array(rows))[0], rel=1e-4)


def merged(ws: Workspace, layers: Any, scale: float) -> nn.Module:
    """The base with an adapter added to its weights."""
    model = load_base(ws.model_folder("tiny")).model
    weights = dict(nn.utils.tree_flatten(model.parameters()))
    added = [(f"{path}.weight", weights[f"{path}.weight"] + scale * (a @ b).T) for path, (a, b) in layers.items()]
    model.load_weights(added, strict=False)
    return model


def test_uniform_logits_have_the_vocabularys_size_as_perplexity(model: Any) -> None:
    model.model.norm.weight = mx.zeros_like(model.model.norm.weight)  # so that all logits are zero
    vocabulary = model.args.vocab_size
    assert perplexity(scored(AdapterRouter(model), drawn(3, 40))) == pytest.approx(vocabulary, rel=1e-5)


def test_windows_score_every_token_once_with_half_a_window_before_it(model: Any) -> None:
    narrow = 64
    rows = [drawn(1, length)[0] for length in (2, 63, 64, 65, 90, 96, 97, 205, 3)]
    found = scored(AdapterRouter(model), rows, window=narrow)
    assert [one.tokens for one in found] == [len(row) - 1 for row in rows]
    assert [one.nats for one in found] == pytest.approx([by_definition(model, row, narrow) for row in rows], rel=1e-4)
    # Short texts need no windows.
    whole = [by_definition(model, row, 1000) for row in rows]
    for one, nats, row in zip(found, whole, rows, strict=True):
        assert (one.nats == pytest.approx(nats, rel=1e-5)) is (len(row) <= narrow)


def by_definition(model: Any, ids: np.ndarray, width: int) -> float:
    """Nats of all tokens but the first, each from the first window that holds it."""
    nats = np.full(len(ids), np.nan)
    nats[0] = 0
    begin = 0
    while np.isnan(nats).any():
        begin = min(begin, max(0, len(ids) - width))  # the last window is a whole one
        part = mx.array(ids[None, begin : begin + width])
        losses = np.asarray(nn.losses.cross_entropy(model(part[:, :-1]), part[:, 1:]))[0]
        for place, value in enumerate(losses, begin + 1):
            if np.isnan(nats[place]):
                assert begin == 0 or place - begin >= width // 2
                nats[place] = value
        begin += width // 2
    return float(nats.sum())


def test_only_what_is_to_be_scored_counts(model: Any) -> None:
    ids = list(drawn(1, 50)[0])
    router = AdapterRouter(model)
    answer = [False] * 30 + [True] * 20
    opening = [True] * 30 + [False] * 20
    items = [(ids, answer), (ids, opening), (ids, [False] * 50), ([7], [True]), ([], [])]
    parts = score(router, BASE_SLOT, items, lambda *_: None)
    (whole,) = scored(router, [ids])
    assert [part.tokens for part in parts] == [20, 29, 0, 0, 0]
    assert parts[0].nats + parts[1].nats == pytest.approx(whole.nats, rel=1e-5)
    assert [part.nats for part in parts[2:]] == [0, 0, 0]


def test_a_model_whose_numbers_overflow_is_the_worst_there_is_and_not_no_number(model: Any) -> None:
    model.model.norm.weight = mx.full(model.model.norm.weight.shape, math.inf)
    (found,) = scored(AdapterRouter(model), drawn(1, 20))
    assert found.nats == pytest.approx(19 * MOST_NATS)
