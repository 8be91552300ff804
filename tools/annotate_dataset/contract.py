"""What annotate_dataset takes and gives."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Form = Literal["question", "summary"]
Quote = Annotated[str, Field(max_length=4000)]


class Pair(BaseModel):
    """A question and its answer, or a summary, with the words of the passage that prove it."""

    model_config = ConfigDict(extra="forbid")

    passage: str = Field(min_length=1, max_length=64, description="Id of the passage")
    form: Form = "question"
    question: str = Field("", max_length=2000, description="Clear by itself; none for a summary")
    answer: str = Field(
        max_length=4000,
        description="In the quote's words and language; or the summary, at most half the passage",
    )
    quote: Quote | Annotated[list[Quote], Field(min_length=1, max_length=50)] = Field(
        description="Copied from the passage; a list that backs each sentence of a summary",
    )
    rephrased: str | None = Field(
        None,
        max_length=2000,
        description="In other words, for evaluation",
    )

    @property
    def quotes(self) -> list[str]:
        return [self.quote] if isinstance(self.quote, str) else self.quote


class AnnotateArgs(BaseModel):
    """Arguments of annotate_dataset: without `pairs` it hands out passages, with them it takes questions in."""

    model_config = ConfigDict(extra="forbid")

    dataset: str = Field(description="Name of a prepared dataset, or name@version")
    limit: int = Field(5, ge=1, le=50, description="Passages to hand out")
    form: Form = Field("question", description="What they still lack")
    after: str | None = Field(None, max_length=64, description="Go on after this passage")
    pairs: list[Pair] | None = Field(None, min_length=1, max_length=500)


class PassageOut(BaseModel):
    """A piece of the train split. forms: what is still wanted of it. more: characters of it that are not shown."""

    model_config = ConfigDict(extra="forbid")

    id: str
    text: str
    source: str
    document: str = Field(description="Chapter, season or person")
    forms: list[Form]
    more: int = 0


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
    remaining: int = Field(0, description="Passages of train that still lack `form`, those shown included")
    accepted: int = 0
    refused: list[Refused] = Field(default_factory=list)
    next: str
