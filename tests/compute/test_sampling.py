"""Which tokens may be drawn: top-k, then the nucleus, then min-p, as their definitions say."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest

from tools.compute.sampling import SeededSampler, _narrowed, choose
from tools.models.sampling import Sampling

SIZE = 3000


def by_definition(logits: np.ndarray, one: Sampling) -> set[int]:
    """The tokens that are left, of one row."""
    scores = logits / one.temperature
    order = [int(at) for at in np.argsort(-scores, kind="stable")]
    if one.top_k:
        order = order[: one.top_k]
    mass = np.exp(scores[order] - scores[order].max())
    mass /= mass.sum()
    kept = [at for at, above in zip(order, np.cumsum(mass) - mass, strict=True) if above < one.top_p]
    least = scores.max() + np.log(one.min_p) if one.min_p else -np.inf
    return {at for at in kept if scores[at] >= least}


OPTIONS = [
    Sampling(temperature=0.7, top_p=0.9),
    Sampling(temperature=1.0, top_k=40),
    Sampling(temperature=1.3, top_k=900, top_p=0.8),
    Sampling(temperature=1.0, top_p=0.5, min_p=0.01),
    Sampling(temperature=1.5, min_p=0.1),
    Sampling(temperature=1.0, top_k=5, top_p=0.3, min_p=0.2),
]


@pytest.mark.parametrize("spread", [8.0, 2.0, 0.1])
@pytest.mark.parametrize("rows", [OPTIONS, OPTIONS[:1], OPTIONS[1:3], OPTIONS[1:2]])
def test_what_is_left_is_what_the_definitions_leave(spread: float, rows: list[Sampling]) -> None:
    # From a nucleus of a few tokens to one of nearly all.
    logits = np.random.default_rng(1).standard_normal((len(rows), SIZE)).astype(np.float32) * spread
    found = np.array(_narrowed(mx.array(logits), rows))
    for row, one in enumerate(rows):
        left = set(np.flatnonzero(np.isfinite(found[row])).tolist())
        expected = by_definition(logits[row].astype(np.float64), one)
        # A token at the edge of the nucleus may fall on either side by rounding.
        assert len(left ^ expected) <= (1 if one.top_p < 1 else 0)


def test_a_row_draws_the_same_whatever_rows_are_beside_it() -> None:
    logits = mx.random.normal((len(OPTIONS) + 1, SIZE), key=mx.random.key(2)) * 3
    options = [Sampling(), *(one.model_copy(update={"seed": at}) for at, one in enumerate(OPTIONS))]
    together = choose(logits, [SeededSampler(one) for one in options]).tolist()
    alone = [choose(logits[at : at + 1], [SeededSampler(one)]).tolist()[0] for at, one in enumerate(options)]
    assert together == alone
    assert together[0] == int(np.argmax(np.array(logits[0])))
