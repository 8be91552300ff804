"""Documents to train, valid and test: whole chapters, seasons and persons, by a hash that nothing else moves.

A document's place depends on its name and the seed alone, so that adding material moves nothing;
only where a split would stay empty is the document with the nearest hash taken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from tools.errors import DataError, InvalidArgument
from tools.prepare_dataset.contract import SPLITS, Split
from tools.prepare_dataset.material import RowDraft, Span

# From so many documents of a kind on, each held-out split gets one of it.
_ENOUGH_OF_A_KIND = 5


@dataclass(frozen=True)
class _Group:
    key: str
    kind: str
    chance: float  # uniform in [0, 1): test lies lowest, then valid, then train


def check_fractions(valid: float, test: float) -> None:
    if valid + test >= 1:
        raise InvalidArgument(
            "valid_fraction and test_fraction leave nothing to train on.",
            field="valid_fraction",
            expected="a sum below 1",
            fix="0.1 each is usual.",
        )


def split_rows(
    rows: Sequence[RowDraft], valid: float, test: float, seed: int, left_out: int = 0
) -> tuple[dict[Split, list[RowDraft]], list[str]]:
    """The rows of each split in their order, and notes on choices made. left_out: rows dropped before.

    Rows that came in a split stay there, and no other is then moved to fill one. Raises DataError when
    there are too few rows or documents for the splits that the fractions ask for.
    """
    given = any(row.span.fixed for row in rows)
    needed = 0 if given else 1 + (valid > 0) + (test > 0)
    by_row = len({row.span.document for row in rows}) < needed
    groups: dict[str, _Group] = {}
    keys: list[str] = []
    for index, row in enumerate(rows):
        key = f"{row.span.document}\0{index}" if by_row else row.span.document
        keys.append(key)
        if key not in groups and row.span.fixed is None:
            groups[key] = _Group(key, row.span.kind, chance_of(row.span, seed, str(index) if by_row else ""))
    if len(groups) < needed:
        raise _too_small(len(rows), needed, left_out)
    placed = _assign(list(groups.values()), valid, test, fill=not given)
    split: dict[Split, list[RowDraft]] = {name: [] for name in SPLITS}
    for key, row in zip(keys, rows, strict=True):
        split[row.span.fixed or placed[key]].append(row)
    notes = []
    if by_row and needed > 1:
        notes.append(
            "There are fewer documents than splits, so rows of one document stand in several: "
            "the test says little about unseen text. Add chapters, seasons or persons."
        )
    return split, notes


def chance_of(span: Span, seed: int, row: str = "") -> float:
    """The place of a document in [0, 1). The file's folder does not count: it may be named from another one."""
    name = PurePosixPath(span.source).name + span.document.removeprefix(span.source)
    digest = hashlib.sha256(f"{seed}\0{name}\0{row}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def _assign(groups: list[_Group], valid: float, test: float, *, fill: bool) -> dict[str, Split]:
    groups = sorted(groups, key=lambda group: (group.chance, group.key))
    placed: dict[str, Split] = {
        group.key: "test" if group.chance < test else "valid" if group.chance < test + valid else "train"
        for group in groups
    }
    wanted: list[Split] = [*(("test",) if test else ()), *(("valid",) if valid else ())]
    for kind in sorted({group.kind for group in groups}):
        of_kind = [group for group in groups if group.kind == kind]
        if len(of_kind) >= _ENOUGH_OF_A_KIND:
            _fill(of_kind, wanted, placed)
    if fill:
        _fill(groups, ["train", *wanted], placed)
    return placed


def _fill(groups: list[_Group], wanted: list[Split], placed: dict[str, Split]) -> None:
    """Give each wanted split a document, from train or from the fullest split."""
    for split in wanted:
        counts: dict[Split, int] = dict.fromkeys(SPLITS, 0)
        for group in groups:
            counts[placed[group.key]] += 1
        if counts[split]:
            continue
        donor: Split = "train" if counts["train"] > 1 else max(SPLITS, key=lambda name: counts[name])
        candidates = [group for group in groups if placed[group.key] == donor]
        if len(candidates) > 1:
            placed[(candidates[-1] if split == "train" else candidates[0]).key] = split


def _too_small(rows: int, needed: int, left_out: int) -> DataError:
    dropped = f" ({left_out} empty, repeated or too long ones were left out)" if left_out else ""
    return DataError(
        f"The material gives {rows} {'row' if rows == 1 else 'rows'}{dropped}; the splits need {needed}.",
        field="sources",
        fix="Add chapters, tables, biographies or examples; or set test_fraction and valid_fraction to 0.",
    )
