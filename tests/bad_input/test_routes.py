"""Bad input of every HTTP route that tests/server does not have: OpenAI's shape, our words, nothing changed."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from mcp import Client

from tests.bad_input.clear import check_words
from tests.support.running_server import RunningServer

HELLO = [{"role": "user", "content": "olá"}]
JSON = {"content-type": "application/json"}
MCP = {**JSON, "accept": "application/json, text/event-stream"}


def refusal(answer: httpx2.Response, status: int) -> dict[str, Any]:
    """The error of an answer, in OpenAI's shape, in words of ours."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    check_words(body["error"]["message"])
    return body["error"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/health", {"GET", "HEAD"}),
        ("/ready", {"GET", "HEAD"}),
        ("/v1/models", {"GET", "HEAD"}),
        ("/v1/models/tiny", {"GET", "HEAD"}),
        ("/v1/chat/completions", {"POST"}),
        ("/v1/completions", {"POST"}),
    ],
)
def test_methods_that_a_route_does_not_take_are_named(
    shared_server: RunningServer, unchanged: None, path: str, allowed: set[str]
) -> None:
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - allowed:
        answer = shared_server.client.request(method, path)
        told = refusal(answer, 405)
        assert told["code"] == "method_not_allowed"
        assert method in told["message"]
        assert set(answer.headers["allow"].split(", ")) == allowed


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("tinny", "Did you mean `tiny`?"),
        ("", "no model named ``"),
        ("@", "no model named `@`"),
        ("um@..", "no adapter named `um@..`"),
        ("..%2f..%2fetc%2fpasswd", "no model named `../../etc/passwd`"),
        ("org/name/more", "no model named `org/name/more`"),
        ("%00", "no model named `?`"),
        ("%ff", "no model named `\ufffd`"),
        ("x" * 4000, "x…`"),
        ("parado-20261124-1", "has made no adapter yet"),
    ],
)
def test_ids_that_name_nothing_are_not_found(
    shared_server: RunningServer, unchanged: None, path: str, shown: str
) -> None:
    told = refusal(shared_server.client.get(f"/v1/models/{path}"), 404)
    assert (told["code"], told["param"]) == ("model_not_found", "model")
    assert shown in told["message"]
    assert len(told["message"]) < 1000


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("binario", "afina.json cannot be read"),
        ("sem-campos", "afina.json cannot be read"),
        ("alheio", "what is installed by that name is another"),
        ("estragada", "Remove "),
    ],
)
def test_what_is_damaged_is_refused_by_every_route_and_left_out_of_the_list(
    shared_server: RunningServer, unchanged: None, model: str, says: str
) -> None:
    client = shared_server.client
    for answer in (
        client.get(f"/v1/models/{model}"),
        shared_server.chat(model=model),
        shared_server.chat(model=model, stream=True),
        client.post("/v1/completions", json={"model": model, "prompt": "olá"}),
    ):
        told = refusal(answer, 422)
        assert (told["code"], told["param"]) == ("model_refused", "model")
        assert model in told["message"]
        assert says in told["message"]
    assert model not in {entry["id"] for entry in client.get("/v1/models").json()["data"]}


@pytest.mark.parametrize(
    ("model", "says"),
    [("sem-pesos", "adapters.safetensors"), ("sem-matriz", "sem-matriz"), ("sem-fichas", "tokenizer")],
)
def test_what_is_found_damaged_when_it_is_loaded_is_refused_and_the_others_go_on(
    shared_server: RunningServer, unchanged: None, model: str, says: str
) -> None:
    for answer in (
        shared_server.chat(model=model),
        shared_server.client.post("/v1/completions", json={"model": model, "prompt": "olá"}),
    ):
        told = refusal(answer, 422)
        assert says in told["message"]
    assert shared_server.chat().status_code == 200


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", "line 1, column 1"),
        (b'{"model": "tiny", "prompt": }', "line 1, column 29"),
        (b'{"model": "tiny"\n"prompt": "a"}', "line 2, column 1"),
        (b"\xff\xfe", ""),
        (b'{"prompt": Infinity}', ""),
        (b"[1]", "object"),
    ],
)
def test_a_completions_body_that_is_no_json_object_is_told_with_its_place(
    shared_server: RunningServer, unchanged: None, body: bytes, place: str
) -> None:
    told = refusal(shared_server.client.post("/v1/completions", content=body, headers=JSON), 400)
    assert told["code"] == "invalid_json"
    assert place in told["message"]


@pytest.mark.parametrize(
    ("wrong", "param", "says"),
    [
        ({"prompt": 5}, "prompt", "string"),
        ({"prompt": None}, "prompt", "`prompt` is missing."),
        ({"promt": "a"}, "promt", "Did you mean `prompt`?"),
        ({"model": 5}, "model", "string"),
        ({"max_tokens": "8"}, "max_tokens", "whole number"),
        ({"max_tokens": 10**30}, "max_tokens", "at most"),
        ({"stream": "sim"}, "stream", "true or false"),
        ({"temperature": 9}, "temperature", "at most 2"),
        ({"prompt": "mãe " * 700}, "prompt", "context of 512"),
    ],
)
def test_a_wrong_field_of_completions_is_named_with_what_was_expected(
    shared_server: RunningServer, unchanged: None, wrong: dict[str, Any], param: str, says: str
) -> None:
    body = json.dumps({"model": "tiny", "prompt": "olá", **wrong})
    told = refusal(shared_server.client.post("/v1/completions", content=body, headers=JSON), 400)
    assert told["param"].partition("[")[0] == param
    assert says in told["message"]


def test_a_completions_body_of_another_type_is_refused(shared_server: RunningServer, unchanged: None) -> None:
    answer = shared_server.client.post("/v1/completions", content=b"{}", headers={"content-type": "text/plain"})
    assert "Content-Type: application/json" in refusal(answer, 415)["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/nada",
        "/v1",
        "/v1/",
        "/v2/models",
        "/v1/chat/completions/",
        "/v1/embeddings",
        "/%2e%2e/etc/passwd",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_route_says_where_the_api_is(
    shared_server: RunningServer, unchanged: None, method: str, path: str
) -> None:
    told = refusal(shared_server.client.request(method, path), 404)
    assert told["code"] == "unknown_route"
    assert "/v1" in told["message"]


def test_health_takes_no_notice_of_what_is_asked_besides(shared_server: RunningServer, unchanged: None) -> None:
    for path in ("/health?x=%00", "/health?" + "a" * 4000):
        assert shared_server.client.get(path, headers={"accept": "image/png"}).json()["status"] == "ok"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, -32700),
        (b"{", 400, -32700),
        (b"\xff", 400, -32700),
        (b"[" * 100_000, 400, -32700),
        (b"[]", 400, -32602),
        (b"null", 400, -32602),
        (b'{"jsonrpc": "1.0", "id": 1, "method": "tools/list"}', 400, -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {}}', 400, -32600),
    ],
)
def test_what_is_no_message_of_the_protocol_is_an_error_of_it(
    shared_server: RunningServer, unchanged: None, body: bytes, status: int, code: int
) -> None:
    answer = shared_server.client.post("/mcp", content=body, headers=MCP)
    assert answer.status_code == status
    told = answer.json()
    assert told["jsonrpc"] == "2.0"
    assert told["error"]["code"] == code
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("PUT", MCP, 405),
        ("PATCH", MCP, 405),
        ("POST", {**JSON, "accept": "text/html"}, 406),
        ("GET", {"accept": "application/json"}, 406),
        ("POST", {**MCP, "content-type": "text/plain"}, 400),
        ("POST", {**MCP, "mcp-session-id": "nada"}, 404),
    ],
)
def test_mcp_asked_in_another_way_is_refused(
    shared_server: RunningServer, unchanged: None, method: str, headers: dict[str, str], status: int
) -> None:
    body = b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}'
    answer = shared_server.client.request(method, "/mcp", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.text
    assert "Traceback" not in answer.text


async def test_over_http_an_assistant_is_told_what_is_wrong(shared_server: RunningServer, unchanged: None) -> None:
    async with Client(f"{shared_server.url}/mcp") as client:
        for tool, given, says in (
            ("start_finetune", {"dataset": "livro"}, "Did you mean `livros`?"),
            ("ask_model", {"prompt": "a", "models": ["alheio"]}, "`alheio` was trained on `tiny`"),
            ("list_workspace", {"limit": "5"}, "a whole number from 1 to 200"),
        ):
            refused = await client.call_tool(tool, given)
            assert refused.is_error
            assert says in refused.content[0].text
            check_words(refused.content[0].text)


def test_after_all_of_it_the_server_still_answers(shared_server: RunningServer, unchanged: None) -> None:
    assert shared_server.chat().status_code == 200
    assert shared_server.health()["engine"]["restarts"] == 0
