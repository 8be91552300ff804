"""Counting tokens several times faster: the model's byte-level BPE run by tiktoken.

The vocabulary, merges and splitting pattern are the model's own. The faster path is taken only when,
on a sample of the texts to count, it gives the very ids that `tokenizers` gives.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import tiktoken
from tokenizers import Tokenizer as RustTokenizer

from tools.models.stream_decoder import byte_of_char, bytes_of_token

# The pattern of GPT-2's splitting, which the ByteLevel pre-tokenizer has built in.
_GPT2 = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_SAMPLE_CHARS = 200_000


class _Unsupported(Exception):
    """This tokenizer does something that tiktoken does not."""


def fast_counter(tokenizer: RustTokenizer, sample: str) -> Callable[[str], int]:
    """A function from text to its number of tokens; texts like `sample` are what it will be asked for."""

    def exact(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False).ids)

    try:
        encode = _tiktoken_encoder(json.loads(tokenizer.to_str()))
        pieces = list(_pieces(sample[:_SAMPLE_CHARS])) or [_PROBE]
        if any(encode(piece) != tokenizer.encode(piece, add_special_tokens=False).ids for piece in [*pieces, _PROBE]):
            return exact
    except (_Unsupported, KeyError, ValueError, TypeError):
        return exact

    def fast(text: str) -> int:
        try:
            return len(encode(text))
        except ValueError:  # tiktoken's regex gives up on some very long runs
            return exact(text)

    return fast


_PROBE = "Olá, mundo!  A 1.ª época: 2023/24\n\n\tfim…  <b>x</b> don't 日本 👩‍👩‍👧 0123456789 \r\n   "


def _pieces(sample: str) -> Iterator[str]:
    for start in range(0, len(sample), 4000):
        yield sample[start : start + 4000]


def _tiktoken_encoder(state: dict[str, Any]) -> Callable[[str], list[int]]:
    """Ids of a text by tiktoken, from the JSON of a byte-level BPE. Raises _Unsupported for others."""
    model = state["model"]
    if model.get("type") != "BPE" or model.get("dropout") or model.get("byte_fallback"):
        raise _Unsupported
    vocab: dict[str, int] = model["vocab"]
    added = {token["content"]: int(token["id"]) for token in state.get("added_tokens", [])}
    if any(token[key] for token in state.get("added_tokens", []) for key in ("lstrip", "rstrip", "single_word")):
        raise _Unsupported
    # tiktoken merges in the order of ranks: bytes first, then the merges in their order.
    tokens = dict.fromkeys(byte_of_char())
    for merge in model["merges"]:
        tokens["".join(merge.split(" ") if isinstance(merge, str) else merge)] = None
    ranks = {bytes_of_token(token): rank for rank, token in enumerate(tokens)}
    id_of_rank = [vocab.get(token, -1) for token in tokens]
    if len(ranks) != len(tokens):
        raise _Unsupported
    special = {content: len(tokens) + n for n, content in enumerate(added)}
    id_of_rank += added.values()
    encoding = tiktoken.Encoding(
        "model", pat_str=_pattern(state["pre_tokenizer"]), mergeable_ranks=ranks, special_tokens=special
    )
    normalize = _normalizer(state.get("normalizer"))

    def encode(text: str) -> list[int]:
        found = encoding.encode(normalize(text), allowed_special="all")
        return [id_of_rank[rank] for rank in found]

    return encode


def _normalizer(state: dict[str, Any] | None) -> Callable[[str], str]:
    if state is None or (state.get("type") == "Sequence" and not state.get("normalizers")):
        return lambda text: text
    if state.get("type") == "NFC":
        return lambda text: unicodedata.normalize("NFC", text)
    raise _Unsupported


def _pattern(state: dict[str, Any] | None) -> str:
    """One pattern that splits a text as the pre-tokenizers do one after the other."""
    whole = state or {}
    steps: list[dict[str, Any]] = whole.get("pretokenizers", []) if whole.get("type") == "Sequence" else [whole]
    pattern, digits = "", ""
    for step in steps:
        kind = step.get("type")
        if kind == "ByteLevel" and not step["add_prefix_space"]:
            pattern = pattern or (_GPT2 if step["use_regex"] else "")
        elif kind == "Split" and step["behavior"] == "Isolated" and not step["invert"] and not pattern:
            pattern = step["pattern"]["Regex"]
        elif kind == "Digits" and not pattern:
            digits = r"\p{N}" if step["individual_digits"] else r"\p{N}+"
        else:
            raise _Unsupported
    if not pattern:
        raise _Unsupported
    if digits:
        # Digits are cut out first, so no other piece may reach into or look past one: blanks before a
        # digit stay whole where GPT-2's pattern would leave the last for the word.
        if pattern != _GPT2:
            raise _Unsupported
        pattern = rf"{digits}|'(?:[sdmt]|ll|ve|re)| ?\p{{L}}+| ?[^\s\p{{L}}\p{{N}}]+|\s+(?=\p{{N}})|\s+(?!\S)|\s+"
    return pattern
