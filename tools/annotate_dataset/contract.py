"""What annotate_dataset takes and gives."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Pair(BaseModel):
    """A question and its answer, with the words of the passage that prove it."""

    model_config = ConfigDict(extra="forbid")

    passage: str = Field(min_length=1, max_length=64, description="Id of the passage")
    question: str = Field(max_length=2000)
    answer: str = Field(max_length=4000, description="Short, in the passage's language, made of the quote's words")
    quote: str = Field(max_length=4000, description="Copied literally from the passage")
    rephrased: str | None = Field(
        None,
        max_length=2000,
        description="The same question in other words: it is kept for evaluation, and `question` for training",
    )


class AnnotateArgs(BaseModel):
    """Arguments of annotate_dataset: without `pairs` it hands out passages, with them it takes questions in."""

    model_config = ConfigDict(extra="forbid")

    dataset: str = Field(description="Name of a prepared dataset, or name@version")
    limit: int = Field(5, ge=1, le=50, description="Passages to hand out")
    pairs: list[Pair] | None = Field(None, min_length=1, max_length=500)


class PassageOut(BaseModel):
    """A piece of the train split that no question is about yet."""

    model_config = ConfigDict(extra="forbid")

    id: str
    text: str
    source: str
    document: str = Field(description="Chapter, season or person")


class Refused(BaseModel):
    """A pair that was not taken in; index counts from 0 in `pairs`."""

    model_config = ConfigDict(extra="forbid")

    index: int
    passage: str
    reason: str
    fix: str


class AnnotateResult(BaseModel):
    """Answer of annotate_dataset."""

    model_config = ConfigDict(extra="forbid")

    dataset: str
    version: str = Field(description="The newest version: a new one when pairs were accepted")
    path: str
    passages: list[PassageOut] = Field(default_factory=list)
    remaining: int = Field(0, description="Passages of train still without questions, those shown included")
    accepted: int = 0
    refused: list[Refused] = Field(default_factory=list)
    next: str
