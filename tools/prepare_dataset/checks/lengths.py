"""Rows that are far shorter or longer than the rest of their kind."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tools.prepare_dataset.material import RowDraft

# Few rows have no usual length; and a row half or twice as long as the others is nothing special.
_FEWEST_ROWS = 20
_TIMES = 8


@dataclass(frozen=True)
class Outlier:
    """A row and the tokens that half of the rows like it have."""

    row: RowDraft
    usual: int

    @property
    def is_short(self) -> bool:
        return self.row.tokens < self.usual


def find_outliers(rows: Sequence[RowDraft]) -> Iterator[Outlier]:
    """Rows with at most an eighth, or eight times, of the tokens that are usual in rows of the same kind and form."""
    groups: defaultdict[tuple[str, str], list[RowDraft]] = defaultdict(list)
    for row in rows:
        groups[row.span.kind, row.form].append(row)
    for group in groups.values():
        if len(group) < _FEWEST_ROWS:
            continue
        usual = int(statistics.median(row.tokens for row in group))
        for row in group:
            if row.tokens * _TIMES <= usual or row.tokens >= usual * _TIMES:
                yield Outlier(row, usual)
