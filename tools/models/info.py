"""What a model folder holds, read from its `config.json` and the headers of its weights. No MLX.

An installed base is an mlx-lm folder with `afina.json` beside the weights, written last.
"""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from tools.errors import DataError, Problem
from tools.models.serving import Serving
from tools.workspace.files import read_json, sha256_file, write_json
from tools.workspace.layout import MODEL_MARKER


class ModelInfo(BaseModel):
    """Shape and origin of an installed base. Sizes in bytes, widths in elements."""

    model_config = ConfigDict(extra="ignore")

    name: str
    source: str  # catalogue name, hub id or path that it was made from
    fingerprint: str  # 16 hex digits: hash of the source weights
    model_type: str
    parameters: int  # elements of the model's weights, packed ones counted unpacked
    weight_bytes: int  # on disk
    bits: float  # mean bits a parameter
    group_size: int | None = None  # of the quantization, None for full precision
    quantized_bits: int | None = None
    layers: int
    hidden_size: int
    intermediate_size: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab_size: int
    max_positions: int
    tied_embeddings: bool
    has_chat_template: bool
    languages: list[str] = []
    serving: Serving | None = None  # of a base that an adapter was merged into

    @property
    def full_bytes(self) -> int:
        """Bytes of the weights dequantized to float32."""
        return self.parameters * 4


def load_info(folder: Path) -> ModelInfo:
    """The installed base in `folder`. Raises DataError when its marker is damaged."""
    try:
        return ModelInfo(**read_json(folder / MODEL_MARKER))
    except (OSError, ValueError, TypeError) as error:
        raise DataError(
            f"The model `{folder.name}` is damaged: its {MODEL_MARKER} cannot be read.",
            field="model",
            fix=f"Remove {folder} and install it again: afina models pull {folder.name}.",
        ) from error


def describe(folder: Path, *, name: str, source: str, fingerprint: str, languages: list[str]) -> ModelInfo:
    """Read a whole mlx-lm folder. Raises DataError when `config.json` lacks what a decoder has."""
    config: dict[str, Any] = read_json(folder / "config.json")
    text = config.get("text_config", config)
    try:
        heads, hidden = int(text["num_attention_heads"]), int(text["hidden_size"])
        layers, vocab = int(text["num_hidden_layers"]), int(text["vocab_size"])
        intermediate = int(text.get("intermediate_size") or 4 * hidden)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            "The model's config.json does not describe a decoder that mlx-lm runs.",
            problems=[
                Problem(
                    path=str(folder / "config.json"),
                    message=f"{error} is missing.",
                    fix="Choose a causal language model.",
                )
            ],
        ) from error
    quantization = config.get("quantization") or {}
    parameters, weight_bytes = _count(folder, int(quantization.get("bits") or 0), quantization)
    return ModelInfo(
        name=name,
        source=source,
        fingerprint=fingerprint,
        model_type=str(config.get("model_type", "")),
        parameters=parameters,
        weight_bytes=weight_bytes,
        bits=round(weight_bytes * 8 / max(1, parameters), 2),
        group_size=quantization.get("group_size"),
        quantized_bits=quantization.get("bits"),
        layers=layers,
        hidden_size=hidden,
        intermediate_size=intermediate,
        heads=heads,
        kv_heads=int(text.get("num_key_value_heads") or heads),
        head_dim=int(text.get("head_dim") or hidden // heads),
        vocab_size=vocab,
        max_positions=int(text.get("max_position_embeddings") or 2048),
        tied_embeddings=bool(text.get("tie_word_embeddings", False)),
        has_chat_template=_has_chat_template(folder),
        languages=languages,
    )


def finish(folder: Path, info: ModelInfo) -> None:
    """Write the marker that makes the folder an installed base."""
    write_json(folder / MODEL_MARKER, info.model_dump(exclude_none=True))


def fingerprint_of(files: list[Path]) -> str:
    """16 hex digits for a set of weight files: their hashes, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(files, key=lambda path: path.name):
        digest.update(sha256_file(path).encode())
    return digest.hexdigest()[:16]


def _has_chat_template(folder: Path) -> bool:
    if (folder / "chat_template.jinja").is_file() or (folder / "chat_template.json").is_file():
        return True
    config = folder / "tokenizer_config.json"
    return config.is_file() and bool(read_json(config).get("chat_template"))


def _count(folder: Path, bits: int, quantization: dict[str, Any]) -> tuple[int, int]:
    """Unpacked parameters and bytes of all weights, from the headers of the safetensors files."""
    parameters = total = 0
    headers: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("model*.safetensors")):
        headers.update(safetensors_header(path))
    for name, tensor in headers.items():
        shape, span = tensor["shape"], tensor["data_offsets"]
        elements = 1
        for size in shape:
            elements *= size
        total += span[1] - span[0]
        module = name.removesuffix(".weight").removesuffix(".scales").removesuffix(".biases")
        packed = f"{module}.scales" in headers
        if packed and not name.endswith(".weight"):
            continue
        own = quantization.get(module)
        width = int(own["bits"]) if isinstance(own, dict) else bits
        parameters += elements * 32 // width if packed and width else elements
    return parameters, total


def safetensors_header(path: Path) -> dict[str, dict[str, Any]]:
    """Names, types, shapes and offsets of the tensors in a safetensors file."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header: dict[str, dict[str, Any]] = json.loads(file.read(length))
    header.pop("__metadata__", None)
    return header
