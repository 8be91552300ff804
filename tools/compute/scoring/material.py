"""What an evaluation scores: rows as tokens and bytes, questions as prompts, passages to go on with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import takewhile

from tools.evaluate.items import spread
from tools.models.tokenizer import Tokenizer
from tools.prepare_dataset.contract import Split
from tools.prepare_dataset.language import Language
from tools.prepare_dataset.reading_back import Dataset, Row, told_by

GENERAL: tuple[Language, ...] = ("pt", "en")


@dataclass(frozen=True)
class Item:
    """A row: ids with a context token first, which of them are scored, and their UTF-8 bytes."""

    ids: list[int]
    scored: list[bool]
    size: int
    document: str
    source: str


@dataclass(frozen=True)
class Opening:
    """How a row begins. cut: the character at which it is cut, None where the answer to its prompt is to follow."""

    row: Row
    cut: int | None
    shown: str


@dataclass(frozen=True)
class Passage:
    """A row's opening or prompt, and how the row goes on, both as ids."""

    opening: Opening
    prompt: list[int]
    reference: list[int]


def row_items(dataset: Dataset, split: Split, tokenizer: Tokenizer, limit: int, chooser: Tokenizer) -> list[Item]:
    """Rows of a split: texts whole, answers alone where there is a prompt. Control tokens are not scored.

    chooser: the rows are those that have something to score for this tokenizer, so that all bases score the same.
    """
    rows = [row for row in spread(dataset.rows(split), limit) if _item(row, chooser).size]
    return [_item(row, tokenizer) for row in rows]


def general_items(language: Language, tokenizer: Tokenizer) -> list[Item]:
    """Paragraphs on many things that no one trains on here: what a base knew before, and may forget."""
    text = (files("tools.evaluate") / "general" / f"{language}.txt").read_text("utf-8")
    rows = [
        Row(id=f"{language}-{number}", source=f"general-{language}", document=f"{language}-{number}", text=paragraph)
        for number, paragraph in enumerate(text.strip().split("\n\n"), 1)
    ]
    return [_item(row, tokenizer) for row in rows]


def _item(row: Row, tokenizer: Tokenizer) -> Item:
    ids, scored = _spelled(row, tokenizer)
    control = tokenizer.special_ids | tokenizer.eos_ids
    scored = [value and token not in control for token, value in zip(ids, scored, strict=True)]
    # A text's first token has no context of its own: the model's own start stands before it.
    start = tokenizer.bos_id if tokenizer.bos_id is not None else tokenizer.eos_id
    if start is not None and ids[:1] != [start]:
        ids, scored = [start, *ids], [False, *scored]
    size = sum(len(tokenizer.decode(part).encode()) for part in _runs(ids, scored))
    return Item(ids, scored, size, row.document, row.source)


def _spelled(row: Row, tokenizer: Tokenizer) -> tuple[list[int], list[bool]]:
    """A row as training spells it, and which of its tokens are learned."""
    if row.text is not None:
        ids, offsets = tokenizer.encode_with_offsets(row.text)
        return ids, [row.response_start is None or end > row.response_start for _, end in offsets]
    if tokenizer.has_chat_template:
        messages = row.messages or [
            {"role": "user", "content": row.prompt},
            {"role": "assistant", "content": row.completion},
        ]
        ids, mask = tokenizer.chat_spans(messages, tools=row.tools)
        return ids, [bool(value) for value in mask]
    ids, offsets = tokenizer.encode_with_offsets(f"{row.prompt}{row.completion}")
    return ids, [end > len(row.prompt or "") for _, end in offsets]


def _runs(ids: Sequence[int], scored: Sequence[bool]) -> list[list[int]]:
    """The scored tokens as unbroken runs, so that they decode to the text that they stand for."""
    found: list[list[int]] = []
    inside = False
    for token, value in zip(ids, scored, strict=True):
        if value and not inside:
            found.append([])
        if value:
            found[-1].append(token)
        inside = value
    return found


def openings(
    dataset: Dataset, split: Split, chooser: Tokenizer, limit: int, opening: int, going_on: int
) -> list[Opening]:
    """Rows of a split long enough to be continued: after `opening` tokens of a passage, or the prompt of an answer."""
    found = []
    for row in dataset.rows(split):
        ids, learned = _spelled(row, chooser)
        first = learned.index(True) if True in learned else len(ids)
        start = first if first else opening
        if len(ids) - start >= going_on // 2:
            shown = chooser.decode(ids[:start]) if row.text is not None else _asked(row)
            cut = None if first else chooser.encode_with_offsets(row.text or "")[1][start - 1][1]
            found.append(Opening(row, cut, shown))
    return spread(found, limit)


def passage(opening: Opening, tokenizer: Tokenizer, going_on: int) -> Passage:
    """The opening and what follows it, as ids of a tokenizer that need not be the one that chose it."""
    ids, learned = _spelled(opening.row, tokenizer)
    if opening.cut is not None:
        ends = [end for _, end in tokenizer.encode_with_offsets(opening.row.text or "")[1]]
        learned = [end > opening.cut for end in ends]
    start = learned.index(True)
    return Passage(opening, ids[:start], ids[start : start + going_on])


def _asked(row: Row) -> str:
    """What a person asks in a row, without the frame that a template puts around it."""
    before = takewhile(lambda message: message["role"] != "assistant", row.messages or [])
    return next((str(one["content"]) for one in reversed(list(before)) if one["role"] == "user"), row.prompt or "")


def told_texts(dataset: Dataset, split: Split, tokenizer: Tokenizer) -> Iterator[list[int]]:
    """What each row of a split teaches to say, as ids."""
    for row in dataset.rows(split):
        yield tokenizer.encode(told_by(row.as_json()))
