"""Outputs of the families of models, as they write them, parted into what is said and what is called."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.models.tool_calls.parser import CallArguments, CallStart, Said, ToolCallParser
from tools.models.tool_calls.syntax import BARE, LISTED, TAGGED, ToolSyntax

NAMES = {"get_weather", "find_book"}
LISBON = {"city": "Lisboa", "unit": "celsius"}
BOOK = {"title": "Os Maias", "tags": ["séc. XIX", {"a": '}]\\"'}], "n": 2}

# What models wrote, by their family's syntax: the text, what is said of it, what is called.
RECORDED = {
    "qwen: one call": (
        TAGGED,
        '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Lisboa", "unit": "celsius"}}\n</tool_call>',
        "",
        [("get_weather", LISBON)],
    ),
    "qwen: words, then two calls": (
        TAGGED,
        "Vou ver o tempo e o livro.\n\n<tool_call>\n"
        + json.dumps({"name": "get_weather", "arguments": LISBON})
        + "\n</tool_call>\n<tool_call>\n"
        + json.dumps({"name": "find_book", "arguments": BOOK}, ensure_ascii=False)
        + "\n</tool_call>",
        "Vou ver o tempo e o livro.",
        [("get_weather", LISBON), ("find_book", BOOK)],
    ),
    "qwen: arguments first, and in a string": (
        TAGGED,
        '<tool_call>{"arguments": ' + json.dumps(json.dumps(LISBON)) + ', "name": "get_weather"}</tool_call>',
        "",
        [("get_weather", LISBON)],
    ),
    "smollm2 1.7b: a list within the tags": (
        TAGGED,
        '<tool_call>[{"name": "get_weather", "arguments": {"city": "Lisboa", "unit": "celsius"}},\n'
        '{"name": "find_book", "arguments": {}}]</tool_call>',
        "",
        [("get_weather", LISBON), ("find_book", {})],
    ),
    "small models: a brace too few": (
        TAGGED,
        '<tool_call>\n{"name": "find_book", "arguments": {"n": 1}\n</tool_call> Feito.',
        "Feito.",
        [("find_book", {"n": 1})],
    ),
    "small models: a brace too many": (
        TAGGED,
        '<tool_call>\n{"name": "find_book", "arguments": {"n": 1}}}\n</tool_call>',
        "",
        [("find_book", {"n": 1})],
    ),
    "no arguments at all": (TAGGED, '<tool_call>\n{"name": "find_book"}\n</tool_call>', "", [("find_book", {})]),
    "null arguments": (
        TAGGED,
        '<tool_call>\n{"name": "find_book", "arguments": null}\n</tool_call>',
        "",
        [("find_book", {})],
    ),
    "mistral v0.3: two calls": (
        LISTED,
        "[TOOL_CALLS] [" + json.dumps({"name": "get_weather", "arguments": LISBON}) + ", "
        '{"name": "find_book", "arguments": {"title": "Os Maias"}, "id": "VvvODy9mT"}]',
        "",
        [("get_weather", LISBON), ("find_book", {"title": "Os Maias"})],
    ),
    "mistral small: no blanks": (
        LISTED,
        '[TOOL_CALLS][{"name":"find_book","arguments":{"n":1}}]',
        "",
        [("find_book", {"n": 1})],
    ),
    "llama 3.1": (
        BARE,
        '{"name": "get_weather", "parameters": {"city": "Lisboa", "unit": "celsius"}}',
        "",
        [("get_weather", LISBON)],
    ),
    "llama 3.2: a mark, and two calls": (
        BARE,
        '<|python_tag|>{"type": "function", "name": "find_book", "parameters": {"n": 1}}; '
        '{"name": "get_weather", "parameters": {"city": "Lisboa", "unit": "celsius"}}',
        "",
        [("find_book", {"n": 1}), ("get_weather", LISBON)],
    ),
    "llama 3: prose": (BARE, "\nO tempo em Lisboa {é} bom.\n", "\nO tempo em Lisboa {é} bom.\n", []),
    "llama 3: JSON that calls nothing": (BARE, '{"name": "Ana", "age": 3}', '{"name": "Ana", "age": 3}', []),
    "llama 3: a list": (BARE, "[1, 2]", "[1, 2]", []),
    "a function that was not offered": (
        TAGGED,
        '<tool_call>\n{"name": "outra", "arguments": {}}\n</tool_call>',
        '<tool_call>\n{"name": "outra", "arguments": {}}\n</tool_call>',
        [],
    ),
    "a mark that is only named": (TAGGED, "Escreve <tool_call> assim: <tool", "Escreve <tool_call> assim: <tool", []),
    "an empty mark": (TAGGED, "<tool_call></tool_call>", "<tool_call></tool_call>", []),
    "prose with blanks around": (TAGGED, "  Olá.\n\n", "  Olá.\n\n", []),
    "nothing": (TAGGED, "", "", []),
}


def parsed(syntax: ToolSyntax, pieces: list[str]) -> tuple[str, list[tuple[str, str]]]:
    parser = ToolCallParser(syntax, NAMES)
    found = [one for piece in pieces for one in parser.feed(piece)] + parser.finish()
    said, calls = "", list[tuple[str, str]]()
    for one in found:
        match one:
            case Said():
                said += one.text
            case CallStart():
                assert one.call == len(calls)
                calls.append((one.name, ""))
            case CallArguments():
                name, arguments = calls[one.call]
                calls[one.call] = name, arguments + one.text
    assert parser.calls == len(calls)
    return said, calls


@pytest.mark.parametrize("case", RECORDED)
def test_recorded_outputs_are_read(case: str) -> None:
    syntax, text, said, calls = RECORDED[case]
    found_said, found_calls = parsed(syntax, [text])
    assert found_said == said
    assert [(name, json.loads(arguments)) for name, arguments in found_calls] == calls


@pytest.mark.parametrize("case", RECORDED)
def test_what_is_read_does_not_depend_on_the_pieces(case: str) -> None:
    syntax, text, _, _ = RECORDED[case]
    assert parsed(syntax, list(text)) == parsed(syntax, [text])


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(RECORDED)), st.data())
def test_any_cut_of_an_output_is_read_alike(case: str, data: st.DataObject) -> None:
    syntax, text, _, _ = RECORDED[case]
    text = text[: data.draw(st.integers(0, len(text)))]
    at = data.draw(st.integers(0, len(text)))
    assert parsed(syntax, [text[:at], text[at:]]) == parsed(syntax, list(text))


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([TAGGED, LISTED, BARE]),
    st.text(alphabet='<tool_cal>[]{}" :,name\\;TOOLCALLS/|python\n', max_size=60),
)
def test_text_without_calls_comes_out_whole(syntax: ToolSyntax, text: str) -> None:
    assert parsed(syntax, list(text)) == (text, [])


def test_arguments_come_as_they_are_written() -> None:
    parser = ToolCallParser(TAGGED, NAMES)
    pieces = parser.feed('<tool_call>\n{"name": "find_book", "arguments": {"title": "Os')
    pieces += parser.feed(' Maias"')
    assert [type(one) for one in pieces] == [CallStart, CallArguments, CallArguments]
    assert "".join(one.text for one in pieces if isinstance(one, CallArguments)) == '{"title": "Os Maias"'


def test_each_call_has_an_id_of_its_own_as_its_family_wants_it() -> None:
    ids = {}
    for syntax in (TAGGED, LISTED):
        call = json.dumps({"name": "find_book", "arguments": {}})
        text = f"{syntax.opens}[{call}, {call}]{syntax.closes}"
        ids[syntax.kind] = [one.id for one in ToolCallParser(syntax, NAMES).feed(text) if isinstance(one, CallStart)]
        assert len(set(ids[syntax.kind])) == 2
    assert all(len(one) == 9 and one.isalnum() for one in ids["listed"])
    assert all(one.startswith("call_") for one in ids["tagged"])
