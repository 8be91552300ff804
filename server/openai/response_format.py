"""The form of an answer: text, any JSON object, or JSON of a schema."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from server.openai.errors import ApiError
from server.openai.json_schema import check_schema
from server.openai.messages import Strict
from server.openai.tools import Name


class JsonSchema(Strict):
    name: Name = Field(description="A label; changes nothing")
    description: str | None = Field(None, description="A label; say in the messages what the model is to know")
    schema_: dict[str, Any] | None = Field(None, alias="schema", description="The answer follows it, by a grammar")
    strict: bool | None = Field(None, description="Answers follow the schema in any case")


class ResponseFormat(Strict):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = Field(None, description="Only with the type `json_schema`")

    def check(self) -> None:
        """Raises ApiError 400 for what contradicts itself, and for schemas that answers cannot be held to."""
        if self.type == "json_schema" and self.json_schema is None:
            raise ApiError(
                400,
                "`response_format.json_schema` is missing.",
                param="response_format.json_schema",
                code="missing_required_parameter",
            )
        if self.type != "json_schema" and self.json_schema is not None:
            raise ApiError(
                400,
                "`response_format.json_schema` needs the type `json_schema`.",
                param="response_format.json_schema",
                code="invalid_value",
            )
        if self.json_schema is not None:
            check_schema(self.json_schema.schema_ or {}, "response_format")

    def schema_of_answers(self) -> dict[str, Any] | None:
        """What answers must follow, None for any text."""
        match self.type:
            case "text":
                return None
            case "json_object":
                return {"type": "object"}
            case "json_schema":
                return (self.json_schema.schema_ if self.json_schema else None) or {}

    @classmethod
    def rules(cls) -> dict[str, Any]:
        """What `check` asks of the two fields, as a JSON schema."""
        without = {"json_schema": {"type": "null"}}
        schema = {"type": {"const": "json_schema"}, "json_schema": {"type": "object"}}
        return {
            "anyOf": [
                {"properties": {**without, "type": {"enum": ["text", "json_object"]}}},
                {"properties": schema, "required": ["json_schema"]},
            ]
        }
