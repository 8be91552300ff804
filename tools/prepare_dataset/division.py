"""Rows to splits: repetitions out, whole documents apart, gaps between them, and nothing shared.

The order matters. Repetitions go before the split, so that two copies cannot part over it. Then
train gives up what it copies of held-out text, and a gap where it borders on it. Only then do its
rows take in the end of the row before them, and last the held-out rows give up what train still has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.errors import DataError
from tools.prepare_dataset.checks.duplicates import drop_repetitions
from tools.prepare_dataset.checks.ngrams import Words
from tools.prepare_dataset.checks.overlap import cut_held_out, drop_copies, measure
from tools.prepare_dataset.contract import SPLITS, Overlap, Split
from tools.prepare_dataset.dropped import Drops
from tools.prepare_dataset.guard import leave_gaps
from tools.prepare_dataset.identity import Options
from tools.prepare_dataset.material import Parsed, Passage, RowDraft, Source
from tools.prepare_dataset.resting import HELD_OUT, set_apart, take_in, train_documents
from tools.prepare_dataset.rows import repeating_ends
from tools.prepare_dataset.shortening import Shortener
from tools.prepare_dataset.split import split_rows

_OPENING_CHARACTERS = 200
# A split of which more tokens go for what it shares with another is told.
_MUCH = 0.1


@dataclass(frozen=True)
class Divided:
    """The rows of each split.

    overlap: what the splits share, measured on the rows as they are. known: documents that train
    alone has. by_row, chosen, notes: see `split.Placement`.
    """

    split: dict[Split, list[RowDraft]]
    overlap: Overlap
    known: frozenset[str]
    by_row: bool
    chosen: dict[str, Split]
    notes: list[str]


def divide(
    rows: Sequence[RowDraft],
    sources: Mapping[str, Source],
    openings: Mapping[str, str],
    shortener: Shortener,
    options: Options,
    drops: Drops,
) -> Divided:
    """openings: the first words of each chapter (`openings_of`). drops: takes in all that is left out.

    Raises DataError when there is too little material for the splits, or all of one is repeated in another."""
    words = Words()
    # Of a row that stands in two splits, the held-out one is kept.
    rows = sorted(rows, key=lambda row: {"test": 0, "valid": 1}.get(row.span.fixed or "", 2))
    rows, resting = set_apart(drop_repetitions(rows, words, drops))
    placement = split_rows(
        rows,
        options.valid_fraction,
        options.test_fraction,
        options.seed,
        openings,
        len(drops.all),
    )
    split = placement.split
    known = train_documents(split)
    for row in take_in(split, resting, known):
        drops.row(HELD_OUT, row)
    before = _tokens(split)
    drop_copies(split, sources, words, drops)
    leave_gaps(split, shortener, drops)
    split["train"] = repeating_ends(split["train"])
    cut_held_out(split, sources, words, shortener, drops)
    for name in SPLITS:
        if before[name] and not split[name]:
            raise _all_repeated(name, any(row.span.fixed for row in rows))
    notes = [*placement.notes, *_about_losses(before, _tokens(split))]
    return Divided(split, measure(split, sources, words), known, placement.by_row, placement.chosen, notes)


def openings_of(sources: Mapping[str, Source], parsed: Sequence[Parsed]) -> dict[str, str]:
    """The first words of each chapter, by its document."""
    found: dict[str, str] = {}
    for one in parsed:
        for unit in one.units:
            if isinstance(unit, Passage) and unit.span.kind == "book":
                text = sources[unit.span.source].text
                start = unit.span.start
                found.setdefault(unit.span.document, " ".join(text[start : start + _OPENING_CHARACTERS].split()))
    return found


def _tokens(split: Mapping[Split, Sequence[RowDraft]]) -> dict[Split, int]:
    return {name: sum(row.tokens for row in rows) for name, rows in split.items()}


def _about_losses(before: Mapping[Split, int], after: Mapping[Split, int]) -> list[str]:
    return [
        f"{1 - after[name] / before[name]:.0%} of {name} went, since it repeated another split or bordered on one."
        for name in SPLITS
        if after[name] < (1 - _MUCH) * before[name]
    ]


def _all_repeated(name: Split, given: bool) -> DataError:
    told = {"train": "trained on repeats held-out text", "valid": "used for validation stands in train"}
    fix = "Add other material, or choose another seed"
    if given:
        fix = "Give other examples for it"
    elif name != "train":
        fix += f"; or set {name}_fraction to 0"
    told_of = told.get(name, "tested stands in train")
    return DataError(f"All that would be {told_of}.", field="sources", fix=f"{fix}.")
