"""What of the material was left out of the rows, where it stood, and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from tools.prepare_dataset.material import RowDraft, Span

_SHOWN = 160  # characters


@dataclass(frozen=True)
class Drop:
    """Characters of a source that are in no row.

    text: their beginning. repeats: where the same stands that was kept.
    """

    reason: str
    span: Span
    text: str
    repeats: Span | None = None

    def as_json(self) -> dict[str, Any]:
        """The line of dropped.jsonl."""
        told = {"reason": self.reason, **_place(self.span), "text": self.text}
        return {**told, "repeats": _place(self.repeats)} if self.repeats else told


class Drops:
    """Everything dropped, in the order in which it was."""

    def __init__(self) -> None:
        self.all: list[Drop] = []

    def row(self, reason: str, row: RowDraft, repeats: RowDraft | None = None) -> None:
        """A row that was made and left out."""
        self.text(reason, row.span, row.learned, repeats.span if repeats else None)

    def part(self, reason: str, row: RowDraft, start: int, end: int) -> None:
        """Characters `start` to `end` of what a row learns."""
        at = row.span.end - len(row.learned)
        span = row.span if row.row_start is None else replace(row.span, start=at + start, end=at + end)
        self.text(reason, span, row.learned[start:end])

    def text(self, reason: str, span: Span, text: str, repeats: Span | None = None) -> None:
        """A part of the material that was left out."""
        shown = " ".join(text[: 2 * _SHOWN].split())
        shown = shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"
        self.all.append(Drop(reason, span, shown, repeats))

    def counts(self) -> Counter[str]:
        return Counter(drop.reason for drop in self.all)


def _place(span: Span) -> dict[str, Any]:
    return {
        "source": span.source,
        "document": span.document,
        "place": span.place,
        "start": span.start,
        "end": span.end,
    }
