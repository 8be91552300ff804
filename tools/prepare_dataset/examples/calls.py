"""Calls of tools in a conversation: what the tools are, what was called with what, and that each was answered."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tools.errors import nearest, printable
from tools.prepare_dataset.examples.record import Record, type_of

Tool = dict[str, Any]
_CALL_FORM = 'Write {"id": "1", "type": "function", "function": {"name": …, "arguments": "{…}"}}.'


def read_tools(record: Record, content: Mapping[str, Any]) -> list[Tool] | None:
    """The example's tools; None where it has none."""
    tools = content.get("tools")
    if tools is None:
        return None
    if isinstance(tools, str):  # as tables of examples hold them
        try:
            tools = json.loads(tools or "[]")
        except (ValueError, RecursionError):
            record.fault("`tools` is a text that is no JSON.", "Write a list of objects.", "tools")
            return None
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        fix = "Describe each tool by an object, as OpenAI's API does."
        record.fault("`tools` is no list of objects.", fix, "tools")
        return None
    for number, tool in enumerate(tools):
        if not isinstance(_function(tool).get("name"), str):
            told = f"Tool {number + 1} has no name."
            record.fault(told, 'Write {"type": "function", "function": {"name": …, "parameters": …}}.', "tools", number)
    return tools


def _function(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = tool.get("function")
    return inner if isinstance(inner, dict) else tool


def read_calls(record: Record, calls: object, number: int, place: tuple[str | int, ...]) -> list[Tool]:
    """The calls of a turn, their arguments as objects: templates write them as JSON themselves."""
    if not isinstance(calls, list) or not calls:
        record.fault(f"`tool_calls` of turn {number + 1} is no list of calls.", _CALL_FORM, *place)
        return []
    return [_call(record, call, number, (*place, index)) for index, call in enumerate(calls)]


def _call(record: Record, call: object, number: int, place: tuple[str | int, ...]) -> Tool:
    if not isinstance(call, dict) or not isinstance(_function(call).get("name"), str):
        record.fault(f"A call in turn {number + 1} names no function.", _CALL_FORM, *place)
        return {}
    function = _function(call)
    inside = (*place, "function") if "function" in call else place
    arguments = _arguments(record, function.get("arguments"), number, (*inside, "arguments"))
    made: Tool = {"type": "function", "function": {"name": function["name"], "arguments": arguments}}
    call_id = call.get("id")
    if call_id is not None and not isinstance(call_id, str):
        record.fault(f"The `id` of a call in turn {number + 1} is {type_of(call_id)}.", "Make it a text.", *place, "id")
    elif call_id is not None:
        made = {"id": call_id, **made}
    return made


def _arguments(record: Record, value: object, number: int, place: tuple[str | int, ...]) -> dict[str, Any]:
    if value is None or value == "":
        return {}
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            told = f"The arguments of a call in turn {number + 1} are no JSON."
            record.fault(told, 'Write an object as a text: "{\\"nome\\": \\"valor\\"}".', *place)
            return {}
    if not isinstance(value, dict):
        told = f"The arguments of a call in turn {number + 1} are {type_of(value)}."
        record.fault(told, 'Write an object of names and values: "{\\"nome\\": \\"valor\\"}".', *place)
        return {}
    return value


def check_calls(
    record: Record, messages: Sequence[Mapping[str, Any]], tools: Sequence[Tool] | None, key: str, parallel: object
) -> None:
    """Each call is of a known tool with known arguments, and each is answered once, before anything else is said."""
    schemas = {str(_function(tool)["name"]): _function(tool).get("parameters") for tool in tools or ()}
    if parallel is not None and not isinstance(parallel, bool):
        record.fault("`parallel_tool_calls` is no boolean.", "Write true or false.", "parallel_tool_calls")
    waiting: list[str | None] = []
    for number, message in enumerate(messages):
        place = (key, number)
        if message["role"] == "tool":
            _answer(record, message, number, place, waiting)
            continue
        if waiting:
            told = f"A call before turn {number + 1} has no answer."
            record.fault(told, "Add the tool's turn after the calls, one for each.", *place)
            return
        calls = message.get("tool_calls") or []
        if parallel is False and len(calls) > 1:
            told = f"Turn {number + 1} makes several calls, and `parallel_tool_calls` is false."
            record.fault(told, "Set it to true, or make one call a turn.", *place)
        for index, call in enumerate(calls):
            if tools is not None:
                _check_call(record, call["function"], schemas, (*place, "tool_calls", index))
        waiting = [call.get("id") for call in calls]
        named = [call_id for call_id in waiting if call_id is not None]
        if len(set(named)) < len(named):
            record.fault(f"Two calls in turn {number + 1} have the same `id`.", "Give each its own.", *place)


def _answer(
    record: Record,
    message: Mapping[str, Any],
    number: int,
    place: tuple[str | int, ...],
    waiting: list[str | None],
) -> None:
    """Strike the call that a tool's turn answers from those that wait."""
    answered = message.get("tool_call_id")
    if not waiting:
        fix = "Put it after the turn that makes the call, once for each call."
        record.fault(f"The tool's turn {number + 1} answers no call.", fix, *place)
    elif answered in waiting:
        waiting.remove(answered)
    elif answered is None:
        record.fault(f"Turn {number + 1} does not say which call it answers.", "Write its `tool_call_id`.", *place)
    elif all(call is None for call in waiting):
        waiting.pop(0)
    else:
        ids = ", ".join(f"`{printable(call, 40)}`" for call in waiting if call is not None)
        told = f"`tool_call_id` of turn {number + 1} names no call that waits for an answer."
        record.fault(told, f"There waits: {ids}.", *place, "tool_call_id")


def _check_call(
    record: Record, function: Mapping[str, Any], schemas: Mapping[str, Any], place: tuple[str | int, ...]
) -> None:
    """The function is among the tools, and the arguments are those of its schema."""
    name, given = str(function["name"]), function["arguments"]
    if name not in schemas:
        near = nearest(name, schemas)
        fix = f"Did you mean `{printable(near[0], 40)}`?" if near else "Add it to `tools`, or remove the call."
        record.fault(f"`{printable(name, 40)}` is none of the tools.", fix, *place)
        return
    schema = schemas[name]
    known = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(schema, dict) or not isinstance(known, dict):
        return
    at = (*place, "function", "arguments")
    for argument in given:
        if argument not in known and not schema.get("additionalProperties"):
            near = nearest(argument, known)
            fix = f"Did you mean `{printable(near[0], 40)}`?" if near else "Add it to the tool's schema, or remove it."
            told = f"`{printable(argument, 40)}` is no argument of `{printable(name, 40)}`."
            record.fault(told, fix, *at)
    required = schema.get("required")
    for argument in required if isinstance(required, list) else ():
        if isinstance(argument, str) and argument not in given:
            told = f"The call of `{printable(name, 40)}` lacks `{printable(argument, 40)}`."
            record.fault(told, "Add it: the tool's schema requires it.", *at)
