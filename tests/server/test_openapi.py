"""The API's description: whole, valid, and true of a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from server.app import make_app
from server.openai.openapi import document, served
from server.settings import Settings
from tests.support.api_contract import Contract
from tests.support.running_server import RunningServer
from tools.workspace.layout import Workspace

HELLO = [{"role": "user", "content": "olá"}]
BEGUN = {"messages": [*HELLO, {"role": "assistant", "content": "Bom"}], "continue_final_message": True}
CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"
# Routes that are described elsewhere, by the protocol that they speak.
NOT_OURS = {"/mcp"}

TOOL = {"type": "function", "function": {"name": "hora", "strict": True}}
JSON_FORMAT = {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": {"type": "integer"}}}

# A value of each field of a request that asks for something, and what else the request must have then.
COMMON: dict[str, dict[str, Any]] = {
    "model": {"model": "um"},
    "stream": {"stream": True},
    "stream_options": {"stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}},
    "n": {"n": 2},
    "temperature": {"temperature": 0.5},
    "top_p": {"top_p": 0.5},
    "top_k": {"top_k": 5},
    "min_p": {"min_p": 0.1},
    "seed": {"seed": -(2**63)},
    "presence_penalty": {"presence_penalty": 1},
    "frequency_penalty": {"frequency_penalty": -1.5},
    "repetition_penalty": {"repetition_penalty": 1.1},
    "logit_bias": {"logit_bias": {"5": -100, "0": 3.5}},
    "stop": {"stop": ["a", "b", "c", "d"]},
    "user": {"user": "ana"},
    "metadata": {"metadata": {"a": "b"}},
    "store": {"store": False},
    "safety_identifier": {"safety_identifier": "x"},
    "prompt_cache_key": {"prompt_cache_key": "x"},
    "prompt_cache_retention": {"prompt_cache_retention": "24h"},
    "max_tokens": {"max_tokens": 2},
}
SAMPLES: dict[str, dict[str, dict[str, Any]]] = {
    CHAT: {
        **COMMON,
        "messages": {"messages": [{"role": "user", "content": [{"type": "text", "text": "olá"}]}]},
        "models": {"model": None, "models": ["tiny", "um"], "logprobs": True},
        "max_completion_tokens": {"max_tokens": None, "max_completion_tokens": 2},
        "logprobs": {"logprobs": True},
        "top_logprobs": {"logprobs": True, "top_logprobs": 3},
        "continue_final_message": BEGUN,
        "add_generation_prompt": {**BEGUN, "add_generation_prompt": False},
        "response_format": {"response_format": JSON_FORMAT},
        "tools": {"tools": [TOOL]},
        "tool_choice": {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "hora"}}},
        "parallel_tool_calls": {"tools": [TOOL], "parallel_tool_calls": False},
        "reasoning_effort": {"reasoning_effort": "none"},
        "chat_template_kwargs": {"chat_template_kwargs": {"enable_thinking": None}},
    },
    COMPLETIONS: {
        **COMMON,
        "prompt": {"prompt": [[5, 6], [7]]},
        "best_of": {"n": 2, "best_of": 2},
        "echo": {"echo": True, "max_tokens": 0, "logprobs": 1},
        "logprobs": {"logprobs": 3},
    },
}
LEAST: dict[str, dict[str, Any]] = {
    CHAT: {"model": "tiny", "messages": HELLO, "max_tokens": 2},
    COMPLETIONS: {"model": "tiny", "prompt": "olá", "max_tokens": 2},
}


@pytest.fixture(scope="module")
def contract(server: RunningServer) -> Contract:
    return Contract(server.client.get("/openapi.json").json())


def schema_of_body(contract: Contract, path: str) -> dict[str, Any]:
    body = contract.document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    name = body["schema"]["$ref"].rpartition("/")[2]
    return contract.document["components"]["schemas"][name]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from ([value["$ref"]] if isinstance(value.get("$ref"), str) else [])
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_the_document_is_sound(contract: Contract) -> None:
    document = contract.document
    assert document["openapi"] == "3.1.0"
    assert set(document) == {"openapi", "info", "paths", "components"}
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    assert {ref.rpartition("/")[2] for ref in references(document)} <= set(schemas)
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for operation in operations:
        assert operation["summary"]
        assert all(answer["description"] and answer["content"] for answer in operation["responses"].values())
        assert "200" in operation["responses"]


@pytest.mark.parametrize(
    ("status", "kind", "text"),
    [
        (418, "application/json", "{}"),
        (200, "text/html", "olá"),
        (200, "application/json", '{"object": "list"}'),
        (200, "application/json", '{"object": "list", "data": [], "more": 1}'),
        (403, "application/json", '{"error": {"message": "Nada."}}'),
    ],
)
def test_an_answer_that_is_not_described_is_found(contract: Contract, status: int, kind: str, text: str) -> None:
    contract.check("GET", "/v1/models", 200, "application/json", '{"object": "list", "data": []}')
    with pytest.raises(AssertionError):
        contract.check("GET", "/v1/models", status, kind, text)


@pytest.mark.parametrize("keys", [False, True])
def test_every_route_is_described(tiny_ws: Workspace, keys: bool) -> None:
    app = make_app(Settings(workspace=tiny_ws.root, api_key="segredo" if keys else None), tiny_ws)
    told = document(served(app.routes), keys)
    there = {(method, path) for method, path in served(app.routes) if method != "HEAD" and path not in NOT_OURS}
    assert there == {(method.upper(), path) for path, methods in told["paths"].items() for method in methods}
    asked_for = {path for path, methods in told["paths"].items() if any("security" in one for one in methods.values())}
    assert asked_for == (set(told["paths"]) - {"/health", "/ready"} if keys else set())


def test_examples_are_of_their_schemas(contract: Contract) -> None:
    found = 0
    for methods in contract.document["paths"].values():
        for operation in methods.values():
            contents = [operation.get("requestBody", {}), *operation["responses"].values()]
            for content in (one for told in contents for one in told.get("content", {}).values()):
                given = [example["value"] for example in content.get("examples", {}).values()]
                for example in [*given, *([content["example"]] if "example" in content else [])]:
                    contract.validate(content["schema"], example)
                    found += 1
    assert found > 10


@pytest.mark.parametrize("path", [CHAT, COMPLETIONS])
def test_every_described_field_is_taken(server: RunningServer, contract: Contract, path: str) -> None:
    schema = schema_of_body(contract, path)
    neutral = {name: field["enum"] for name, field in schema["properties"].items() if "enum" in field}
    assert set(schema["properties"]) == set(SAMPLES[path]) | set(neutral)
    bodies = [*SAMPLES[path].values(), *({name: value} for name, values in neutral.items() for value in values)]
    bodies += [{name: None for name in schema["properties"] if name not in LEAST[path]}]
    for given in bodies:
        body = {**LEAST[path], **given}
        contract.validate(schema, body)
        answer = server.client.post(path, json=body)
        assert answer.status_code == 200, (given, answer.text)
        contract.check("POST", path, 200, answer.headers["content-type"], answer.text)


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (CHAT, {"stream_options": {"include_usage": True}}),
        (CHAT, {"max_completion_tokens": 3}),
        (CHAT, {"add_generation_prompt": False}),
        (CHAT, {**BEGUN, "add_generation_prompt": True}),
        (CHAT, {**BEGUN, "response_format": {"type": "json_object"}}),
        (CHAT, {"top_logprobs": 1}),
        (CHAT, {"models": ["tiny", "um"]}),
        (CHAT, {"model": None, "models": ["um", "um"]}),
        (CHAT, {"model": None, "models": ["tiny", "um"], "logprobs": True, "n": 2}),
        (CHAT, {"tools": [{"type": "custom"}]}),
        (CHAT, {"messages": [{"role": "user", "content": "olá", "audio": {"id": "a"}}]}),
        (CHAT, {"outro": 1}),
        (CHAT, {"tool_choice": "required"}),
        (CHAT, {"tools": [{"type": "function", "function": {"name": "não sei"}}]}),
        (CHAT, {"response_format": {"type": "json_schema"}}),
        (CHAT, {"response_format": {**JSON_FORMAT, "type": "text"}}),
        (CHAT, {"reasoning_effort": "none", "chat_template_kwargs": {"enable_thinking": True}}),
        (CHAT, {"messages": [{"role": "user"}]}),
        (CHAT, {"messages": [{"role": "user", "content": "olá", "tool_call_id": "a"}]}),
        (CHAT, {"messages": [{"role": "assistant", "tool_calls": []}]}),
        (CHAT, {"messages": [*HELLO, {"role": "tool", "content": "olá"}]}),
        (COMPLETIONS, {"best_of": 2}),
        (COMPLETIONS, {"max_tokens": 0}),
        (COMPLETIONS, {"n": 2, "best_of": 1}),
        (COMPLETIONS, {"prompt": ""}),
        (COMPLETIONS, {"logit_bias": {"05": 1}}),
        (COMPLETIONS, {"suffix": "fim"}),
    ],
)
def test_what_is_refused_is_not_of_the_schema(
    server: RunningServer, contract: Contract, path: str, wrong: dict[str, Any]
) -> None:
    body = {**LEAST[path], **wrong}
    with pytest.raises(AssertionError):
        contract.validate(schema_of_body(contract, path), body)
    answer = server.client.post(path, json=body)
    assert answer.status_code == 400
    contract.check("POST", path, 400, answer.headers["content-type"], answer.text)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/health", 200),
        ("/ready", 200),
        ("/v1/models", 200),
        ("/v1/models/um", 200),
        ("/v1/models/tiny", 200),
        ("/v1/models/nada", 404),
        ("/openapi.json", 200),
    ],
)
def test_what_is_told_of_the_server_is_as_described(
    server: RunningServer, contract: Contract, path: str, status: int
) -> None:
    answer = server.client.get(path)
    assert answer.status_code == status
    contract.check("GET", path, status, answer.headers["content-type"], answer.text)


def test_refusals_at_the_door_are_described(server: RunningServer, contract: Contract) -> None:
    for status, headers in ((421, {"host": "longe.example"}), (403, {"origin": "http://longe.example"})):
        answer = server.client.get("/v1/models", headers=headers)
        assert answer.status_code == status
        contract.check("GET", "/v1/models", status, answer.headers["content-type"], answer.text)
    large = b'{"model": "' + b"a" * 17 * 1024**2 + b'"}'
    answer = server.client.post(CHAT, content=large, headers={"content-type": "application/json"})
    assert answer.status_code == 413
    contract.check("POST", CHAT, 413, answer.headers["content-type"], answer.text)
    answer = server.client.post(CHAT, content=json.dumps(LEAST[CHAT]), headers={"content-type": "text/plain"})
    contract.check("POST", CHAT, 415, answer.headers["content-type"], answer.text)
