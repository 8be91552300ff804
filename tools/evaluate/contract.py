"""What evaluate takes and gives."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Metric = Literal["likelihood", "questions"]
ALL_METRICS: tuple[Metric, ...] = ("likelihood", "questions")


class EvaluateArgs(BaseModel):
    """Arguments of evaluate."""

    model_config = ConfigDict(extra="forbid")

    adapter: str | None = Field(None, description="Adapter to compare with its base: name or name@version")
    adapters: list[str] | None = Field(
        None, min_length=1, max_length=8, description="Several adapters of one base, compared with it and each other"
    )
    dataset: str | None = Field(None, description="Dataset whose test split and questions are used; default its own")
    metrics: list[Metric] | None = Field(None, min_length=1, description="What to measure; default all")
    max_items: int = Field(100, ge=1, le=10_000, description="Most test rows, and most questions")
    wait_s: float = Field(40, ge=0, le=45, description="Wait so many seconds for the end before answering")
    evaluation: str | None = Field(None, description="An evaluation begun earlier: ask how far it is")
    action: Literal["cancel"] | None = Field(None, description="Stop the evaluation named in `evaluation`")


class Scores(BaseModel):
    """A figure of the base and of the tuned models, by model id."""

    base: float
    tuned: dict[str, float]


class QuestionScores(BaseModel):
    """Answers to the dataset's questions: how many, shares that match and that contain the answer, mean F1."""

    asked: int
    exact_match: Scores
    contains_answer: Scores
    token_f1: Scores
    examples: list[dict[str, Any]] = []


class Interval(BaseModel):
    """A 95% interval of the change from base to tuned."""

    metric: str
    model: str
    change: float
    low: float
    high: float


class EvaluationVerdict(BaseModel):
    """learned, not_proven or worse, the evidence, and what to do next."""

    kind: Literal["learned", "not_proven", "worse"]
    model: str
    text: str
    action: str


class EvaluateResult(BaseModel):
    """Answer of evaluate."""

    evaluation: str
    state: str
    progress: str | None = None
    base: str | None = None
    rows: int | None = None
    perplexity: Scores | None = None
    bits_per_byte: Scores | None = None
    questions: QuestionScores | None = None
    intervals: list[Interval] = []
    verdict: list[EvaluationVerdict] = []
    report_path: str | None = None
    next: str
