"""Small random adapters in mlx-lm's format, published as a training run publishes them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from tools.models.info import load_info, safetensors_header
from tools.models.tokenizer import Tokenizer
from tools.workspace.files import write_json
from tools.workspace.layout import Workspace

KEYS = ("self_attn.q_proj", "self_attn.v_proj", "mlp.down_proj")


def make_tiny_adapter(
    ws: Workspace,
    name: str,
    *,
    base: str = "tiny",
    seed: int = 1,
    rank: int = 4,
    scale: float = 2.0,
    layers: Sequence[int] = (1, 2),
    keys: Sequence[str] = KEYS,
    zero: bool = False,
    fingerprint: str | None = None,
    template_hash: str | None = None,
    run: str | None = None,
    serving: dict[str, Any] | None = None,
) -> Path:
    """Publish an adapter of `base` strong enough to change its answers; returns its folder."""
    info = load_info(ws.models / base)
    shapes = _shapes(ws.models / base)
    rng = np.random.default_rng(seed)
    arrays: dict[str, np.ndarray] = {}
    for layer in layers:
        for key in keys:
            module = f"model.layers.{layer}.{key}"
            outputs, inputs = shapes[f"{module}.weight"]
            arrays[f"{module}.lora_a"] = (rng.standard_normal((inputs, rank)) / np.sqrt(inputs)).astype(np.float32)
            b = rng.standard_normal((rank, outputs)) / np.sqrt(rank)
            arrays[f"{module}.lora_b"] = (b * (0 if zero else 1)).astype(np.float32)
    content = b"".join(arrays[key].tobytes() for key in sorted(arrays))
    own = info.fingerprint if fingerprint is None else fingerprint
    version = hashlib.sha256(content + own.encode()).hexdigest()[:8]
    folder = ws.adapters / name / version
    folder.mkdir(parents=True)
    save_file(arrays, folder / "adapters.safetensors", metadata={"format": "mlx"})
    config = {
        "fine_tune_type": "lora",
        "num_layers": len(shapes_layers(shapes)) - min(layers),
        "lora_parameters": {"rank": rank, "scale": scale, "dropout": 0.0, "keys": list(keys)},
    }
    (folder / "adapter_config.json").write_text(json.dumps(config))
    write_json(
        folder / "afina.json",
        {
            "name": name,
            "version": version,
            "base": {"name": base, "fingerprint": own},
            "run": run or f"{name}-20261124-1",
            "dataset": "livros@0123456789abcdef",
            **({"serving": serving} if serving else {}),
            "template_hash": template_hash or Tokenizer.load(ws.models / base).template_hash,
        },
    )
    return folder


def shapes_layers(shapes: dict[str, tuple[int, ...]]) -> set[str]:
    return {name.split(".")[2] for name in shapes if name.startswith("model.layers.")}


def _shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """The weights' shapes, packed ones unpacked."""
    header = safetensors_header(folder / "model.safetensors")
    shapes = {name: tuple(tensor["shape"]) for name, tensor in header.items()}
    group = load_info(folder).group_size
    for name, (outputs, groups) in ((n, s) for n, s in list(shapes.items()) if group and n.endswith(".scales")):
        shapes[name.removesuffix("scales") + "weight"] = (outputs, groups * group)
    return shapes
