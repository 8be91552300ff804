"""GGUF files made into mlx-lm folders: the same numbers, the same ids."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import mlx.core as mx
import pytest
from mlx_lm.utils import load_model
from tokenizers import Tokenizer as RustTokenizer
from tokenizers import decoders, pre_tokenizers, trainers
from tokenizers.models import BPE

from tests.support.tiny_model import CHAT_TEMPLATE, TEXT, make_tiny_model
from tools.compute.gguf import _llama3_factors, _unpermute, convert_gguf
from tools.errors import DataError, InvalidArgument
from tools.models.tokenizer import Tokenizer
from tools.workspace.layout import Workspace

TEXTS = ["A menina contava  os barcos: 1234!\n\n\t mãe 😀", "<|im_start|>user\nolá<|im_end|>", " x", ""]
_NAMES = {
    "model.embed_tokens": "token_embd", "model.norm": "output_norm", "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}  # fmt: skip


def permuted(array: mx.array, heads: int) -> mx.array:
    """Rows as llama.cpp's converter orders them."""
    rows, *rest = array.shape
    return array.reshape(heads, 2, rows // heads // 2, *rest).swapaxes(1, 2).reshape(rows, *rest)


def tensors(folder: Path, *, llama: bool = True) -> dict[str, mx.array]:
    weights: Any = mx.load(str(folder / "model.safetensors"))
    found = {}
    for name, array in weights.items():
        module, _, kind = name.rpartition(".")
        if module.startswith("model.layers."):
            _, _, layer, part = module.split(".", 3)
            target = f"blk.{layer}.{_NAMES[part]}"
        else:
            target = _NAMES[module]
        if llama and target.endswith(("attn_q", "attn_k")):
            array = permuted(array, 4 if target.endswith("attn_q") else 2)
        found[f"{target}.{kind}"] = array
    return found


def described(folder: Path, **more: Any) -> dict[str, Any]:
    state = json.loads((folder / "tokenizer.json").read_text())
    vocab = state["model"]["vocab"]
    tokens = sorted(vocab, key=lambda token: vocab[token])
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in state["model"]["merges"]]
    whole = {
        "block_count": 3, "embedding_length": 64, "feed_forward_length": 128, "context_length": 512,
        "attention.head_count": 4, "attention.head_count_kv": 2, "attention.layer_norm_rms_epsilon": 1e-5,
        "rope.freq_base": 10000.0,
    }  # fmt: skip
    arch = more.get("general.architecture", "llama")
    return {
        "general.architecture": arch,
        **{f"{arch}.{k}": mx.array(v, mx.float32 if isinstance(v, float) else mx.uint32) for k, v in whole.items()},
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.merges": merges,
        "tokenizer.ggml.token_type": mx.array([3, 3, 3, *([1] * (len(tokens) - 3))], mx.int32),
        "tokenizer.ggml.bos_token_id": mx.array(1, mx.uint32),
        "tokenizer.ggml.eos_token_id": mx.array(2, mx.uint32),
        "tokenizer.chat_template": CHAT_TEMPLATE,
        **more,
    }


@pytest.fixture
def tiny(ws: Workspace) -> Path:
    return make_tiny_model(ws)


def write(path: Path, arrays: dict[str, mx.array], metadata: dict[str, Any]) -> Path:
    mx.save_gguf(str(path), arrays, metadata)
    return path


def convert(source: Path, tmp_path: Path, bits: int = 16) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    convert_gguf(source, folder, bits)
    return folder


def logits(folder: Path) -> mx.array:
    model, _ = load_model(folder)
    return model(mx.array([[1, 5, 9, 200, 7]]))


def test_the_converted_model_computes_the_same(tiny: Path, tmp_path: Path) -> None:
    folder = convert(write(tmp_path / "m.gguf", tensors(tiny), described(tiny)), tmp_path)
    # float32 weights went through float16.
    assert mx.allclose(logits(folder), logits(tiny), rtol=1e-2, atol=1e-2)
    config, original = (json.loads((f / "config.json").read_text()) for f in (folder, tiny))
    for key in ("hidden_size", "num_hidden_layers", "head_dim", "rms_norm_eps", "vocab_size", "tie_word_embeddings"):
        assert config[key] == original[key]


def test_rows_left_in_pairs_would_compute_something_else(tiny: Path, tmp_path: Path) -> None:
    """So the test above can fail."""
    folder = convert(write(tmp_path / "m.gguf", tensors(tiny, llama=False), described(tiny)), tmp_path)
    assert not mx.allclose(logits(folder), logits(tiny), rtol=1e-2, atol=1e-2)


def test_the_reordering_is_undone() -> None:
    rows = mx.arange(4 * 16 * 3).reshape(64, 3)
    assert mx.array_equal(_unpermute(permuted(rows, 4), 4), rows)


def test_full_precision_is_quantized_to_the_bits_asked_for(tiny: Path, tmp_path: Path) -> None:
    folder = convert(write(tmp_path / "m.gguf", tensors(tiny), described(tiny)), tmp_path, bits=8)
    config = json.loads((folder / "config.json").read_text())
    assert config["quantization"] == {"group_size": 64, "bits": 8, "mode": "affine"}
    # 8 bits of random weights still give nearly the same.
    assert float(mx.abs(logits(folder) - logits(tiny)).mean()) < 0.05


def test_qwen2_keeps_its_rows_and_biases(tiny: Path, tmp_path: Path) -> None:
    weights: Any = mx.load(str(tiny / "model.safetensors"))
    for layer in range(3):
        for part, rows in (("q", 64), ("k", 32), ("v", 32)):
            weights[f"model.layers.{layer}.self_attn.{part}_proj.bias"] = mx.random.normal((rows,))
    mx.save_safetensors(str(tiny / "model.safetensors"), weights)
    config = json.loads((tiny / "config.json").read_text())
    (tiny / "config.json").write_text(json.dumps({**config, "model_type": "qwen2"}))
    metadata = described(tiny, **{"general.architecture": "qwen2", "tokenizer.ggml.pre": "qwen2"})
    folder = convert(write(tmp_path / "m.gguf", tensors(tiny, llama=False), metadata), tmp_path)
    assert mx.allclose(logits(folder), logits(tiny), rtol=1e-2, atol=1e-2)


def test_ids_and_template_are_those_of_the_original(tiny: Path, tmp_path: Path) -> None:
    folder = convert(write(tmp_path / "m.gguf", tensors(tiny), described(tiny)), tmp_path)
    ours, original = Tokenizer.load(folder), Tokenizer.load(tiny)
    for text in TEXTS:
        assert ours.encode(text) == original.encode(text)
        assert ours.decode(ours.encode(text), skip_special=False) == text
    talk = [{"role": "user", "content": "olá"}]
    assert ours.encode_chat(talk, add_generation_prompt=True) == original.encode_chat(talk, add_generation_prompt=True)
    assert ours.eos_ids == {2}
    assert ours.encode("x", special=True) == ours.encode("x")


def test_a_bos_is_added_where_the_file_asks_for_it(tiny: Path, tmp_path: Path) -> None:
    metadata = described(tiny, **{"tokenizer.ggml.add_bos_token": mx.array(True)})
    ours = Tokenizer.load(convert(write(tmp_path / "m.gguf", tensors(tiny), metadata), tmp_path))
    assert ours.encode("x", special=True) == [1, *ours.encode("x")]


@pytest.mark.parametrize("split", ["smollm", "llama-bpe", "qwen2"])
def test_digits_are_split_as_the_file_names_it(tiny: Path, tmp_path: Path, split: str) -> None:
    metadata = described(tiny, **{"tokenizer.ggml.pre": split})
    ours = Tokenizer.load(convert(write(tmp_path / "m.gguf", tensors(tiny), metadata), tmp_path))
    pieces = [piece for piece, _ in ours.rust.pre_tokenizer.pre_tokenize_str("ano 1984")]
    assert pieces == (["ano", "Ġ", "198", "4"] if split == "llama-bpe" else ["ano", "Ġ", "1", "9", "8", "4"])


def test_a_sentencepiece_vocabulary_gives_its_own_ids(tiny: Path, tmp_path: Path) -> None:
    rust = RustTokenizer(BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    rust.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    rust.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    control = ["<unk>", "<s>", "</s>"]
    special = [*control, *(f"<0x{byte:02X}>" for byte in range(256))]
    rust.train_from_iterator([TEXT], trainers.BpeTrainer(vocab_size=400, special_tokens=special, show_progress=False))
    vocab = rust.get_vocab()
    tokens = sorted(vocab, key=lambda token: vocab[token])
    assert len(tokens) == 400
    metadata = described(tiny)
    for key in ("tokenizer.ggml.merges", "tokenizer.ggml.pre"):
        del metadata[key]
    metadata |= {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.scores": mx.array([0.0 if t in special else -float(vocab[t]) for t in tokens]),
        "tokenizer.ggml.token_type": mx.array([2, 3, 3, *([6] * 256), *([1] * (400 - 259))], mx.int32),
    }
    ours = Tokenizer.load(convert(write(tmp_path / "m.gguf", tensors(tiny), metadata), tmp_path))
    for text in ["A menina contava os barcos", "mãe 😀  日本", "x"]:
        assert ours.encode(text) == rust.encode(text, add_special_tokens=False).ids
        assert ours.decode(ours.encode(text)) == text
    assert ours.encode("x", special=True)[0] == 1


@pytest.mark.parametrize(
    ("more", "without", "kind", "message"),
    [
        ({"general.architecture": "gpt2"}, [], InvalidArgument, "architecture"),
        ({"llama.expert_count": mx.array(8, mx.uint32)}, [], InvalidArgument, "architecture"),
        ({"tokenizer.ggml.pre": "tekken"}, [], InvalidArgument, "tokenizer"),
        ({"tokenizer.ggml.model": "t5"}, [], InvalidArgument, "tokenizer"),
        ({"llama.rope.scaling.type": "yarn"}, [], InvalidArgument, "scaling"),
        ({}, ["llama.embedding_length"], DataError, "embedding_length"),
        ({}, ["tokenizer.ggml.tokens"], DataError, "vocabulary"),
        ({"llama.block_count": mx.array(2, mx.uint32)}, [], DataError, "tensors"),
        ({"llama.block_count": mx.array(4, mx.uint32)}, [], DataError, "tensors"),
    ],
)
def test_what_is_not_supported_is_told(
    tiny: Path, tmp_path: Path, more: dict[str, Any], without: list[str], kind: type[Exception], message: str
) -> None:
    metadata = described(tiny, **more)
    for key in without:
        del metadata[key]
    with pytest.raises(kind, match=message):
        convert(write(tmp_path / "m.gguf", tensors(tiny), metadata), tmp_path)


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"not a GGUF file")
    with pytest.raises(DataError, match="cannot read"):
        convert(tmp_path / "m.gguf", tmp_path)


def test_a_cut_file_is_told(tiny: Path, tmp_path: Path) -> None:
    source = write(tmp_path / "m.gguf", tensors(tiny), described(tiny))
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    with pytest.raises(DataError):
        convert(source, tmp_path)


def test_a_tensor_without_a_place_is_named(tiny: Path, tmp_path: Path) -> None:
    arrays = {**tensors(tiny), "blk.0.attn_sinks.weight": mx.zeros((4,))}
    with pytest.raises(InvalidArgument, match=r"blk\.0\.attn_sinks\.weight"):
        convert(write(tmp_path / "m.gguf", arrays, described(tiny)), tmp_path)


def test_llama_3s_scaling_of_positions_is_found_again(tiny: Path, tmp_path: Path) -> None:
    factors = _llama3_factors(500000.0, 16, 8.0)
    # From mlx-lm's own: frequencies divided by these factors are those it computes.
    assert factors[0] == 1.0
    assert math.isclose(factors[-1], 8.0)
    arrays = {**tensors(tiny), "rope_freqs.weight": mx.array(factors)}
    metadata = described(tiny, **{"llama.rope.freq_base": mx.array(500000.0)})
    folder = convert(write(tmp_path / "m.gguf", arrays, metadata), tmp_path)
    scaling = json.loads((folder / "config.json").read_text())["rope_scaling"]
    assert (scaling["rope_type"], scaling["factor"]) == ("llama3", 8.0)
    model, _ = load_model(folder)
    expected = mx.array([500000.0 ** (n / 16) * f for n, f in zip(range(0, 16, 2), factors, strict=True)])
    assert mx.allclose(model.layers[0].self_attn.rope._freqs, expected, rtol=1e-4)


def test_another_scaling_of_positions_is_refused(tiny: Path, tmp_path: Path) -> None:
    arrays = {**tensors(tiny), "rope_freqs.weight": mx.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])}
    with pytest.raises(InvalidArgument, match="scaling"):
        convert(write(tmp_path / "m.gguf", arrays, described(tiny)), tmp_path)
