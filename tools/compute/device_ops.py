"""Attention, SwiGLU and weights as each device does best with them.

On the CPU backend exponentials hold training up: there `mx.exp` and `mx.sigmoid` take 14 to 19 ns an
element on x86, more than the products around them, and `mx.power` of a constant 6 (mlx 0.32.4). Here
exponentials are powers, taken once: the backward pass uses what the forward pass found. Attention
leaves out the blocks above the diagonal.

On Metal MLX leaves its fused attention while training and stores all scores; `force_fused` keeps it,
where the kernel takes the model's heads.
"""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx_lm.models import activations, base

from tools.compute import device

_PLAIN = {
    "swiglu": activations.swiglu,
    "scaled_dot_product_attention": base.scaled_dot_product_attention,
}
_BLOCK = 128
_PROBE = 64


def exp(x: mx.array) -> mx.array:
    """e to the power of x, element by element, in the way that is quickest on the device."""
    return mx.power(math.e, x) if mx.default_device() == mx.cpu else mx.exp(x)


def log_sum_exp(x: mx.array) -> mx.array:
    """The logarithm of the summed exponentials over the last axis, which goes."""
    if mx.default_device() != mx.cpu:
        return mx.logsumexp(x, axis=-1)
    most = x.max(axis=-1, keepdims=True)
    return mx.log(exp(x - most).sum(axis=-1)) + most[..., 0]


@mx.custom_function
def _swiglu(gate: mx.array, up: mx.array) -> tuple[mx.array, mx.array]:
    share = 1 / (1 + exp(-gate))
    return gate * share * up, share


@_swiglu.vjp
def _swiglu_backward(primals: Any, cotangents: Any, outputs: Any) -> tuple[mx.array, mx.array]:
    (gate, up), share = primals, outputs[1]
    by_up = cotangents[0] * share
    return by_up * up * (1 + gate * (1 - share)), by_up * gate


def swiglu(gate: mx.array, up: mx.array) -> mx.array:
    """silu(gate) · up, of any one shape."""
    outputs: Any = _swiglu(gate, up)
    product: mx.array = outputs[0]
    return product


def attention(
    queries: mx.array, keys: mx.array, values: mx.array, cache: Any, scale: float, mask: Any, **more: Any
) -> mx.array:
    """Causal attention of a whole sequence, queries [rows, heads, length, width], keys and values
    [rows, groups, length, width]; mask: "causal", or bool [rows, 1, length, length] that is causal too.

    What reads from a cache, or asks for `more` (sinks), is mlx-lm's own.
    """
    if cache is not None or more or mask is None or queries.shape[2] != keys.shape[2]:
        return base.scaled_dot_product_attention(queries, keys, values, cache, scale=scale, mask=mask, **more)
    rows, heads, length, width = queries.shape
    groups = keys.shape[1]
    queries = queries.reshape(rows, groups, heads // groups, length, width) * scale
    seen = None if isinstance(mask, str) else mask[:, :, None]
    outputs = []
    for start in range(0, length, _BLOCK):
        stop = min(start + _BLOCK, length)
        outputs.append(
            _block(
                queries[..., start:stop, :],
                keys[:, :, None, :stop],
                values[:, :, None, :stop],
                _causal(start, stop) if seen is None else seen[..., start:stop, :stop],
            )
        )
    whole = outputs[0] if len(outputs) == 1 else mx.concatenate(outputs, axis=-2)
    return whole.reshape(rows, heads, length, width)


def _causal(start: int, stop: int) -> mx.array:
    return mx.arange(start, stop)[:, None] >= mx.arange(stop)


def _block(queries: mx.array, keys: mx.array, values: mx.array, seen: mx.array) -> mx.array:
    """Attention of some queries, scaled already, to all keys that they may see."""
    share = seen.astype(queries.dtype)
    unseen = (share - 1) * 1e30

    @mx.custom_function
    def forward(queries: mx.array, keys: mx.array, values: mx.array) -> tuple[mx.array, mx.array]:
        scores = queries @ keys.swapaxes(-1, -2) + unseen
        # Far below zero a power takes three times as long; what is not seen weighs nothing at all.
        weights = exp(mx.maximum(scores - scores.max(axis=-1, keepdims=True), -80.0)) * share
        weights = weights * (1 / weights.sum(axis=-1, keepdims=True))
        return weights @ values, weights

    @forward.vjp
    def backward(primals: Any, cotangents: Any, outputs: Any) -> tuple[mx.array, mx.array, mx.array]:
        (queries, keys, values), weights, given = primals, outputs[1], cotangents[0]
        by_weight = given @ values.swapaxes(-1, -2)
        by_score = weights * (by_weight - (by_weight * weights).sum(axis=-1, keepdims=True))
        # A group's heads share its keys and values.
        by_key = (by_score.swapaxes(-1, -2) @ queries).sum(axis=2, keepdims=True)
        by_value = (weights.swapaxes(-1, -2) @ given).sum(axis=2, keepdims=True)
        return by_score @ keys, by_key, by_value

    outputs: Any = forward(queries, keys, values)
    attended: mx.array = outputs[0]
    return attended


def fused_attention(
    queries: mx.array, keys: mx.array, values: mx.array, cache: Any, scale: float, mask: Any, **more: Any
) -> mx.array:
    """Attention that never stores the scores, for the whole sequences of training; the rest is mlx-lm's own."""
    if cache is not None or more or queries.shape[2] == 1 or not fused_works(queries.shape[-1], queries.dtype):
        return base.scaled_dot_product_attention(queries, keys, values, cache, scale=scale, mask=mask, **more)
    return mx.fast.scaled_dot_product_attention(queries, keys, values, scale=scale, mask=mask, force_fused=True)


@functools.cache
def fused_works(width: int, dtype: mx.Dtype) -> bool:
    """Whether the device has fused kernels for heads of `width`, both ways and with a mask of either form."""
    rows = mx.zeros((1, 1, _PROBE, width), dtype)
    square = mx.tril(mx.ones((_PROBE, _PROBE), mx.bool_))[None, None]

    def attended(queries: mx.array, mask: Any) -> mx.array:
        attention = mx.fast.scaled_dot_product_attention(queries, rows, rows, scale=1.0, mask=mask, force_fused=True)
        return attention.sum()

    try:
        mx.eval([mx.grad(attended)(rows, mask) for mask in ("causal", square)])
    except (ValueError, RuntimeError):
        return False
    return True


def lay_out(model: nn.Module) -> None:
    """Lay weights out in memory as the device multiplies few rows by them fastest; shapes and values stay.

    OpenBLAS packs a weight anew for each product, and with more outputs than inputs it does so faster
    column by column: 0.6 to 0.9 of the time for 1 to 64 rows, the same for hundreds.
    """
    if device.kind() != "cpu":
        return
    # An embedding is multiplied by only where it is the head too.
    kinds = (nn.Linear,) if hasattr(model, "lm_head") else (nn.Linear, nn.Embedding)
    for _, module in model.named_modules():
        weight = module.get("weight") if type(module) in kinds else None
        if weight is not None and weight.shape[0] > weight.shape[1]:
            module.weight = mx.contiguous(weight.T).T
            mx.eval(module.weight)


def _suited() -> dict[str, Any]:
    kind = device.kind()
    if kind == "cpu":
        return {"swiglu": swiglu, "scaled_dot_product_attention": attention}
    return {"scaled_dot_product_attention": fused_attention} if kind == "metal" else {}


@contextmanager
def suited_to_device(model: nn.Module) -> Iterator[None]:
    """Within it the layers of an mlx-lm model use what suits the device.

    A model's own operation of the same name takes other arguments, and stays.
    """
    module = sys.modules[type(model).__module__]
    suited = {name: operation for name, operation in _suited().items() if getattr(module, name, None) is _PLAIN[name]}
    originals = {name: getattr(module, name) for name in suited}
    for name, operation in suited.items():
        setattr(module, name, operation)
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(module, name, original)
