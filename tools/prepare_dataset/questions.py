"""The questions that a dataset keeps for evaluation, each with the split in which its answer stands."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from tools.prepare_dataset.contract import Split
from tools.prepare_dataset.material import Ask, Exchange, Parsed, Passage, RowDraft, Source
from tools.prepare_dataset.reading_back import Question


def settle(
    asks: Sequence[Ask],
    passages: Sequence[Passage],
    sources: Mapping[str, Source],
    split: Mapping[Split, Sequence[RowDraft]],
) -> list[Question]:
    """Questions without repetitions, those given before those computed.

    Computed ones are kept where train tells their answer: what was never read cannot be known. So
    `train` marks facts that were seen, `valid` and `test` questions on text that was held out.
    """
    places = _Places(sources, split)
    seen: set[str] = set()
    kept = []
    where: Split | None
    for ask in sorted(asks, key=lambda ask: ask.document is not None):
        key = _normal(ask.question)
        if key in seen:
            continue
        document, where = ask.document, None
        if document is None:
            document, where = _locate(ask, passages, places)
        elif "train" in places.told(ask):
            where = "train"
        else:
            continue
        seen.add(key)
        kept.append(
            Question(
                question=ask.question,
                answer=ask.answer,
                aliases=list(ask.aliases),
                kind=ask.kind,
                source=ask.source,
                document=document,
                split=where,
                cells=list(ask.cells),
            )
        )
    return kept


def drop_contradictions(parsed: Sequence[Parsed]) -> list[Exchange]:
    """Take out the questions of ours that the material answers in two ways, such as on two people of one name.

    Returns the exchanges that went. A question that is given stays as it is.
    """
    answers: dict[str, set[str]] = defaultdict(set)
    for unit in _worded(parsed):
        ask, answer = _turns(unit)
        answers[ask].add(answer)
    gone = [unit for unit in _worded(parsed) if len(answers[_turns(unit)[0]]) > 1]
    if gone:
        went = {id(unit) for unit in gone}
        tested = {key for unit in gone for key in _keys(unit)}
        for one in parsed:
            one.units = [unit for unit in one.units if id(unit) not in went]
            one.questions = [ask for ask in one.questions if _key(ask) not in tested]
    return gone


def _worded(parsed: Sequence[Parsed]) -> list[Exchange]:
    return [unit for one in parsed for unit in one.units if isinstance(unit, Exchange) and unit.form == "question"]


def _turns(unit: Exchange) -> tuple[str, str]:
    return _normal(str(unit.messages[0]["content"])), _normal(str(unit.messages[1]["content"]))


def _keys(unit: Exchange) -> list[tuple[object, ...]]:
    """What the question to test with has in common with the one to train on."""
    span, answer = unit.span, _turns(unit)[1]
    return [(span.document, unit.cells, answer, where) for where in (None, (span.start, span.end))]


def _key(ask: Ask) -> tuple[object, ...]:
    return ask.document, ask.cells, _normal(ask.answer), ask.span


def repeated_in(questions: Sequence[Question], asked: Sequence[str]) -> int:
    """How many questions stand word for word among those that train asks."""
    known = {_normal(text) for text in asked}
    return sum(_normal(question.question) in known for question in questions)


class _Places:
    """Which splits tell what: by documents, and by rows where one document stands in several splits."""

    def __init__(self, sources: Mapping[str, Source], split: Mapping[Split, Sequence[RowDraft]]) -> None:
        self._sources = sources
        self._words: dict[str, str] = {}
        self._splits: dict[str, set[Split]] = defaultdict(set)
        self._rows: dict[str, list[tuple[Split, RowDraft]]] = defaultdict(list)
        for name, rows in split.items():
            for row in rows:
                self._splits[row.span.document].add(name)
                self._rows[row.span.document].append((name, row))

    def told(self, ask: Ask) -> set[Split]:
        """The splits with a row on the characters that a computed question is about."""
        splits = self._splits.get(ask.document or "", set())
        if ask.span is None or len(splits) < 2:
            return splits
        start, end = ask.span
        rows = self._rows[ask.document or ""]
        return {name for name, row in rows if row.span.start <= start and end <= row.span.end}

    def has(self, passage: Passage, words: str) -> bool:
        """Whether a passage says some words."""
        span = passage.span
        if span.document not in self._words:
            self._words[span.document] = f" {_normal(self._sources[span.source].text[span.start : span.end])} "
        needle = _normal(words)
        return bool(needle) and f" {needle} " in self._words[span.document]

    def of(self, passage: Passage, answers: Sequence[str]) -> set[Split]:
        """The splits that a passage stands in; of several, those whose rows say an answer."""
        splits = self._splits.get(passage.span.document, set())
        if len(splits) < 2:
            return splits
        needles = [_normal(answer) for answer in answers]
        rows = [(name, f" {_normal(row.learned)} ") for name, row in self._rows[passage.span.document]]
        return {name for name, words in rows if any(needle and f" {needle} " in words for needle in needles)}


def _locate(ask: Ask, passages: Sequence[Passage], places: _Places) -> tuple[str | None, Split | None]:
    """Document and split of the passages that could answer a question, as far as they are one."""
    if not ask.source:
        return None, None
    own = [passage for passage in passages if _same_file(passage.span.source, ask.source)]
    answers = [ask.answer, *ask.aliases]
    if own and own[0].span.kind == "table":
        found = [passage for passage in own if f" {_normal(passage.span.place)} " in f" {_normal(ask.question)} "]
    else:
        found = [passage for passage in own if any(places.has(passage, answer) for answer in answers)]
    documents = {passage.span.document for passage in found}
    where = {split for passage in found for split in places.of(passage, answers)}
    return (documents.pop() if len(documents) == 1 else None), (where.pop() if len(where) == 1 else None)


def _same_file(name: str, told: str) -> bool:
    """Whether a question's source names a file: by its path, or by the end of it."""
    ours, theirs = PurePosixPath(name).parts, PurePosixPath(told).parts
    length = min(len(ours), len(theirs))
    return length > 0 and ours[-length:] == theirs[-length:]


def _normal(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
