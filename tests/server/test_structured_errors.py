"""Tools, choices, results and forms that are asked wrongly: a 400 that names the field, before anything is written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.running_server import RunningServer

HELLO = [{"role": "user", "content": "olá"}]


def tool(name: str = "hora", **function: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **function}}


def called(*ids: str, arguments: str = "{}") -> dict[str, Any]:
    calls = [{"id": one, "type": "function", "function": {"name": "hora", "arguments": arguments}} for one in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def result(of: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": of, "content": "12:00"}


def form(schema: Any, **more: Any) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema, **more}}}


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "array", "items": schema}
    return schema


TOOLS = {"tools": [tool()]}
STRICT = [tool(parameters={"properties": {"a": {"type": "array", "uniqueItems": True}}}, strict=True)]

WRONG_TOOLS: list[tuple[dict[str, Any], str]] = [
    ({"tools": {}}, "tools"),
    ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools[0].type"),
    ({"tools": [{"type": "function"}]}, "tools[0].function"),
    ({"tools": [tool("")]}, "tools[0].function.name"),
    ({"tools": [tool("não sei")]}, "tools[0].function.name"),
    ({"tools": [tool("a" * 65)]}, "tools[0].function.name"),
    ({"tools": [tool(), tool("b"), tool()]}, "tools[2].function.name"),
    ({"tools": [tool(parameters=[])]}, "tools[0].function.parameters"),
    ({"tools": [tool(parameters={"type": "array"})]}, "tools[0].function.parameters"),
    ({"tools": [tool(parameters={"properties": {"a": nested(80)}})]}, "tools[0].function.parameters"),
    ({"tools": [tool(strict="sim")]}, "tools[0].function.strict"),
    ({"tools": [tool(extra=1)]}, "tools[0].function.extra"),
    ({"tools": STRICT}, "tools[0].function.parameters"),
    ({"tools": [tool(f"f{i}") for i in range(129)]}, "tools"),
    ({"tool_choice": "required"}, "tool_choice"),
    ({**TOOLS, "tool_choice": "sempre"}, "tool_choice"),
    ({**TOOLS, "tool_choice": {"type": "function"}}, "tool_choice.function"),
    ({**TOOLS, "tool_choice": {"type": "function", "function": {"name": "horas"}}}, "tool_choice"),
    ({"tool_choice": {"type": "function", "function": {"name": "hora"}}}, "tool_choice"),
    ({**TOOLS, "parallel_tool_calls": "não"}, "parallel_tool_calls"),
    ({"functions": [{"name": "f"}]}, "functions"),
    ({"function_call": {"name": "f"}}, "function_call"),
]

WRONG_MESSAGES: list[tuple[list[Any], str]] = [
    ([*HELLO, called()], "messages[1].content"),
    ([*HELLO, called("a")], "messages[1].tool_calls[0]"),
    ([*HELLO, called("a"), *HELLO], "messages[1].tool_calls[0]"),
    ([*HELLO, called("a", "b"), result("a")], "messages[1].tool_calls[1]"),
    ([*HELLO, called("a"), result("b")], "messages[2].tool_call_id"),
    ([*HELLO, called("a"), result("a"), result("a")], "messages[3].tool_call_id"),
    ([*HELLO, called("a", "a"), result("a")], "messages[1].tool_calls[1].id"),
    ([*HELLO, result("a")], "messages[1].tool_call_id"),
    ([*HELLO, called("a"), {"role": "tool", "content": "x"}], "messages[2].tool_call_id"),
    ([*HELLO, called("a"), {"role": "tool", "tool_call_id": "a"}], "messages[2].content"),
    ([*HELLO, called("a", arguments="{"), result("a")], "messages[1].tool_calls[0].function.arguments"),
    ([*HELLO, called("a", arguments="[]"), result("a")], "messages[1].tool_calls[0].function.arguments"),
    ([*HELLO, called("a", arguments='{"a": NaN}'), result("a")], "messages[1].tool_calls[0].function.arguments"),
    ([*HELLO, called("a", arguments='{"a": "\\ud800"}'), result("a")], "messages[1].tool_calls[0].function.arguments"),
    (
        [*HELLO, called("a", arguments='{"a": ' + "[" * 90 + "]" * 90 + "}"), result("a")],
        "messages[1].tool_calls[0].function.arguments",
    ),
    ([{**HELLO[0], "tool_calls": called("a")["tool_calls"]}], "messages[0].tool_calls"),
    ([{**HELLO[0], "tool_call_id": "a"}], "messages[0].tool_call_id"),
    ([{**HELLO[0], "tool_calls": []}], "messages[0].tool_calls"),
    ([{**HELLO[0], "reasoning_content": "hmm"}], "messages[0].reasoning_content"),
    ([{"role": "function", "name": "f", "content": "x"}], "messages[0].name"),
]

WRONG_FORMS: list[tuple[dict[str, Any], str]] = [
    ({"response_format": "json"}, "response_format"),
    ({"response_format": {"type": "xml"}}, "response_format.type"),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
    ({"response_format": {"type": "text", "json_schema": {"name": "n"}}}, "response_format.json_schema"),
    ({"response_format": {"type": "json_schema", "json_schema": {}}}, "response_format.json_schema.name"),
    (form({}, name="não sei"), "response_format.json_schema.name"),
    (form([]), "response_format.json_schema.schema"),
    (form({}, strict=1), "response_format.json_schema.strict"),
    (form(nested(80)), "response_format"),
    ({"reasoning_effort": "muito"}, "reasoning_effort"),
    ({"reasoning_effort": "low"}, "reasoning_effort"),
    ({"chat_template_kwargs": {"enable_thinking": True}}, "chat_template_kwargs"),
    ({"chat_template_kwargs": {"outro": True}}, "chat_template_kwargs.outro"),
    ({"reasoning_effort": "none", "chat_template_kwargs": {}}, "reasoning_effort"),
]

# A schema, and the word of it that the refusal says.
WRONG_SCHEMAS: list[tuple[dict[str, Any], str]] = [
    ({"type": "array", "uniqueItems": True}, "uniqueItems"),
    ({"properties": {"a": {"items": [{"contains": {}}, {}]}, "b": {"not": {}}}}, "not"),
    ({"anyOf": [{"type": "string"}, {"if": {}, "then": {}}]}, "if"),
    ({"$defs": {"a": {"dependentRequired": {}}}}, "dependentRequired"),
    ({"type": "object", "x-guidance": {"lenient": True}}, "x-guidance"),
    ({"type": "string", "nullable": True}, "nullable"),
    ({"type": "object", "propertyes": {}}, "properties"),
    ({"type": "string", "format": "morada"}, "format"),
    ({"type": "string", "pattern": "(?<!a)b"}, "pattern"),
    ({"type": "texto"}, "type"),
    ({"type": 5}, "response_format"),
    ({"$ref": "#/$defs/nada"}, "$ref"),
    ({"$ref": "http://127.0.0.1/schema"}, "$ref"),
    ({"enum": []}, "response_format"),
    ({"required": "a"}, "response_format"),
    ({"type": "integer", "minimum": 5, "maximum": 1}, "satisfy"),
]


def refused(server: RunningServer, body: dict[str, Any]) -> dict[str, Any]:
    given = {"model": "tiny", "messages": HELLO, "max_tokens": 4, **body}
    headers = {"content-type": "application/json"}
    answer = server.client.post("/v1/chat/completions", content=json.dumps(given), headers=headers)
    assert answer.status_code == 400, answer.text
    error: dict[str, Any] = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    return error


@pytest.mark.parametrize(
    ("wrong", "param"), [*WRONG_TOOLS, *WRONG_FORMS, *[({"messages": wrong}, param) for wrong, param in WRONG_MESSAGES]]
)
def test_what_is_asked_wrongly_is_named(server: RunningServer, wrong: dict[str, Any], param: str) -> None:
    error = refused(server, wrong)
    assert error["param"] == param
    assert param.rpartition(".")[2] in error["message"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("schema", "word"), WRONG_SCHEMAS)
def test_a_schema_that_cannot_be_held_is_refused_with_its_keyword(
    server: RunningServer, schema: dict[str, Any], word: str, stream: bool
) -> None:
    error = refused(server, {**form(schema, strict=True), "stream": stream})
    assert error["param"] == "response_format"
    assert word in error["message"]


def test_a_pattern_in_a_function_is_refused_with_the_functions_place(server: RunningServer) -> None:
    tools = [tool(), tool("b", parameters={"properties": {"a": {"type": "string", "pattern": "(?=a)"}}}, strict=True)]
    assert refused(server, {"tools": tools})["param"] == "tools[1].function.parameters"
