"""The sample material as token ids: its prepared rows, and pieces of equal length."""

from __future__ import annotations

import numpy as np

from server.settings import sample_folder
from tests.benchmarks.measurement import Bench
from tools.compute.training.rows import Sequence, encode_rows
from tools.models.tokenizer import Tokenizer
from tools.prepare_dataset.contract import PrepareArgs, Split
from tools.prepare_dataset.reading_back import open_dataset
from tools.prepare_dataset.tool import prepare_dataset

LONGEST = 2048


def books() -> str:
    """The sample's books, one after the other."""
    return "\n\n".join(path.read_text(encoding="utf-8") for path in sorted((sample_folder() / "livros").iterdir()))


def prepared_rows(bench: Bench, tokenizer: Tokenizer, split: Split = "train") -> list[Sequence]:
    """The rows of a split of the whole sample, prepared as running text, with their true lengths."""
    given = PrepareArgs(sources=[str(sample_folder())], name="amostra", format="text", model=bench.model)
    result = prepare_dataset(bench.ws, given, default_model=bench.model)
    while result.state in ("queued", "running"):
        again = PrepareArgs(job=result.job)
        result = prepare_dataset(bench.ws, again, default_model=bench.model)
    assert result.path is not None
    dataset = open_dataset(bench.ws.dataset_folder(f"{result.dataset}@{result.version}"))
    return encode_rows(dataset.rows(split), tokenizer, LONGEST, mask_prompt=True).sequences


def equal_rows(tokenizer: Tokenizer, count: int, length: int) -> list[Sequence]:
    """`count` rows of exactly `length` tokens, cut from the sample's books."""
    ids = np.array(tokenizer.encode(books()), np.int32)
    ids = np.resize(ids, count * length).reshape(count, length)
    return [Sequence(row, np.ones(length, np.bool_)) for row in ids]


def uneven_rows(tokenizer: Tokenizer, count: int, least: int, most: int) -> list[Sequence]:
    """`count` rows of `least` to `most` tokens, evenly distributed, cut from the sample's books."""
    lengths = np.random.default_rng(0).integers(least, most + 1, count)
    ids = np.resize(np.array(tokenizer.encode(books()), np.int32), int(lengths.sum()))
    ends = np.cumsum(lengths)
    return [Sequence(row, np.ones(len(row), np.bool_)) for row in np.split(ids, ends[:-1])]
