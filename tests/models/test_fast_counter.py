"""The fast counter never tells another number than the tokenizer."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from tokenizers import Regex, decoders, normalizers, pre_tokenizers, trainers
from tokenizers import Tokenizer as RustTokenizer
from tokenizers.models import BPE

from tests.support.tiny_model import TEXT
from tools.models.fast_counter import ExactCounter, FastCounter, fast_counter

LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPLITTERS: dict[str, list[pre_tokenizers.PreTokenizer]] = {
    "gpt2": [pre_tokenizers.ByteLevel(add_prefix_space=False)],
    "smollm": [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)],
    "llama3": [
        pre_tokenizers.Split(Regex(LLAMA3), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ],
}
HARD = [
    "Olá  mundo   1 234\n\n\t x  9  \r\n",
    "  7 anos,  8.\n 9 ",
    "don't DON'T l'eau",
    "日本 👩‍👩‍👧\u00a0é e\u0301 <|fim|>ok<|fim|>",
    " " * 50 + "\n" * 7 + "x",
    "",
]


def train(splitters: list[pre_tokenizers.PreTokenizer]) -> RustTokenizer:
    rust = RustTokenizer(BPE())
    rust.pre_tokenizer = pre_tokenizers.Sequence(splitters)
    rust.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=["<|fim|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    rust.train_from_iterator([TEXT, *HARD], trainer)
    return rust


@pytest.mark.parametrize("kind", SPLITTERS)
def test_tiktoken_gives_the_same_ids(kind: str) -> None:
    rust = train(SPLITTERS[kind])
    fast = FastCounter(json.loads(rust.to_str()), ExactCounter(rust))
    for text in [*HARD, TEXT, "\n".join(HARD)]:
        assert fast.ids(text) == rust.encode(text, add_special_tokens=False).ids


@pytest.mark.parametrize("kind", SPLITTERS)
def test_tokens_end_where_the_tokenizer_says(kind: str) -> None:
    rust = train(SPLITTERS[kind])
    fast = fast_counter(rust, TEXT)
    assert isinstance(fast, FastCounter)
    for text in [*HARD, TEXT, "\n".join(HARD)]:
        found = rust.encode(text, add_special_tokens=False)
        assert fast.ends(text).tolist() == [end for _, end in found.offsets]
        assert len(found.ids) == fast(text)


def test_a_counted_text_takes_no_more_memory_than_before() -> None:
    count = fast_counter(train(SPLITTERS["gpt2"]), TEXT)
    text = TEXT * 40
    before = sys.getsizeof(text)
    assert count(text) == len(count.ends(text)) > 0
    assert sys.getsizeof(text) == before


def test_a_run_that_tiktoken_gives_up_on_is_counted_by_the_tokenizer() -> None:
    rust = train(SPLITTERS["gpt2"])
    fast = fast_counter(rust, TEXT)
    assert isinstance(fast, FastCounter)
    lines = "\n" * 1_000_000
    with pytest.raises(ValueError, match="regex"):
        fast.ids(lines)
    assert len(fast.ends(lines)) == len(rust.encode(lines).ids)


def test_the_sample_material_is_counted_alike() -> None:
    rust = train(SPLITTERS["smollm"])
    book = (Path(__file__).parents[2] / "clients/sample/livros/o-farol-de-areia.md").read_text()
    count = fast_counter(rust, book)
    assert isinstance(count, FastCounter)
    assert count(book) == len(rust.encode(book, add_special_tokens=False).ids)


def test_a_tokenizer_that_tiktoken_cannot_follow_is_counted_by_its_own() -> None:
    rust = train(SPLITTERS["gpt2"])
    rust.normalizer = normalizers.Lowercase()
    count = fast_counter(rust, TEXT)
    assert isinstance(count, ExactCounter)
    assert count("OLÁ") == len(count.ends("OLÁ")) == len(rust.encode("OLÁ").ids)


def test_composed_and_decomposed_accents_count_alike_under_nfc() -> None:
    rust = train(SPLITTERS["gpt2"])
    rust.normalizer = normalizers.NFC()
    count = fast_counter(rust, TEXT)
    assert isinstance(count, FastCounter)
    assert count("cafe\u0301") == count("café")
    assert count.ends("cafe\u0301s").tolist()[-1] == 6
