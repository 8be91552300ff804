"""Cross entropy summed over the learned tokens, and how many they are."""

from __future__ import annotations

import mlx.core as mx
import mlx.nn as nn


def summed_loss(model: nn.Module, ids: mx.array, mask: mx.array) -> mx.array:
    """The negative log likelihood, in nats, summed over the learned tokens of a batch.

    ids: [rows, length] int32. mask: [rows, length] of 0 and 1; the token at position t is predicted
    from those before it, and counts when mask[t] is 1. Summed and not averaged, so that batches with
    different numbers of tokens weigh by their tokens. A batch that learns nothing gives 0, not NaN.
    """
    logits = model(ids[:, :-1])
    losses = nn.losses.cross_entropy(logits.astype(mx.float32), ids[:, 1:])
    return mx.where(mask[:, 1:], losses, 0.0).sum()
