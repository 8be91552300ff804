"""What prepare_dataset takes and gives."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tools.errors import Problem

Kind = Literal["book", "table", "biography", "examples"]
Format = Literal["text", "completions", "chat"]
Split = Literal["train", "valid", "test"]
SPLITS: tuple[Split, ...] = ("train", "valid", "test")


Place = Annotated[str, Field(min_length=1, max_length=4096)]


class SourceSpec(BaseModel):
    """One file, folder or glob, and what it holds where the kind should not be guessed."""

    model_config = ConfigDict(extra="forbid")

    path: Place = Field(description="File, folder or glob; `~` is your home")
    kind: Kind | None = Field(None, description="What it holds; guessed from the file when left out")


class PrepareArgs(BaseModel):
    """Arguments of prepare_dataset: `sources` to prepare, or `job` to ask again for or to stop."""

    model_config = ConfigDict(extra="forbid")

    sources: list[Place | SourceSpec] = Field(
        default_factory=list,
        max_length=1000,
        description="Paths, folders or globs of texts, tables and examples; or {path, kind}",
    )
    name: str | None = Field(None, description="Name of the dataset; default made from the first source")
    format: Literal["auto", "text", "completions", "chat"] = Field(
        "auto",
        description="Rows as running text, as prompt and completion, or as messages; auto fits the material",
    )
    model: str | None = Field(None, description="Installed model whose tokenizer and template the rows are cut to")
    max_tokens: int = Field(2048, ge=64, le=131_072, description="Tokens a row at most, template included")
    overlap_tokens: int = Field(0, ge=0, le=1024, description="Tokens that cut pieces repeat of the one before")
    valid_fraction: float = Field(0.1, ge=0, le=0.5, description="Share of the documents kept for validation")
    test_fraction: float = Field(0.1, ge=0, le=0.5, description="Share of the documents kept for the test")
    seed: int = Field(0, ge=0, lt=2**32, description="Of the split")
    language: Literal["auto", "pt", "en"] = Field("auto", description="Language of the questions and requests we word")
    wait_s: float = Field(40, ge=0, le=45, description="Seconds to wait for the end before answering with a job")
    job: str | None = Field(None, description="Job to ask again for; the other arguments are then left out")
    action: Literal["cancel"] | None = Field(None, description="Stop the job named in `job`")
    dry_run: bool = Field(False, description="Show what would be made, write nothing")


class SplitSize(BaseModel):
    """One of train, valid and test."""

    model_config = ConfigDict(extra="forbid")

    rows: int
    tokens: int = Field(description="In all rows, template and end token included")


class SourceReport(BaseModel):
    """What became of one file."""

    model_config = ConfigDict(extra="forbid")

    path: str
    kind: str = Field(description="book, table, biography, examples, or questions (kept for evaluation)")
    encoding: str
    repairs: dict[str, int] = Field(description="What was mended, and how often")
    rows: int = Field(description="Rows made from it, over all splits")
    sha256: str
    left_out: dict[str, int] = Field(default_factory=dict, description="What the reader passed over, and how often")


class Dropped(BaseModel):
    """Rows, or parts of the material, left out for one reason; dropped.jsonl tells each with its place."""

    model_config = ConfigDict(extra="forbid")

    reason: str
    count: int


class Overlap(BaseModel):
    """Word n-grams of the held-out splits that also stand in train, after leaks were dropped."""

    model_config = ConfigDict(extra="forbid")

    ngram: int = Field(description="Words in an n-gram")
    valid: float = Field(description="Share of valid's n-grams, 0 to 1")
    test: float = Field(description="Share of test's n-grams, 0 to 1")
    rows: int = Field(description="Held-out rows that share at least one")


class Sample(BaseModel):
    """One row as the model will read it, shortened."""

    model_config = ConfigDict(extra="forbid")

    split: Split
    source: str
    document: str
    text: str
    rendered: str | None = Field(
        None,
        description="In a dry run, as training reads it, template and control tokens included: what stands in ⟦ ⟧ "
        "is learned, the rest only read; […] stands for more",
    )


class LongestRow(BaseModel):
    """The row with the most tokens."""

    model_config = ConfigDict(extra="forbid")

    tokens: int
    split: Split
    source: str
    document: str
    line: int | None = Field(None, description="Line of the source on which it starts, where lines are kept")


class TrainingEstimate(BaseModel):
    """What training on it would take with the preset `auto`; start_finetune with `dry_run` says more."""

    model_config = ConfigDict(extra="forbid")

    minutes: float
    steps: int
    measured: bool = Field(description="By this machine's speed in an earlier run, else guessed from the model's size")


class PrepareResult(BaseModel):
    """Answer of prepare_dataset. While `state` is not `succeeded` only the first fields say something."""

    model_config = ConfigDict(extra="forbid")

    dataset: str = Field(description="Its name; `name@version` names this very version")
    state: Literal["queued", "running", "succeeded", "cancelled"] = "succeeded"
    job: str | None = Field(None, description="Give it back as `job` to ask again")
    progress: str | None = None
    version: str | None = None
    path: str | None = Field(None, description="The version's folder; none in a dry run")
    format: Format | None = None
    model: str | None = Field(None, description="Model whose tokenizer counted the tokens")
    splits: dict[str, SplitSize] = Field(default_factory=dict)
    questions: int = Field(0, description="Kept in questions.jsonl for evaluation")
    sources: list[SourceReport] = Field(default_factory=list)
    dropped: list[Dropped] = Field(default_factory=list)
    overlap: Overlap | None = None
    longest_row_tokens: int = 0
    longest_row: LongestRow | None = None
    training: TrainingEstimate | None = Field(None, description="In a dry run")
    samples: list[Sample] = Field(default_factory=list)
    problems: list[Problem] = Field(default_factory=list, description="Findings that did not stop the work")
    notes: list[str] = Field(default_factory=list, description="Choices made for you, and why")
    next: str = Field(description="The call to make next")
