"""The training loop: micro-batches in, optimizer updates out, exact in tokens and in resuming.

A step is one micro-batch. Gradients of summed losses add up over `accumulation` steps and are divided
by the tokens learned in them, so that every token weighs the same whatever batch it fell into.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import mlx.core as mx
from mlx.utils import tree_flatten, tree_map, tree_unflatten

from tools.compute.arrays import scalar
from tools.compute.device_ops import suited_to_device
from tools.compute.training.batches import Batches, Cursor
from tools.compute.training.branch import DropoutKeys
from tools.compute.training.decoder import Decoder
from tools.compute.training.guard import Guard
from tools.compute.training.optimizer import clip, flat_state, make_optimizer, restore_state
from tools.compute.training.packing import Batch
from tools.compute.training.prefix import FrozenPrefix
from tools.compute.training.schedule import rate_at
from tools.compute.training.step import Step, on_device


@dataclass(frozen=True)
class LoopSettings:
    """What the loop needs of a plan. Rates per update, lengths in steps."""

    iters: int
    accumulation: int
    learning_rate: float
    warmup: int
    schedule: str
    optimizer: str
    weight_decay: float
    max_grad_norm: float

    @property
    def updates(self) -> int:
        return -(-self.iters // self.accumulation)


class BrokeDown(Exception):
    """Training does not converge any more: the message says how. Nothing of the step is to be kept."""


@dataclass
class Window:
    """What was learned since the last report: summed loss in nats, tokens learned and read, seconds.

    slots: positions computed, those that fill lines up among them.
    """

    loss: float = 0.0
    learned: int = 0
    tokens: int = 0
    slots: int = 0
    seconds: float = 0.0

    @property
    def mean_loss(self) -> float:
        return self.loss / max(1, self.learned)


@dataclass
class TrainerState:
    """All of training's position besides arrays."""

    step: int = 0
    update: int = 0
    accumulated_tokens: int = 0
    grad_norm: float = 0.0
    learning_rate: float = 0.0
    window: Window = field(default_factory=Window)


class Trainer:
    """One model in training. Not to be shared between threads.

    prefix: the frozen layers below the adapters, where what they give is kept. compiled: whether the
    step is traced once for each shape, which pays on a GPU.
    """

    def __init__(
        self,
        decoder: Decoder,
        batches: Batches,
        settings: LoopSettings,
        dropout: DropoutKeys,
        *,
        prefix: FrozenPrefix | None = None,
        compiled: bool,
    ) -> None:
        self.decoder, self.model, self.batches, self.settings = decoder, decoder.model, batches, settings
        self.dropout, self.prefix, self.compiled = dropout, prefix, compiled
        self.state = TrainerState()
        self.guard = Guard()
        # Of the planned rate: less than 1 after the run broke down.
        self.rate_factor = 1.0
        self.optimizer = make_optimizer(settings.optimizer, settings.weight_decay)
        self.optimizer.init(self.model.trainable_parameters())
        self._gradients: Any = None
        self._step = Step(decoder, dropout, start=prefix.start if prefix else 0, compiled=compiled)
        self._make_update()

    @property
    def done(self) -> bool:
        return self.state.step >= self.settings.iters

    def train_step(self) -> None:
        """One micro-batch, and the update where it completes one. Raises BrokeDown."""
        began = time.perf_counter()
        parts = next(self.batches)
        state = self.state
        self.dropout.step = state.step
        learned = sum(part.learned_tokens for part in parts)
        total = mx.array(0.0)
        for part, after in pairwise(parts):
            total = total + self._add_gradients(part)
            self._compute_and_fetch([total, self._gradients], after)
        total = total + self._add_gradients(parts[-1])
        state.step += 1
        state.accumulated_tokens += learned
        updating = state.step % self.settings.accumulation == 0 or self.done
        # All of a step is handed to the device at once, so that it never waits for us.
        norm = self._update() if updating else mx.array(0.0)
        kept = [self.model.trainable_parameters(), self.optimizer.state] if updating else [self._gradients]
        self._compute_and_fetch([total, norm, *kept], self.batches.peek()[0])
        if updating:
            self._gradients = None
            state.grad_norm = scalar(norm)
        self._check(scalar(total), learned)
        state.window.loss += scalar(total)
        state.window.learned += learned
        state.window.tokens += sum(part.tokens for part in parts)
        state.window.slots += sum(part.ids.size for part in parts)
        state.window.seconds += time.perf_counter() - began

    def _add_gradients(self, batch: Batch) -> mx.array:
        """Add the gradients of a batch to those there are; its summed loss. Nothing is computed yet."""
        loss, gradients = self.compute(batch)
        self._gradients = gradients if self._gradients is None else tree_map(mx.add, self._gradients, gradients)
        return loss

    def _compute_and_fetch(self, wanted: list[Any], following: Batch) -> None:
        """Have `wanted` computed, and meanwhile what `following` will need read from the disk."""
        if self.prefix:
            self.prefix.fetch(following)
        mx.eval(wanted)

    def _check(self, loss: float, learned: int) -> None:
        if not math.isfinite(loss):
            raise BrokeDown("the loss became infinite or not a number")
        if not math.isfinite(self.state.grad_norm):
            raise BrokeDown("the gradient became infinite or not a number")
        if learned and self.guard.broke_down(loss / learned):
            raise BrokeDown("the loss rose far above what it was")

    def compute(self, batch: Batch) -> tuple[mx.array, Any]:
        """The summed loss of a batch and its gradients; changes nothing."""
        self.model.train()
        with suited_to_device(self.model):
            entering = self.prefix.entering(batch) if self.prefix else None
            return self._step.loss_and_gradients(on_device(batch, entering))

    def _update(self) -> mx.array:
        """Update the adapter by the gradients there are; their norm. Nothing is computed yet."""
        state, settings = self.state, self.settings
        gradients, norm = self._clipped(self._gradients, mx.array(float(max(1, state.accumulated_tokens))))
        planned = rate_at(state.update, settings.updates, settings.learning_rate, settings.warmup, settings.schedule)
        state.learning_rate = planned * self.rate_factor
        self.optimizer.learning_rate = state.learning_rate
        self._apply(gradients)
        state.accumulated_tokens = 0
        state.update += 1
        result: mx.array = norm
        return result

    def _make_update(self) -> None:
        """The functions that make an update of gradients; anew when the optimizer's state is another object."""

        def clipped(gradients: Any, tokens: mx.array) -> tuple[Any, mx.array]:
            return clip(tree_map(lambda g: g / tokens, gradients), self.settings.max_grad_norm)

        def apply(gradients: Any) -> None:
            self.optimizer.update(self.model, gradients)

        self._clipped: Callable[..., Any] = clipped
        self._apply: Callable[..., None] = apply
        if self.compiled:
            state = [*self.decoder.state(self._step.start), self.optimizer.state]
            self._clipped, self._apply = mx.compile(clipped), mx.compile(apply, inputs=state, outputs=state)

    # Position ---------------------------------------------------------------------------------

    def arrays(self) -> dict[str, mx.array]:
        """Optimizer and partial accumulation, for a checkpoint. Masks and order come from seed and step."""
        arrays = {f"optimizer.{name}": array for name, array in flat_state(self.optimizer).items()}
        if self._gradients is not None:
            arrays |= {f"gradient.{name}": array for name, array in tree_flatten(self._gradients)}
        return arrays

    def begin_again(self, adapter: dict[str, mx.array]) -> None:
        """Go back to before the first step, with `adapter` as it was then."""
        self.state, self.guard, self.batches.cursor = TrainerState(), Guard(), Cursor()
        self.model.update(tree_unflatten(sorted(adapter.items())))
        self.optimizer = make_optimizer(self.settings.optimizer, self.settings.weight_decay)
        self.optimizer.init(self.model.trainable_parameters())
        self._make_update()
        self._gradients = None

    def restore(self, state: TrainerState, adapter: dict[str, mx.array], arrays: dict[str, mx.array]) -> None:
        """Go back to where a checkpoint was made; the cursor is the caller's to set."""
        self.state = state
        self.model.update(tree_unflatten(sorted(adapter.items())))
        restore_state(self.optimizer, _under("optimizer.", arrays))
        self._make_update()
        gradients = _under("gradient.", arrays)
        self._gradients = tree_unflatten(sorted(gradients.items())) if gradients else None
        mx.eval(self.model.trainable_parameters(), self.optimizer.state)


def _under(prefix: str, arrays: dict[str, mx.array]) -> dict[str, mx.array]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
