"""A random decoder of any size in 4 bits, made on the device without a download, and a tokenizer for it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
from mlx_lm.models.llama import Model, ModelArgs

from tests.support.tiny_model import write_tokenizer

BITS, GROUP = 4, 64
# Standard deviation of integers drawn evenly from 0 to 15.
_SPREAD = 4.61


@dataclass(frozen=True)
class Size:
    """A decoder's dimensions, in elements."""

    layers: int
    hidden: int
    inner: int
    heads: int
    kv_heads: int
    vocab: int

    def arguments(self) -> ModelArgs:
        return ModelArgs(
            model_type="llama",
            hidden_size=self.hidden,
            num_hidden_layers=self.layers,
            intermediate_size=self.inner,
            num_attention_heads=self.heads,
            num_key_value_heads=self.kv_heads,
            rms_norm_eps=1e-5,
            vocab_size=self.vocab,
            max_position_embeddings=32768,
            rope_theta=1e6,
            tie_word_embeddings=False,
        )


MISTRAL_7B = Size(layers=32, hidden=4096, inner=14336, heads=32, kv_heads=8, vocab=32768)
# Quantized matrix products on a CPU are some hundred times slower than others.
TINY = Size(layers=2, hidden=64, inner=128, heads=2, kv_heads=1, vocab=512)


def random_quantized(size: Size, seed: int = 0) -> nn.Module:
    """The model, frozen, its weights drawn as packed integers layer by layer; full precision never exists."""
    model = Model(size.arguments())
    nn.quantize(model, group_size=GROUP, bits=BITS)  # lazy: what it would compute is replaced before anything asks
    mx.random.seed(seed)
    for _, module in model.named_modules():
        if isinstance(module, nn.QuantizedLinear | nn.QuantizedEmbedding):
            _draw(module)
        elif isinstance(module, nn.RMSNorm):
            module.weight = mx.ones(module.weight.shape, mx.bfloat16)
            mx.eval(module.weight)
    model.freeze()
    model.eval()
    mx.eval(model.parameters())
    return model


def _draw(module: nn.Module) -> None:
    """Weights with mean 0 and deviation 1 / sqrt(inputs), so that activations keep their size."""
    inputs = module.scales.shape[-1] * GROUP
    scale = inputs**-0.5 / _SPREAD
    # `randint` draws no more than 24 bits well.
    low, high = (mx.random.randint(0, 1 << 16, module.weight.shape, dtype=mx.uint32) for _ in range(2))
    module.weight = mx.bitwise_or(mx.left_shift(high, 16), low)
    module.scales = mx.random.uniform(0.8 * scale, 1.2 * scale, module.scales.shape).astype(mx.bfloat16)
    module.biases = -7.5 * module.scales
    mx.eval(module.weight, module.scales, module.biases)


def write_random_tokenizer(folder: Path, vocab: int) -> None:
    """A byte-level tokenizer whose ids fill the model's vocabulary, so that any answer can be written out."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizer(folder)
    path = folder / "tokenizer.json"
    tokenizer = json.loads(path.read_text(encoding="utf-8"))
    words = tokenizer["model"]["vocab"]
    for number in range(len(words), vocab):
        words[f"\u0120w{number}"] = number
    path.write_text(json.dumps(tokenizer), encoding="utf-8")
