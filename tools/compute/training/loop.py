"""The training loop: micro-batches in, optimizer updates out, exact in tokens and in resuming.

A step is one micro-batch. Gradients of summed losses add up over `accumulation` steps and are divided
by the tokens learned in them, so that every token weighs the same whatever batch it fell into.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten, tree_map, tree_unflatten

from tools.compute.arrays import scalar
from tools.compute.training.batches import Batch, Batches
from tools.compute.training.dropout import DropoutKeys
from tools.compute.training.loss import summed_loss
from tools.compute.training.optimizer import clip, flat_state, make_optimizer, restore_state
from tools.compute.training.schedule import rate_at
from tools.errors import MachineError


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


class NotFinite(MachineError):
    """The loss or the gradient became NaN or infinite."""

    code = "not_finite"


@dataclass
class Window:
    """What was learned since the last report: summed loss in nats, tokens learned and read, seconds."""

    loss: float = 0.0
    learned: int = 0
    tokens: int = 0
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
    """One model in training. Not to be shared between threads."""

    def __init__(self, model: nn.Module, batches: Batches, settings: LoopSettings, dropout: DropoutKeys) -> None:
        self.model, self.batches, self.settings, self.dropout = model, batches, settings, dropout
        self.state = TrainerState()
        self.optimizer = make_optimizer(settings.optimizer, settings.weight_decay)
        self.optimizer.init(model.trainable_parameters())
        self._gradients: Any = None
        self._loss_and_gradients = nn.value_and_grad(model, summed_loss)

    @property
    def done(self) -> bool:
        return self.state.step >= self.settings.iters

    def train_step(self) -> None:
        """One micro-batch, and the update where it completes one. Raises NotFinite, having updated nothing."""
        began = time.perf_counter()
        batch = next(self.batches)
        self.dropout.step = self.state.step
        loss, gradients = self.compute(batch)
        mx.eval(loss, gradients)
        state, settings = self.state, self.settings
        self._gradients = gradients if self._gradients is None else tree_map(mx.add, self._gradients, gradients)
        state.step += 1
        state.accumulated_tokens += batch.learned
        if state.step % settings.accumulation == 0 or self.done:
            self._update()
        value = scalar(loss)
        if value != value or value in (float("inf"), float("-inf")):
            raise self._not_finite("loss")
        state.window.loss += value
        state.window.learned += batch.learned
        state.window.tokens += batch.tokens
        state.window.seconds += time.perf_counter() - began

    def compute(self, batch: Batch) -> tuple[mx.array, Any]:
        """The summed loss of a batch and its gradients; changes nothing."""
        self.model.train()
        result: tuple[mx.array, Any] = self._loss_and_gradients(self.model, mx.array(batch.ids), mx.array(batch.mask))
        return result

    def _update(self) -> None:
        state, settings = self.state, self.settings
        tokens = max(1, state.accumulated_tokens)
        gradients, norm = clip(tree_map(lambda g: g / tokens, self._gradients), settings.max_grad_norm)
        state.grad_norm = scalar(norm)
        if not state.grad_norm < float("inf"):
            raise self._not_finite("gradient")
        state.learning_rate = rate_at(
            state.update, settings.updates, settings.learning_rate, settings.warmup, settings.schedule
        )
        self.optimizer.learning_rate = state.learning_rate
        self.optimizer.update(self.model, gradients)
        mx.eval(self.model.trainable_parameters(), self.optimizer.state)
        self._gradients = None
        state.accumulated_tokens = 0
        state.update += 1

    def _not_finite(self, what: str) -> NotFinite:
        return NotFinite(
            f"The {what} became infinite or not a number at step {self.state.step}.",
            fix="Start again with a learning rate ten times lower; the checkpoints before it are kept.",
        )

    def mean_loss(self, batches: list[Batch]) -> float:
        """Mean negative log likelihood in nats a token over `batches`, without dropout or gradients."""
        self.model.eval()
        total, learned = 0.0, 0
        for batch in batches:
            total += scalar(summed_loss(self.model, mx.array(batch.ids), mx.array(batch.mask)))
            learned += batch.learned
        return total / max(1, learned)

    # Position ---------------------------------------------------------------------------------

    def arrays(self) -> dict[str, mx.array]:
        """Optimizer and partial accumulation, for a checkpoint. Masks and order come from seed and step."""
        arrays = {f"optimizer.{name}": array for name, array in flat_state(self.optimizer).items()}
        if self._gradients is not None:
            arrays |= {f"gradient.{name}": array for name, array in tree_flatten(self._gradients)}
        return arrays

    def restore(self, state: TrainerState, adapter: dict[str, mx.array], arrays: dict[str, mx.array]) -> None:
        """Go back to where a checkpoint was made; the cursor is the caller's to set."""
        self.state = state
        self.model.update(tree_unflatten(sorted(adapter.items())))
        restore_state(self.optimizer, _under("optimizer.", arrays))
        gradients = _under("gradient.", arrays)
        self._gradients = tree_unflatten(sorted(gradients.items())) if gradients else None
        mx.eval(self.model.trainable_parameters(), self.optimizer.state)


def _under(prefix: str, arrays: dict[str, mx.array]) -> dict[str, mx.array]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
