"""Conversations in OpenAI's form: turns, their order, and calls of tools."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.prepare_dataset.support import source
from tools.prepare_dataset.examples import parse_examples
from tools.prepare_dataset.material import Exchange, Parsed

USER, ASSISTANT = {"role": "user", "content": "Olá?"}, {"role": "assistant", "content": "Olá."}
SYSTEM = {"role": "system", "content": "Sê breve."}
TOOL = {
    "type": "function",
    "function": {
        "name": "estado_do_farol",
        "parameters": {"type": "object", "properties": {"farol": {"type": "string"}}, "required": ["farol"]},
    },
}


def called(call_id: str | None = "c1", name: str = "estado_do_farol", arguments: Any = '{"farol": "Areal"}') -> Any:
    call = {"type": "function", "function": {"name": name, "arguments": arguments}}
    return call if call_id is None else {"id": call_id, **call}


def calling(*calls: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls)}


def answer(call_id: str | None = "c1") -> dict[str, Any]:
    return {"role": "tool", "content": "aceso"} | ({} if call_id is None else {"tool_call_id": call_id})


def parse(*messages: Any, **more: Any) -> Parsed:
    text = json.dumps({"messages": list(messages), **more}, ensure_ascii=False)
    return parse_examples(source("ex.jsonl", text, "examples"))


def turns(*messages: Any, **more: Any) -> list[dict[str, Any]]:
    parsed = parse(*messages, **more)
    assert not parsed.errors
    unit = parsed.units[0]
    assert isinstance(unit, Exchange)
    return [dict(message) for message in unit.messages]


def test_calls_become_objects_that_templates_write_as_json() -> None:
    found = turns(USER, calling(called()), answer(), ASSISTANT, tools=[TOOL], parallel_tool_calls=True)
    assert found[1] == {
        "role": "assistant",
        "tool_calls": [
            {
                "id": "c1",
                "type": "function",
                "function": {"name": "estado_do_farol", "arguments": {"farol": "Areal"}},
            }
        ],
        "content": "",
    }
    assert found[2]["tool_call_id"] == "c1"


def test_a_conversation_may_end_with_a_call() -> None:
    assert turns(USER, calling(called()), tools=[TOOL])[-1]["tool_calls"]


def test_calls_without_names_of_their_own_are_answered_in_order() -> None:
    assert len(turns(USER, calling(called(None), called(None)), answer(None), answer(None), ASSISTANT)) == 5


def test_the_developers_turn_is_the_systems_and_said_so() -> None:
    parsed = parse({"role": "developer", "content": "Sê breve."}, USER, ASSISTANT)
    unit = parsed.units[0]
    assert isinstance(unit, Exchange)
    assert unit.messages[0] == SYSTEM
    assert parsed.notes == [
        "ex.jsonl: `developer` turns were taken as the system's: that is what templates know (1 time)."
    ]


def test_what_a_turn_says_is_kept_to_the_blank() -> None:
    code = {"role": "assistant", "content": "    return farol\n"}
    assert turns(USER, code)[1]["content"] == "    return farol\n"


def test_parts_of_text_are_joined() -> None:
    parts = [{"type": "text", "text": "Olá?"}, {"type": "text", "text": "Quem está aí?"}]
    assert turns({"role": "user", "content": parts}, ASSISTANT)[0]["content"] == "Olá?\nQuem está aí?"


def test_what_the_api_adds_to_its_answers_is_passed_over() -> None:
    added = {**ASSISTANT, "refusal": None, "annotations": [], "function_call": None, "tool_calls": None, "weight": 1}
    assert turns(USER, added) == [USER, ASSISTANT]


@pytest.mark.parametrize(
    ("messages", "message", "fix"),
    [
        ([], "`messages` is no list of turns.", "`role` and `content`"),
        ([USER], "The last turn is not the assistant's", "the assistant last"),
        ([ASSISTANT], "The assistant's turn 1 comes first.", "user and assistant in turns"),
        ([USER, USER, ASSISTANT], "The user's turn 2 follows the user's.", "in turns"),
        ([SYSTEM, SYSTEM, USER, ASSISTANT], "A second system turn.", "optional system turn"),
        ([USER, ASSISTANT, SYSTEM], "A system turn stands after another turn.", "optional system turn"),
        ([{"role": "bot", "content": "x"}, ASSISTANT], "Turn 1 has no known role.", "`assistant`"),
        ([USER, {"role": "function", "content": "x"}, ASSISTANT], "Turn 2 has no known role.", "Write `tool`"),
        ([{"role": "user", "content": " "}, ASSISTANT], "`content` of turn 1 is empty.", "Fill it"),
        ([{"role": "user", "content": "a\0"}, ASSISTANT], "`content` of turn 1 holds characters", "Remove"),
        ([{"role": "user", "content": 3}, ASSISTANT], "`content` of turn 1 is a number.", "text"),
        (["olá", ASSISTANT], "Turn 1 is a text.", "object"),
        ([USER, {**ASSISTANT, "texto": "x"}], "Turn 2 has the unknown key `texto`.", "Remove it"),
        ([USER, {**ASSISTANT, "contnt": "x"}], "Turn 2 has the unknown key `contnt`.", "Did you mean `content`?"),
        ([USER, {**ASSISTANT, "weight": 0}], "Turn 2 has the weight 0", "`prompt` and `completion`"),
        ([{**USER, "weight": 1.5}, ASSISTANT], "`weight` of turn 1 is wrong.", "It is 1"),
        (
            [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}, ASSISTANT],
            "Part 1 of `content` of turn 1 is of the type `image_url`; only text is learned.",
            "leave the example out",
        ),
        ([{**USER, "tool_calls": [called()]}, ASSISTANT], "`tool_calls` of turn 1 are the user's.", "Only the assist"),
    ],
)
def test_every_fault_of_a_turn_is_told(messages: list[Any], message: str, fix: str) -> None:
    problem = parse(*messages).errors[0]
    assert message in problem.message
    assert fix in problem.fix


@pytest.mark.parametrize(
    ("messages", "message", "fix"),
    [
        ([USER, calling(), ASSISTANT], "`tool_calls` of turn 2 is no list of calls.", '"function"'),
        ([USER, calling({"id": "c1"}), answer(), ASSISTANT], "A call in turn 2 names no function.", '"name"'),
        ([USER, calling(called()), answer("c2"), ASSISTANT], "names no call that waits", "There waits: `c1`."),
        ([USER, calling(called()), answer(), answer(), ASSISTANT], "turn 4 answers no call", "once for each call"),
        ([USER, calling(called()), answer(None), ASSISTANT], "does not say which call", "`tool_call_id`"),
        ([USER, calling(called(), called("c2")), answer(), ASSISTANT], "A call before turn 4 has no answer.", "Add"),
        ([USER, calling(called(), called()), answer(), answer(), ASSISTANT], "the same `id`", "its own"),
        ([USER, calling(called(arguments="{farol}")), answer(), ASSISTANT], "turn 2 are no JSON.", "an object"),
        ([USER, calling(called(arguments="[1]")), answer(), ASSISTANT], "turn 2 are a list.", "an object"),
        ([USER, calling(called(name="estado_farol")), answer(), ASSISTANT], "none of the tools", "`estado_do_farol`?"),
        ([USER, calling(called(arguments='{"faro": 1}')), answer(), ASSISTANT], "`faro` is no argument", "`farol`?"),
        ([USER, calling(called(arguments="{}")), answer(), ASSISTANT], "lacks `farol`", "requires it"),
        ([USER, answer(), ASSISTANT], "turn 2 answers no call", "after the turn that makes the call"),
        ([USER, calling(called()), ASSISTANT], "A call before turn 3 has no answer.", "Add"),
    ],
)
def test_every_fault_of_a_call_is_told(messages: list[Any], message: str, fix: str) -> None:
    problem = parse(*messages, tools=[TOOL]).errors[0]
    assert message in problem.message
    assert fix in problem.fix


def test_several_calls_at_once_are_refused_where_the_example_says_there_are_none() -> None:
    found = [USER, calling(called(), called("c2")), answer(), answer("c2"), ASSISTANT]
    assert not parse(*found, tools=[TOOL]).errors
    assert "several calls" in parse(*found, tools=[TOOL], parallel_tool_calls=False).errors[0].message


@pytest.mark.parametrize("tools", ["f", [3], [{"type": "function"}]])
def test_tools_that_are_none_are_told(tools: Any) -> None:
    assert parse(USER, ASSISTANT, tools=tools).errors
