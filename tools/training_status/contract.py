"""What training_status takes and gives."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

VerdictKind = Literal[
    "waiting", "preparing", "learning", "overfitting", "plateau", "done", "paused", "interrupted", "failed", "cancelled"
]


class StatusArgs(BaseModel):
    """Arguments of training_status."""

    model_config = ConfigDict(extra="forbid")

    run: str | None = Field(None, description="Run to look at; default the newest")
    wait_s: float = Field(0, ge=0, le=45, description="Wait so many seconds for news before answering")
    since_step: int = Field(-1, ge=-1, description="Tell metrics after this step alone")
    detail: Literal["concise", "detailed"] = "concise"


class Best(BaseModel):
    """The lowest validation loss so far, in nats a token, and its step."""

    step: int
    valid_loss: float


class Verdict(BaseModel):
    """What the numbers mean and what to do about it."""

    kind: VerdictKind
    text: str
    action: str


class Point(BaseModel):
    """What was measured at a step. Losses in nats a token."""

    step: int
    train_loss: float | None = None
    valid_loss: float | None = None
    tokens_per_second: float | None = None
    learning_rate: float | None = None
    grad_norm: float | None = None


class Sample(BaseModel):
    """An answer to a fixed prompt: the base's (step 0) and the newest."""

    prompt: str
    base: str
    now: str
    step: int


class StatusResult(BaseModel):
    """Answer of training_status. Memory in GB of 1024³ bytes."""

    run: str
    state: str
    step: int
    steps: int
    train_loss: float | None = None
    valid_loss: float | None = None
    best: Best | None = None
    tokens_per_second: float | None = None
    memory: dict[str, float] | None = None
    eta_s: float | None = None
    verdict: Verdict
    metrics: list[Point] = []
    curve: str | None = None
    samples: list[Sample] = []
    events: list[dict[str, Any]] = []
    checkpoints: list[str] = []
    adapter: str | None = None
    error: dict[str, Any] | None = None
    next: str
