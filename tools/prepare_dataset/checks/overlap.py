"""No run of 13 words of valid or test stands in train: taken out until it is so, then measured.

What counts is what a row learns: passages, and the answers of conversations. Prompts, headings and
the wording of questions are ours or given, and recur by design; so do formulas, that many answers
of train have in common. A run counts where most of its words are of no formula, and in rows of
tables, which we word, where most of them are the cells'. 13 words is the length that
GPT-3's authors used (Brown et al. 2020, appendix C).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from tools.prepare_dataset.checks.ngrams import WORD, Runs, Words, characters_of, merged, stand_in
from tools.prepare_dataset.contract import SPLITS, Overlap, Split
from tools.prepare_dataset.dropped import Drops
from tools.prepare_dataset.material import RowDraft, Source, Span
from tools.prepare_dataset.shortening import Shortener, sentences_of

NGRAM = 13
REPEATS_HELD_OUT, STANDS_IN_TRAIN = "repeats held-out text", "stands in train"
# A row of train with a larger share of runs that stand in held-out passages is a copy of them.
_COPY = 0.5
# A run in the answers of so many rows of train is a formula.
_FORMULA = 5
_HELD_OUT: tuple[Split, ...] = ("valid", "test")

Rows = dict[Split, list[RowDraft]]


def measure(split: Rows, sources: Mapping[str, Source], words: Words) -> Overlap:
    """What the held-out splits share with train."""
    runs, owners = _runs(split, sources, words)
    shared = _shared(runs, owners)
    shares = {}
    for name in _HELD_OUT:
        own = owners[runs.texts] == SPLITS.index(name)
        shares[name] = round(float(shared[own].mean()), 6) if own.any() else 0.0
    touched = len(np.unique(runs.texts[shared]))
    return Overlap(ngram=NGRAM, valid=shares["valid"], test=shares["test"], rows=touched)


def drop_copies(split: Rows, sources: Mapping[str, Source], words: Words, drops: Drops) -> None:
    """Take rows out of train that mostly repeat a held-out passage, or say what a held-out row says."""
    runs, owners = _runs(split, sources, words)
    rows = list(chain.from_iterable(split[name] for name in SPLITS))
    passages = np.array([row.form == "passage" for row in rows], np.bool_)
    held = (owners != 0) & passages
    found = owners[runs.texts] == 0
    found[found] = stand_in(runs.hashes[found], runs.hashes[held[runs.texts]])
    totals = np.bincount(runs.texts, minlength=len(rows))
    copies = np.bincount(runs.texts[found], minlength=len(rows)) > _COPY * np.maximum(1, totals)
    held_texts = {words.of(row.learned).tobytes(): row for name in _HELD_OUT for row in split[name]}
    kept = []
    for row, copy in zip(split["train"], copies.tolist(), strict=False):
        same = held_texts.get(words.of(row.learned).tobytes())
        if copy or same is not None:
            drops.row(REPEATS_HELD_OUT, row, same)
        else:
            kept.append(row)
    split["train"] = kept


def cut_held_out(split: Rows, sources: Mapping[str, Source], words: Words, shortener: Shortener, drops: Drops) -> None:
    """Cut out of valid and test what stands in train: an epigraph, a refrain, a line that both quote.

    Held-out answers that stand there go whole. Repeated until nothing is left: where lines of a
    table are taken out, others come to stand together.
    """
    while _cut_once(split, sources, words, shortener, drops):
        pass


def _cut_once(split: Rows, sources: Mapping[str, Source], words: Words, shortener: Shortener, drops: Drops) -> bool:
    """Whether there was anything to cut."""
    runs, owners = _runs(split, sources, words)
    shared = runs.only(_shared(runs, owners))
    stretches: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for text, word in zip(shared.texts.tolist(), shared.words.tolist(), strict=True):
        stretches[text].append((word, word + NGRAM))
    first = len(split["train"])
    for name in _HELD_OUT:
        rows = []
        for index, row in enumerate(split[name], first):
            rows += _without(row, stretches[index], shortener, drops) if index in stretches else [row]
        first += len(split[name])
        split[name] = rows
    return bool(stretches)


def _without(row: RowDraft, words: Sequence[tuple[int, int]], shortener: Shortener, drops: Drops) -> list[RowDraft]:
    if row.form != "passage":
        drops.row(STANDS_IN_TRAIN, row)
        return []
    ranges = sentences_of(row.learned, characters_of(row.learned, merged(words)), NGRAM)
    for start, end in ranges:
        drops.part(STANDS_IN_TRAIN, row, start, end)
    return shortener.without(row, ranges)


def _runs(split: Rows, sources: Mapping[str, Source], words: Words) -> tuple[Runs, NDArray[np.int64]]:
    """The runs that count, and of each row the index of its split."""
    rows = list(chain.from_iterable(split[name] for name in SPLITS))
    owners = np.repeat(np.arange(len(SPLITS)), [len(split[name]) for name in SPLITS])
    runs = words.runs([row.own for row in rows], NGRAM)
    answers = np.array([row.form != "passage" for row in rows], np.bool_)[runs.texts]
    formula = answers & stand_in(runs.hashes, _formulas(runs.only(answers & (owners[runs.texts] == 0))))
    counted = np.ones(len(runs.hashes), np.bool_)
    bounds = np.searchsorted(runs.texts, np.arange(len(rows) + 1)).tolist()
    known: dict[Span, set[str]] = {}  # a season's rows all stand in the same cells
    for row, start, end in zip(rows, bounds, bounds[1:], strict=False):
        if row.span.kind == "table" and start < end:
            if row.span not in known:
                cells = sources[row.span.source].text[row.span.start : row.span.end]
                known[row.span] = {word.casefold() for word in WORD.findall(cells)}
            counted[start:end] = _mostly(_given(row.own, known[row.span]))
        elif formula[start:end].any():
            counted[start:end] = _mostly(~_covered(formula[start:end]))
    return runs.only(counted), owners


def _formulas(answers: Runs) -> NDArray[np.uint64]:
    """The runs that stand in many of the answers of train."""
    pairs = np.unique(np.stack([answers.hashes, answers.texts.astype(np.uint64)], axis=1), axis=0)
    hashes, counts = np.unique(pairs[:, 0], return_counts=True)
    return hashes[counts >= _FORMULA]


def _given(text: str, known: set[str]) -> NDArray[np.bool_]:
    """Which words of a text stand in the cells that it was made of."""
    return np.array([word.casefold() in known for word in WORD.findall(text)], np.bool_)


def _covered(runs: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which words of a text stand in one of the runs chosen from all of its runs."""
    return np.convolve(runs, np.ones(NGRAM)) > 0.5


def _mostly(words: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which runs of a text have most of their words from those chosen."""
    return np.convolve(words, np.ones(NGRAM), "valid") > NGRAM / 2


def _shared(runs: Runs, owners: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which runs are held out and stand in train."""
    shared: NDArray[np.bool_] = owners[runs.texts] != 0
    held, train = runs.hashes[shared], runs.hashes[~shared]
    shared[shared] = stand_in(held, train[stand_in(train, held)])
    return shared
