"""Tools and forms of answers over a real server, by OpenAI's client. The model writes at random, but in form."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from server.engine.protocol import Reasoning, Text, ToolCall
from server.openai.answering import Choice
from server.openai.chat import ChatShape
from server.openai.schemas import ChatRequest

OLA: list[Any] = [{"role": "user", "content": "Que horas são?"}]
HOUR: Any = {"type": "function", "function": {"name": "hora", "description": "As horas"}}
MUST: dict[str, Any] = {"tools": [HOUR], "tool_choice": "required", "parallel_tool_calls": False, "max_tokens": 100}
SCHEMA = {
    "type": "object",
    "properties": {"cor": {"enum": ["azul", "maçã"]}, "n": {"type": "integer", "minimum": 0, "maximum": 99}},
    "required": ["cor", "n"],
    "additionalProperties": False,
}
FORM: Any = {"type": "json_schema", "json_schema": {"name": "cor", "strict": True, "schema": SCHEMA}}


def ask(client: openai.OpenAI, model: str = "tiny", **how: Any) -> Any:
    return client.chat.completions.create(model=model, **{"messages": OLA, "temperature": 0, "max_tokens": 150, **how})


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "hora"}}])
def test_a_call_that_must_be_made_is_made(client: openai.OpenAI, choice: Any) -> None:
    answer = ask(client, "longa", **{**MUST, "tool_choice": choice})
    assert answer.choices[0].finish_reason == "tool_calls"
    assert answer.choices[0].message.content is None
    (call,) = answer.choices[0].message.tool_calls
    assert (call.type, call.function.name, json.loads(call.function.arguments)) == ("function", "hora", {})
    assert call.id.startswith("call_")
    assert answer.usage.completion_tokens_details.reasoning_tokens == 0


def test_a_call_streams_in_pieces(client: openai.OpenAI) -> None:
    chunks = list(ask(client, "longa", **MUST, stream=True, logprobs=True))
    pieces = [piece for chunk in chunks for piece in chunk.choices[0].delta.tool_calls or []]
    assert (pieces[0].index, pieces[0].type, pieces[0].function.name) == (0, "function", "hora")
    assert pieces[0].id
    assert json.loads("".join(piece.function.arguments for piece in pieces)) == {}
    assert all(piece.id is None and piece.function.name is None for piece in pieces[1:])
    assert chunks[-1].choices[0].finish_reason == "tool_calls"
    assert not any(chunk.choices[0].delta.content for chunk in chunks)


def test_a_call_and_its_result_are_taken_back(client: openai.OpenAI) -> None:
    message = ask(client, "longa", **MUST).choices[0].message
    result: Any = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "12:00"}
    after = ask(client, "longa", messages=[*OLA, message, result], tools=[HOUR], max_tokens=5).usage
    without = ask(client, "longa", messages=[*OLA, message, result], max_tokens=5).usage
    assert after.prompt_tokens > without.prompt_tokens > ask(client, "longa", max_tokens=5).usage.prompt_tokens


def test_functions_that_may_not_be_called_are_not_told_of(client: openai.OpenAI) -> None:
    plain = ask(client, max_tokens=10)
    assert ask(client, max_tokens=10, tools=[HOUR], tool_choice="none").choices == plain.choices
    assert ask(client, max_tokens=10, tools=[]).choices == plain.choices
    assert ask(client, max_tokens=10, tools=[HOUR]).usage.prompt_tokens > plain.usage.prompt_tokens


@pytest.mark.parametrize("model", ["tiny", "um"])
def test_answers_follow_a_schema_however_they_are_asked(client: openai.OpenAI, model: str) -> None:
    how: dict[str, Any] = {"response_format": FORM, "n": 2, "seed": 4, "temperature": 1, "logprobs": True}
    plain = ask(client, model, **how, frequency_penalty=1)
    texts = ["", ""]
    for chunk in ask(client, model, **how, frequency_penalty=1, stream=True):
        texts[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    assert texts == [choice.message.content for choice in plain.choices]
    for choice in plain.choices:
        found = json.loads(choice.message.content)
        assert found["cor"] in ("azul", "maçã")
        assert 0 <= found["n"] <= 99
        assert b"".join(bytes(one.bytes) for one in choice.logprobs.content).decode() == choice.message.content


def test_any_json_object_begins_as_one(client: openai.OpenAI) -> None:
    answer = ask(client, response_format={"type": "json_object"}, max_tokens=30)
    assert answer.choices[0].message.content.startswith("{")
    assert ask(client, response_format={"type": "text"}, max_tokens=5).choices == ask(client, max_tokens=5).choices


def test_models_side_by_side_call_alike(client: openai.OpenAI) -> None:
    chunks = ask(client, **MUST, stream=True, extra_body={"models": ["tiny", "um"], "model": None})
    names = {c.choices[0].index: p.function.name for c in chunks for p in c.choices[0].delta.tool_calls or [] if p.id}
    assert names == {0: "hora", 1: "hora"}


def test_thoughts_stand_beside_the_content() -> None:
    shape = ChatShape(ChatRequest.model_validate({"messages": OLA}))
    pieces = [
        Reasoning(id=1, index=0, text="Hmm."),
        Text(id=1, index=0, text="Vejo."),
        ToolCall(id=1, index=0, call=0, call_id="call_a", name="hora", arguments=""),
        ToolCall(id=1, index=0, call=0, arguments="{}"),
    ]
    choice = Choice(0)
    for piece in pieces:
        choice.add(piece)
    function = {"name": "hora", "arguments": "{}"}
    assert shape.choice(choice)["message"] == {
        "role": "assistant",
        "content": "Vejo.",
        "refusal": None,
        "reasoning_content": "Hmm.",
        "tool_calls": [{"id": "call_a", "type": "function", "function": function}],
    }
    assert [shape.delta(piece)["delta"] for piece in pieces] == [
        {"reasoning_content": "Hmm."},
        {"content": "Vejo."},
        {"tool_calls": [{"index": 0, "id": "call_a", "type": "function", "function": {**function, "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]},
    ]
