"""Calls and results in the form that each family's template takes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support import family_templates as family
from tools.errors import InvalidArgument
from tools.models.tool_calls.conversation import for_template, without_system
from tools.models.tool_calls.functions import Function, ToolUse
from tools.models.tool_calls.parser import CallStart, ToolCallParser
from tools.models.tool_calls.syntax import syntax_of

WEATHER = Function(
    name="get_weather",
    description="O tempo numa cidade",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
TOOLS = ToolUse(functions=[WEATHER, Function(name="now")])


def call(name: str, city: str) -> dict[str, Any]:
    arguments = json.dumps({"city": city}, ensure_ascii=False)
    return {"id": name, "type": "function", "function": {"name": "get_weather", "arguments": arguments}}


TALK: list[dict[str, Any]] = [
    {"role": "system", "content": "Responde curto."},
    {"role": "user", "content": "Que tempo faz em Évora e no Porto?"},
    {"role": "assistant", "content": None, "tool_calls": [call("call_aaaa", "Évora"), call("call_bbbb", "Porto")]},
    {"role": "tool", "tool_call_id": "call_aaaa", "content": "sol"},
    {"role": "tool", "tool_call_id": "call_bbbb", "content": "chuva"},
]


def rendered(source: str, messages: list[dict[str, Any]] = TALK, tools: ToolUse | None = TOOLS) -> str:
    template = family.template(source)
    syntax = syntax_of(template)
    given = for_template(messages, syntax, tools)
    listed = [function.listed() for function in tools.functions] if tools and syntax.in_template else None
    try:
        return template.render(given, tools=listed, add_generation_prompt=True)
    except InvalidArgument:
        return template.render(without_system(given), add_generation_prompt=True)


@pytest.mark.parametrize(
    ("source", "kind", "in_template"),
    [
        (family.QWEN_2_5, "tagged", True),
        (family.QWEN_3, "tagged", True),
        (family.LLAMA_3, "bare", True),
        (family.MISTRAL_3, "listed", True),
        (family.CHATML, "tagged", False),
        (family.MISTRAL_OLD, "tagged", False),
        (family.DEEPSEEK_R1, "tagged", False),
    ],
)
def test_the_template_tells_how_calls_are_written(source: str, kind: str, in_template: bool) -> None:
    syntax = syntax_of(family.template(source))
    assert (syntax.kind, syntax.in_template) == (kind, in_template)


@pytest.mark.parametrize("source", [family.QWEN_2_5, family.QWEN_3, family.LLAMA_3, family.MISTRAL_3, family.CHATML])
def test_calls_are_rendered_so_that_they_are_read_again(source: str) -> None:
    text = rendered(source)
    syntax = syntax_of(family.template(source))
    written = text[text.index("Que tempo faz") :] if syntax.kind == "bare" else text
    if syntax.kind == "bare":
        written = written[written.index('{"name"') :]
    found = ToolCallParser(syntax, {"get_weather"}).feed(written)
    assert [one.name for one in found if isinstance(one, CallStart)][:1] == ["get_weather"]
    assert '{"city": "Évora"}' in text
    assert "sol" in text
    assert "chuva" in text
    assert text.index("Évora", text.index('"city": "Évora"')) < text.index('"city": "Porto"')


@pytest.mark.parametrize(
    "source", [family.QWEN_2_5, family.LLAMA_3, family.MISTRAL_3, family.CHATML, family.MISTRAL_OLD]
)
def test_the_functions_are_told(source: str) -> None:
    text = rendered(source, TALK[:2])
    assert "O tempo numa cidade" in text
    assert '"now"' in text
    assert "Responde curto." in text
    assert text.count("get_weather") == 1


def test_a_template_without_tools_gets_the_documented_block() -> None:
    assert rendered(family.CHATML, TALK[:2]).startswith(
        "<|im_start|>system\nResponde curto.\n\n# Tools\n\nYou may call one or more functions to assist with the user "
        "query.\n\nYou are provided with function signatures within <tools></tools> XML tags:\n<tools>\n"
        '{"type": "function", "function": {"name": "get_weather", "description": "O tempo numa cidade", "parameters": '
    )
    alone = rendered(family.CHATML, TALK[1:2])
    assert alone.startswith("<|im_start|>system\n# Tools")


def test_results_come_together_from_the_user_where_the_template_has_no_tools() -> None:
    text = rendered(family.CHATML)
    assert text.endswith(
        '<|im_start|>assistant\n<tool_call>\n{"name": "get_weather", "arguments": {"city": "Évora"}}\n</tool_call>\n'
        '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Porto"}}\n</tool_call><|im_end|>\n'
        "<|im_start|>user\n<tool_response>\nsol\n</tool_response>\n<tool_response>\nchuva\n</tool_response><|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    assert "<tool_response>" in rendered(family.MISTRAL_OLD)


def test_models_that_call_one_at_a_time_see_calls_one_by_one() -> None:
    text = rendered(family.LLAMA_3)
    places = [text.index(part) for part in ('"city": "Évora"', "sol", '"city": "Porto"', "chuva")]
    assert places == sorted(places)


def test_mistral_sees_ids_of_nine_letters_which_match() -> None:
    text = rendered(family.MISTRAL_3)
    ids = [text[at + len('"id": "') :][:9] for at in range(len(text)) if text.startswith('"id": "', at)]
    assert len(set(ids)) == 2
    assert all(f'"call_id": "{name}"' in text for name in ids)


def test_a_conversation_without_tools_stays_as_it_is() -> None:
    assert for_template(TALK[:2], syntax_of(family.template(family.CHATML)), None) == TALK[:2]
