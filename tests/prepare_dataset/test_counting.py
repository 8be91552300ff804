"""Rows are counted as training will see them, fast or not."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from tests.support.debian_texts import books, has_debian
from tests.support.tiny_model import write_tokenizer
from tools.models.fast_counter import FastCounter
from tools.models.pull import pull
from tools.models.tokenizer import Tokenizer
from tools.prepare_dataset import cut
from tools.prepare_dataset.counting import RowCounter, sample_of
from tools.workspace.layout import Workspace

EMOJI = "👩‍👩‍👧 o farol 🇵🇹 e\u0301 … «não» 1.234,56 €\u00a0— 日本 <|im_end|> 🏴\n\n\t  fim  \n"


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    write_tokenizer(tmp_path)
    return Tokenizer.load(tmp_path)


def check_alike(tokenizer: Tokenizer, texts: list[str]) -> None:
    """Counts and ends of tokens are the tokenizer's, on every window of every text."""
    fast = tokenizer.fast_counter(sample_of(texts))
    assert isinstance(fast, FastCounter)
    for text in texts:
        for start in range(0, len(text), 1777):
            window = text[start : start + 1777]
            ids, offsets = tokenizer.encode_with_offsets(window)
            assert fast.ids(window) == ids
            assert fast(window) == len(ids)
            assert fast.ends(window).tolist() == [end for _, end in offsets]


def test_portuguese_code_and_emoji_are_counted_alike(tokenizer: Tokenizer) -> None:
    check_alike(tokenizer, [*sample_books(), inspect.getsource(cut), EMOJI * 40])


@pytest.mark.verify
def test_real_books_are_counted_alike_by_a_real_model(ws: Workspace) -> None:
    pull(ws, "smollm2-135m", lambda *_: None)
    tokenizer = Tokenizer.load(ws.model_folder("smollm2-135m"))
    texts = list(books().values())
    assert sum(map(len, texts)) > 2_000_000 or not has_debian()
    check_alike(tokenizer, [*texts, inspect.getsource(cut), EMOJI * 40])


def sample_books() -> list[str]:
    folder = Path(__file__).parents[2] / "clients" / "sample" / "livros"
    return [path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())]


def test_the_sample_reaches_into_all_texts() -> None:
    texts = ["a" * 300_000, "", "b" * 30_000, "c" * 270_000]
    sample = sample_of(texts)
    assert {"a", "b", "c"} <= set(sample)
    assert len(sample) <= 100_100
    assert sample_of(["um", "", "dois"]) == "um\n\ndois"
    assert sample_of([]) == ""


def test_a_row_counts_what_stands_around_it(tokenizer: Tokenizer) -> None:
    counter = RowCounter(tokenizer, "")
    turns = [{"role": "user", "content": "Quem?"}, {"role": "assistant", "content": "Eu."}]
    asked = {"prompt": "Quem?", "completion": "Eu."}
    assert counter.row({"text": "Quem?"}) == tokenizer.count("Quem?") + 1
    assert counter.row({"messages": turns}) == len(tokenizer.chat_spans(turns)[0]) == counter.row(asked)
