"""A dataset version as others read it: rows with where they come from, questions, the card.

Files are checked against the hashes in the card as they are read: a dataset that was changed by
hand is refused, since everything said about it (splits, overlap, provenance) would be untrue.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from tools.errors import DataError, Problem, telling_os_errors
from tools.prepare_dataset.contract import Format, Split
from tools.prepare_dataset.edits import undone
from tools.prepare_dataset.language import Language
from tools.prepare_dataset.lines import file_lines
from tools.prepare_dataset.repair_log import steps_of
from tools.prepare_dataset.wording import instruction_prompt, wording
from tools.workspace.files import read_json
from tools.workspace.layout import DATASET_MARKER

ROW_KEYS = ("text", "prompt", "completion", "messages", "tools")
_CARD_KEYS = frozenset({"name", "version", "format", "language", "model", "settings", "files", "sources", "splits"})
_FIX = "Make the dataset again with prepare_dataset."


@dataclass(frozen=True)
class Row:
    """One row: `text`, or `prompt` and `completion`, or `messages` and perhaps `tools`.

    response_start: character of `text` at which the answer begins, None where all of it is learned.
    document: chapter, season or person; rows of one document are not independent of each other.
    """

    id: str
    source: str
    document: str
    text: str | None = None
    prompt: str | None = None
    completion: str | None = None
    messages: list[dict[str, Any]] | None = None
    tools: list[dict[str, Any]] | None = None
    response_start: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The row as it stands in the file, with mlx-lm's keys alone."""
        return {key: value for key in ROW_KEYS if (value := getattr(self, key)) is not None}


@dataclass(frozen=True)
class Origin:
    """Where a row comes from. `start` and `end` are characters of the source's text as repaired.

    row_start: where that span stands, literally, in the row's text, completion or last message; None
    where the row was composed from the span (a table's cells, a question) instead of copied. page:
    the label of the page on which the span starts, in files that have pages. cells: of a table, which
    the row's answer is computed from: `file:line:heading`, or `file:first-last:heading` for several lines.
    tokens: of the row as training sees it. form: passage, exchange, question or summary. quotes: the
    characters of the source that prove the row, where it was written by hand. line: of the file as it
    came, on which the span starts, in files that have lines. body_start: where the material begins in
    the row's text, completion or last message, after a heading or prompt of ours.
    """

    split: Split
    index: int
    id: str
    source: str
    sha256: str
    kind: str
    document: str
    place: str
    start: int
    end: int
    row_start: int | None
    response_start: int | None
    page: str | None = None
    cells: list[str] = field(default_factory=list)
    tokens: int | None = None
    form: str = ""
    quotes: list[list[int]] = field(default_factory=list)
    line: int | None = None
    body_start: int = 0


class Question(BaseModel):
    """A question with the answers that count as right.

    split: where the text that answers it went, None where it stands in no one split. document: its
    chapter, season or person. cells: see `Origin`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: str
    answer: str
    aliases: list[str] = []
    kind: str = ""
    source: str = ""
    document: str | None = None
    split: Split | None = None
    cells: list[str] = []


@dataclass(frozen=True)
class Dataset:
    """A version's folder. Make one with `open_dataset`."""

    folder: Path
    card: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.card["name"])

    @property
    def version(self) -> str:
        return str(self.card["version"])

    @property
    def format(self) -> Format:
        """One for all rows."""
        form: Format = self.card["format"]
        return form

    @property
    def language(self) -> Language:
        """In which we word questions and requests."""
        language: Language = self.card["language"]
        return language

    def instruction_prompt(self, question: str) -> str:
        """A question as the rows of format `text` put it, up to where the answer begins."""
        return instruction_prompt(wording(self.language), question)

    def rows(self, split: Split) -> list[Row]:
        """The rows of a split in the file's order. Raises DataError when the folder is damaged."""
        origins = [origin for origin in self.provenance() if origin.split == split]
        contents = self.lines(f"{split}.jsonl")
        if len(origins) != len(contents):
            raise self._damaged(f"{split}.jsonl", "has another number of rows than provenance.jsonl tells")
        return [
            Row(
                id=origin.id,
                source=origin.source,
                document=origin.document,
                response_start=origin.response_start,
                **content,
            )
            for origin, content in zip(origins, contents, strict=True)
        ]

    def provenance(self) -> list[Origin]:
        """Where each row comes from, split by split, in the order of the rows."""
        return [Origin(**line) for line in self.lines("provenance.jsonl")]

    def questions(self) -> list[Question]:
        return [Question(**line) for line in self.lines("questions.jsonl")]

    def dropped(self) -> list[dict[str, Any]]:
        """What was left out of the rows: reason, source, document, place, start, end, text, and what it repeats."""
        return self.lines("dropped.jsonl") if "dropped.jsonl" in self.card["files"] else []

    def source_text(self, source: str) -> str:
        """The text of a source as repaired: what `Origin.start` and `end` slice."""
        return self._checked(self._source(source)["text"]).decode("utf-8")

    def original_text(self, source: str) -> str:
        """The text of a source as it was decoded, before its repairs: the logged steps undone."""
        log = self._source(source).get("log")
        return undone(self.source_text(source), steps_of(self._checked(log)) if log else [])

    def file_lines(self, source: str, positions: Sequence[int]) -> list[int | None]:
        """The lines of the file as it came on which characters of a source's text stand; None where it has none."""
        entry = self._source(source)
        steps = steps_of(self._checked(entry["log"])) if entry.get("log") else []
        return file_lines(entry["original"], self.source_text(source), steps, positions)

    def documents(self, split: Split) -> Counter[str]:
        """How many rows each document has in a split."""
        return Counter(origin.document for origin in self.provenance() if origin.split == split)

    def _source(self, source: str) -> dict[str, Any]:
        for entry in self.card["sources"]:
            if entry["path"] == source:
                return dict(entry)
        raise self._damaged(DATASET_MARKER, "does not name a source that a row comes from")

    def lines(self, name: str) -> list[dict[str, Any]]:
        """The objects of a JSON lines file. Raises DataError when it is not as it was written."""
        return [json.loads(line) for line in self._checked(name).decode("utf-8").split("\n") if line]

    def _checked(self, name: str) -> bytes:
        path = self.folder / name
        with telling_os_errors(path, "read the dataset"):
            content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != self.card["files"].get(name):
            raise self._damaged(name, "is not as it was written")
        return content

    def _damaged(self, name: str, what: str) -> DataError:
        return damaged(self.folder / name, what)


def row_id(content: dict[str, Any]) -> str:
    """12 hex digits of a row's content."""
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, sort_keys=True).encode("utf-8")).hexdigest()[:12]


def told_by(content: Mapping[str, Any]) -> str:
    """What a row's model is to say last: the text, the completion or the last message."""
    if "messages" in content:
        return str(content["messages"][-1].get("content") or "")
    return str(content.get("text") or content.get("completion") or "")


def damaged(path: Path, what: str) -> DataError:
    return DataError(
        "The dataset was changed after it was made.",
        problems=[Problem(path=str(path), message=f"The file {what}.", fix=_FIX)],
    )


def open_dataset(folder: Path) -> Dataset:
    """The dataset version in `folder` (see `Workspace.dataset_folder`).

    Raises DataError when its card is damaged.
    """
    path = folder / DATASET_MARKER
    with telling_os_errors(path, "read the dataset"):
        try:
            card = read_json(path)
        except ValueError as error:
            raise damaged(path, "is not JSON") from error
    if not isinstance(card, dict) or not card.keys() >= _CARD_KEYS:
        raise damaged(path, "lacks fields that a card has")
    return Dataset(folder, card)
