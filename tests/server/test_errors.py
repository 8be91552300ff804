"""What is asked wrongly is refused in OpenAI's shape, naming what is wrong; the server answers on."""

from __future__ import annotations

import json
import socket
from typing import Any

import openai
import pytest
from openai.types import completion_create_params as completion_params
from openai.types.chat import completion_create_params as chat_params

from server.openai.schemas import ChatRequest, Common, CompletionRequest
from tests.support.running_server import RunningServer

HELLO = [{"role": "user", "content": "olá"}]
BEGUN = {"messages": [*HELLO, {"role": "assistant", "content": "Bom"}], "continue_final_message": True}


def error_of(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert body["error"]["message"]
    return body["error"]


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": None}, "messages"),
        ({"messages": "olá"}, "messages"),
        ({"messages": [{"role": "chefe", "content": "olá"}]}, "messages[0].role"),
        ({"messages": [{"role": "tool", "content": "olá", "tool_call_id": "x"}]}, "messages[0].tool_call_id"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"content": "olá"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": "olá", "extra": 1}]}, "messages[0].extra"),
        ({"messages": [{"role": "user", "content": "olá", "name": "ana"}]}, "messages[0].name"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            "messages[0].content",
        ),
        ({"model": 5}, "model"),
        ({"model": ""}, "model"),
        ({"model": None}, "model"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": "0.5"}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"top_p": 1.5}, "top_p"),
        ({"top_k": -2}, "top_k"),
        ({"top_k": 1.5}, "top_k"),
        ({"min_p": 2}, "min_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": -5}, "max_tokens"),
        ({"max_tokens": "8"}, "max_tokens"),
        ({"max_completion_tokens": 8}, "max_tokens"),
        ({"n": 0}, "n"),
        ({"n": 9}, "n"),
        ({"seed": 2**63}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"stop": ""}, "stop"),
        ({"stop": [""]}, "stop[0]"),
        ({"stop": [1]}, "stop[0]"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"presence_penalty": 3}, "presence_penalty"),
        ({"frequency_penalty": -3}, "frequency_penalty"),
        ({"logit_bias": {"5": 101}}, "logit_bias"),
        ({"logit_bias": {"cinco": 1}}, "logit_bias"),
        ({"logit_bias": {"999999": 1}}, "logit_bias"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"stream": "sim"}, "stream"),
        ({"stream": True, "stream_options": {"outra": 1}}, "stream_options.outra"),
        ({"stream": True, "stream_options": {"include_obfuscation": True}}, "stream_options.include_obfuscation"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"messages": [{"role": "user", "content": []}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"logit_bias": {"05": 1}}, "logit_bias"),
        ({"user": 5}, "user"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"store": 1}, "store"),
        ({"parallel_tool_calls": 1}, "parallel_tool_calls"),
        ({"service_tier": "flex"}, "service_tier"),
        ({"verbosity": "low"}, "verbosity"),
        ({"audio": {"voice": "alloy", "format": "wav"}}, "audio"),
        ({"prediction": {"type": "content", "content": "olá"}}, "prediction"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"reasoning_effort": "high"}, "reasoning_effort"),
        ({"modalities": ["audio"]}, "modalities"),
        ({"continue_final_message": True}, "continue_final_message"),
        ({"add_generation_prompt": False}, "add_generation_prompt"),
        ({"add_generation_prompt": True, "continue_final_message": True}, "add_generation_prompt"),
        ({**BEGUN, "response_format": {"type": "json_object"}}, "continue_final_message"),
        ({**BEGUN, "tools": [{"type": "function", "function": {"name": "f"}}]}, "continue_final_message"),
        ({"temprature": 0.5}, "temprature"),
    ],
)
def test_a_wrong_chat_request_is_a_400_that_names_the_field(
    server: RunningServer, wrong: dict[str, Any], param: str
) -> None:
    body = {"model": "tiny", "messages": HELLO, "max_tokens": 4, **wrong}
    answer = server.client.post(
        "/v1/chat/completions", content=json.dumps(body), headers={"content-type": "application/json"}
    )
    told = error_of(answer, 400)
    assert told["param"] == param
    assert told["type"] == "invalid_request_error"
    assert param.rpartition(".")[2] in told["message"]


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": [[]]}, "prompt"),
        ({"prompt": None}, "prompt"),
        ({"prompt": [1, "a"]}, "prompt"),
        ({"prompt": [-1]}, "prompt"),
        ({"prompt": [999_999]}, "prompt"),
        ({"prompt": {"a": 1}}, "prompt"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"suffix": "fim"}, "suffix"),
        ({"best_of": 3}, "best_of"),
        ({"logprobs": 6}, "logprobs"),
        ({"messages": HELLO}, "messages"),
        ({"prompt": [[1, 1.5]]}, "prompt"),
        ({"prompt": ["olá", ""]}, "prompt"),
        ({"prompt": ["olá"] * 33}, "prompt"),
    ],
)
def test_a_wrong_completions_request_is_a_400_that_names_the_field(
    server: RunningServer, wrong: dict[str, Any], param: str
) -> None:
    answer = server.client.post("/v1/completions", json={"model": "tiny", "prompt": "olá", **wrong})
    assert error_of(answer, 400)["param"].partition("[")[0] == param


@pytest.mark.parametrize(
    ("kind", "theirs"),
    [(ChatRequest, chat_params), (CompletionRequest, completion_params)],
    ids=["chat", "completions"],
)
def test_no_parameter_of_openais_is_unknown(kind: type[Common], theirs: Any) -> None:
    names = {
        *theirs.CompletionCreateParamsBase.__annotations__,
        *theirs.CompletionCreateParamsStreaming.__annotations__,
    }
    assert len(names) > 15
    assert names <= set(kind.model_fields) | set(kind.unsupported)


@pytest.mark.parametrize("value", [3, 3.0, "1e1"])
def test_whole_numbers_may_be_written_as_json_lets_them(server: RunningServer, value: Any) -> None:
    body = f'{{"model": "tiny", "messages": {json.dumps(HELLO)}, "max_tokens": {value}, "logit_bias": {{"2": -100}}}}'
    answer = server.client.post("/v1/chat/completions", content=body, headers={"content-type": "application/json"})
    assert answer.json()["usage"]["completion_tokens"] == int(float(value))


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_too_long_for_the_context_says_by_how_much(server: RunningServer, stream: bool) -> None:
    told = error_of(server.chat(messages=[{"role": "user", "content": "mãe " * 700}], stream=stream), 400)
    assert told["code"] == "context_length_exceeded"
    assert told["param"] == "messages"
    assert "512" in told["message"]


def test_a_conversation_that_the_template_refuses_is_a_400(server: RunningServer) -> None:
    assert server.chat(messages=[{"role": "user", "content": ""}]).status_code == 200


@pytest.mark.parametrize(
    ("models", "param"),
    [(["um"], "models"), (["um", "um"], "models"), (["um", ""], "models[1]"), (["tiny", "outra"], "models")],
)
def test_models_that_cannot_be_compared_are_refused(server: RunningServer, models: list[str], param: str) -> None:
    assert error_of(server.chat(model=None, models=models), 400)["param"] == param


def test_models_of_several_bases_are_named_with_their_bases(server: RunningServer) -> None:
    told = error_of(server.chat(model=None, models=["um", "outra"]), 400)
    assert "`um` is of `tiny`" in told["message"]
    assert "`outra` is of `outra`" in told["message"]
    assert error_of(server.chat(models=["um", "tiny"]), 400)["param"] == "models"
    assert error_of(server.chat(model=None, models=["um", "tiny"], logprobs=True, n=2), 400)["param"] == "n"
    assert error_of(server.chat(model=None, models=["tiny", "umm"]), 404)["param"] == "models[1]"


@pytest.mark.parametrize(("model", "near"), [("tinny", "`tiny`"), ("umm", "`um`"), ("um@00000000", "um@")])
def test_an_unknown_model_is_a_404_with_the_nearest_names(server: RunningServer, model: str, near: str) -> None:
    told = error_of(server.chat(model=model), 404)
    assert told["code"] == "model_not_found"
    assert told["param"] == "model"
    assert near in told["message"]
    assert error_of(server.client.get(f"/v1/models/{model}"), 404)["code"] == "model_not_found"


def test_openais_client_raises_its_own_errors(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="nada", messages=HELLO)  # type: ignore[arg-type]
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="tiny", messages=[])
    assert caught.value.param == "messages"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1]",
        b"nada",
        b'{"a": NaN}',
        b"\xff\xfe",
        b"[" * 200_000,
        b'"a"',
        b'{"model": "\\ud800"}',
        b'{"n": 1, "n": 2}',
        b'{"n": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_json_object_is_a_400(server: RunningServer, body: bytes) -> None:
    answer = server.client.post("/v1/chat/completions", content=body, headers={"content-type": "application/json"})
    assert error_of(answer, 400)["code"] == "invalid_json"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
def test_another_content_type_is_refused(server: RunningServer, kind: str | None) -> None:
    headers = {"content-type": kind} if kind else {}
    answer = server.client.post("/v1/chat/completions", content=b"{}", headers=headers)
    assert "application/json" in error_of(answer, 415)["message"]


def test_wrong_methods_and_routes_are_json_too(server: RunningServer) -> None:
    wrong_method = server.client.get("/v1/chat/completions")
    assert error_of(wrong_method, 405)["code"] == "method_not_allowed"
    assert wrong_method.headers["allow"] == "POST"
    assert error_of(server.client.post("/v1/models", json={}), 405)
    for path in ("/v1/nada", "/nada", "/v1/chat", "/v1/embeddings"):
        assert error_of(server.client.get(path), 404)["code"] == "unknown_route"


def test_what_is_not_http_does_not_disturb_the_server(server: RunningServer) -> None:
    host, _, port = server.url.removeprefix("http://").partition(":")
    for junk in (b"\x00\xff\x16\x03\x01", b"GET\r\n\r\n", b"POST /v1/chat/completions HTTP/1.1\r\n"):
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(junk)
    assert server.chat().status_code == 200


def test_a_refused_request_leaves_the_engine_answering(server: RunningServer) -> None:
    before, restarts = server.chat(temperature=0).json()["choices"], server.health()["engine"]["restarts"]
    for wrong in ({"logit_bias": {"999999": 1}}, {"messages": [{"role": "user", "content": "mãe " * 700}]}):
        server.chat(**wrong)
    assert server.chat(temperature=0).json()["choices"] == before
    assert server.health()["engine"]["restarts"] == restarts
