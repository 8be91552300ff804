"""Rows of a dataset as token ids and the mask of those that are learned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tools.models.tokenizer import Tokenizer
from tools.prepare_dataset.reading_back import Row


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
        ids, mask = _encode(row, tokenizer, mask_prompt)
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


def _encode(row: Row, tokenizer: Tokenizer, mask_prompt: bool) -> tuple[list[int], list[bool]]:
    if row.text is not None:
        return _encode_text(row.text, row.response_start if mask_prompt else None, tokenizer)
    if row.messages is not None:
        ids, mask = tokenizer.chat_spans(row.messages, tools=row.tools)
    elif tokenizer.has_chat_template:
        messages = [{"role": "user", "content": row.prompt}, {"role": "assistant", "content": row.completion}]
        ids, mask = tokenizer.chat_spans(messages)
    else:
        text = f"{row.prompt}{row.completion}"
        return _encode_text(text, len(row.prompt or "") if mask_prompt else None, tokenizer)
    return ids, [bool(m) for m in mask] if mask_prompt else [True] * len(ids)


def _encode_text(text: str, response_start: int | None, tokenizer: Tokenizer) -> tuple[list[int], list[bool]]:
    ids, offsets = tokenizer.encode_with_offsets(text)
    learned = [response_start is None or end > response_start for _, end in offsets]
    if tokenizer.bos_id is not None and tokenizer.encode("", special=True)[:1] == [tokenizer.bos_id]:
        ids, learned = [tokenizer.bos_id, *ids], [False, *learned]
    if tokenizer.eos_id is not None and (not ids or ids[-1] != tokenizer.eos_id):
        ids, learned = [*ids, tokenizer.eos_id], [*learned, True]
    return ids, learned
