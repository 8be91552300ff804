"""Negative log likelihood of texts under a base and its adapters, each token scored once.

A text goes through the model once, however long its pieces: each remembers what came before it. Texts beyond
WINDOW tokens, or what the model was made to read, go through sliding windows: a window moves by half, and only
the tokens that no earlier window scored count, each with at least half a window of context.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import numpy as np
from mlx_lm.models.cache import make_prompt_cache

from tools.compute.device_ops import log_sum_exp, suited_to_device
from tools.compute.routing import AdapterRouter

WINDOW = 4096
# Tokens that go through the model at once: bounds the logits [tokens, vocabulary] in float32.
TOKENS_AT_ONCE = 1024
# Of a batch, the share of its tokens that may be padding.
_PADDING = 0.05
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
    window: int = WINDOW,
) -> list[Scored]:
    """Score each item with the adapter of `slot` (0: the base).

    items: (ids, whether each is scored). The first id is context alone. told: called with the windows
    done and their number. window: tokens that the model reads at once.
    """
    nats, tokens = np.zeros(len(items)), np.zeros(len(items), int)
    windows = [one for i, (ids, counts) in enumerate(items) for one in _windows(i, ids, counts, window)]
    windows.sort(key=lambda one: len(one.ids))
    done = 0
    for batch in _batches(windows):
        for one, value in zip(batch, _score_batch(router, slot, batch), strict=True):
            nats[one.item] += value
            tokens[one.item] += int(one.counts[1:].sum())
        done += len(batch)
        told(done, len(windows))
    return [Scored(float(n), int(t)) for n, t in zip(nats, tokens, strict=True)]


def _windows(item: int, ids: Sequence[int], counts: Sequence[bool], width: int) -> list[_Window]:
    counted = np.asarray(counts, np.bool_)
    # What comes after the last token that counts is read by none.
    whole = np.asarray(ids, np.int32)[: int(counted.nonzero()[0].max(initial=0)) + 1]
    found: list[_Window] = []
    done = 1
    while done < len(whole):
        end = min(len(whole), width if done == 1 else done + width // 2)
        begin = max(0, end - width)
        part = counted[begin:end].copy()
        part[: done - begin] = False
        if part[1:].any():
            found.append(_Window(item, whole[begin:end], part))
        done = end
    return found


def _batches(windows: list[_Window]) -> Iterator[list[_Window]]:
    """Windows of about one length together. windows: sorted by length."""
    batch: list[_Window] = []
    held = 0
    for window in windows:
        padded = len(window.ids) * (len(batch) + 1)
        if batch and (padded > TOKENS_AT_ONCE or padded * (1 - _PADDING) > held + len(window.ids)):
            yield batch
            batch, held = [], 0
        batch.append(window)
        held += len(window.ids)
    if batch:
        yield batch


def _score_batch(router: AdapterRouter, slot: int, batch: list[_Window]) -> list[float]:
    width = max(len(window.ids) for window in batch)
    ids, counts = np.zeros((len(batch), width), np.int32), np.zeros((len(batch), width), np.bool_)
    for row, window in enumerate(batch):
        ids[row, : len(window.ids)] = window.ids
        counts[row, : len(window.ids)] = window.counts
    router.rows.choose([slot] * len(batch))
    with suited_to_device(router.model):
        if width - 1 <= TOKENS_AT_ONCE:
            total = _nats(router.model(mx.array(ids[:, :-1])), ids[:, 1:], counts[:, 1:])
        else:
            total = _piece_by_piece(router, ids, counts)
    router.rows.choose(())
    return [float(value) for value in np.asarray(total)]


def _piece_by_piece(router: AdapterRouter, ids: np.ndarray, counts: np.ndarray) -> mx.array:
    """Nats of each row, read in pieces that see all before them."""
    cache: list[Any] = make_prompt_cache(router.model)
    total = mx.zeros(len(ids))
    for begin in range(0, ids.shape[1] - 1, TOKENS_AT_ONCE):
        end = min(begin + TOKENS_AT_ONCE, ids.shape[1] - 1)
        logits = router.model(mx.array(ids[:, begin:end]), cache=cache)
        total = total + _nats(logits, ids[:, begin + 1 : end + 1], counts[:, begin + 1 : end + 1])
    return total


def _nats(logits: mx.array, ids: np.ndarray, counts: np.ndarray) -> mx.array:
    """logits: [rows, length, vocabulary], of which each place foretells the token of `ids` there."""
    logits = logits.astype(mx.float32)
    losses = log_sum_exp(logits) - mx.take_along_axis(logits, mx.array(ids)[..., None], axis=-1)[..., 0]
    losses = mx.where(mx.isfinite(losses), losses, MOST_NATS)
    total = mx.where(mx.array(counts), losses, 0.0).sum(axis=1)
    mx.eval(total)
    return total
