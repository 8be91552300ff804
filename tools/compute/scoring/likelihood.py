"""Negative log likelihood of texts under a base and its adapters, each token scored once.

Long texts go through sliding windows: a window of WINDOW tokens moves by half, and only the tokens
that no earlier window scored count, each with at least half a window of context.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import mlx.core as mx
import numpy as np

from tools.compute.device_ops import log_sum_exp, suited_to_device
from tools.compute.routing import AdapterRouter

WINDOW = 1024
# Tokens that go through the model at once: bounds the logits [tokens, vocabulary] in float32.
_TOKENS_AT_ONCE = 1024
# Of a token of a model whose numbers overflowed, in place of none that could be compared or written down.
MOST_NATS = 100.0


@dataclass(frozen=True)
class Scored:
    """nats: summed negative log likelihood of `tokens` tokens."""

    nats: float
    tokens: int


@dataclass(frozen=True)
class _Window:
    item: int
    ids: np.ndarray
    counts: np.ndarray


def score(
    router: AdapterRouter,
    slot: int,
    items: Sequence[tuple[Sequence[int], Sequence[bool]]],
    told: Callable[[int, int], None],
) -> list[Scored]:
    """Score each item with the adapter of `slot` (0: the base).

    items: (ids, whether each is scored). The first id is context alone. told: called with the windows
    done and their number.
    """
    nats, tokens = np.zeros(len(items)), np.zeros(len(items), int)
    windows = [window for i, (ids, counts) in enumerate(items) for window in _windows(i, ids, counts)]
    windows.sort(key=lambda window: len(window.ids))
    start = 0
    while start < len(windows):
        batch = [windows[start]]
        while start + len(batch) < len(windows):
            candidate = windows[start + len(batch)]
            if len(candidate.ids) * (len(batch) + 1) > _TOKENS_AT_ONCE:
                break
            batch.append(candidate)
        for window, value in zip(batch, _score_batch(router, slot, batch), strict=True):
            nats[window.item] += value
            tokens[window.item] += int(window.counts[1:].sum())
        start += len(batch)
        told(start, len(windows))
    return [Scored(float(n), int(t)) for n, t in zip(nats, tokens, strict=True)]


def _windows(item: int, ids: Sequence[int], counts: Sequence[bool]) -> list[_Window]:
    whole, counted = np.asarray(ids, np.int32), np.asarray(counts, np.bool_)
    found: list[_Window] = []
    done = 1
    while done < len(whole):
        end = min(len(whole), WINDOW if done == 1 else done + WINDOW // 2)
        begin = max(0, end - WINDOW)
        part = counted[begin:end].copy()
        part[: done - begin] = False
        if part[1:].any():
            found.append(_Window(item, whole[begin:end], part))
        done = end
    return found


def _score_batch(router: AdapterRouter, slot: int, batch: list[_Window]) -> list[float]:
    width = max(len(window.ids) for window in batch)
    ids, counts = np.zeros((len(batch), width), np.int32), np.zeros((len(batch), width), np.bool_)
    for row, window in enumerate(batch):
        ids[row, : len(window.ids)] = window.ids
        counts[row, : len(window.ids)] = window.counts
    tokens = mx.array(ids)
    router.rows.choose([slot] * len(batch))
    with suited_to_device(router.model):
        logits = router.model(tokens[:, :-1]).astype(mx.float32)
    picked = mx.take_along_axis(logits, tokens[:, 1:, None], axis=-1)[..., 0]
    losses = log_sum_exp(logits) - picked
    losses = mx.where(mx.isfinite(losses), losses, MOST_NATS)
    total = mx.where(mx.array(counts[:, 1:]), losses, 0.0).sum(axis=1)
    mx.eval(total)
    router.rows.choose(())
    return [float(value) for value in np.asarray(total)]
