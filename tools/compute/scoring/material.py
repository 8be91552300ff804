"""What an evaluation scores: rows as tokens and bytes, questions as prompts, passages to go on with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files

from tools.evaluate.items import spread
from tools.models.tokenizer import Tokenizer
from tools.prepare_dataset.contract import Split
from tools.prepare_dataset.language import Language
from tools.prepare_dataset.reading_back import Dataset, Question, Row, told_by

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
class Passage:
    """A row's opening or prompt, and how the row goes on, both as ids; texts of both for people."""

    row: Row
    prompt: list[int]
    reference: list[int]
    opening: str


def row_items(dataset: Dataset, split: Split, tokenizer: Tokenizer, limit: int) -> list[Item]:
    """Rows of a split: texts whole, answers alone where there is a prompt. Control tokens are not scored."""
    items = [_item(row, tokenizer) for row in spread(dataset.rows(split), limit)]
    return [item for item in items if item.size]


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


def question_prompt(dataset: Dataset, tokenizer: Tokenizer, question: Question) -> list[int]:
    """The question in the form that the dataset's own questions have."""
    if tokenizer.has_chat_template and dataset.format != "text":
        messages = [{"role": "user", "content": question.question}]
        return tokenizer.encode_chat(messages, add_generation_prompt=True)
    if dataset.format == "completions":
        # A row's prompt ends with its line, where no template parts it from the answer.
        return tokenizer.encode(f"{question.question}\n", special=True)
    return tokenizer.encode(dataset.instruction_prompt(question.question), special=True)


def passages(
    dataset: Dataset, split: Split, tokenizer: Tokenizer, limit: int, opening: int, going_on: int
) -> list[Passage]:
    """Rows of a split long enough to be continued: `opening` tokens of a passage, or the prompt of an answer."""
    found = []
    for row in dataset.rows(split):
        ids, learned = _spelled(row, tokenizer)
        first = learned.index(True) if True in learned else len(ids)
        start = first if first else opening
        if len(ids) - start >= going_on // 2:
            found.append(Passage(row, ids[:start], ids[start : start + going_on], tokenizer.decode(ids[:start])))
    return spread(found, limit)


def told_texts(dataset: Dataset, split: Split, tokenizer: Tokenizer) -> Iterator[list[int]]:
    """What each row of a split teaches to say, as ids."""
    for row in dataset.rows(split):
        yield tokenizer.encode(told_by(row.as_json()))
