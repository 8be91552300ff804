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

    adapter: str | None = Field(None, description="To compare with its base: name, name@version or name@step-n")
    adapters: list[str] | None = Field(
        None, min_length=1, max_length=16, description="Several to compare, of any bases; bases too"
    )
    run: str | None = Field(None, description="Run whose checkpoints to compare")
    dataset: str | None = Field(None, description="For test rows and questions; default its own")
    metrics: list[Metric] | None = Field(None, min_length=1, description="Default all")
    max_items: int = Field(100, ge=1, le=10_000, description="Most rows and questions")
    wait_s: float = Field(40, ge=0, le=45, description="Seconds to wait for the end")
    evaluation: str | None = Field(None, description="One begun earlier")
    action: Literal["cancel"] | None = Field(None, description="Stop `evaluation`")
    detail: Literal["concise", "detailed"] = "concise"


class Scores(BaseModel):
    """A figure of the base and of the tuned models, by model id; further bases are among the tuned."""

    # The list of tools tells of an object alone, as of those that lie deeper: room there is scarce.
    model_config = ConfigDict(json_schema_extra=lambda schema: schema.pop("properties"))

    base: float
    tuned: dict[str, float]


class SourceScores(BaseModel):
    """Bits a UTF-8 byte on the unseen rows of one source."""

    source: str
    rows: int
    bits_per_byte: Scores


class FormScores(BaseModel):
    """Answers to questions of one form."""

    asked: int
    exact_match: Scores
    token_f1: Scores
    share_intervals: dict[str, tuple[float, float]]


class QuestionScores(BaseModel):
    """Answers to the dataset's questions: shares from 0 to 1, overlap from 0 to 100.

    choice_accuracy: how often the right answer is the likeliest of several, which by chance it is `chance` often.
    share_intervals: of 95%, of exact_match and choice_accuracy, by model.
    mcnemar: the chance that base and tuned match equally well, by tuned model. forms: seen (in other words than
    training's), taught (in its very words), reversed (for the subject, given the value), held_out; intervals of 95%
    of their exact matches.
    """

    asked: int
    exact_match: Scores
    share_intervals: dict[str, dict[str, tuple[float, float]]]
    contains_answer: Scores
    token_f1: Scores
    chrf: Scores
    rouge_l: Scores
    mcnemar: dict[str, float]
    forms: dict[str, FormScores] = {}
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


class Behind(BaseModel):
    """Bits a byte more than the best model has, with a 95% interval."""

    change: float
    low: float
    high: float


class Standing(BaseModel):
    """A model on the unseen rows. step: of a run's checkpoint. behind: the best; None where documents are too few."""

    model: str
    step: int | None = None
    bits_per_byte: float
    trained_bits_per_byte: float | None = None
    behind: Behind | None = None


class Standings(BaseModel):
    """Three models or more, or a run's checkpoints. best: fewest bits a byte on the unseen rows.

    memorizes_from: the run's first checkpoint after the best that knows trained passages better, beyond chance, and
    unseen ones no better.
    """

    best: str
    memorizes_from: str | None = None
    table: list[Standing]


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
    standings: Standings | None = None
    per_source: list[SourceScores] = []
    questions: QuestionScores | None = None
    repetition: Repetition | None = None
    forgetting: dict[str, Scores] | None = Field(None, description="Bits a byte on general text, by language")
    consistency: Consistency | None = None
    intervals: list[Interval] = []
    verdict: list[EvaluationVerdict] = []
    report_path: str | None = None
    next: str
