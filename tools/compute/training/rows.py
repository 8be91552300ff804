"""Rows of a dataset as token ids and the mask of those that are learned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tools.models.tokenizer import Tokenizer
from tools.prepare_dataset.reading_back import Row
from tools.prepare_dataset.row_tokens import row_tokens


@dataclass(frozen=True)
class Sequence:
    """One training sequence: ids [length] int32, and for each whether its prediction is learned."""

    ids: np.ndarray
    mask: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Encoded:
    """The sequences of a split, and how many rows were cut in pieces or lost their end."""

    sequences: list[Sequence]
    split_rows: int
    cut_rows: int


def encode_rows(rows: Iterable[Row], tokenizer: Tokenizer, max_length: int, *, mask_prompt: bool) -> Encoded:
    """Tokenize rows through the model's template.

    Plain text longer than `max_length` tokens becomes several sequences, so that nothing is lost; a
    row with a prompt is cut at its end. Sequences in which nothing is learned are left out.
    """
    sequences: list[Sequence] = []
    split_rows = cut_rows = 0
    for row in rows:
        spelled = row_tokens(row.as_json(), row.response_start, tokenizer, mask_prompt=mask_prompt)
        ids, mask = spelled.ids, spelled.learned
        if len(ids) > max_length:
            whole_text = row.text is not None and row.response_start is None
            split_rows += whole_text
            cut_rows += not whole_text
            pieces = range(0, len(ids), max_length) if whole_text else range(1)
        else:
            pieces = range(1)
        for start in (0,) if len(pieces) == 1 else pieces:
            piece, learned = ids[start : start + max_length], mask[start : start + max_length]
            # The first token of a sequence has no context to be predicted from.
            if len(piece) >= 2 and any(learned[1:]):
                sequences.append(Sequence(np.array(piece, np.int32), np.array(learned, np.bool_)))
    return Encoded(sequences, split_rows, cut_rows)
