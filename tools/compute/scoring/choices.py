"""Negative log likelihood of several answers to one question, the question read once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mlx.core as mx
import numpy as np
from mlx_lm.models.cache import KVCache, make_prompt_cache

from tools.compute.device_ops import log_sum_exp
from tools.compute.routing import AdapterRouter
from tools.compute.scoring.likelihood import MOST_NATS


def score_options(
    router: AdapterRouter, slot: int, prompt: Sequence[int], options: Sequence[Sequence[int]]
) -> list[float]:
    """Nats of each option after `prompt`, with the adapter of `slot`. Prompt and options have a token at least."""
    cache: list[Any] = make_prompt_cache(router.model)
    divisible = all(type(one) is KVCache for one in cache)
    width = max(len(option) for option in options)
    ids = np.zeros((len(options), width), np.int32)
    for row, option in enumerate(options):
        ids[row, : len(option)] = option
    router.rows.choose([slot] * (1 if divisible else len(options)))
    try:
        if divisible:
            first = router.model(mx.array([list(prompt)]), cache=cache)[:, -1:]
            for one in cache:
                one.keys, one.values = (mx.repeat(state, len(options), axis=0) for state in (one.keys, one.values))
            router.rows.choose([slot] * len(options))
            rest = router.model(mx.array(ids[:, :-1]), cache=cache) if width > 1 else None
            first = mx.repeat(first, len(options), axis=0)
            logits = first if rest is None else mx.concatenate([first, rest], axis=1)
        else:
            # States that cannot be divided among rows are computed in each.
            whole = np.concatenate([np.tile(np.asarray(prompt, np.int32), (len(options), 1)), ids[:, :-1]], axis=1)
            logits = router.model(mx.array(whole))[:, len(prompt) - 1 :]
    finally:
        router.rows.choose(())
    return _nats(logits.astype(mx.float32), ids, [len(option) for option in options])


def _nats(logits: mx.array, ids: np.ndarray, lengths: Sequence[int]) -> list[float]:
    picked = mx.take_along_axis(logits, mx.array(ids)[..., None], axis=-1)[..., 0]
    counted = mx.array(np.arange(ids.shape[1]) < np.asarray(lengths)[:, None])
    losses = log_sum_exp(logits) - picked
    total = mx.where(counted, mx.where(mx.isfinite(losses), losses, MOST_NATS), 0.0).sum(axis=1)
    return [float(value) for value in np.asarray(total)]
