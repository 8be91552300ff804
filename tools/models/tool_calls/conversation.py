"""Messages with calls and their results, as a model's chat template takes them.

The plain form, for templates without tools: the functions stand in a block at the end of the system
message (at the start of the first user message where the template takes no system message),

    # Tools

    You may call one or more functions to assist with the user query.

    You are provided with function signatures within <tools></tools> XML tags:
    <tools>
    {"type": "function", "function": {"name": …, "description": …, "parameters": …}}
    </tools>

    For each function call, return a json object with function name and arguments within
    <tool_call></tool_call> XML tags:
    <tool_call>
    {"name": <function-name>, "arguments": <args-json-object>}
    </tool_call>

a call is what the assistant said, and results come from the user within <tool_response> tags. It is
the form that Hermes and Qwen 2.5 were trained with (https://github.com/NousResearch/Hermes-Function-Calling).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tools.models.tool_calls.functions import ToolUse
from tools.models.tool_calls.syntax import ToolSyntax

Plain = dict[str, Any]

_HEAD = """# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
"""
_TAIL = """
</tools>

For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:
<tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call>"""
_RESULT = "<tool_response>"
_SHORT_ID = re.compile(r"[A-Za-z0-9]{9}")


def for_template(messages: Sequence[Mapping[str, Any]], syntax: ToolSyntax, tools: ToolUse | None) -> list[Plain]:
    """The messages with calls and results in the form that the model knows.

    messages: as OpenAI writes them, arguments as JSON text of an object. For the plain form, the block
    of functions is in them.
    """
    if not syntax.in_template:
        plain = _results_together([_without_calls(message) for message in messages])
        return with_block(plain, tools) if tools else plain
    if syntax.kind == "listed":
        messages = [_with_short_ids(message) for message in messages]
    if syntax.single:
        messages = _one_by_one(messages)
    if syntax.as_text:
        return [dict(message) for message in messages]
    return [_with_objects(message) for message in messages]


def block(tools: ToolUse) -> str:
    """The functions, and how to call them, for the system message."""
    listed = [json.dumps(function.listed(), ensure_ascii=False) for function in tools.functions]
    return _HEAD + "\n".join(listed) + _TAIL


def with_block(messages: Sequence[Plain], tools: ToolUse) -> list[Plain]:
    """The block at the end of the system message, or as one."""
    first = messages[0]
    if first["role"] == "system":
        return [{**first, "content": f"{first['content']}\n\n{block(tools)}"}, *messages[1:]]
    return [{"role": "system", "content": block(tools)}, *messages]


def without_system(messages: Sequence[Plain]) -> list[Plain]:
    """The system message at the start of the first user message, for templates that take none."""
    first, *others = messages
    if first["role"] != "system" or not others or others[0]["role"] != "user":
        return list(messages)
    return [{**others[0], "content": f"{first['content']}\n\n{others[0]['content']}"}, *others[1:]]


def _without_calls(message: Mapping[str, Any]) -> Plain:
    if message["role"] == "tool":
        return {"role": "user", "content": f"{_RESULT}\n{message['content']}\n</tool_response>"}
    calls = message.get("tool_calls")
    if not calls:
        return dict(message)
    said = [message["content"]] if message.get("content") else []
    said += [f"<tool_call>\n{_spelled(call['function'])}\n</tool_call>" for call in calls]
    kept = {key: value for key, value in message.items() if key != "tool_calls"}
    return {**kept, "content": "\n".join(said)}


def _results_together(messages: Sequence[Plain]) -> list[Plain]:
    """Results that follow one another in one message: many templates want turns to alternate."""
    told: list[Plain] = []
    for message in messages:
        before = told[-1] if told else None
        if before and all(one["role"] == "user" and one["content"].startswith(_RESULT) for one in (before, message)):
            told[-1] = {**message, "content": f"{before['content']}\n{message['content']}"}
        else:
            told.append(message)
    return told


def _spelled(function: Mapping[str, Any]) -> str:
    arguments = json.loads(function["arguments"])
    return json.dumps({"name": function["name"], "arguments": arguments}, ensure_ascii=False)


def _with_objects(message: Mapping[str, Any]) -> Plain:
    """Arguments as objects: what templates put through `tojson`."""
    if not message.get("tool_calls"):
        return dict(message)
    calls = [
        {**call, "function": {**call["function"], "arguments": json.loads(call["function"]["arguments"])}}
        for call in message["tool_calls"]
    ]
    return {**message, "tool_calls": calls}


def _with_short_ids(message: Mapping[str, Any]) -> Plain:
    """Ids of nine letters and digits; the same id becomes the same one."""
    changed = dict(message)
    if message.get("tool_calls"):
        changed["tool_calls"] = [{**call, "id": _short(call["id"])} for call in message["tool_calls"]]
    if message.get("tool_call_id"):
        changed["tool_call_id"] = _short(message["tool_call_id"])
    return changed


def _short(name: str) -> str:
    return name if _SHORT_ID.fullmatch(name) else hashlib.sha256(name.encode()).hexdigest()[:9]


def _one_by_one(messages: Sequence[Mapping[str, Any]]) -> list[Plain]:
    """Calls made together as made one after another, each with its result, for models that make one at a time."""
    results = {message["tool_call_id"]: message for message in messages if message["role"] == "tool"}
    told: list[Plain] = []
    placed = set()
    for message in messages:
        calls = message.get("tool_calls") or []
        if len(calls) < 2:
            if message.get("tool_call_id") not in placed:
                told.append(dict(message))
            continue
        for at, call in enumerate(calls):
            told.append({**message, "content": message.get("content") if at == 0 else None, "tool_calls": [call]})
            if call["id"] in results:
                told.append(dict(results[call["id"]]))
                placed.add(call["id"])
    return told
