"""A dataset as written, held against what it says of itself.

Everything is read back from the folder and proven again from there: files by their hashes, copied
rows by slicing their source, composed ones by the words of their span, the splits, the tokens, and
that train and held-out rows share nothing. What fails here is a fault of ours, not of the material.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from tools.errors import DataError, Problem
from tools.prepare_dataset.contract import SPLITS
from tools.prepare_dataset.counting import RowCounter
from tools.prepare_dataset.reading_back import Dataset, Origin, row_id, told_by
from tools.prepare_dataset.verify_overlap import Learned, learned_by, shared_runs
from tools.workspace.files import sha256_file
from tools.workspace.layout import DATASET_MARKER

_UNLISTED = frozenset({"card.md", DATASET_MARKER})
_KEYS = {"text": {"text"}, "completions": {"prompt", "completion"}, "chat": {"messages", "tools"}}
_WORD = re.compile(r"\w+")


def verify(dataset: Dataset, counter: RowCounter | None = None) -> list[Problem]:
    """What in a version's folder does not hold; nothing when all does.

    counter: to count the tokens of every row anew, which takes longer than all else.
    """
    try:
        return list(_Verifier(dataset, counter).problems())
    except DataError as error:
        return error.problems


class _Verifier:
    def __init__(self, dataset: Dataset, counter: RowCounter | None) -> None:
        self.dataset, self.card, self.counter = dataset, dataset.card, counter
        self.limit = min(int(self.card["settings"]["max_tokens"]), int(self.card["model"]["max_positions"]))

    def problems(self) -> Iterator[Problem]:
        yield from self._files()
        if not all((self.dataset.folder / name).is_file() for name in self.card["files"]):
            return
        for origin, content in self.rows:
            for told in self._row(origin, content):
                yield self._problem(f"{origin.split}.jsonl", told, origin.index + 1)
        yield from self._splits()
        yield from self._questions()
        yield from self._dropped()
        yield from self._overlap()

    @cached_property
    def rows(self) -> list[tuple[Origin, dict[str, Any]]]:
        """Each row with where it comes from. Raises DataError where they are not as many."""
        origins = self.dataset.provenance()
        found: list[tuple[Origin, dict[str, Any]]] = []
        for split in SPLITS:
            contents, own = self.dataset.lines(f"{split}.jsonl"), [one for one in origins if one.split == split]
            if [origin.index for origin in own] != list(range(len(contents))):
                told = self._problem("provenance.jsonl", f"It does not tell each row of {split} once, in order.")
                raise DataError("The dataset is damaged.", problems=[told])
            found += zip(own, contents, strict=True)
        return found

    @cached_property
    def texts(self) -> dict[str, str]:
        return {source["path"]: self.dataset.source_text(source["path"]) for source in self.card["sources"]}

    @cached_property
    def hashes(self) -> dict[str, str]:
        return {source["path"]: source["sha256"] for source in self.card["sources"]}

    def _problem(self, name: str, message: str, line: int | None = None) -> Problem:
        return Problem(path=str(self.dataset.folder / name), line=line, message=message, fix="Make the dataset again.")

    def _files(self) -> Iterator[Problem]:
        listed: dict[str, str] = self.card["files"]
        there = {
            str(path.relative_to(self.dataset.folder)) for path in self.dataset.folder.rglob("*") if path.is_file()
        }
        for name in sorted(there - listed.keys() - _UNLISTED):
            yield self._problem(name, "The card does not list this file.")
        for name, digest in listed.items():
            path = self.dataset.folder / name
            if name not in there:
                yield self._problem(name, "The file is missing.")
            elif sha256_file(path) != digest:
                yield self._problem(name, "The file is not as it was written.")
        for source in self.card["sources"]:
            if listed.get(source["original"]) != source["sha256"]:
                yield self._problem(source["original"], "The original's hash is not the source's.")

    def _row(self, origin: Origin, content: dict[str, Any]) -> Iterator[str]:
        text = self.texts[origin.source]
        if not content.keys() <= _KEYS[self.dataset.format]:
            yield "The row has keys of another format."
        if origin.id != row_id(content):
            yield "The row's id is not that of its content."
        if origin.sha256 != self.hashes[origin.source]:
            yield "The row's hash is not its source's."
        if not 0 <= origin.start < origin.end <= len(text):
            yield "The row's span is not in its source."
            return
        if (origin.tokens or 0) > self.limit or (self.counter and self.counter.row(content) != origin.tokens):
            yield "The row's tokens are not as told, or over the limit."
        yield from self._made_of(origin, told_by(content), text[origin.start : origin.end])

    def _made_of(self, origin: Origin, told: str, span: str) -> Iterator[str]:
        if origin.row_start is not None:
            if told[origin.row_start : origin.row_start + len(span)] != span:
                yield "The row is not what its span says."
        elif origin.kind == "examples" and not _words(told[origin.body_start :]) <= _words(_texts_of(span)):
            yield "The row says words that its example does not."
        elif origin.form in ("passage", "summary") and _words(told).isdisjoint(_words(span)):
            yield "The row has no word of its span."

    def _splits(self) -> Iterator[Problem]:
        told: dict[str, Any] = self.card["splits"]
        places: defaultdict[str, set[str]] = defaultdict(set)
        tokens: Counter[str] = Counter()
        for origin, _ in self.rows:
            places[origin.document].add(origin.split)
            tokens[origin.split] += origin.tokens or 0
        for split in SPLITS:
            if told[split]["tokens"] != tokens[split]:
                yield self._problem(f"{split}.jsonl", "The tokens are not those of the card.")
        if self.card.get("split_by") == "document":
            for document in sorted(document for document, splits in places.items() if len(splits) > 1):
                yield self._problem("provenance.jsonl", f"`{document}` stands in several splits.")
        if max((origin.tokens or 0 for origin, _ in self.rows), default=0) != self.card["longest_row_tokens"]:
            yield self._problem(DATASET_MARKER, "The longest row is not as told.")

    def _questions(self) -> Iterator[Problem]:
        questions = self.dataset.questions()
        if len(questions) != self.card["questions"]:
            yield self._problem("questions.jsonl", "The questions are not as many as told.")
        train = self.dataset.documents("train")
        for line, question in enumerate(questions, 1):
            if question.split == "train" and question.document is not None and question.document not in train:
                yield self._problem("questions.jsonl", "The question is about what train does not hold.", line)

    def _dropped(self) -> Iterator[Problem]:
        drops = self.dataset.dropped()
        told = {entry["reason"]: entry["count"] for entry in self.card["dropped"]}
        if Counter(drop["reason"] for drop in drops) != told:
            yield self._problem("dropped.jsonl", "What was dropped is not as much as told.")
        for line, drop in enumerate(drops, 1):
            if not 0 <= drop["start"] <= drop["end"] <= len(self.texts[drop["source"]]):
                yield self._problem("dropped.jsonl", "The span is not in its source.", line)

    def _overlap(self) -> Iterator[Problem]:
        train: list[Learned] = []
        held: list[Learned] = []
        for origin, content in self.rows:
            (train if origin.split == "train" else held).extend(learned_by(origin, content, self.texts[origin.source]))
        found = Counter((row.origin.split, row.origin.index) for row, _ in shared_runs(train, held))
        for (split, index), count in sorted(found.items()):
            yield self._problem(f"{split}.jsonl", f"{count} runs of 13 words stand in train too.", index + 1)
        if len(found) != self.card["overlap"]["rows"]:
            yield self._problem(DATASET_MARKER, "The overlap is not as told.")


def _words(text: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(text)}


def _texts_of(line: str) -> str:
    """All texts in a line of JSON, its numbers too; the line itself where it is none."""
    try:
        return " ".join(_leaves(json.loads(line)))
    except (ValueError, RecursionError):
        return line


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list):
        for one in value:
            yield from _leaves(one)
    else:
        yield str(value)
