"""The functions that a conversation offers to the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

# A small model at its likeliest repeats a call without end: more than these are not written in one answer.
MOST_CALLS = 8


class Function(BaseModel):
    """A function that the model may call."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    description: str | None = None
    parameters: dict[str, Any] = Field({}, description="JSON Schema of the arguments, an object")
    strict: bool = Field(False, description="Arguments must follow the schema, by the grammar")

    def listed(self) -> dict[str, Any]:
        """As chat templates take it."""
        told: dict[str, Any] = {"name": self.name}
        if self.description is not None:
            told["description"] = self.description
        return {"type": "function", "function": {**told, "parameters": self.schema_of_arguments()}}

    def schema_of_arguments(self) -> dict[str, Any]:
        """The parameters' schema; without one, an object without members."""
        if not self.parameters:
            return {"type": "object", "properties": {}, "additionalProperties": False}
        return {"type": "object", **self.parameters}


class ToolUse(BaseModel):
    """What may be called, and whether it must be. only: the one function that must be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    functions: list[Function] = Field(min_length=1)
    choice: Literal["auto", "required"] = "auto"
    only: str | None = None
    parallel: bool = True

    @property
    def callable(self) -> list[Function]:
        """The functions that this answer may call."""
        return [function for function in self.functions if self.only in (None, function.name)]

    @property
    def most_calls(self) -> int:
        return MOST_CALLS if self.parallel and self.only is None else 1

    def by_name(self) -> Mapping[str, Function]:
        return {function.name: function for function in self.callable}
