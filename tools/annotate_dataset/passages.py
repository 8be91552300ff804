"""The passages of the train split: in which order they are handed out, and what each still lacks."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TypeVar

from tools.annotate_dataset.contract import Form
from tools.annotate_dataset.summaries import LEAST_PASSAGE
from tools.language.one_form import folded
from tools.prepare_dataset.reading_back import Dataset, Origin, Row
from tools.prepare_dataset.sentences import sentence_borders, word_borders

# Of a row's tokens, for the text to sum up: the rest is for the request and the summary.
_FOR_TEXT = 0.6
_CHARACTERS_A_TOKEN = 2.0  # where a dataset does not tell; few, to be safe
_Item = TypeVar("_Item")


@dataclass(frozen=True)
class PassageText:
    """A piece of running text that train learns: characters of its source as `origin` tells.

    most_summed: how many of them a summary may be of, so that it fits a row beside them.
    """

    origin: Origin
    text: str
    most_summed: int

    @property
    def can_be_summed(self) -> bool:
        return min(len(self.text), self.most_summed) >= LEAST_PASSAGE

    def to_sum_up(self) -> str:
        """The text that a summary is to be of: all of it, or whole paragraphs, sentences, words from its start."""
        text, most = self.text, self.most_summed
        if len(text) <= most:
            return text
        for borders in (_paragraphs(text[:most]), sentence_borders(text, 0, most), word_borders(text, 0, most)):
            end = max((end for end, _ in borders), default=0)
            if end >= most / 2:
                return text[:end].rstrip()
        return text[:most]


class Passages:
    """The passages of a version's train by their ids, in the order of handing out: files in turns, and
    the chapters of each in turns.

    origins: of the rows of all splits. rows: of train. limit: tokens that a row may have.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.origins, self.rows = dataset.provenance(), dataset.rows("train")
        settings, model = dataset.card["settings"], dataset.card["model"]
        self.limit = min(int(settings["max_tokens"]), int(model["max_positions"]))
        self.by_id = {passage.origin.id: passage for passage in self._ordered(dataset)}
        self._written: dict[Form, dict[str, list[tuple[int, int]]]] = {"question": {}, "summary": {}}
        for origin in self._of_train():
            # Versions made before rows told their form had no other composed rows of books and lives.
            old = not origin.form and origin.row_start is None and origin.kind != "table"
            if origin.quotes or old:
                form: Form = "summary" if origin.form == "summary" else "question"
                self.mark(form, origin.source, origin.start, origin.end)
        self._answers = self._given_answers(dataset)

    def mark(self, form: Form, source: str, start: int, end: int) -> None:
        """A question or summary on characters of a source was written."""
        insort(self._written[form].setdefault(source, []), (start, end))

    def lacking(self, form: Form) -> list[PassageText]:
        """Those without a question that was written or given, or without a summary."""
        return [passage for passage in self.by_id.values() if self.lacks(passage, form)]

    def lacks(self, passage: PassageText, form: Form) -> bool:
        if self._is_marked(form, passage.origin):
            return False
        return passage.can_be_summed if form == "summary" else not self._answers_one(passage)

    def _is_marked(self, form: Form, origin: Origin) -> bool:
        spans = self._written[form].get(origin.source, [])
        first, last = bisect_left(spans, (origin.start, 0)), bisect_left(spans, (origin.end, 0))
        return any(end <= origin.end for _, end in spans[first:last])

    def _of_train(self) -> list[Origin]:
        return [origin for origin in self.origins if origin.split == "train"]

    def _ordered(self, dataset: Dataset) -> list[PassageText]:
        texts: dict[str, str] = {}
        found: dict[str, dict[str, list[PassageText]]] = defaultdict(lambda: defaultdict(list))
        for origin in self._of_train():
            if origin.row_start is None:
                continue
            if origin.source not in texts:
                texts[origin.source] = dataset.source_text(origin.source)
            text = texts[origin.source][origin.start : origin.end]
            a_token = len(text) / origin.tokens if origin.tokens else _CHARACTERS_A_TOKEN
            passage = PassageText(origin, text, int(self.limit * _FOR_TEXT * a_token))
            found[origin.source][origin.document].append(passage)
        return list(_in_turns([list(_in_turns(list(documents.values()))) for documents in found.values()]))

    def _given_answers(self, dataset: Dataset) -> dict[str, list[str]]:
        """By document, the answers of questions that a person gave.

        Those that were computed do not count: they ask little of what a passage tells.
        """
        computed = {
            (origin.document, folded(_answer(row)))
            for origin, row in zip(self._of_train(), self.rows, strict=True)
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


def _answer(row: Row) -> str:
    if row.text is not None:
        return row.text[row.response_start or 0 :]
    return row.completion if row.completion is not None else str((row.messages or [{}])[-1].get("content") or "")


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
