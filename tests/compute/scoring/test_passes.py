"""Texts go through the model once, in pieces of a bounded size, with next to no padding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.support.counting import count_tokens
from tests.support.tiny_model import make_tiny_model
from tools.compute.loading import load_base
from tools.compute.routing import BASE_SLOT, AdapterRouter
from tools.compute.scoring import likelihood
from tools.compute.scoring.choices import score_options
from tools.compute.scoring.likelihood import Scored, score
from tools.workspace.layout import open_workspace


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    ws = open_workspace(tmp_path_factory.mktemp("passes") / "afina")
    make_tiny_model(ws)
    return load_base(ws.model_folder("tiny")).model


def drawn(length: int) -> list[int]:
    return [int(one) for one in np.random.default_rng(length).integers(5, 390, length)]


def scored(model: Any, texts: list[list[int]]) -> list[Scored]:
    return score(AdapterRouter(model), BASE_SLOT, [(ids, [True] * len(ids)) for ids in texts], lambda *_: None)


def test_a_text_read_in_pieces_is_as_likely_as_one_read_at_once(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [drawn(length) for length in (40, 64, 65, 66, 129, 300)]
    whole = scored(model, texts)
    monkeypatch.setattr(likelihood, "TOKENS_AT_ONCE", 64)
    with count_tokens(model) as counted:
        in_pieces = scored(model, texts)
    assert max(counted.passes) == 64
    assert counted.tokens == sum(len(ids) - 1 for ids in texts)
    assert [one.nats for one in in_pieces] == pytest.approx([one.nats for one in whole], rel=1e-4)
    assert [one.tokens for one in in_pieces] == [one.tokens for one in whole]


def test_texts_of_any_lengths_are_hardly_padded(model: Any) -> None:
    texts = [drawn(length) for length in np.random.default_rng(0).integers(5, 200, 80)]
    with count_tokens(model) as counted:
        scored(model, texts)
    assert counted.tokens < 1.08 * sum(len(ids) - 1 for ids in texts)
    # And they still share passes.
    assert len(counted.passes) < len(texts) / 2


def test_what_comes_after_the_last_scored_token_is_not_read(model: Any) -> None:
    ids = drawn(50)
    with count_tokens(model) as counted:
        score(AdapterRouter(model), BASE_SLOT, [(ids, [True] * 20 + [False] * 30)], lambda *_: None)
    assert counted.tokens == 19


def test_options_share_their_question(model: Any) -> None:
    prompt, options = drawn(60), [drawn(length) for length in (4, 5, 5, 6)]
    with count_tokens(model) as counted:
        found = score_options(AdapterRouter(model), BASE_SLOT, prompt, options)
    assert counted.tokens <= 60 + 4 * 5
    alone = [
        score(
            AdapterRouter(model),
            BASE_SLOT,
            [([*prompt, *option], [False] * 60 + [True] * len(option))],
            lambda *_: None,
        )
        for option in options
    ]
    assert found == pytest.approx([one.nats for (one,) in alone], rel=1e-4)
