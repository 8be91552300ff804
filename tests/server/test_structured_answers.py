"""The engine's loop where answers are JSON, calls and thoughts, with the tiny model in this process."""

from __future__ import annotations

import json
from typing import Any

import pytest

from server.engine.protocol import (
    Conversation,
    Done,
    Ended,
    Failed,
    Generate,
    Load,
    Message,
    Reasoning,
    Stop,
    Text,
    ToolCall,
    decode_from_engine,
    decode_to_engine,
    encode,
)
from server.engine.worker.answers import AnswerReader
from server.engine.worker.conversations import FREE, AnswerPlan
from server.engine.worker.scheduler import Scheduler
from tests.support import family_templates as family
from tests.support.running_server import lengthen_context
from tools.models.sampling import GREEDY, Sampling
from tools.models.tool_calls.functions import Function, ToolUse
from tools.models.tool_calls.syntax import PLAIN
from tools.workspace.files import read_json, write_json
from tools.workspace.layout import Workspace

SCHEMA = {
    "type": "object",
    "properties": {"cor": {"enum": ["azul", "maçã"]}, "n": {"type": "integer", "minimum": 0, "maximum": 99}},
    "required": ["cor", "n"],
    "additionalProperties": False,
}
WEATHER = Function(name="get_weather", parameters=SCHEMA, strict=True)
OLA: list[dict[str, Any]] = [{"role": "user", "content": "Olá, mãe."}]
MANY = 1_000_000_000


def asked(number: int, how: dict[str, Any] | None = None, **more: Any) -> Generate:
    conversation = Conversation(messages=OLA, **(how or {}))
    return Generate(id=number, prompts=[conversation], **{"max_tokens": 400, "sampling": GREEDY, **more})


def said(ws: Workspace, *requests: Generate) -> list[Message]:
    """All that the engine says to these requests."""
    lengthen_context(ws.models / "tiny", 4096)
    load = Load(base="tiny", folder=str(ws.models / "tiny"), max_rows=8, room=MANY, most=MANY, max_adapters=2)
    inbox: list[Any] = [load, *requests]
    heard: list[Message] = []

    def receive(_timeout_s: float) -> Any:
        if inbox:
            return decode_to_engine(encode(inbox.pop(0)))
        over = {one.id for one in heard if isinstance(one, Done | Failed)}
        return Stop() if over >= {request.id for request in requests} else None

    Scheduler(lambda message: heard.append(decode_from_engine(encode(message))), receive).run()
    return heard


def text_of(heard: list[Message], number: int) -> str:
    return "".join(one.text for one in heard if isinstance(one, Text) and one.id == number)


def use_template(ws: Workspace, source: str) -> None:
    path = ws.models / "tiny" / "tokenizer_config.json"
    write_json(path, {**read_json(path), "chat_template": source})


def test_json_calls_and_plain_text_in_one_batch(tiny_ws: Workspace) -> None:
    tools = ToolUse(functions=[WEATHER], choice="required", parallel=False)
    alone = text_of(said(tiny_ws, asked(1, max_tokens=30)), 1)
    heard = said(
        tiny_ws,
        asked(1, max_tokens=30),
        asked(2, {"json_schema": SCHEMA}, n=2, sampling=Sampling(temperature=1, seed=4)),
        asked(3, {"tools": tools}),
        asked(4, {"json_schema": SCHEMA}, max_tokens=3),
    )
    assert text_of(heard, 1) == alone
    both = [one for one in heard if isinstance(one, Text) and one.id == 2]
    for index in range(2):
        found = json.loads("".join(one.text for one in both if one.index == index))
        assert found["cor"] in ("azul", "maçã")
    calls = [one for one in heard if isinstance(one, ToolCall)]
    assert {one.id for one in calls} == {3}
    assert (calls[0].name, calls[0].call_id is not None, calls[0].arguments) == ("get_weather", True, "")
    assert json.loads("".join(one.arguments for one in calls)).keys() == {"cor", "n"}
    assert len(calls) > 3
    assert text_of(heard, 3) == ""
    reasons = {one.id: one.reason for one in heard if isinstance(one, Ended)}
    assert (reasons[2], reasons[3], reasons[4]) == ("stop", "tool_calls", "length")


def test_a_grammar_that_cannot_be_made_fails_before_the_request_starts(tiny_ws: Workspace) -> None:
    lax = Function(name="lax", parameters={"properties": {"a": {"pattern": "(?=a)"}}})
    heard = said(
        tiny_ws,
        asked(1, {"json_schema": {"type": "string", "pattern": "(?=a)"}}),
        asked(2, {"tools": ToolUse(functions=[WEATHER, lax], choice="required")}),
        asked(3, {"tools": ToolUse(functions=[WEATHER, lax], choice="required", only="get_weather")}),
        asked(4, {"thinking": True}),
        asked(5, {"effort": "high"}),
        asked(6, {"effort": "none"}, max_tokens=3),
    )
    fields = {one.id: one.error["field"] for one in heard if isinstance(one, Failed)}
    assert fields == {
        1: "response_format",
        2: "tools[1].function.parameters",
        4: "chat_template_kwargs",
        5: "reasoning_effort",
    }


@pytest.mark.parametrize(
    "source", [family.QWEN_2_5, family.LLAMA_3, family.MISTRAL_3], ids=["qwen", "llama", "mistral"]
)
def test_each_familys_calls_are_written_and_read(tiny_ws: Workspace, source: str) -> None:
    use_template(tiny_ws, source)
    heard = said(tiny_ws, asked(1, {"tools": ToolUse(functions=[WEATHER], choice="required", only="get_weather")}))
    calls = [one for one in heard if isinstance(one, ToolCall)]
    assert [one.name for one in calls if one.name] == ["get_weather"]
    assert json.loads("".join(one.arguments for one in calls)).keys() == {"cor", "n"}
    assert text_of(heard, 1) == ""


def test_thoughts_are_told_apart_and_counted(tiny_ws: Workspace) -> None:
    # The prompt opens the thoughts, and a random model never closes them.
    use_template(tiny_ws, family.DEEPSEEK_R1)
    heard = said(tiny_ws, asked(1, max_tokens=20, sampling=Sampling(logit_bias={2: -100.0})))
    assert text_of(heard, 1) == ""
    assert "".join(one.text for one in heard if isinstance(one, Reasoning))
    (done,) = [one for one in heard if isinstance(one, Done)]
    assert 0 < done.reasoning_tokens <= done.completion_tokens == 20


def test_an_answer_is_told_piece_by_piece() -> None:
    tools = ToolUse(functions=[Function(name="now")])
    plan = AnswerPlan("maybe", PLAIN, tools, None, None, frozenset())
    reader = AnswerReader(plan, 1, number=7, index=0)
    text = '<think>\nHmm.\n</think>\n\nVejo. <tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>'
    told = [message for char in text for message in reader.read(char, [])] + list(reader.end())
    assert "".join(one.text for one in told if isinstance(one, Reasoning)) == "Hmm."
    assert "".join(one.text for one in told if isinstance(one, Text)) == "Vejo."
    assert "".join(one.arguments for one in told if isinstance(one, ToolCall)) == "{}"
    assert reader.reason("stop") == "tool_calls"
    assert reader.reason("length") == "length"
    assert AnswerReader(FREE, 1, number=7, index=0).reason("stop") == "stop"


def test_a_message_is_gone_on_with_after_calls(tiny_ws: Workspace) -> None:
    call = {"id": "call_a", "type": "function", "function": {"name": "now", "arguments": "{}"}}
    begun = {"role": "assistant", "content": "São"}
    talk = [
        *OLA,
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_a", "content": "12"},
    ]
    conversation = Conversation(messages=[*talk, begun], goes_on=True)
    heard = said(tiny_ws, Generate(id=1, prompts=[conversation], max_tokens=3, sampling=GREEDY))
    assert isinstance(heard[-1], Done)
    assert not any(isinstance(one, Failed) for one in heard)
