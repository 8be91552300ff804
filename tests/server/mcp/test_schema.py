"""Published schemas are short and agree with what the contracts take and what results hold."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel, ConfigDict, Field

from server.mcp.registry import TOOLS
from server.mcp.rendering import structured
from server.mcp.schema import input_schema, output_schema
from server.mcp.tool import Tool


class Inner(BaseModel):
    value: Any
    title: str | None = None


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(description="What it is called")
    maybe: int | None
    inner: dict[str, Inner]
    either: list[str | Inner] | None = None


def test_optional_fields_are_left_out_not_null() -> None:
    schema = output_schema(Outer)
    assert schema["required"] == ["name", "inner"]
    assert schema["properties"]["maybe"] == {"type": "integer"}
    result = structured(Outer(name="a", maybe=None, inner={"x": Inner(value=None)}))
    assert result == {"name": "a", "inner": {"x": {}}}
    jsonschema.validate(result, schema)


def test_a_field_called_title_is_kept() -> None:
    assert "title" in output_schema(Outer)["properties"]["inner"]["additionalProperties"]["properties"]


def test_unions_keep_their_forms() -> None:
    assert len(output_schema(Outer)["properties"]["either"]["items"]["anyOf"]) == 2


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_a_tools_schemas_are_valid_and_self_contained(tool: Tool) -> None:
    for schema in (input_schema(tool.arguments), output_schema(tool.result)):
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
        text = str(schema)
        assert "$ref" not in text
        assert "'null'" not in text
    assert input_schema(tool.arguments)["additionalProperties"] is False


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_every_argument_is_described_or_speaks_for_itself(tool: Tool) -> None:
    for name, field in input_schema(tool.arguments)["properties"].items():
        assert "description" in field or "enum" in field or name in ("run", "action", "pairs"), name
