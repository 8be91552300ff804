"""What export_adapter takes and gives."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class ExportArgs(BaseModel):
    """Arguments of export_adapter."""

    model_config = ConfigDict(extra="forbid")

    adapter: str | None = Field(None, description="Adapter to merge into its base: name or name@version")
    format: Literal["fused"] = Field("fused", description="A whole model that mlx-lm loads")
    bits: Literal[4, 8, 16] = Field(
        16,
        description="16: dequantized, keeps all that was learned; 4 and 8: quantized again, refused when that loses it",
    )
    wait_s: float = Field(40, ge=0, le=45, description="Wait so many seconds for the end before answering")
    job: str | None = Field(None, description="An export begun earlier: ask how far it is")


class ExportResult(BaseModel):
    """Answer of export_adapter. Losses in nats a token on the dataset's validation rows."""

    job: str
    state: str
    progress: str | None = None
    model: str | None = None
    path: str | None = None
    loss_before: float | None = None
    loss_after: float | None = None
    loss_base: float | None = None
    next: str
