"""A GGUF file made into an mlx-lm folder.

MLX reads Q4_0, Q4_1 and Q8_0 tensors straight into its own affine quantization (groups of 32) and
decodes other types to float16. What remains is to rename tensors, to undo the reordering of the rows
of the query and key projections (llama.cpp rotates neighbouring pairs, mlx-lm halves), and to write
the configuration and the tokenizer.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import mlx.core as mx
from mlx_lm.utils import load_model, make_shards

from tools.errors import DataError, InvalidArgument
from tools.models.gguf_tokenizer import write_tokenizer
from tools.workspace.files import write_json

ARCHITECTURES = ("llama", "qwen2")
_GROUP = 32
_TOP = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
_LAYER = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_FACTORS = "rope_freqs.weight"


def convert_gguf(source: Path, folder: Path, bits: int = 4) -> None:
    """Fill `folder` with the mlx-lm form of the GGUF file `source`.

    Tensors that are quantized in a form that MLX shares stay as they are; the others are quantized
    to `bits` (groups of 64 or 32), or kept in float16 when `bits` is 16. Raises InvalidArgument for
    what is not supported, DataError for a damaged file.
    """
    weights, metadata = _read(source)
    config = _config(metadata, weights)
    arch = str(metadata["general.architecture"])
    renamed = _rename(weights, config, permuted=arch == "llama")
    weights.clear()
    ours = _quantize_rest(renamed, bits) if bits < 16 else {}
    quantization = _quantization(renamed, ours)
    if quantization:
        config["quantization"] = config["quantization_config"] = quantization
    write_tokenizer(metadata, folder)
    config.update({k: v for k, v in _ids(metadata).items() if v is not None})
    write_json(folder / "config.json", config)
    save_weights(folder, renamed)
    _check(folder)


def _read(source: Path) -> tuple[dict[str, mx.array], dict[str, Any]]:
    try:
        loaded: Any = mx.load(str(source), format="gguf", return_metadata=True)
    except (RuntimeError, ValueError) as error:
        raise DataError(
            "MLX cannot read this GGUF file.",
            expected="a whole GGUF file with F32, F16, Q4_0, Q4_1, Q8_0, Q2_K, Q4_K or Q6_K tensors",
            fix="Download it again, or choose a Q4_0, Q4_1 or Q8_0 file of the model.",
        ) from error
    weights: dict[str, mx.array] = loaded[0]
    metadata: dict[str, Any] = {k: v.tolist() if isinstance(v, mx.array) else v for k, v in loaded[1].items()}
    arch = metadata.get("general.architecture")
    if arch not in ARCHITECTURES or metadata.get(f"{arch}.expert_count"):
        raise InvalidArgument(
            "Afina does not convert this GGUF file's architecture.",
            field="name",
            expected=f"a dense model of architecture {' or '.join(ARCHITECTURES)}",
            fix="Install the same model from its safetensors repository or folder.",
        )
    return weights, metadata


def _config(metadata: dict[str, Any], weights: dict[str, mx.array]) -> dict[str, Any]:
    arch = metadata["general.architecture"]

    def value(key: str, default: Any = None) -> Any:
        found = metadata.get(f"{arch}.{key}", default)
        if found is None:
            raise DataError(f"The GGUF file lacks `{arch}.{key}`.", fix="Use another conversion of the model.")
        return found

    if "token_embd.weight" not in weights:
        raise DataError("The GGUF file holds no embedding.", fix="Use another conversion of the model.")
    heads, hidden = int(value("attention.head_count")), int(value("embedding_length"))
    base = float(value("rope.freq_base", 10000.0))
    head_dim = int(value("attention.key_length", hidden // heads))
    config: dict[str, Any] = {
        "model_type": arch,
        "architectures": ["LlamaForCausalLM" if arch == "llama" else "Qwen2ForCausalLM"],
        "hidden_size": hidden,
        "num_hidden_layers": int(value("block_count")),
        "intermediate_size": int(value("feed_forward_length")),
        "num_attention_heads": heads,
        "num_key_value_heads": int(value("attention.head_count_kv", heads)),
        "head_dim": head_dim,
        "rms_norm_eps": round(float(value("attention.layer_norm_rms_epsilon")), 12),
        "vocab_size": int(weights["token_embd.weight"].shape[0]),
        "max_position_embeddings": int(value("context_length")),
        "rope_theta": base,
        "tie_word_embeddings": "output.weight" not in weights,
    }
    if arch == "llama" and any(name.endswith("attn_q.bias") for name in weights):
        config["attention_bias"] = True
    scaling = _rope_scaling(metadata, arch, weights.pop(_FACTORS, None), base, head_dim)
    if scaling:
        config["rope_scaling"] = scaling
    return config


def _rope_scaling(
    metadata: dict[str, Any], arch: str, factors: mx.array | None, base: float, head_dim: int
) -> dict[str, Any] | None:
    """The scaling of positions; Llama 3's is kept in GGUF as one factor a frequency, and found again here."""
    kind = metadata.get(f"{arch}.rope.scaling.type", "none")
    if kind == "linear":
        return {"type": "linear", "factor": float(metadata[f"{arch}.rope.scaling.factor"])}
    if kind != "none":
        raise _unsupported_scaling()
    if factors is None:
        return None
    told: Any = factors.tolist()
    factor = float(round(max(told)))
    expected = _llama3_factors(base, head_dim, factor)
    if len(expected) != len(told) or any(abs(a - b) > 1e-3 * b for a, b in zip(told, expected, strict=True)):
        raise _unsupported_scaling()
    return {
        "rope_type": "llama3",
        "factor": factor,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    }


def _unsupported_scaling() -> InvalidArgument:
    return InvalidArgument(
        "Afina does not convert this GGUF file's scaling of positions.",
        field="name",
        expected="none, linear, or that of Llama 3.1 and 3.2",
        fix="Install the same model from its safetensors repository or folder.",
    )


def _llama3_factors(base: float, head_dim: int, factor: float) -> list[float]:
    low, high = 8192 / 1.0, 8192 / 4.0
    found = []
    for n in range(0, head_dim, 2):
        wavelength = 2 * math.pi * base ** (n / head_dim)
        if wavelength < high:
            found.append(1.0)
        elif wavelength > low:
            found.append(factor)
        else:
            smooth = (8192 / wavelength - 1.0) / (4.0 - 1.0)
            found.append(1 / ((1 - smooth) / factor + smooth))
    return found


def _rename(weights: dict[str, mx.array], config: dict[str, Any], *, permuted: bool) -> dict[str, mx.array]:
    """mlx-lm's names, rows of queries and keys in its order, matrices in float16.

    Norms stay in float32, as GGUF keeps them: with them mlx-lm computes in float32, which on a CPU is
    thirty times faster than float16.
    """
    heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
    renamed = {}
    for name in sorted(weights):
        array = weights[name]
        module, _, kind = name.rpartition(".")
        block, _, part = module.partition(".")
        if block == "blk":
            layer, _, part = part.partition(".")
            target = f"model.layers.{layer}.{_LAYER[part]}" if part in _LAYER else None
        else:
            target = _TOP.get(module)
        if target is None:
            raise InvalidArgument(
                f"The GGUF file holds a tensor that Afina has no place for (`{name[:60]}`).",
                field="name",
                expected=f"a dense model of architecture {' or '.join(ARCHITECTURES)}",
                fix="Install the same model from its safetensors repository or folder.",
            )
        if permuted and part in heads:
            array = _unpermute(array, heads[part])
        if array.ndim == 2 and array.dtype == mx.float32:
            array = array.astype(mx.float16)
        renamed[f"{target}.{kind}"] = array
    return renamed


def _unpermute(array: mx.array, heads: int) -> mx.array:
    """Rows in halves (0 … d/2, d/2 … d) from rows in pairs (0, d/2, 1, …), for each head of d rows."""
    rows, *rest = array.shape
    return array.reshape(heads, rows // heads // 2, 2, *rest).swapaxes(1, 2).reshape(rows, *rest)


def _quantize_rest(weights: dict[str, mx.array], bits: int) -> dict[str, tuple[int, int]]:
    """Quantize the matrices that the file held unquantized; tells (group size, bits) of each."""
    done = {}
    for name in [name for name in weights if name.endswith(".weight")]:
        module, array = name.removesuffix(".weight"), weights[name]
        group = 64 if array.shape[-1] % 64 == 0 else _GROUP
        if array.ndim != 2 or array.dtype == mx.uint32 or array.shape[-1] % group:
            continue
        packed, scales, biases = mx.quantize(array, group_size=group, bits=bits)
        weights.update({name: packed, f"{module}.scales": scales, f"{module}.biases": biases})
        done[module] = (group, bits)
    return done


def _quantization(weights: dict[str, mx.array], ours: dict[str, tuple[int, int]]) -> dict[str, Any]:
    """The `quantization` of config.json: what most modules have, and an entry for each that differs."""
    found = dict(ours)
    for name, array in weights.items():
        module = name.removesuffix(".weight")
        if name.endswith(".weight") and array.dtype == mx.uint32 and module not in ours:
            # A group of 32 takes as many words of 32 bits as each weight takes bits.
            found[module] = (_GROUP, array.shape[-1] // weights[f"{module}.scales"].shape[-1])
    if not found:
        return {}
    kinds = list(found.values())
    group, bits = max(sorted(set(kinds)), key=kinds.count)
    config: dict[str, Any] = {"group_size": group, "bits": bits, "mode": "affine"}
    for module, own in found.items():
        if own != (group, bits):
            config[module] = {"group_size": own[0], "bits": own[1], "mode": "affine"}
    return config


def save_weights(folder: Path, weights: dict[str, mx.array]) -> None:
    """Write `model*.safetensors` and their index, in the order of the names. `weights` is emptied."""
    shards = make_shards({name: weights[name] for name in sorted(weights)})
    total = sum(array.nbytes for array in weights.values())
    weights.clear()
    places = {}
    for n, shard in enumerate(shards, start=1):
        name = f"model-{n:05d}-of-{len(shards):05d}.safetensors" if len(shards) > 1 else "model.safetensors"
        mx.save_safetensors(str(folder / name), shard, metadata={"format": "mlx"})
        places.update(dict.fromkeys(shard, name))
        shard.clear()
    write_json(folder / "model.safetensors.index.json", {"metadata": {"total_size": total}, "weight_map": places})


def _ids(metadata: dict[str, Any]) -> dict[str, int | None]:
    return {f"{name}_token_id": metadata.get(f"tokenizer.ggml.{name}_token_id") for name in ("bos", "eos")}


def _check(folder: Path) -> None:
    """Refuse a folder whose weights are not those of its configuration."""
    try:
        load_model(folder, lazy=True)
    except ValueError as error:
        raise DataError(
            "The GGUF file's tensors are not those of its architecture.", fix="Use another conversion of the model."
        ) from error
