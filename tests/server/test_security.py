from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from server.app import serve
from server.settings import Settings
from tests.support.running_server import RunningServer
from tests.support.tiny_model import make_tiny_model
from tools.errors import InvalidArgument
from tools.workspace.layout import Workspace, open_workspace

KEY = "uma-chave-longa"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with two keys, a small limit, and one host and one origin allowed."""
    ws = open_workspace(tmp_path_factory.mktemp("guarded") / "afina")
    make_tiny_model(ws)
    settings: dict[str, Any] = {
        "api_key": f"{KEY}, outra-chave",
        "max_body_mb": 0.25,
        "allowed_hosts": "afina.casa",
        "allowed_origins": "https://painel.casa",
    }
    with RunningServer(ws, **settings) as running:
        yield running


# One of each kind: our own pages and numbers, the API, what is mounted, what is not there.
ROUTES = ["/health", "/ready", "/metrics", "/openapi.json", "/v1/models", "/v1/chat/completions", "/mcp", "/nowhere"]


def get(server: RunningServer, path: str = "/v1/models", key: str | None = KEY, **headers: str) -> httpx2.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if key is not None:
        sent["authorization"] = f"Bearer {key}"
    return server.client.get(path, headers=sent)


def code(answer: httpx2.Response) -> str:
    return answer.json()["error"]["code"]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8321", "127.0.0.1.evil.example", "", "[::2]:80"])
def test_a_host_name_that_is_not_ours_is_refused(guarded: RunningServer, host: str) -> None:
    answer = get(guarded, host=host)
    assert answer.status_code == 421
    assert code(answer) == "host_not_allowed"


@pytest.mark.parametrize("path", ROUTES)
def test_host_and_origin_are_checked_on_every_route(guarded: RunningServer, path: str) -> None:
    assert code(get(guarded, path, host="evil.example")) == "host_not_allowed"
    assert code(get(guarded, path, origin="https://evil.example")) == "origin_not_allowed"
    let_in = get(guarded, path, host="afina.casa", origin="https://painel.casa", accept="application/json")
    assert let_in.status_code not in (401, 403, 421)
    assert let_in.headers["access-control-allow-origin"] == "https://painel.casa"


def test_an_allowed_host_may_speak_mcp(guarded: RunningServer) -> None:
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    }
    headers = {"accept": "application/json, text/event-stream", "authorization": f"Bearer {KEY}", "host": "afina.casa"}
    answer = guarded.client.post("/mcp", json=hello, headers={**headers, "origin": "https://painel.casa"})
    assert answer.status_code == 200
    assert "serverInfo" in answer.text


def test_without_allowed_origins_no_page_of_others_is_let_in(server: RunningServer) -> None:
    answer = server.client.get("/v1/models", headers={"origin": "https://painel.casa"})
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert not [name for name in server.client.get("/v1/models").headers if name.startswith("access-control")]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:99", "127.0.0.1", "[::1]:8321", "afina.casa"])
def test_loopback_names_and_allowed_ones_are_served(guarded: RunningServer, host: str) -> None:
    assert get(guarded, host=host).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "file://"])
def test_pages_of_other_origins_are_refused(guarded: RunningServer, origin: str) -> None:
    answer = get(guarded, origin=origin)
    assert answer.status_code == 403
    assert code(answer) == "origin_not_allowed"


def test_our_own_pages_and_allowed_origins_may_call(guarded: RunningServer) -> None:
    assert get(guarded, origin=guarded.url).status_code == 200
    answer = get(guarded, origin="https://painel.casa")
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://painel.casa"
    asked = guarded.client.request(
        "OPTIONS",
        "/v1/chat/completions",
        headers={"origin": "https://painel.casa", "access-control-request-method": "POST"},
    )
    assert asked.status_code == 204
    assert "authorization" in asked.headers["access-control-allow-headers"]


@pytest.mark.parametrize("key", [None, "x", "errada", KEY + "x", KEY[:-1], f"{KEY}, outra-chave"])
def test_a_missing_or_wrong_key_is_a_401(guarded: RunningServer, key: str | None) -> None:
    for path in ("/v1/models", "/mcp", "/mcp/", "/metrics", "/openapi.json", "/nada", "/v1/../v1/models", "//health"):
        answer = get(guarded, path, key)
        assert answer.status_code == 401
        assert code(answer) == "invalid_api_key"
        assert answer.headers["www-authenticate"] == "Bearer"


def test_each_key_opens(guarded: RunningServer) -> None:
    assert get(guarded).status_code == 200
    assert get(guarded, key="outra-chave").status_code == 200
    basic = guarded.client.get("/v1/models", headers={"authorization": f"Basic {KEY}"})
    assert basic.status_code == 401


def test_health_needs_no_key_but_tells_more_with_one(guarded: RunningServer) -> None:
    assert set(get(guarded, "/health", None).json()) == {"status", "version"}
    assert "engine" in get(guarded, "/health").json()


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/mcp"])
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("size", [300_000, 8_000_000])
def test_a_body_too_large_is_a_413(guarded: RunningServer, path: str, chunked: bool, size: int) -> None:
    body = json.dumps({"model": "tiny", "messages": [{"role": "user", "content": "a" * size}]}).encode()

    def pieces() -> Iterator[bytes]:
        for at in range(0, len(body), 50_000):
            yield body[at : at + 50_000]

    headers = {"content-type": "application/json", "authorization": f"Bearer {KEY}"}
    headers["accept"] = "application/json, text/event-stream"
    answer = guarded.client.post(path, content=pieces() if chunked else body, headers=headers)
    assert answer.status_code == 413
    assert code(answer) == "request_too_large"
    assert get(guarded).status_code == 200


def test_a_body_below_the_limit_is_read(guarded: RunningServer) -> None:
    body = {"model": "tiny", "messages": [{"role": "user", "content": "a" * 200_000}]}
    answer = guarded.client.post("/v1/chat/completions", json=body, headers={"authorization": f"Bearer {KEY}"})
    assert answer.json()["error"]["code"] == "context_length_exceeded"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "afina.casa"])
def test_other_machines_are_let_in_only_with_a_key(ws: Workspace, host: str) -> None:
    with pytest.raises(InvalidArgument, match="no key") as refused:
        serve(Settings(workspace=ws.root, host=host, port=0))
    assert refused.value.field == "host"


def test_with_a_key_all_addresses_are_served(tmp_path_factory: pytest.TempPathFactory) -> None:
    ws = open_workspace(tmp_path_factory.mktemp("open") / "afina")
    with RunningServer(ws, host="0.0.0.0", api_key=KEY) as server:
        assert "127.0.0.1" in server.url
        assert get(server, host="10.1.2.3:8321").status_code == 200
        assert get(server, host="evil.example").status_code == 421
        assert get(server, key=None).status_code == 401
