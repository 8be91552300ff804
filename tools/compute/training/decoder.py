"""A decoder taken apart: embedding, layers, output, each to be run alone.

Training needs the parts: packed rows bring their own attention mask, layers below the adapters can be
left out once their results are kept, and the output is computed for learned tokens alone. mlx-lm's
models give only the whole, so that the parts are run here, and checked against it once.
"""

from __future__ import annotations

from typing import Any, Literal

import mlx.core as mx
import mlx.nn as nn

from tools.compute.arrays import scalar

Mask = mx.array | Literal["causal"]
_PROBE_TOKENS = 12
_TOLERANCE = {mx.float32: 1e-3, mx.float16: 3e-2, mx.bfloat16: 2e-1}


class Decoder:
    """The parts of an mlx-lm model. divisible: whether they are known to give what the whole gives.

    A model that is not divisible has no layers here: `hidden` is its logits, and rows are not packed.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.divisible = _looks_divisible(model) and _agrees(model)

    @property
    def layers(self) -> list[nn.Module]:
        return list(self.model.layers) if self.divisible else []

    def state(self, start: int) -> list[Any]:
        """The arrays that running from layer `start` on reads, as mlx.compile wants them told."""
        if start == 0 or not self.divisible:
            return [self.model.state]
        inner = self.model.model
        head = getattr(self.model, "lm_head", None)
        output = inner.embed_tokens if head is None else head
        return [*(layer.state for layer in self.layers[start:]), inner.norm.state, output.state]

    def embed(self, ids: mx.array) -> mx.array:
        """ids [lines, width] to hidden states [lines, width, hidden]."""
        embedded: mx.array = self.model.model.embed_tokens(ids)
        return embedded

    def run(self, hidden: mx.array, mask: Mask, start: int, stop: int) -> mx.array:
        """Hidden states [lines, width, hidden] through layers `start` to `stop` - 1."""
        return _run(self.model, hidden, mask, start, stop)

    def whole(self, ids: mx.array) -> mx.array:
        """The logits [lines, width, vocabulary] of causal lines, by the model's own way."""
        logits: mx.array = self.model(ids)
        return logits

    def logits(self, hidden: mx.array) -> mx.array:
        """Last hidden states [tokens, hidden] to logits [tokens, vocabulary]; logits stay as they are."""
        return _logits(self.model, hidden) if self.divisible else hidden


def _run(model: nn.Module, hidden: mx.array, mask: Mask, start: int, stop: int) -> mx.array:
    for layer in model.layers[start:stop]:
        hidden = layer(hidden, mask, None)
    return hidden


def _logits(model: nn.Module, hidden: mx.array) -> mx.array:
    hidden = model.model.norm(hidden)
    head = getattr(model, "lm_head", None)
    logits: mx.array = model.model.embed_tokens.as_linear(hidden) if head is None else head(hidden)
    return logits


def _looks_divisible(model: nn.Module) -> bool:
    inner: Any = getattr(model, "model", None)
    parts = all(hasattr(inner, name) for name in ("embed_tokens", "layers", "norm"))
    # Layers that see a window of the text need masks of their own.
    windowed = any(getattr(layer, "use_sliding", False) for layer in getattr(inner, "layers", ()))
    return parts and not windowed and not getattr(getattr(model, "args", None), "sliding_window", None)


def _agrees(model: nn.Module) -> bool:
    """Whether the parts one after the other give the logits of the whole, with a mask of either form."""
    ids = (mx.arange(_PROBE_TOKENS) * 7 + 3)[None]
    try:
        whole = model(ids)
        embedded = model.model.embed_tokens(ids)
        square = mx.tril(mx.ones((_PROBE_TOKENS, _PROBE_TOKENS), mx.bool_))
        for mask in ("causal", square[None, None]):
            hidden = _run(model, embedded, mask, 0, len(model.layers))
            apart = _logits(model, hidden.reshape(_PROBE_TOKENS, -1))
            worst = mx.abs(apart - whole[0]).max() / mx.maximum(1.0, mx.abs(whole).max())
            if not scalar(worst) <= _TOLERANCE.get(whole.dtype, 1e-3):
                return False
    except (AttributeError, TypeError, ValueError):
        return False
    return True
