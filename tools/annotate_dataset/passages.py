"""The passages of the train split: in which order they are handed out, and what each still lacks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TypeVar

from tools.annotate_dataset.comparing import folded
from tools.annotate_dataset.contract import Form
from tools.annotate_dataset.summaries import LEAST_PASSAGE
from tools.prepare_dataset.reading_back import Dataset, Origin, Row
from tools.prepare_dataset.sentences import sentence_borders, word_borders

# Of a row's tokens, for the text to sum up: the rest is for the request and the summary.
_FOR_TEXT = 0.6
_CHARACTERS_A_TOKEN = 2.0  # where a dataset does not tell; few, to be safe
_Item = TypeVar("_Item")
_Spans = dict[str, list[tuple[int, int]]]


@dataclass(frozen=True)
class PassageText:
    """A piece of running text that train learns: characters of its source as `origin` tells.

    summed: how many characters of it, from its start, a summary is to be of.
    """

    origin: Origin
    text: str
    summed: int


class Passages:
    """The passages of a version's train by their ids, in the order of handing out: files in turns, and
    the chapters of each in turns. rows: of train."""

    def __init__(self, dataset: Dataset) -> None:
        self.rows = dataset.rows("train")
        self._origins = [origin for origin in dataset.provenance() if origin.split == "train"]
        settings, model = dataset.card["settings"], dataset.card["model"]
        self.limit = min(int(settings["max_tokens"]), int(model["max_positions"]))
        self.by_id = {passage.origin.id: passage for passage in self._ordered(dataset)}
        self._asked, self._summed = _written(self._origins)
        self._answers = self._given_answers(dataset)

    def lacking(self, form: Form) -> list[PassageText]:
        """Those without a question that was written or given, or without a summary."""
        return [passage for passage in self.by_id.values() if self.lacks(passage, form)]

    def lacks(self, passage: PassageText, form: Form) -> bool:
        origin = passage.origin
        if form == "summary":
            return passage.summed >= LEAST_PASSAGE and not _holds_one(origin, self._summed)
        return not _holds_one(origin, self._asked) and not self._answers_one(passage)

    def _ordered(self, dataset: Dataset) -> list[PassageText]:
        texts: dict[str, str] = {}
        found: dict[str, dict[str, list[PassageText]]] = defaultdict(lambda: defaultdict(list))
        for origin in self._origins:
            if origin.row_start is None:
                continue
            if origin.source not in texts:
                texts[origin.source] = dataset.source_text(origin.source)
            text = texts[origin.source][origin.start : origin.end]
            passage = PassageText(origin, text, _to_sum_up(text, origin.tokens, self.limit))
            found[origin.source][origin.document].append(passage)
        return list(_in_turns([list(_in_turns(list(documents.values()))) for documents in found.values()]))

    def _given_answers(self, dataset: Dataset) -> dict[str, list[str]]:
        """By document, the answers of questions that a person gave.

        Those that were computed do not count: they ask little of what a passage tells.
        """
        computed = {
            (origin.document, folded(_answer(row)))
            for origin, row in zip(self._origins, self.rows, strict=True)
            if origin.form == "question" and not origin.quotes
        }
        answers: dict[str, list[str]] = defaultdict(list)
        for question in dataset.questions():
            if question.document and (question.document, folded(question.answer)) not in computed:
                told = (folded(answer) for answer in (question.answer, *question.aliases))
                answers[question.document] += [answer for answer in told if len(answer) > 2]
        return answers

    def _answers_one(self, passage: PassageText) -> bool:
        answers = self._answers.get(passage.origin.document)
        words = f" {folded(passage.text)} " if answers else ""
        return any(f" {answer} " in words for answer in answers or ())


def _written(origins: Iterable[Origin]) -> tuple[_Spans, _Spans]:
    """By source, the characters that questions and summaries written by hand are about."""
    asked: _Spans = defaultdict(list)
    summed: _Spans = defaultdict(list)
    for origin in origins:
        # Versions made before rows told their form had no other composed rows of books and lives.
        old = not origin.form and origin.row_start is None and origin.kind != "table"
        if origin.quotes or old:
            (summed if origin.form == "summary" else asked)[origin.source].append((origin.start, origin.end))
    return asked, summed


def _holds_one(origin: Origin, spans: _Spans) -> bool:
    return any(origin.start <= start and end <= origin.end for start, end in spans.get(origin.source, ()))


def _answer(row: Row) -> str:
    if row.text is not None:
        return row.text[row.response_start or 0 :]
    return row.completion if row.completion is not None else str((row.messages or [{}])[-1].get("content") or "")


def _to_sum_up(text: str, tokens: int | None, limit: int) -> int:
    """Characters of a passage that leave room in a row for their summary: whole paragraphs, sentences, words."""
    a_token = len(text) / tokens if tokens else _CHARACTERS_A_TOKEN
    most = int(limit * _FOR_TEXT * a_token)
    if len(text) <= most:
        return len(text)
    for borders in (_paragraphs(text[:most]), sentence_borders(text, 0, most), word_borders(text, 0, most)):
        end = max((end for end, _ in borders), default=0)
        if end >= most / 2:
            return end
    return most


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    at = text.find("\n\n")
    while at >= 0:
        yield at, at + 2
        at = text.find("\n\n", at + 2)


def _in_turns(lists: Sequence[Sequence[_Item]]) -> Iterator[_Item]:
    """One of each list, then the next of each."""
    for turn in zip_longest(*([(item,) for item in items] for items in lists)):
        for item in turn:
            if item is not None:
                yield item[0]
