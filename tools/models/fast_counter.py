"""Counting tokens several times faster: the model's byte-level BPE run by tiktoken.

The vocabulary, merges and splitting pattern are the model's own. The faster path is taken only when,
on a sample of the texts to count, it gives the very ids that `tokenizers` gives.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import tiktoken
from tokenizers import Tokenizer as RustTokenizer

from tools.models.stream_decoder import byte_of_char

# The pattern of GPT-2's splitting, which the ByteLevel pre-tokenizer has built in.
_GPT2 = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_SAMPLE_CHARS = 100_000
_PROBE = "Olá, mundo!  A 1.ª época: 2023/24\n\n\tfim…  <b>x</b> don't 日本 👩‍👩‍👧 0123456789 \r\n   "


class TokenCounter(Protocol):
    """From text to its number of tokens, without those that a model wants around a text."""

    def __call__(self, text: str) -> int: ...

    def ends(self, text: str) -> np.ndarray:
        """The character at which each token ends, int64, ascending; tokens that share a character end with it."""


def fast_counter(tokenizer: RustTokenizer, sample: str) -> TokenCounter:
    """A counter for texts like `sample`: by tiktoken, or by `tokenizers` where tiktoken would differ."""
    exact = ExactCounter(tokenizer)
    try:
        fast = FastCounter(json.loads(tokenizer.to_str()), exact)
    except (_Unsupported, KeyError, ValueError, TypeError):
        return exact
    return fast if all(fast.agrees(piece) for piece in (*_pieces(sample[:_SAMPLE_CHARS]), _PROBE)) else exact


class ExactCounter:
    """Counts by `tokenizers`."""

    def __init__(self, tokenizer: RustTokenizer) -> None:
        self._tokenizer = tokenizer

    def __call__(self, text: str) -> int:
        return len(self.ids(text))

    def ids(self, text: str) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def ends(self, text: str) -> np.ndarray:
        offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
        ends = np.fromiter((end for _, end in offsets), np.int64, len(offsets))
        # A tokenizer that normalizes may tell offsets that go back within a character.
        return np.maximum.accumulate(ends)


class FastCounter:
    """Counts by tiktoken. state: the JSON of a byte-level BPE. Raises _Unsupported for others."""

    def __init__(self, state: dict[str, Any], exact: ExactCounter) -> None:
        model = state["model"]
        if model.get("type") != "BPE" or model.get("dropout") or model.get("byte_fallback"):
            raise _Unsupported
        added = state.get("added_tokens", [])
        if any(token[key] for token in added for key in ("lstrip", "rstrip", "single_word")):
            raise _Unsupported
        self._exact = exact
        self._normalizes = _normalizes(state.get("normalizer"))
        # tiktoken merges in the order of ranks: bytes first, then the merges in their order.
        tokens = dict.fromkeys(byte_of_char())
        for merge in model["merges"]:
            tokens[merge.replace(" ", "", 1) if isinstance(merge, str) else "".join(merge)] = None
        byte_of = str.maketrans({char: chr(byte) for char, byte in byte_of_char().items()})
        ranks = {token.translate(byte_of).encode("latin-1"): rank for rank, token in enumerate(tokens)}
        if len(ranks) != len(tokens):
            raise _Unsupported
        special = {token["content"]: len(tokens) + n for n, token in enumerate(added)}
        self._encoding = tiktoken.Encoding(
            "model", pat_str=_pattern(state["pre_tokenizer"]), mergeable_ranks=ranks, special_tokens=special
        )
        vocab: dict[str, int] = model["vocab"]
        ids = [*(vocab.get(token, -1) for token in tokens), *(int(token["id"]) for token in added)]
        self._id_of_rank = np.array(ids, np.int64)
        lengths = [*map(len, ranks), *(len(content.encode("utf-8")) for content in special)]
        self._length_of_rank = np.array(lengths, np.int64)

    def __call__(self, text: str) -> int:
        try:
            return len(self._ranks(text))
        except ValueError:  # tiktoken's regex gives up on some very long runs
            return self._exact(text)

    def ids(self, text: str) -> list[int]:
        """The model's ids. Raises ValueError where tiktoken's regex gives up."""
        found: list[int] = self._id_of_rank[self._ranks(text)].tolist()
        return found

    def ends(self, text: str) -> np.ndarray:
        if self._normalizes and not unicodedata.is_normalized("NFC", text):
            return self._exact.ends(text)
        try:
            ends = np.cumsum(self._length_of_rank[self._ranks(text)])
        except ValueError:
            return self._exact.ends(text)
        if text.isascii():
            return ends
        encoded = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
        # How many characters have begun by each byte.
        begun = np.cumsum((encoded & 0xC0) != 0x80)
        return np.asarray(begun[ends - 1], np.int64)

    def agrees(self, text: str) -> bool:
        """Whether it gives the ids that `tokenizers` gives."""
        try:
            return self.ids(text) == self._exact.ids(text)
        except ValueError:
            return True  # then `tokenizers` is asked

    def _ranks(self, text: str) -> np.ndarray:
        normal = unicodedata.normalize("NFC", text) if self._normalizes else text
        # A string keeps the UTF-8 form that tiktoken asks of it: a copy takes that away with it.
        normal = "".join((normal[:1], normal[1:]))
        return np.asarray(self._encoding.encode_to_numpy(normal, allowed_special="all"))


class _Unsupported(Exception):
    """This tokenizer does something that tiktoken does not."""


def _pieces(sample: str) -> Iterator[str]:
    for start in range(0, len(sample), 4000):
        yield sample[start : start + 4000]


def _normalizes(state: dict[str, Any] | None) -> bool:
    """Whether texts are brought to NFC first."""
    if state is None or (state.get("type") == "Sequence" and not state.get("normalizers")):
        return False
    if state.get("type") == "NFC":
        return True
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
