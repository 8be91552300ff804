"""Load a base into memory with the precision that suits the device (`tools.models.precision`)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_map
from mlx_lm.utils import dequantize_model, load_model

from tools.compute import device
from tools.compute.device_ops import lay_out
from tools.errors import DataError
from tools.models.info import ModelInfo, load_info
from tools.models.precision import Precision, Purpose, choose_precision
from tools.models.tokenizer import Tokenizer
from tools.workspace import machine

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadedBase:
    """A base in memory, frozen, in evaluation mode."""

    model: nn.Module
    tokenizer: Tokenizer
    info: ModelInfo
    precision: Precision


def load_base(folder: Path, purpose: Purpose = "serve") -> LoadedBase:
    """Load the base in `folder`. Raises DataError when its weights do not match its description."""
    info = load_info(folder)
    precision = choose_precision(info, purpose)
    model = _load_lazily(folder, info, precision)
    mx.eval(model.parameters())
    if purpose == "serve":
        lay_out(model)
    device.give_back()
    return LoadedBase(model=model, tokenizer=Tokenizer.load(folder), info=info, precision=precision)


def release_layers(base: LoadedBase, folder: Path, stop: int) -> None:
    """Give the memory of the layers below `stop` back; they are read from `folder` again when next run."""
    fresh = _load_lazily(folder, base.info, base.precision)
    for layer, unread in zip(base.model.layers[:stop], fresh.layers[:stop], strict=True):
        layer.update(unread.parameters())
    device.give_back()


def _load_lazily(folder: Path, info: ModelInfo, precision: Precision) -> nn.Module:
    """The model, frozen, its arrays not yet read."""
    try:
        model, _ = load_model(folder, lazy=True, trust_remote_code=False)
    except (ValueError, KeyError, TypeError, RuntimeError, FileNotFoundError) as error:
        log.exception("mlx-lm could not load %s", folder)
        raise DataError(
            f"The model `{info.name}` cannot be loaded: its files are damaged or of an unknown architecture.",
            fix=f"Remove {folder} and install it again with `afina models pull`.",
        ) from error
    if precision in ("float32", "dequantized"):
        model = dequantize_model(model)
    _cast(model, _activations(model, precision))
    model.freeze()
    model.eval()
    return model


def _activations(model: nn.Module, precision: Precision) -> Any:
    """The type that scales, norms and biases take, and with them the activations."""
    if precision == "float32" or (precision == "as stored" and machine.device() == "cpu"):
        # Half precision runs at a thirtieth of the speed on a CPU.
        return mx.float32
    if precision == "float16":
        return mx.float16
    # One type throughout: float32 norms beside float16 scales would draw all activations to float32.
    quantized = [module for _, module in model.named_modules() if isinstance(module, nn.QuantizedLinear)]
    scales = [module.scales.dtype for module in quantized if mx.issubdtype(module.scales.dtype, mx.floating)]
    return scales[0] if scales else None


def _cast(model: nn.Module, dtype: Any) -> None:
    if dtype is None:
        return

    def cast(value: Any) -> Any:
        return value.astype(dtype) if mx.issubdtype(value.dtype, mx.floating) else value

    model.update(tree_map(cast, model.parameters()))
