"""Questions that compare several documents: learned only where train has all of them.

They stand in documents of their own, which no hash puts anywhere: such a question, asked in train
about a season that is held out, would give the test away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tools.prepare_dataset.contract import Split
from tools.prepare_dataset.material import Ask, RowDraft

HELD_OUT = "rests on held-out documents"


def set_apart(rows: Iterable[RowDraft]) -> tuple[list[RowDraft], list[RowDraft]]:
    """The rows to split, and those that rest on several documents."""
    own: list[RowDraft] = []
    resting: list[RowDraft] = []
    for row in rows:
        (resting if row.rests_on else own).append(row)
    return own, resting


def train_documents(split: Mapping[Split, Sequence[RowDraft]]) -> frozenset[str]:
    """The documents that stand in train and in no other split."""
    documents = {name: {row.span.document for row in rows} for name, rows in split.items()}
    return frozenset(documents["train"] - documents["valid"] - documents["test"])


def take_in(
    split: Mapping[Split, list[RowDraft]], resting: Iterable[RowDraft], known: frozenset[str]
) -> list[RowDraft]:
    """Put into train the rows that rest on `known` documents alone. Returns the others."""
    left: list[RowDraft] = []
    for row in resting:
        (split["train"] if known.issuperset(row.rests_on) else left).append(row)
    return left


def can_be_asked(ask: Ask, known: frozenset[str]) -> bool:
    """Whether a question rests on `known` documents alone, as far as it tells."""
    return known.issuperset(ask.rests_on)
