"""What training_status takes and gives."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

VerdictKind = Literal[
    "waiting",
    "preparing",
    "learning",
    "overfitting",
    "plateau",
    "rolled_back",
    "stalled",
    "done",
    "paused",
    "interrupted",
    "failed",
    "cancelled",
]


class StatusArgs(BaseModel):
    """Arguments of training_status."""

    model_config = ConfigDict(extra="forbid")

    run: str | None = Field(None, description="Run to look at; default the newest")
    wait_s: float = Field(0, ge=0, le=45, description="Wait so many seconds for news before answering")
    since_step: int = Field(-1, ge=-1, description="Tell metrics after this step alone")
    detail: Literal["concise", "detailed"] = "concise"
    compare: list[str] | None = Field(None, min_length=2, max_length=8, description="Runs to lay side by side")


class Best(BaseModel):
    """The lowest validation loss so far, in nats a token, and its step."""

    step: int
    valid_loss: float


class Verdict(BaseModel):
    """What the numbers mean and what to do about it."""

    kind: VerdictKind
    text: str
    action: str


class Finding(BaseModel):
    """Something that keeps the run from going well: what it is, the numbers that say so, what to change."""

    finding: str
    evidence: str
    change: str


class Point(BaseModel):
    """What was measured at a step. Losses in nats a token."""

    step: int
    train_loss: float | None = None
    valid_loss: float | None = None
    tokens_per_second: float | None = None
    learning_rate: float | None = None
    grad_norm: float | None = None


class Sample(BaseModel):
    """An answer to a fixed prompt: the base's (step 0) and that of `step`."""

    prompt: str
    base: str
    now: str
    step: int


class StatusResult(BaseModel):
    """Answer of training_status. Memory in GB of 1024³ bytes.

    memory: at the last report, beside `predicted_peak` and `budget` of the plan. machine: power, heat and
    niceness then (see `workspace.power`), and the disk's room now. compared: with `compare`, a row for each
    run (`compare.Row`).
    """

    run: str
    state: str
    step: int
    steps: int
    train_loss: float | None = None
    valid_loss: float | None = None
    best: Best | None = None
    tokens_per_second: float | None = None
    memory: dict[str, float] | None = None
    machine: dict[str, Any] | None = None
    eta_s: float | None = None
    verdict: Verdict
    findings: list[Finding] = []
    metrics: list[Point] = []
    curve: str | None = None
    samples: list[Sample] = []
    events: list[dict[str, Any]] = []
    checkpoints: list[str] = []
    compared: list[dict[str, Any]] = []
    adapter: str | None = None
    error: dict[str, Any] | None = None
    next: str
