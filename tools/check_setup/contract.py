"""Arguments and result of `check_setup`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

State = Literal["ok", "warn", "fail"]


class CheckArgs(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Item(BaseModel):
    """One line of the checklist."""

    model_config = ConfigDict(extra="forbid")

    item: str
    state: State
    found: str = Field(description="What there is")
    fix: str | None = Field(None, description="What to do, where it is not ok")


class CheckResult(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ready: bool = Field(description="Nothing fails; warnings do not stop a run")
    version: str = Field(description="Afina's")
    workspace: str
    items: list[Item]
    next: str = Field(description="The call to make next")
