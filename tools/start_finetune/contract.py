"""What start_finetune and control_finetune take and give."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Preset = Literal["auto", "optimized", "safe", "aggressive"]


class TrainSettings(BaseModel):
    """Every knob of a run. A step is one micro-batch of `batch_size` rows."""

    model_config = ConfigDict(extra="forbid")

    iters: int | None = Field(None, ge=1, le=1_000_000, description="Steps (micro-batches) to train for")
    max_minutes: float | None = Field(
        None, gt=0, le=100_000, description="Choose `iters` so that training lasts about so long, from measured speed"
    )
    batch_size: int | None = Field(None, ge=1, le=256, description="Rows a step")
    rows_at_once: int | None = Field(
        None, ge=1, le=256, description="Rows computed at once; a step's gradient is summed over parts of so many"
    )
    learning_rate: float | None = Field(None, gt=0, le=1, description="Peak rate; 1e-5 to 1e-4 for 7B")
    lora_layers: int | None = Field(None, ge=-1, le=1000, description="Layers adapted from the last; -1 means all")
    lora_rank: int | None = Field(None, ge=1, le=1024)
    lora_alpha: float | None = Field(None, gt=0, le=4096, description="Strength: the branch is scaled by alpha / rank")
    lora_scaling: Literal["standard", "rslora"] | None = Field(
        None, description="alpha / rank, or alpha / √rank (rsLoRA) for high ranks"
    )
    lora_dropout: float | None = Field(None, ge=0, lt=1)
    lora_keys: list[str] | None = Field(
        None, min_length=1, max_length=32, description="Modules adapted, e.g. `self_attn.q_proj`; default all linear"
    )
    max_seq_length: int | None = Field(
        None, ge=16, le=131_072, description="Tokens a row; longer text is cut in pieces"
    )
    grad_checkpoint: bool | None = Field(None, description="Recompute activations: less memory, slower")
    frozen_prefix: bool | None = Field(
        None, description="Keep on disk what the layers below the adapters give, and run them once a row"
    )
    gradient_accumulation_steps: int | None = Field(None, ge=1, le=1024, description="Steps an optimizer update")
    steps_per_report: int | None = Field(None, ge=1, le=100_000)
    steps_per_eval: int | None = Field(None, ge=1, le=1_000_000)
    val_batches: int | None = Field(None, ge=-1, le=100_000, description="Validation batches; -1 means all")
    save_every: int | None = Field(None, ge=1, le=1_000_000, description="Steps between checkpoints")
    keep_checkpoints: int | None = Field(None, ge=1, le=1000, description="Checkpoints kept, the newest")
    keep_every: int | None = Field(None, ge=1, le=1_000_000, description="Keep also each checkpoint of so many steps")
    publish: Literal["best", "last"] | None = Field(None, description="The checkpoint that becomes the adapter")
    patience: int | None = Field(
        None, ge=1, le=1000, description="Stop after so many evaluations without a lower validation loss"
    )
    optimizer: Literal["adamw", "adam", "sgd", "lion", "adafactor"] | None = None
    weight_decay: float | None = Field(None, ge=0, le=1)
    schedule: Literal["constant", "linear", "cosine"] | None = Field(None, description="Of the rate after warm-up")
    warmup_steps: int | None = Field(None, ge=0, le=100_000, description="Updates of linear warm-up")
    max_grad_norm: float | None = Field(None, ge=0, le=1000, description="Gradients are clipped to it; 0 turns it off")
    mask_prompt: bool | None = Field(None, description="Learn from the answers alone, where rows have a prompt")
    sample_prompts: list[str] | None = Field(
        None, max_length=8, description="Answered at each evaluation, to watch the model learn"
    )
    seed: int | None = Field(None, ge=0, lt=2**32)


class StartArgs(BaseModel):
    """Arguments of start_finetune."""

    model_config = ConfigDict(extra="forbid")

    dataset: str | None = Field(None, description="Name of a prepared dataset, or name@version")
    model: str | None = Field(None, description="Base to train on; default the dataset's")
    preset: Preset = Field("auto", description="auto fits the dataset and machine; the others are for 7B-8B on 16 GB")
    settings: TrainSettings = Field(default_factory=TrainSettings, description="Settings that override the preset's")
    name: str | None = Field(None, description="Name of the adapter; default the dataset's")
    request_key: str | None = Field(
        None, min_length=1, max_length=200, description="The same key never starts a second run"
    )
    resume: str | None = Field(None, description="Run to go on with; given alone")
    dry_run: bool = Field(False, description="Show the plan, start nothing")


class Setting(BaseModel):
    """One setting of a plan and where it came from."""

    value: Any
    source: str


class Change(BaseModel):
    """A setting that the plan moved away from what was asked, and why."""

    setting: str
    asked: Any = None
    used: Any = None
    reason: str


class Plan(BaseModel):
    """All that a run will do. Sizes in GB of 1024³ bytes."""

    model_config = ConfigDict(extra="forbid")

    settings: dict[str, Setting]
    predicted_peak_gb: float
    budget_gb: float
    fits: bool
    predicted_minutes: float | None = None
    tokens_per_update: int
    epochs: float
    precision: str
    changes: list[Change] = []
    notes: list[str] = []

    def value(self, name: str) -> Any:
        return self.settings[name].value


class StartResult(BaseModel):
    """Answer of start_finetune."""

    run: str | None = None
    state: str
    plan: Plan
    next: str


class ControlArgs(BaseModel):
    """Arguments of control_finetune."""

    model_config = ConfigDict(extra="forbid")

    run: str
    action: Literal["pause", "resume", "cancel"]
    confirm: bool = Field(False, description="To cancel, once the person agreed")


class ControlResult(BaseModel):
    """Answer of control_finetune."""

    run: str
    state: str
    message: str
    next: str
