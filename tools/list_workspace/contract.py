"""Arguments and result of `list_workspace`. Newest first everywhere; times are ISO 8601 with the zone."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["datasets", "models", "runs", "adapters", "evaluations"]
KINDS: tuple[Kind, ...] = ("datasets", "models", "runs", "adapters", "evaluations")


class ListArgs(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Kind | None = Field(None, description="One kind alone; all of them, a few each, when left out")
    limit: int = Field(20, ge=1, le=200, description="Entries of each kind")
    cursor: str | None = Field(None, max_length=400, description="`next_cursor` of the answer before; needs `kind`")


class DatasetEntry(BaseModel):
    """A dataset by its newest version."""

    model_config = ConfigDict(extra="forbid")

    dataset: str
    version: str = Field(description="The newest; name it as `dataset@version`")
    versions: int = Field(description="How many there are")
    format: str | None = None
    rows: dict[str, int] | None = Field(None, description="Rows in each split")
    created: str
    path: str


class ModelEntry(BaseModel):
    """A base model, installed or to be had."""

    model_config = ConfigDict(extra="forbid")

    model: str
    state: Literal["installed", "installing", "partial", "available"]
    parameters: int = Field(description="Weights, packed ones counted unpacked")
    size_gb: float = Field(description="Of the weights; GB of 10^9 bytes")
    bits: float = Field(description="Mean bits a parameter")
    languages: list[str] | None = None
    fit: str | None = Field(None, description="On a Mac with 16 GB")
    about: str | None = Field(None, description="What to know before choosing it")


class RunEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    run: str
    state: str
    dataset: str
    model: str
    step: int
    steps: int
    adapter: str | None = Field(None, description="What it published")
    created: str


class AdapterEntry(BaseModel):
    """An adapter by its newest version."""

    model_config = ConfigDict(extra="forbid")

    adapter: str
    version: str = Field(description="The newest; name it as `adapter@version`")
    versions: int = Field(description="How many there are")
    model: str | None = Field(None, description="The base it belongs to")
    dataset: str | None = None
    run: str | None = None
    created: str
    path: str


class EvaluationEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    evaluation: str
    state: str
    adapters: list[str] | None = None
    dataset: str | None = None
    verdict: dict[str, str] | None = Field(None, description="learned, not_proven or worse, by adapter")
    created: str


class ListResult(BaseModel):
    model_config = ConfigDict(extra="forbid")

    workspace: str
    counts: dict[str, int] = Field(description="How many there are of each kind that was asked for")
    datasets: list[DatasetEntry] | None = None
    models: list[ModelEntry] | None = None
    runs: list[RunEntry] | None = None
    adapters: list[AdapterEntry] | None = None
    evaluations: list[EvaluationEntry] | None = None
    next_cursor: str | None = Field(None, description="Give it back as `cursor` to read on")
    next: str = Field(description="The call to make next")
