"""A dataset's test rows, without those that a compared adapter learned from another dataset.

Versions of one dataset, and datasets of the same books, divide the same texts otherwise: what is held
out of one may be trained on in another, and would pass for something that the adapter learned to write.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tools.errors import Conflict, NotFound
from tools.language.words import words
from tools.prepare_dataset.contract import Split
from tools.prepare_dataset.reading_back import Dataset, Row, open_dataset
from tools.workspace.layout import Workspace

# Words of a run, as prepare_dataset counts what splits share.
_RUN = 13
# A row of whose runs a larger share was trained on was trained on.
_MOST = 0.5


@dataclass(frozen=True)
class Unseen(Dataset):
    """A dataset without the test rows of these ids."""

    left_out: Collection[str] = ()

    def rows(self, split: Split) -> list[Row]:
        rows = super().rows(split)
        return [row for row in rows if row.id not in self.left_out] if split == "test" else rows


def unseen_by(ws: Workspace, dataset: Dataset, trained_on: Iterable[str]) -> Dataset:
    """The dataset without the test rows that stand in the train splits of others, by `name@version`.

    Those that are no longer here cannot be looked into. Raises Conflict where no test row is left.
    """
    left_out: set[str] = set()
    rows = dataset.rows("test")
    for name in sorted(set(trained_on) - {f"{dataset.name}@{dataset.version}"}):
        try:
            folder = ws.dataset_folder(name)
        except NotFound:
            continue
        left_out |= trained_rows(rows, open_dataset(folder).rows("train"))
    if rows and len(left_out) == len(rows):
        raise Conflict(
            f"All test rows of `{dataset.name}` stand in what these adapters were trained on.",
            field="dataset",
            expected="a dataset with text that none of them was trained on",
        )
    return Unseen(dataset.folder, dataset.card, frozenset(left_out)) if left_out else dataset


def trained_rows(rows: Sequence[Row], train: Iterable[Row]) -> set[str]:
    """Ids of the rows most of whose runs of 13 words stand in `train`; a shorter row is one run."""
    own = {row.id: set(_runs(row)) for row in rows}
    wanted = set().union(*own.values())
    found = {run for row in train for run in _runs(row) if run in wanted}
    return {name for name, runs in own.items() if runs and len(runs & found) > _MOST * len(runs)}


def _runs(row: Row) -> Iterator[str]:
    said = words(" ".join(_texts(row)))
    for start in range(max(1, len(said) - _RUN + 1)):
        yield " ".join(said[start : start + _RUN])


def _texts(row: Row) -> Iterator[str]:
    yield from (text for text in (row.text, row.prompt, row.completion) if text)
    yield from (str(message.get("content") or "") for message in row.messages or [])
