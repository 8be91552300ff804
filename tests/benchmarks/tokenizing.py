"""Counting the tokens of a megabyte of the sample's books: the fast counter against `tokenizers`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from tests.benchmarks.material import books
from tests.benchmarks.measurement import Bench, Measurement, run_child
from tools.models.tokenizer import Tokenizer

_BYTES = 1_000_000


def measure(bench: Bench) -> Iterator[Measurement]:
    tokenizer = Tokenizer.load(bench.folder)
    once = books()
    size = len(once.encode())
    text = "\n\n".join([once] * max(1, (_BYTES // (10 if bench.quick else 1)) // size))
    paragraphs = text.split("\n\n")
    began = time.perf_counter()
    fast = tokenizer.fast_counter(once)
    made_in = time.perf_counter() - began
    for case, texts in (("paragraph by paragraph", paragraphs), ("as one text", [text])):
        ours, theirs = _fastest(fast, texts), _fastest(tokenizer.count, texts)
        assert ours[1] == theirs[1], "the counts differ"
        megabytes = sum(len(part.encode()) for part in texts) / 1e6
        yield Measurement(
            "tokenizing",
            f"{megabytes:.2f} MB {case}",
            "MB/s",
            round(megabytes / ours[0], 3),
            round(megabytes / theirs[0], 3),
            "tokenizers",
            notes=f"{ours[1]:,} tokens; made in {made_in:.2f} s",
            more={"texts": len(texts), "tokens": ours[1], "made_in_s": round(made_in, 3)},
        )


def _fastest(count: Callable[[str], int], texts: list[str]) -> tuple[float, int]:
    """Seconds of the fastest of three passes, and the tokens counted."""
    best, total = float("inf"), 0
    for _ in range(3):
        began = time.perf_counter()
        total = sum(count(text) for text in texts)
        best = min(best, time.perf_counter() - began)
    return best, total


if __name__ == "__main__":
    run_child(measure)
