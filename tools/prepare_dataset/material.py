"""The nouns of the pipeline: files found, texts read, units to learn, rows made of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tools.errors import Problem
from tools.prepare_dataset.contract import Kind, Split
from tools.prepare_dataset.edits import Step

UnitKind = Literal["book", "table", "biography", "examples", "questions"]
Messages = tuple[Mapping[str, Any], ...]
# Running text; a conversation that was given; a question that we worded; a summary of a passage beside it.
RowForm = Literal["passage", "exchange", "question", "summary"]


@dataclass(frozen=True)
class SourceFile:
    """A file to read. name: its path below the folder that all sources share, the same on every machine."""

    path: Path
    name: str
    kind: Kind | None


@dataclass
class Source:
    """A text as read and repaired: a file, or one sheet or table of it. Offsets of all units are characters of `text`.

    sha256: of the file's bytes. part: sheet or table, "" for the whole file. title: of the work, as
    the file itself tells it. pages: (character, label) where each page starts. steps: how the text
    became what it is, to be undone. left_out: what the reader passed over, by name. rival: an encoding
    that was nearly as likely, "" where none was.
    """

    file: SourceFile
    sha256: str
    encoding: str
    text: str
    kind: UnitKind
    repairs: dict[str, int] = field(default_factory=dict)
    part: str = ""
    title: str = ""
    pages: list[tuple[int, str]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    rival: str = ""

    @property
    def name(self) -> str:
        return f"{self.file.name}#{self.part}" if self.part else self.file.name

    def page_at(self, position: int) -> str | None:
        """The label of the page on which a character stands; None in a text without pages."""
        index = bisect_right(self.pages, position, key=lambda page: page[0]) - 1
        return self.pages[index][1] if index >= 0 else None


@dataclass(frozen=True)
class Span:
    """Where a unit stands: characters `start` to `end` of a source's text.

    document: chapter, season or person: rows of one never part over the splits. place: the same for people to read.
    fixed: the split into which the person put it.
    """

    source: str
    kind: UnitKind
    document: str
    place: str
    start: int
    end: int
    fixed: Split | None = None


@dataclass(frozen=True)
class Passage:
    """Running text to learn, cut to the model's rows later.

    composed: the text, where it is not the span itself. heading: goes before each piece, and
    `heading_more` before all but the first. title: of the book, or the person's name. ask: a request
    that the whole text answers, where there is one.
    """

    span: Span
    title: str = ""
    heading: str = ""
    heading_more: str = ""
    composed: str | None = None
    ask: str | None = None


@dataclass(frozen=True)
class Exchange:
    """A conversation to learn. context: what the answer rests on, for forms that have a place for it.

    form: how it was given: `messages`, `completion`; `question` where we worded it ourselves, `summary`
    where we ask to sum up a text. cells: of a table, which the answer is computed from. rests_on: the
    documents that it compares, all of which train must have.
    """

    span: Span
    messages: Messages
    form: Literal["messages", "completion", "question", "summary"]
    tools: tuple[Mapping[str, Any], ...] | None = None
    context: str = ""
    cells: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = ()

    @property
    def is_ours(self) -> bool:
        """Whether we worded the request: then it may be left out, and says nothing of the material's form."""
        return self.form in ("question", "summary")


Unit = Passage | Exchange


@dataclass(frozen=True)
class Ask:
    """A question for evaluation. document: where its answer stands, if known; span: the characters of its source.

    cells, rests_on: see `Exchange`.
    """

    question: str
    answer: str
    aliases: tuple[str, ...]
    kind: str
    source: str
    document: str | None = None
    span: tuple[int, int] | None = None
    cells: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = ()


@dataclass
class Parsed:
    """What one source gives: units to learn, questions to ask, findings (errors stop the work, warnings do not).

    untold: errors beyond those spelled out. notes: choices made for the person.
    """

    units: list[Unit] = field(default_factory=list)
    questions: list[Ask] = field(default_factory=list)
    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    untold: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class RowDraft:
    """A row as it will be written.

    content: mlx-lm's keys alone. learned: the material in it, for finding duplicates; own: what of it
    is learned, for finding overlap: a passage, or the answers alone. row_start, response_start, cells: see
    `reading_back.Origin`. rests_on: see `Exchange`. repeating: its longer form, for training.
    """

    content: dict[str, Any]
    span: Span
    learned: str
    own: str
    tokens: int
    row_start: int | None = None
    response_start: int | None = None
    form: RowForm = "passage"
    cells: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = ()
    repeating: Repeating | None = None


@dataclass(frozen=True)
class Repeating:
    """A row that begins with the last sentences of `before`, the row before it in its passage."""

    before: RowDraft
    row: RowDraft
