"""Cross entropy summed over the learned tokens, without ever holding all logits.

The output layer is the largest product of a step, and its logits the largest array. It is computed
for learned tokens alone, a chunk of them at a time, and the gradient with respect to the hidden
states is taken at once, while the chunk's logits are there: nothing of it is kept or computed again
(the idea is that of Liger Kernel's fused linear cross entropy, https://arxiv.org/abs/2410.10989).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mlx.core as mx

from tools.compute.device_ops import exp
from tools.start_finetune.sizes import loss_chunk

Head = Callable[[mx.array], mx.array]


def summed_loss(head: Head, hidden: mx.array, targets: mx.array, weights: mx.array) -> mx.array:
    """The negative log likelihood of `targets` in nats, summed with `weights`.

    hidden [tokens, hidden]: what `head` turns into logits [tokens, vocabulary]. targets [tokens]
    int32. weights [tokens] float32: 1 for a learned token, 0 for one that fills up the shape, so
    that a batch that learns nothing gives 0 and not NaN. For evaluation: see `learned_loss` for
    training.
    """
    total, chunk = mx.array(0.0), _chunk_of(head, hidden)
    for start in range(0, hidden.shape[0], chunk):
        stop = start + chunk
        part = mx.depends(hidden[start:stop], total) if start else hidden[start:stop]
        total = total + _chunk_loss(head, part, targets[start:stop], weights[start:stop])
    return total


def learned_loss(head: Head, hidden: mx.array, targets: mx.array, weights: mx.array) -> mx.array:
    """As `summed_loss`, for differentiating with respect to `hidden` alone: the head is frozen."""

    @mx.custom_function
    def forward(hidden: mx.array) -> Any:
        total, chunk = mx.array(0.0), _chunk_of(head, hidden)
        gradients: list[mx.array] = []
        for start in range(0, hidden.shape[0], chunk):
            stop = start + chunk
            # One chunk after the other, its loss too: else the logits of all would be there at once.
            part = mx.depends(hidden[start:stop], [gradients[-1], total]) if gradients else hidden[start:stop]
            value, gradient = _with_gradient(head, part, targets[start:stop], weights[start:stop])
            total = total + value
            gradients.append(gradient)
        return total, gradients[0] if len(gradients) == 1 else mx.concatenate(gradients)

    @forward.vjp
    def backward(_primal: Any, cotangents: Any, outputs: Any) -> mx.array:
        return (outputs[1] * cotangents[0]).astype(outputs[1].dtype)

    outputs: Any = forward(hidden)
    total: mx.array = outputs[0]
    return total


def _chunk_of(head: Head, hidden: mx.array) -> int:
    # Of what the head gives, the shape alone is asked for.
    return loss_chunk(int(head(hidden[:1]).shape[-1]))


def _chunk_loss(head: Head, hidden: mx.array, targets: mx.array, weights: mx.array) -> mx.array:
    return _of_logits(head(hidden).astype(mx.float32), targets, weights)[0]


def _with_gradient(head: Head, hidden: mx.array, targets: mx.array, weights: mx.array) -> tuple[mx.array, mx.array]:
    """The loss of a chunk and its gradient by `hidden`; one exponential a logit serves both."""
    logits = head(hidden)
    loss, spread, total = _of_logits(logits.astype(mx.float32), targets, weights)
    by_logit = spread * (weights[:, None] / total)
    chosen = mx.take_along_axis(by_logit, targets[:, None], axis=-1) - weights[:, None]
    by_logit = mx.put_along_axis(by_logit, targets[:, None], chosen, axis=-1)
    # The head is run again in name only: its result is never asked for.
    _, (gradient,) = mx.vjp(head, [hidden], [by_logit.astype(logits.dtype)])
    return loss, gradient


def _of_logits(logits: mx.array, targets: mx.array, weights: mx.array) -> tuple[mx.array, mx.array, mx.array]:
    """The loss; the exponentials of the logits less their highest, and the sum of those by token."""
    highest = logits.max(axis=-1, keepdims=True)
    spread = exp(logits - highest)
    total = spread.sum(axis=-1, keepdims=True)
    chosen = mx.take_along_axis(logits, targets[:, None], axis=-1)
    return ((mx.log(total) + highest - chosen) * weights[:, None]).sum(), spread, total
