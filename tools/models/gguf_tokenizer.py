"""A tokenizer's files from the metadata of a GGUF file.

GGUF keeps the vocabulary, the merges or scores, and a name for how text is split before merging.
Sources: llama.cpp's `convert_hf_to_gguf.py` (names of pre-tokenizers), transformers'
`convert_slow_tokenizer.py` (merges of a SentencePiece vocabulary).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE

from tools.errors import DataError, InvalidArgument
from tools.workspace.files import write_json, write_text

Metadata = Mapping[str, Any]

_UNKNOWN, _CONTROL, _USER_DEFINED, _BYTE = 2, 3, 4, 6

_LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_QWEN2 = _LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
_SPLIT_BY = {"llama-bpe": _LLAMA3, "llama3": _LLAMA3, "llama-v3": _LLAMA3, "qwen2": _QWEN2}
BYTE_LEVEL = ("gpt-2", "smollm", *_SPLIT_BY)


def write_tokenizer(metadata: Metadata, folder: Path) -> None:
    """Write tokenizer.json, tokenizer_config.json, chat_template.jinja and generation_config.json.

    Raises InvalidArgument for a kind of tokenizer that is not known, DataError when the vocabulary
    does not hang together.
    """
    kind = str(metadata.get("tokenizer.ggml.model", ""))
    if kind == "gpt2":
        tokenizer = _byte_level(metadata)
    elif kind == "llama":
        tokenizer = _sentencepiece(metadata)
    else:
        raise _unsupported(kind or "none")
    tokens = _tokens(metadata)
    _add_control_tokens(tokenizer, metadata, tokens)
    named = {name: tokens[index] for name, index in _named_ids(metadata).items() if 0 <= index < len(tokens)}
    if bool(metadata.get("tokenizer.ggml.add_bos_token", kind == "llama")) and "bos_token" in named:
        _begin_with(tokenizer, named["bos_token"], tokens.index(named["bos_token"]))
    tokenizer.save(str(folder / "tokenizer.json"))
    limit = metadata.get(f"{metadata.get('general.architecture')}.context_length")
    config: dict[str, Any] = {
        **named,
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
    }
    if limit:
        config["model_max_length"] = int(limit)
    write_json(folder / "tokenizer_config.json", config)
    write_json(folder / "generation_config.json", _generation(metadata))
    template = metadata.get("tokenizer.chat_template")
    if isinstance(template, str) and template:
        write_text(folder / "chat_template.jinja", template)


def _tokens(metadata: Metadata) -> list[str]:
    tokens = metadata.get("tokenizer.ggml.tokens")
    if not isinstance(tokens, list) or not tokens:
        raise DataError("The GGUF file holds no vocabulary.", fix="Use a GGUF file with its tokenizer inside.")
    if len(set(tokens)) != len(tokens):
        raise DataError("The GGUF file's vocabulary names a token twice.", fix="Use another conversion of the model.")
    return tokens


def _types(metadata: Metadata, count: int) -> list[int]:
    types = metadata.get("tokenizer.ggml.token_type")
    return [int(kind) for kind in types] if types is not None and len(types) == count else [1] * count


def _unsupported(name: str) -> InvalidArgument:
    return InvalidArgument(
        f"Afina cannot rebuild the tokenizer that this GGUF file names (`{name[:40]}`).",
        field="name",
        expected=f"a SentencePiece vocabulary, or a byte-level one split as {', '.join(BYTE_LEVEL)}",
        fix="Install the same model from its safetensors repository or folder.",
    )


def _byte_level(metadata: Metadata) -> Tokenizer:
    tokens = _tokens(metadata)
    merges = metadata.get("tokenizer.ggml.merges") or []
    pairs = [(left, right) for left, _, right in (merge.partition(" ") for merge in merges)]
    vocab = {token: index for index, token in enumerate(tokens)}
    split = str(metadata.get("tokenizer.ggml.pre", ""))
    try:
        tokenizer = Tokenizer(BPE(vocab=vocab, merges=pairs, ignore_merges=_SPLIT_BY.get(split) == _LLAMA3))
    except Exception as error:  # the library raises bare Exception
        raise DataError(
            "The GGUF file's merges do not fit its vocabulary.", fix="Use another conversion of the model."
        ) from error
    if split == "gpt-2":
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    elif split == "smollm":
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
    elif split in _SPLIT_BY:
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(_SPLIT_BY[split]), behavior="isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
    else:
        raise _unsupported(split or "no pre-tokenizer")
    if split == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _sentencepiece(metadata: Metadata) -> Tokenizer:
    tokens = _tokens(metadata)
    scores = metadata.get("tokenizer.ggml.scores")
    if scores is None or len(scores) != len(tokens):
        raise DataError("The GGUF file's vocabulary has no scores.", fix="Use another conversion of the model.")
    types = _types(metadata, len(tokens))
    skipped = {token for token, kind in zip(tokens, types, strict=True) if kind in (_UNKNOWN, _CONTROL, _BYTE)}
    vocab = {token: index for index, token in enumerate(tokens)}
    unknown = next((token for token, kind in zip(tokens, types, strict=True) if kind == _UNKNOWN), None)
    model = BPE(
        vocab=vocab,
        merges=_merges(vocab, [float(score) for score in scores], skipped),
        unk_token=unknown,
        fuse_unk=True,
        byte_fallback=True,
    )
    tokenizer = Tokenizer(model)
    prefix = bool(metadata.get("tokenizer.ggml.add_space_prefix", True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first" if prefix else "never", split=False)
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    tokenizer.decoder = decoders.Sequence([*steps, decoders.Strip(" ", 1, 0)] if prefix else steps)
    return tokenizer


def _merges(vocab: Mapping[str, int], scores: list[float], skipped: set[str]) -> list[tuple[str, str]]:
    """All ways to make a piece of two, best scored piece first, as SentencePiece's BPE merges them."""
    found = []
    for piece, index in vocab.items():
        if piece in skipped:
            continue
        for cut in range(1, len(piece)):
            left, right = piece[:cut], piece[cut:]
            if left in vocab and right in vocab and left not in skipped and right not in skipped:
                found.append((-scores[index], vocab[left], vocab[right], left, right))
    return [(left, right) for *_, left, right in sorted(found)]


def _add_control_tokens(tokenizer: Tokenizer, metadata: Metadata, tokens: list[str]) -> None:
    types = _types(metadata, len(tokens))
    for token, kind in zip(tokens, types, strict=True):
        if kind in (_CONTROL, _UNKNOWN):
            tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False)])
        elif kind == _USER_DEFINED:
            tokenizer.add_tokens([AddedToken(token, special=False, normalized=False)])


def _named_ids(metadata: Metadata) -> dict[str, int]:
    keys = {"bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "pad_token": "padding"}
    found = {name: metadata.get(f"tokenizer.ggml.{key}_token_id") for name, key in keys.items()}
    return {name: int(index) for name, index in found.items() if index is not None}


def _begin_with(tokenizer: Tokenizer, bos: str, index: int) -> None:
    template = processors.TemplateProcessing(
        single=f"{bos} $A", pair=f"{bos} $A {bos}:1 $B:1", special_tokens=[(bos, index)]
    )
    tokenizer.post_processor = template


def _generation(metadata: Metadata) -> dict[str, Any]:
    named = _named_ids(metadata)
    ends = [named.get("eos_token"), *(metadata.get(f"tokenizer.ggml.{key}_token_id") for key in ("eot", "eom"))]
    ids = sorted({int(index) for index in ends if index is not None})
    config: dict[str, Any] = {"eos_token_id": ids[0] if len(ids) == 1 else ids}
    if "bos_token" in named:
        config["bos_token_id"] = named["bos_token"]
    if "pad_token" in named:
        config["pad_token_id"] = named["pad_token"]
    return config
