"""JSON of schemas and calls by the real small model, which was trained for neither, over a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest
from jsonschema import Draft202012Validator

from tests.support.running_server import RunningServer
from tests.support.tiny_adapter import make_tiny_adapter
from tools.models.pull import pull
from tools.workspace.layout import open_workspace

pytestmark = [pytest.mark.verify, pytest.mark.journey]

BASE = "smollm2-135m"
CARD = {
    "type": "object",
    "properties": {
        "título": {"type": "string", "maxLength": 60},
        "género": {"enum": ["romance", "poesia", "crónica", "ficção"]},
        "ano": {"type": "integer", "minimum": 1500, "maximum": 2030},
        "nota": {"type": "number", "minimum": 0, "maximum": 10},
        "capítulos": {
            "type": "array",
            "minItems": 1,
            "maxItems": 3,
            "items": {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 99}, "maxItems": 2},
        },
        "autor": {"anyOf": [{"$ref": "#/$defs/pessoa"}, {"type": "null"}]},
    },
    "required": ["título", "género", "ano", "nota", "capítulos", "autor"],
    "additionalProperties": False,
    "$defs": {
        "pessoa": {
            "type": "object",
            "properties": {"nome": {"type": "string", "maxLength": 40}, "vivo": {"type": "boolean"}},
            "required": ["nome", "vivo"],
            "additionalProperties": False,
        }
    },
}
WEATHER = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "maxLength": 30, "description": "Name of the city"},
        "unit": {"enum": ["celsius", "fahrenheit"]},
    },
    "required": ["city", "unit"],
    "additionalProperties": False,
}
TOOLS: list[Any] = [
    {"type": "function", "function": {"name": "get_weather", "description": "The weather now", "parameters": WEATHER}},
    {"type": "function", "function": {"name": "now", "description": "The time of day"}},
]
FORM = {"type": "json_schema", "json_schema": {"name": "livro", "strict": True, "schema": CARD}}
BOOK = "Fala-me de um livro português de que gostes: o título, o autor e o ano."


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[openai.OpenAI]:
    ws = open_workspace(tmp_path_factory.mktemp("real") / "afina")
    pull(ws, BASE, lambda *_: None)
    make_tiny_adapter(ws, "livros", base=BASE, rank=8, scale=0.5, layers=range(10, 30))
    with RunningServer(ws, model=BASE) as server:
        yield openai.OpenAI(base_url=f"{server.url}/v1", api_key="-", timeout=300, max_retries=0)


def ask(client: openai.OpenAI, text: str = BOOK, **how: Any) -> Any:
    given = {"model": BASE, "temperature": 0, "max_tokens": 300, **how}
    return client.chat.completions.create(messages=[{"role": "user", "content": text}], **given)


def is_card(text: str) -> bool:
    value = json.loads(text)
    Draft202012Validator(CARD).validate(value)
    return list(value) == CARD["required"]


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"model": "livros"},
        {"temperature": 1, "seed": 3, "top_p": 0.9},
        {"frequency_penalty": 1.5, "presence_penalty": 1},
        {"logit_bias": {"2": 100}},
    ],
)
def test_an_answer_follows_a_schema_that_the_prompt_does_not_tell_of(
    client: openai.OpenAI, how: dict[str, Any]
) -> None:
    answer = ask(client, response_format=FORM, **how)
    assert answer.choices[0].finish_reason == "stop"
    assert is_card(answer.choices[0].message.content)


def test_several_answers_streamed_with_log_probabilities_follow_it_too(client: openai.OpenAI) -> None:
    how = {"response_format": FORM, "n": 3, "temperature": 1, "seed": 9, "logprobs": True, "top_logprobs": 2}
    plain = ask(client, **how)
    texts = ["", "", ""]
    for chunk in ask(client, **how, stream=True):
        texts[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    assert texts == [choice.message.content for choice in plain.choices]
    assert all(is_card(text) for text in texts)
    for choice in plain.choices:
        spelled = b"".join(bytes(one.bytes) for one in choice.logprobs.content)
        assert spelled.decode() == choice.message.content


def test_json_of_any_form_ends(client: openai.OpenAI) -> None:
    answer = ask(client, "Name three colours.", response_format={"type": "json_object"}, max_tokens=400)
    assert answer.choices[0].finish_reason in ("stop", "length")
    if answer.choices[0].finish_reason == "stop":
        assert isinstance(json.loads(answer.choices[0].message.content), dict)
    assert answer.choices[0].message.content.startswith("{")


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_that_is_required_is_made(client: openai.OpenAI, stream: bool) -> None:
    how: dict[str, Any] = {"tools": TOOLS, "tool_choice": "required", "parallel_tool_calls": False}
    answer = ask(client, "What is the weather in Lisbon?", **how)
    message = answer.choices[0].message
    assert answer.choices[0].finish_reason == "tool_calls"
    assert message.content is None
    (call,) = message.tool_calls
    assert call.function.name in ("get_weather", "now")
    json.loads(call.function.arguments)
    if stream:
        chunks = list(ask(client, "What is the weather in Lisbon?", **how, stream=True))
        pieces = [piece for chunk in chunks for piece in chunk.choices[0].delta.tool_calls or []]
        assert pieces[0].function.name == call.function.name
        assert pieces[0].id
        assert "".join(piece.function.arguments for piece in pieces) == call.function.arguments
        assert chunks[-1].choices[0].finish_reason == "tool_calls"
        assert not any(chunk.choices[0].delta.content for chunk in chunks)


def test_a_named_function_is_called_and_its_result_is_answered(client: openai.OpenAI) -> None:
    named: Any = {"type": "function", "function": {"name": "get_weather"}}
    answer = ask(client, "What is the weather in Évora?", tools=TOOLS, tool_choice=named)
    (call,) = answer.choices[0].message.tool_calls
    Draft202012Validator(WEATHER).validate(json.loads(call.function.arguments))
    talk: list[Any] = [
        {"role": "user", "content": "What is the weather in Évora?"},
        answer.choices[0].message,
        {"role": "tool", "tool_call_id": call.id, "content": "Sunny, 31 degrees."},
    ]
    after = client.chat.completions.create(model=BASE, messages=talk, tools=TOOLS, temperature=0, max_tokens=40)
    assert after.choices[0].message.content or after.choices[0].message.tool_calls


def test_a_model_may_answer_without_calling(client: openai.OpenAI) -> None:
    for choice in ("auto", "none"):
        answer = ask(client, "Say hello.", tools=TOOLS, tool_choice=choice, max_tokens=40)
        assert answer.choices[0].message.content or answer.choices[0].message.tool_calls
    strict = [{"type": "function", "function": {**tool["function"], "strict": True}} for tool in TOOLS]
    answer = ask(client, "What is the weather in Lisbon? Call a function.", tools=strict, max_tokens=120)
    for call in answer.choices[0].message.tool_calls or []:
        json.loads(call.function.arguments)


def test_free_answers_are_the_same_beside_held_ones(client: openai.OpenAI) -> None:
    texts = ["Tell me about lighthouses.", "Conta uma história.", "What is a river?", "Name two cities."]
    models = [BASE, "livros", BASE, "livros"]

    def free(at: int) -> str:
        return ask(client, texts[at], model=models[at], max_tokens=40).choices[0].message.content

    alone = [free(at) for at in range(4)]
    with ThreadPoolExecutor(8) as pool:
        held = [pool.submit(ask, client, f"{BOOK} {at}", response_format=FORM, model=models[at]) for at in range(4)]
        together = list(pool.map(free, range(4)))
        assert all(is_card(one.result().choices[0].message.content) for one in held)
    assert together == alone
