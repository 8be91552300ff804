"""LoRA adapters: put on a base for training, written and read in mlx-lm's format.

LoRA: https://arxiv.org/abs/2106.09685. An adapter is a folder with `adapters.safetensors` and
`adapter_config.json`, which mlx-lm loads, and Afina's `afina.json` beside them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_flatten
from mlx_lm.tuner.utils import linear_to_lora_layers
from pydantic import BaseModel, ConfigDict, Field

from tools.compute.arrays import load_arrays
from tools.errors import Conflict
from tools.models.adapter_files import CONFIG_FILE as CONFIG_FILE
from tools.models.adapter_files import WEIGHTS_FILE as WEIGHTS_FILE
from tools.models.adapter_files import all_zeros, damaged
from tools.models.info import ModelInfo
from tools.workspace.files import read_json, telling_foreign_writes, write_json
from tools.workspace.layout import ADAPTER_MARKER


class LoraShape(BaseModel):
    """Where an adapter sits and how large it is. `scale` is alpha / rank, mlx-lm's convention."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    layers: int = Field(ge=1, description="Adapted layers, counted from the last")
    rank: int = Field(ge=1)
    scale: float = Field(gt=0)
    dropout: float = Field(0.0, ge=0, lt=1)
    keys: tuple[str, ...] | None = None

    def config(self) -> dict[str, Any]:
        """The `adapter_config.json` that mlx-lm reads."""
        parameters: dict[str, Any] = {"rank": self.rank, "scale": self.scale, "dropout": self.dropout}
        if self.keys is not None:
            parameters["keys"] = list(self.keys)
        return {"fine_tune_type": "lora", "num_layers": self.layers, "lora_parameters": parameters}


@dataclass(frozen=True)
class AdapterWeights:
    """An adapter in memory: for each adapted module, A [in, rank] and B [rank, out]."""

    name: str
    version: str
    scale: float
    rank: int
    layers: dict[str, tuple[mx.array, mx.array]]
    described: dict[str, Any]

    @property
    def nbytes(self) -> int:
        return sum(a.nbytes + b.nbytes for a, b in self.layers.values())

    @property
    def is_zero(self) -> bool:
        """Whether it changes nothing: every B is zero."""
        return not any(bool(mx.any(b != 0).item()) for _, b in self.layers.values())


def apply_lora(model: nn.Module, shape: LoraShape, seed: int) -> None:
    """Put fresh trainable LoRA layers on a frozen model; B is zero, so that nothing changes yet."""
    mx.random.seed(seed)
    linear_to_lora_layers(model, shape.layers, shape.config()["lora_parameters"])


def trainable(model: nn.Module) -> dict[str, mx.array]:
    """The adapter's arrays by name, in a fixed order."""
    return dict(sorted(tree_flatten(model.trainable_parameters())))


def adapter_version(arrays: dict[str, mx.array], fingerprint: str) -> str:
    """8 hex digits for the content of an adapter and the base that it fits."""
    digest = hashlib.sha256(fingerprint.encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape} ".encode())
        digest.update(np.asarray(array.view(mx.uint8)).tobytes())
    return digest.hexdigest()[:8]


def save_weights(path: Path, arrays: dict[str, mx.array]) -> None:
    """Write arrays to a safetensors file, sorted by name so that equal adapters are equal bytes."""
    with telling_foreign_writes(path.parent):
        mx.save_safetensors(str(path), dict(sorted(arrays.items())), metadata={"format": "mlx"})


def write_adapter(folder: Path, arrays: dict[str, mx.array], shape: LoraShape, described: dict[str, Any]) -> None:
    """Fill `folder` with an adapter, its marker last.

    `described` goes into `afina.json`; it needs `name`, `version` and `base` {name, fingerprint}.
    """
    save_weights(folder / WEIGHTS_FILE, arrays)
    write_json(folder / CONFIG_FILE, shape.config())
    write_json(folder / ADAPTER_MARKER, described)


def read_adapter(folder: Path, info: ModelInfo, *, allow_zero: bool = False) -> AdapterWeights:
    """Read an adapter for the base `info`.

    Raises Conflict for an adapter of another base and for one that is all zeros (unless allowed),
    DataError for a damaged one. It is never replaced by the bare base.
    """
    described = _described(folder)
    name, version = str(described.get("name", folder.parent.name)), str(described.get("version", folder.name))
    base = described.get("base") or {}
    if base.get("fingerprint") != info.fingerprint:
        raise Conflict(
            f"The adapter `{name}@{version}` was trained on `{base.get('name')}` ({base.get('fingerprint')}) "
            f"and does not fit `{info.name}` ({info.fingerprint}).",
            fix=f"Install the base it was trained on: afina models pull {base.get('name')}.",
        )
    adapter = _read_weights(folder, name, version, described)
    if adapter.is_zero and not allow_zero:
        raise all_zeros(f"{name}@{version}")
    return adapter


def _described(folder: Path) -> dict[str, Any]:
    try:
        described: dict[str, Any] = read_json(folder / ADAPTER_MARKER)
    except (OSError, ValueError) as error:
        raise damaged(folder, ADAPTER_MARKER) from error
    return described


def _read_weights(folder: Path, name: str, version: str, described: dict[str, Any]) -> AdapterWeights:
    try:
        config = read_json(folder / CONFIG_FILE)
        scale = float(config["lora_parameters"]["scale"])
        arrays = load_arrays(folder / WEIGHTS_FILE)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise damaged(folder, WEIGHTS_FILE) from error
    layers: dict[str, tuple[mx.array, mx.array]] = {}
    for key in sorted(arrays):
        if not key.endswith(".lora_a"):
            continue
        module = key.removesuffix(".lora_a")
        if f"{module}.lora_b" not in arrays:
            raise damaged(folder, WEIGHTS_FILE)
        layers[module] = (arrays[key], arrays[f"{module}.lora_b"])
    finite = all(bool(mx.all(mx.isfinite(array)).item()) for pair in layers.values() for array in pair)
    if not layers or not finite or 2 * len(layers) != len(arrays):
        raise damaged(folder, WEIGHTS_FILE)
    rank = max(a.shape[1] for a, _ in layers.values())
    return AdapterWeights(name, version, scale, rank, layers, described)
