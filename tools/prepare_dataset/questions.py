"""The questions that a dataset keeps for evaluation, each with the split in which its answer stands."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from tools.prepare_dataset.contract import Split
from tools.prepare_dataset.material import Ask, Passage, Source
from tools.prepare_dataset.reading_back import Question


def settle(
    asks: Sequence[Ask], passages: Sequence[Passage], sources: Mapping[str, Source], splits: Mapping[str, Split]
) -> list[Question]:
    """Questions without repetitions, those given before those computed.

    Computed ones are kept where their document is in train: what was never read cannot be known.
    splits: of each document.
    """
    texts = _Texts(sources)
    seen: set[str] = set()
    kept = []
    for ask in sorted(asks, key=lambda ask: ask.document is not None):
        key = _normal(ask.question)
        if key in seen:
            continue
        if ask.document is not None:
            document: str | None = ask.document
            split = splits.get(ask.document)
            if split != "train":
                continue
        else:
            document, split = _locate(ask, passages, texts, splits)
        seen.add(key)
        kept.append(
            Question(
                question=ask.question,
                answer=ask.answer,
                aliases=list(ask.aliases),
                kind=ask.kind,
                source=ask.source,
                document=document,
                split=split,
                cells=list(ask.cells),
            )
        )
    return kept


def repeated_in(questions: Sequence[Question], asked: Sequence[str]) -> int:
    """How many questions stand word for word among those that train asks."""
    known = {_normal(text) for text in asked}
    return sum(_normal(question.question) in known for question in questions)


class _Texts:
    """The words of passages, each folded once."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources
        self._found: dict[str, str] = {}

    def has(self, passage: Passage, words: str) -> bool:
        span = passage.span
        if span.document not in self._found:
            self._found[span.document] = f" {_normal(self._sources[span.source].text[span.start : span.end])} "
        needle = _normal(words)
        return bool(needle) and f" {needle} " in self._found[span.document]


def _locate(
    ask: Ask, passages: Sequence[Passage], texts: _Texts, splits: Mapping[str, Split]
) -> tuple[str | None, Split | None]:
    """Document and split of the passages that could answer a question, as far as they are one."""
    if not ask.source:
        return None, None
    own = [passage for passage in passages if _same_file(passage.span.source, ask.source)]
    if own and own[0].span.kind == "table":
        found = [passage for passage in own if f" {_normal(passage.span.place)} " in f" {_normal(ask.question)} "]
    else:
        answers = [ask.answer, *ask.aliases]
        found = [passage for passage in own if any(texts.has(passage, answer) for answer in answers)]
    documents = {passage.span.document for passage in found}
    where = {splits[document] for document in documents if document in splits}
    return (documents.pop() if len(documents) == 1 else None), (where.pop() if len(where) == 1 else None)


def _same_file(name: str, told: str) -> bool:
    """Whether a question's source names a file: by its path, or by the end of it."""
    ours, theirs = PurePosixPath(name).parts, PurePosixPath(told).parts
    length = min(len(ours), len(theirs))
    return length > 0 and ours[-length:] == theirs[-length:]


def _normal(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
