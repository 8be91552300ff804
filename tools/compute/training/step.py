"""The arithmetic of one step as functions of arrays: a batch's loss, and its gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import mlx.nn as nn

from tools.compute.training.branch import DropoutKeys
from tools.compute.training.decoder import Decoder, Mask
from tools.compute.training.loss import Head, learned_loss
from tools.compute.training.packing import Batch

# A loss of (head, hidden states, targets, weights): see `loss`.
Measure = Callable[[Head, mx.array, mx.array, mx.array], mx.array]


@dataclass(frozen=True)
class StepInput:
    """A batch on the device. entering: ids, or the hidden states that enter layer `start`."""

    entering: mx.array
    segments: mx.array | None
    learned: mx.array
    targets: mx.array
    weights: mx.array


def on_device(batch: Batch, entering: mx.array | None = None) -> StepInput:
    return StepInput(
        mx.array(batch.ids) if entering is None else entering,
        None if batch.segments is None else mx.array(batch.segments),
        mx.array(batch.learned),
        mx.array(batch.targets),
        mx.array(batch.weights),
    )


def attention_mask(segments: mx.array | None) -> Mask:
    """Causal where each line holds one row, else block-diagonal and causal: [lines, 1, width, width] bool.

    What fills a line up sees itself alone, so that no row of the mask is empty.
    """
    if segments is None:
        return "causal"
    width = segments.shape[1]
    same = segments[:, None, :, None] == segments[:, None, None, :]
    return same & mx.tril(mx.ones((width, width), mx.bool_))


class Step:
    """Loss and gradients of a model. compiled: traced once for each shape. start: the first layer that is run."""

    def __init__(self, decoder: Decoder, dropout: DropoutKeys, *, start: int = 0, compiled: bool) -> None:
        self.decoder, self.dropout, self.start = decoder, dropout, start
        self._gradients = self._traced(self._loss_and_gradients) if compiled else self._loss_and_gradients

    def loss_and_gradients(self, given: StepInput) -> tuple[mx.array, Any]:
        """The summed loss in nats, and its gradients by the model's trainable parameters."""
        result: tuple[mx.array, Any] = self._gradients(
            given.entering, given.segments, given.learned, given.targets, given.weights, self.dropout.step_key()
        )
        return result

    def _traced(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """Traced once for each shape of batch: building the graph anew costs a GPU a third of a step."""
        state = self.decoder.state(self.start)
        # As outputs too, so that the model holds arrays again, and no tracers, after each call.
        traced: Callable[..., Any] = mx.compile(work, inputs=state, outputs=state)
        return traced

    def _loss_and_gradients(
        self, entering: Any, segments: Any, learned: Any, targets: Any, weights: Any, key: Any
    ) -> Any:
        def loss() -> mx.array:
            given = StepInput(entering, segments, learned, targets, weights)
            return batch_loss(self.decoder, given, learned_loss, self.start)

        with self.dropout.drawing_from(key):
            return nn.value_and_grad(self.decoder.model, loss)()


def batch_loss(decoder: Decoder, given: StepInput, measure: Measure, start: int = 0) -> mx.array:
    """The summed loss of a batch in nats. start: the first layer that is run: `given.entering` enters it."""
    if not decoder.divisible:
        states = decoder.whole(given.entering)
    else:
        hidden = decoder.embed(given.entering) if start == 0 else given.entering
        states = decoder.run(hidden, attention_mask(given.segments), start, len(decoder.layers))
    chosen = states.reshape(-1, states.shape[-1])[given.learned]
    return measure(decoder.logits, chosen, given.targets, given.weights)
