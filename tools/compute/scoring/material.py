"""What an evaluation scores: the test rows as tokens and bytes, the questions as prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tools.models.tokenizer import Tokenizer
from tools.prepare_dataset.reading_back import Dataset, Question, Row


@dataclass(frozen=True)
class Item:
    """A test row: ids with a context token first, which of them are scored, and their UTF-8 bytes."""

    ids: list[int]
    scored: list[bool]
    size: int
    document: str
    source: str


def test_items(dataset: Dataset, tokenizer: Tokenizer, limit: int) -> list[Item]:
    """The test rows: texts whole, answers alone where there is a prompt. Control tokens are not scored."""
    rows = _spread(dataset.rows("test"), limit)
    items = [_item(row, tokenizer) for row in rows]
    return [item for item in items if item.size]


def _spread(rows: Sequence[Row], limit: int) -> list[Row]:
    if len(rows) <= limit:
        return list(rows)
    return [rows[i * len(rows) // limit] for i in range(limit)]


def _item(row: Row, tokenizer: Tokenizer) -> Item:
    if row.text is not None:
        ids, offsets = tokenizer.encode_with_offsets(row.text)
        scored = [row.response_start is None or end > row.response_start for _, end in offsets]
    else:
        messages = row.messages or [
            {"role": "user", "content": row.prompt},
            {"role": "assistant", "content": row.completion},
        ]
        if tokenizer.has_chat_template:
            ids, mask = tokenizer.chat_spans(messages, tools=row.tools)
            scored = [bool(value) for value in mask]
        else:
            # As training joins them.
            ids, offsets = tokenizer.encode_with_offsets(f"{row.prompt}{row.completion}")
            scored = [end > len(row.prompt or "") for _, end in offsets]
    control = tokenizer.special_ids | tokenizer.eos_ids
    scored = [value and token not in control for token, value in zip(ids, scored, strict=True)]
    # A text's first token has no context of its own: the model's own start stands before it.
    start = tokenizer.bos_id if tokenizer.bos_id is not None else tokenizer.eos_id
    if start is not None and ids[:1] != [start]:
        ids, scored = [start, *ids], [False, *scored]
    size = sum(len(tokenizer.decode(part).encode()) for part in _runs(ids, scored))
    return Item(ids, scored, size, row.document, row.source)


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
        return tokenizer.encode(question.question, special=True)
    return tokenizer.encode(dataset.instruction_prompt(question.question), special=True)


def pick_questions(dataset: Dataset, limit: int) -> list[Question]:
    questions = dataset.questions()
    if len(questions) <= limit:
        return questions
    return [questions[i * len(questions) // limit] for i in range(limit)]
