"""A tiny random Llama with a tokenizer and a chat template: real files, real logic, no knowledge."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, pre_tokenizers, trainers
from tokenizers.models import BPE

from tools.models.info import describe, fingerprint_of, finish
from tools.workspace.layout import Workspace

TEXT = """O farol da ilha de areia acendia-se todas as noites. A menina contava os barcos e o avô escrevia
os números num caderno azul. Classificação da temporada 2023: 1. Equipa A - 85 pontos. Quem foi o campeão?
Nasceu em 3 de março de 1950, em Lisboa. ### Instrução: ### Contexto: ### Resposta: não sei, coração, mãe.
The quick brown fox jumps over the lazy dog. 0123456789 {"role": "user", "content": "olá"}"""

CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' "
    "+ '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def write_tokenizer(folder: Path, vocab_size: int = 400, text: str = TEXT) -> int:
    """Train a byte-level BPE on `text` and write the tokenizer's files; returns the vocabulary's size."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([text], trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(
        json.dumps(
            {
                "tokenizer_class": "PreTrainedTokenizerFast",
                "bos_token": "<|im_start|>",
                "eos_token": "<|im_end|>",
                "pad_token": "<|im_end|>",
                "unk_token": "<|endoftext|>",
                "model_max_length": 512,
                "chat_template": CHAT_TEMPLATE,
            }
        )
    )
    return tokenizer.get_vocab_size()


def make_tiny_model(
    ws: Workspace,
    name: str = "tiny",
    seed: int = 0,
    layers: int = 3,
    hidden: int = 64,
    vocab_size: int = 400,
    text: str = TEXT,
) -> Path:
    """Install a random Llama of about 0.2 M parameters as base `name`, its tokenizer made from `text`.

    Returns its folder.
    """
    folder = ws.models / name
    folder.mkdir(parents=True)
    vocab = write_tokenizer(folder, vocab_size, text)
    heads, kv_heads, inner = 4, 2, hidden * 2
    head_dim = hidden // heads
    rng = np.random.default_rng(seed)

    def matrix(rows: int, columns: int) -> np.ndarray:
        return (rng.standard_normal((rows, columns)) / np.sqrt(columns)).astype(np.float32)

    weights = {"model.embed_tokens.weight": matrix(vocab, hidden), "model.norm.weight": np.ones(hidden, np.float32)}
    for i in range(layers):
        at = f"model.layers.{i}."
        weights |= {
            at + "self_attn.q_proj.weight": matrix(heads * head_dim, hidden),
            at + "self_attn.k_proj.weight": matrix(kv_heads * head_dim, hidden),
            at + "self_attn.v_proj.weight": matrix(kv_heads * head_dim, hidden),
            at + "self_attn.o_proj.weight": matrix(hidden, heads * head_dim),
            at + "mlp.gate_proj.weight": matrix(inner, hidden),
            at + "mlp.up_proj.weight": matrix(inner, hidden),
            at + "mlp.down_proj.weight": matrix(hidden, inner),
            at + "input_layernorm.weight": np.ones(hidden, np.float32),
            at + "post_attention_layernorm.weight": np.ones(hidden, np.float32),
        }
    save_file(weights, folder / "model.safetensors", metadata={"format": "mlx"})
    (folder / "config.json").write_text(
        json.dumps(
            {
                "model_type": "llama",
                "architectures": ["LlamaForCausalLM"],
                "hidden_size": hidden,
                "num_hidden_layers": layers,
                "intermediate_size": inner,
                "num_attention_heads": heads,
                "num_key_value_heads": kv_heads,
                "head_dim": head_dim,
                "rms_norm_eps": 1e-5,
                "vocab_size": vocab,
                "max_position_embeddings": 512,
                "rope_theta": 10000.0,
                "tie_word_embeddings": True,
                "bos_token_id": 1,
                "eos_token_id": 2,
            }
        )
    )
    fingerprint = fingerprint_of([folder / "model.safetensors"])
    finish(folder, describe(folder, name=name, source="tests", fingerprint=fingerprint, languages=["pt"]))
    return folder
