"""What evaluate takes and gives."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Metric = Literal["likelihood", "questions", "repetition", "forgetting", "consistency"]
ALL_METRICS: tuple[Metric, ...] = ("likelihood", "questions", "repetition", "forgetting", "consistency")
VerdictKind = Literal["learned", "not_proven", "memorized", "worse"]


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


class SourceScores(BaseModel):
    """Bits a UTF-8 byte on the unseen rows of one source."""

    source: str
    rows: int
    bits_per_byte: Scores


class QuestionScores(BaseModel):
    """Answers to the dataset's questions: shares from 0 to 1, overlap from 0 to 100.

    choice_accuracy: how often the right answer is the likeliest of several, which by chance it is `chance` often.
    share_intervals: of 95%, of exact_match and choice_accuracy, by model.
    mcnemar: the chance that base and tuned match equally well, by tuned model.
    """

    asked: int
    exact_match: Scores
    share_intervals: dict[str, dict[str, tuple[float, float]]]
    contains_answer: Scores
    token_f1: Scores
    chrf: Scores
    rouge_l: Scores
    mcnemar: dict[str, float]
    choices: int = 0
    choice_accuracy: Scores | None = None
    chance: float | None = None
    unanswerable: int = 0
    admits_not_knowing: Scores | None = None
    examples: list[dict[str, Any]] = []


class Repetition(BaseModel):
    """Continuations of passages that were trained on: the longest verbatim run in tokens, the share of
    continuations with 50 tokens or more copied, and the share of the passage given back."""

    passages: int
    longest: Scores
    copied: Scores
    given_back: Scores


class Consistency(BaseModel):
    """Questions asked several times, at several temperatures: how far the answers agree (0 to 1), and
    the shares of all answers that were empty, went round in circles, or came in another language."""

    questions: int
    agreement: Scores
    empty: Scores
    looping: Scores
    other_language: Scores


class Interval(BaseModel):
    """A 95% interval of the change from base to tuned."""

    metric: str
    model: str
    change: float
    low: float
    high: float


class EvaluationVerdict(BaseModel):
    """The conclusion, the evidence, and what to do next."""

    kind: VerdictKind
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
    trained_bits_per_byte: Scores | None = Field(None, description="On passages that were trained on")
    per_source: list[SourceScores] = []
    questions: QuestionScores | None = None
    repetition: Repetition | None = None
    forgetting: dict[str, Scores] | None = Field(None, description="Bits a byte on general text, by language")
    consistency: Consistency | None = None
    intervals: list[Interval] = []
    verdict: list[EvaluationVerdict] = []
    report_path: str | None = None
    next: str
